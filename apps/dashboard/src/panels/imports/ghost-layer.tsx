import { useFrame } from '@react-three/fiber';
import type { ImportPlace } from '@sigma/proto';
import { useContext, useEffect, useMemo } from 'react';
import {
  BoxGeometry,
  BufferAttribute,
  BufferGeometry,
  Color,
  InstancedMesh,
  Matrix4,
  MeshBasicMaterial,
  Points,
  PointsMaterial,
  Quaternion,
  RingGeometry,
  Vector3,
} from 'three';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { Ghosts } from './ghosts.ts';

const MOST = 200;
const MOST_POINTS = 20_000;
const FLOOR_M = 0.07;
const RING_M = { inner: 0.62, outer: 0.74 } as const;
const NOSE_M = { length: 0.9, width: 0.12 } as const;
const POINT_PX = 4;
const UP = new Vector3(0, 0, 1);

/** Rings where an import says that things are, a line in the direction that they look, and what they see as points. */
export function GhostLayer() {
  const { theme } = useMissionControl();
  const places = useContext(Ghosts);
  const marks = useMemo(() => new GhostMarks(), []);
  useEffect(() => () => marks.dispose(), [marks]);
  useEffect(() => {
    const dress = () => marks.dress(getComputedStyle(document.documentElement).getPropertyValue('--simulation').trim());
    dress();
    return theme.subscribe(dress);
  }, [marks, theme]);
  useFrame(() => marks.show(places?.get() ?? []));
  return (
    <>
      <primitive object={marks.rings} />
      <primitive object={marks.noses} />
      <primitive object={marks.points} />
    </>
  );
}

class GhostMarks {
  readonly rings: InstancedMesh;
  readonly noses: InstancedMesh;
  readonly points: Points;
  readonly #material = new MeshBasicMaterial({ transparent: true, opacity: 0.95, depthTest: false });
  readonly #dots = new PointsMaterial({ size: POINT_PX, sizeAttenuation: false, depthTest: false, transparent: true });
  readonly #seen = new BufferAttribute(new Float32Array(MOST_POINTS * 3), 3);
  readonly #matrix = new Matrix4();
  readonly #turn = new Quaternion();
  readonly #place = new Vector3();
  readonly #size = new Vector3(1, 1, 1);
  #shown: readonly ImportPlace[] = [];

  constructor() {
    this.rings = new InstancedMesh(new RingGeometry(RING_M.inner, RING_M.outer, 32), this.#material, MOST);
    this.noses = new InstancedMesh(new BoxGeometry(NOSE_M.length, NOSE_M.width, 0.01), this.#material, MOST);
    const geometry = new BufferGeometry();
    geometry.setAttribute('position', this.#seen);
    geometry.setDrawRange(0, 0);
    this.points = new Points(geometry, this.#dots);
    for (const mesh of [this.rings, this.noses, this.points]) {
      mesh.frustumCulled = false;
      mesh.renderOrder = 39;
    }
    for (const mesh of [this.rings, this.noses]) mesh.count = 0;
  }

  dress(colour: string): void {
    if (colour === '') return;
    this.#material.color = new Color(colour);
    this.#dots.color = new Color(colour);
  }

  show(places: readonly ImportPlace[]): void {
    if (places === this.#shown) return;
    this.#shown = places;
    let [count, dots] = [0, 0];
    for (const { xM, yM, headingRad, pointsM } of places.slice(0, MOST)) {
      this.#turn.setFromAxisAngle(UP, headingRad);
      this.rings.setMatrixAt(count, this.#matrix.compose(this.#place.set(xM, yM, FLOOR_M), this.#turn, this.#size));
      const ahead = RING_M.inner + NOSE_M.length / 2;
      this.#place.set(xM + Math.cos(headingRad) * ahead, yM + Math.sin(headingRad) * ahead, FLOOR_M);
      this.noses.setMatrixAt(count, this.#matrix.compose(this.#place, this.#turn, this.#size));
      count++;
      for (let k = 0; k + 1 < pointsM.length && dots < MOST_POINTS; k += 2)
        this.#seen.setXYZ(dots++, pointsM[k] as number, pointsM[k + 1] as number, FLOOR_M);
    }
    for (const mesh of [this.rings, this.noses]) {
      mesh.count = count;
      mesh.instanceMatrix.needsUpdate = true;
    }
    this.#seen.needsUpdate = true;
    this.points.geometry.setDrawRange(0, dots);
  }

  dispose(): void {
    for (const mesh of [this.rings, this.noses]) {
      mesh.geometry.dispose();
      mesh.dispose();
    }
    this.points.geometry.dispose();
    this.#material.dispose();
    this.#dots.dispose();
  }
}
