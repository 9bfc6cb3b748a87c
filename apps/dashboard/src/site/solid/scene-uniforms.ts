import { Color, DataTexture, type IUniform, RedFormat, type Texture, UnsignedByteType, Vector2 } from 'three';
import { LEVELS } from '../body-table.ts';
import type { MapColours } from '../map-colours.ts';
import type { Lens } from './lens.ts';

/** Colours that sprites and lines name by a number: the levels first, in the order of LEVELS. */
export const PALETTE = [
  ...LEVELS,
  'stale',
  'person',
  'path',
  'lidar',
  'accent',
  'arrow',
  'name',
  'zoneRestricted',
  'zoneSlow',
  'ink',
] as const;
export type Tone = (typeof PALETTE)[number];
export const tone = (name: Tone): number => PALETTE.indexOf(name);

/** Values that every material of the scene shares; one object each, so that a frame sets them once. */
export interface SceneUniforms {
  readonly uPage: IUniform<Vector2>;
  /** Device pixels for a pixel of the page. */
  readonly uRatio: IUniform<number>;
  readonly uPxPerM: IUniform<number>;
  readonly uPalette: IUniform<Color[]>;
  readonly uEdge: IUniform<Color>;
  readonly uHalo: IUniform<Color>;
  readonly uStillDepth: IUniform<Texture>;
  readonly uHides: IUniform<number>;
  [name: string]: IUniform;
}

export function sceneUniforms(): SceneUniforms {
  const nothing = new DataTexture(Uint8Array.of(255), 1, 1, RedFormat, UnsignedByteType);
  nothing.needsUpdate = true;
  return {
    uPage: { value: new Vector2(1, 1) },
    uRatio: { value: 1 },
    uPxPerM: { value: 1 },
    uPalette: { value: PALETTE.map(() => new Color()) },
    uEdge: { value: new Color() },
    uHalo: { value: new Color() },
    uStillDepth: { value: nothing },
    uHides: { value: 0 },
  };
}

export function wearColours(uniforms: SceneUniforms, colours: MapColours): void {
  PALETTE.forEach((name, k) => {
    const text = name in colours.level ? colours.level[name as keyof MapColours['level']] : toneText(name, colours);
    uniforms.uPalette.value[k]?.set(opaque(text));
  });
  uniforms.uEdge.value.set(opaque(colours.robotEdge));
  uniforms.uHalo.value.set(opaque(colours.halo));
}

function toneText(name: Tone, colours: MapColours): string {
  const text = (colours as unknown as Readonly<Record<string, unknown>>)[name];
  return typeof text === 'string' ? text : colours.ink;
}

/** `#rrggbbaa` without its alpha, which a colour of three cannot hold. */
export const opaque = (token: string): string => (/^#[0-9a-f]{8}$/i.test(token) ? token.slice(0, 7) : token);

export function wearLens(uniforms: SceneUniforms, lens: Lens, ratio: number): void {
  uniforms.uPage.value.set(lens.widthPx, lens.heightPx);
  uniforms.uRatio.value = ratio;
  uniforms.uPxPerM.value = lens.pxPerMAtUnit;
}
