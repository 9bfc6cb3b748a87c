import { useFrame } from '@react-three/fiber';
import { useEffect, useMemo } from 'react';
import {
  BoxGeometry,
  Color,
  InstancedMesh,
  Matrix4,
  MeshBasicMaterial,
  Quaternion,
  RingGeometry,
  Vector3,
} from 'three';
import { useMissionControl } from '../../frame/mission-control.tsx';
import { apartNow } from './apart.ts';
import { useOtherLife } from './other-place.ts';

const MOST = 200;
const FLOOR_M = 0.06;
const LINE_M = 0.1;
const RING_M = { inner: 0.5, outer: 0.58 } as const;
const UP = new Vector3(0, 0, 1);

/** Where robots are in the other life: a line from here to there, and a ring at its end. */
export function DifferenceLayer() {
  const { live, nowMs, theme } = useMissionControl();
  const other = useOtherLife();
  const marks = useMemo(() => new DifferenceMarks(), []);
  useEffect(() => () => marks.dispose(), [marks]);
  useEffect(() => {
    const dress = () => marks.dress(getComputedStyle(document.documentElement).getPropertyValue('--advisory').trim());
    dress();
    return theme.subscribe(dress);
  }, [marks, theme]);
  useFrame(() => {
    if (other === null) return;
    const here = live.sample(nowMs());
    const there = other.sample(nowMs());
    let count = 0;
    for (const { id } of apartNow(live, other, nowMs()).slice(0, MOST)) {
      const [from, to] = [live.row(id), other.row(id)];
      marks.place(
        count++,
        here.xM[from] as number,
        here.yM[from] as number,
        there.xM[to] as number,
        there.yM[to] as number,
      );
    }
    marks.show(count);
  });
  return (
    <>
      <primitive object={marks.lines} />
      <primitive object={marks.rings} />
    </>
  );
}

class DifferenceMarks {
  readonly lines: InstancedMesh;
  readonly rings: InstancedMesh;
  readonly #material = new MeshBasicMaterial({ transparent: true, opacity: 0.9, depthTest: false });
  readonly #matrix = new Matrix4();
  readonly #turn = new Quaternion();
  readonly #place = new Vector3();
  readonly #size = new Vector3();

  constructor() {
    this.lines = new InstancedMesh(new BoxGeometry(1, 1, 0.01), this.#material, MOST);
    this.rings = new InstancedMesh(new RingGeometry(RING_M.inner, RING_M.outer, 32), this.#material, MOST);
    for (const mesh of [this.lines, this.rings]) {
      mesh.frustumCulled = false;
      mesh.renderOrder = 38;
      mesh.count = 0;
    }
  }

  dress(colour: string): void {
    if (colour !== '') this.#material.color = new Color(colour);
  }

  /** From where a robot is on this map to where it is on the other. */
  place(k: number, xM: number, yM: number, toXM: number, toYM: number): void {
    const length = Math.hypot(toXM - xM, toYM - yM);
    this.#turn.setFromAxisAngle(UP, Math.atan2(toYM - yM, toXM - xM));
    this.#place.set((xM + toXM) / 2, (yM + toYM) / 2, FLOOR_M);
    this.#size.set(Math.max(0.01, length), LINE_M, 1);
    this.lines.setMatrixAt(k, this.#matrix.compose(this.#place, this.#turn, this.#size));
    this.#place.set(toXM, toYM, FLOOR_M);
    this.#size.set(1, 1, 1);
    this.rings.setMatrixAt(k, this.#matrix.compose(this.#place, this.#turn, this.#size));
  }

  show(count: number): void {
    for (const mesh of [this.lines, this.rings]) {
      mesh.count = count;
      mesh.instanceMatrix.needsUpdate = true;
    }
  }

  dispose(): void {
    for (const mesh of [this.lines, this.rings]) {
      mesh.geometry.dispose();
      mesh.dispose();
    }
    this.#material.dispose();
  }
}
