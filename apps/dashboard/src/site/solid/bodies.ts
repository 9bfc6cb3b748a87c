import type { Object3D, Texture } from 'three';
import type { PoseColumns } from '../../live/poses.ts';
import type { BodyTable } from '../body-table.ts';
import { signOf } from '../body-table.ts';
import type { Lens } from './lens.ts';
import { Models } from './models.ts';
import { carrierModel, humanoidModel, personModel } from './robot-models.ts';
import { type SceneUniforms, tone } from './scene-uniforms.ts';
import { spriteIndex } from './sprite-atlas.ts';
import { AWAY_M, Sprites } from './sprites.ts';

/** A body that is wider than this on the picture is shown as what it is. From above a sign says more for longer. */
const MODEL_FROM_PX = { map: 15, perspective: 8.5 } as const;
const MODELS_AT_MOST = { quick: 1_500, slow: 90 } as const;
/** More bodies than this are dots from afar; fewer keep a shape of the least size. */
const CROWD = 400;
const LEAST_PX = 4.5;
/** Signs float at half the body's height, so that the floor does not hide them. */
const HALF_HEIGHT_M = { carrier: 0.25, humanoid: 0.8 } as const;
/** Over a model the sign floats above its head, of this size. */
const MARK_PX = 11;
const OVER_HEAD_M = { carrier: 0.95, humanoid: 2.1 } as const;
const PERSON_RADIUS_M = 0.28;

const SPRITE = {
  carrier: spriteIndex('carrier'),
  humanoid: spriteIndex('humanoid'),
  staleCarrier: spriteIndex('staleCarrier'),
  staleHumanoid: spriteIndex('staleHumanoid'),
  person: spriteIndex('person'),
  ring: spriteIndex('ring'),
  hover: spriteIndex('hover'),
} as const;

export interface BodyFocus {
  readonly selectedRow: number;
  readonly hoveredRow: number;
}

/**
 * All that has a body: robots as dots, signs or models by their size on the picture, the signs of abnormal states above
 * them, people, and the rings around what is chosen.
 */
export class Bodies {
  readonly robots: Sprites;
  readonly marks: Sprites;
  readonly people: Sprites;
  readonly carriers: Models;
  readonly humanoids: Models;
  readonly persons: Models;
  #revision = -1;

  constructor(uniforms: SceneUniforms, signs: Texture) {
    this.robots = new Sprites(uniforms, signs, 40);
    this.people = new Sprites(uniforms, signs, 44);
    this.marks = new Sprites(uniforms, signs, 60, { inSight: true });
    this.carriers = new Models(carrierModel(), uniforms, MODELS_AT_MOST.quick, 50);
    this.humanoids = new Models(humanoidModel(), uniforms, MODELS_AT_MOST.quick, 51);
    this.persons = new Models(personModel(), uniforms, 200, 52);
  }

  get objects(): Object3D[] {
    const signs = [this.robots, this.people, this.marks].map((one): Object3D => one.points);
    return [...signs, ...[this.carriers, this.humanoids, this.persons].map((one): Object3D => one.mesh)];
  }

  update(
    table: BodyTable,
    poses: PoseColumns,
    people: Float32Array,
    lens: Lens,
    focus: BodyFocus,
    quick: boolean,
  ): void {
    const dressed = table.revision !== this.#revision;
    this.#revision = table.revision;
    this.robots.reserve(table.count);
    if (dressed) this.#dress(table);
    this.robots.crowd(table.count > CROWD);
    this.#placeRobots(table, poses, lens, quick);
    this.robots.commit(table.count, dressed);
    this.#placePeople(people, lens);
    this.#placeMarks(table, poses, focus);
  }

  #dress(table: BodyTable): void {
    const least = table.count > CROWD ? 2 : LEAST_PX;
    for (let row = 0; row < table.count; row++) {
      const stale = table.stale[row] === 1;
      const humanoid = table.humanoid[row] === 1;
      const sprite = humanoid
        ? stale
          ? SPRITE.staleHumanoid
          : SPRITE.humanoid
        : stale
          ? SPRITE.staleCarrier
          : SPRITE.carrier;
      const dress = stale ? tone('stale') : (table.level[row] as number);
      this.robots.dress(row, sprite, dress, table.radiusM[row] as number, least);
    }
  }

  #placeRobots(table: BodyTable, poses: PoseColumns, lens: Lens, quick: boolean): void {
    this.carriers.begin();
    this.humanoids.begin();
    const from = MODEL_FROM_PX[lens.look.mode];
    const out = SCRATCH;
    let room: number = quick ? MODELS_AT_MOST.quick : MODELS_AT_MOST.slow;
    // The map has one scale; where even the largest body stays small there, none is looked at one by one.
    const near = lens.look.mode === 'perspective' || lens.look.pxPerM * 0.4 >= from;
    for (let row = 0; row < table.count; row++) {
      const x = poses.xM[row] as number;
      const y = poses.yM[row] as number;
      const heading = poses.headingRad[row] as number;
      const humanoid = table.humanoid[row] === 1;
      if (Number.isNaN(x) || Number.isNaN(y)) {
        this.robots.put(row, 0, 0, AWAY_M, 0);
        continue;
      }
      let solid = false;
      if (near && room > 0 && table.stale[row] !== 1 && lens.project(x, y, 0, out)) {
        const [px, py, scale] = out as unknown as [number, number, number];
        const inside = px > -60 && py > -60 && px < lens.widthPx + 60 && py < lens.heightPx + 60;
        if (inside && (table.radiusM[row] as number) * scale >= from) {
          solid = (humanoid ? this.humanoids : this.carriers).put(x, y, heading, table.level[row] as number);
          if (solid) room--;
        }
      }
      const half = humanoid ? HALF_HEIGHT_M.humanoid : HALF_HEIGHT_M.carrier;
      this.robots.put(row, x, y, solid ? AWAY_M : half, heading);
    }
    this.carriers.commit();
    this.humanoids.commit();
  }

  #placePeople(people: Float32Array, lens: Lens): void {
    const count = people.length >> 1;
    this.people.reserve(count);
    this.persons.begin();
    const out = SCRATCH;
    for (let k = 0; k < count; k++) {
      const [x, y] = [people[k * 2] as number, people[k * 2 + 1] as number];
      const near =
        lens.look.mode === 'perspective' &&
        lens.project(x, y, 0, out) &&
        (out[2] as number) * PERSON_RADIUS_M >= MODEL_FROM_PX.perspective * 0.7;
      const solid = near && this.persons.put(x, y, 0, tone('person'));
      this.people.put(k, x, y, solid ? AWAY_M : 0.9, 0);
      this.people.dress(k, SPRITE.person, tone('person'), PERSON_RADIUS_M, 4.5);
    }
    this.people.commit(count, true);
    this.persons.commit();
  }

  /** What must be seen in any crowd is drawn again, larger and above the rest: abnormal bodies, and the chosen ones. */
  #placeMarks(table: BodyTable, poses: PoseColumns, focus: BodyFocus): void {
    const { marks } = this;
    marks.reserve(table.abnormal.length * 2 + 2);
    let count = 0;
    const add = (row: number, sprite: number, colour: number, leastPx: number, heading: number) => {
      const kind = table.humanoid[row] === 1 ? 'humanoid' : 'carrier';
      const height = this.isSolid(row) ? OVER_HEAD_M[kind] : HALF_HEIGHT_M[kind];
      marks.put(count, poses.xM[row] as number, poses.yM[row] as number, height, heading);
      const solid = this.isSolid(row);
      marks.dress(count++, sprite, colour, solid ? 0 : (table.radiusM[row] as number), solid ? MARK_PX : leastPx);
    };
    for (const row of table.abnormal) {
      if (Number.isNaN(poses.xM[row])) continue;
      const colour = table.stale[row] === 1 ? tone('stale') : (table.level[row] as number);
      if (!this.isSolid(row) && table.count > CROWD) {
        add(row, this.robots.look[row * 4] as number, colour, LEAST_PX, poses.headingRad[row] as number);
      }
      const sign = table.stale[row] === 1 ? null : signOf(table.states[row]?.shape ?? 'dot');
      if (sign !== null) add(row, spriteIndex(sign), colour, 6, 0);
    }
    const located = (row: number): number => (Number.isNaN(poses.xM[row]) ? -1 : row);
    const [selectedRow, hoveredRow] = [located(focus.selectedRow), located(focus.hoveredRow)];
    if (hoveredRow >= 0 && hoveredRow !== selectedRow && !this.isSolid(hoveredRow)) {
      add(hoveredRow, SPRITE.hover, tone('accent'), 7, 0);
    }
    if (selectedRow >= 0 && !this.isSolid(selectedRow)) add(selectedRow, SPRITE.ring, tone('accent'), 7, 0);
    marks.commit(count, true);
  }

  /** Whether the body was drawn as a model in the last picture: what is chosen then wears a ring on the floor. */
  isSolid(row: number): boolean {
    return this.robots.place[row * 4 + 2] === AWAY_M;
  }

  dispose(): void {
    for (const one of [this.robots, this.people, this.marks, this.carriers, this.humanoids, this.persons])
      one.dispose();
  }
}

const SCRATCH = new Float64Array(3);
