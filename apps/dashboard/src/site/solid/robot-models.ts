import {
  BufferAttribute,
  BufferGeometry,
  CapsuleGeometry,
  CylinderGeometry,
  ExtrudeGeometry,
  LatheGeometry,
  Shape,
  SphereGeometry,
  TorusGeometry,
  Vector2,
} from 'three';
import { mergeGeometries } from 'three/addons/utils/BufferGeometryUtils.js';

/** What a part of a model is made of; the shader gives it its colour. */
const SHELL = 0;
const TRIM = 1;
const LIGHT = 2;
const PALE = 3;

/**
 * A carrier: a low chassis with rounded corners, a deck for the load, four wheels, a lidar on the nose and a light band
 * that wears the colour of its state. Front towards +x, metres, standing on z = 0; about the size of the body that the
 * model plans with (0.38 m around, 0.45 m high).
 */
export function carrierModel(): BufferGeometry {
  const chassis = slab(0.74, 0.52, 0.1, 0.17, 0.02);
  const band = slab(0.75, 0.53, 0.1, 0.035, 0);
  const deck = slab(0.6, 0.44, 0.07, 0.035, 0.006);
  return model([
    [chassis.translate(0, 0, 0.1), SHELL],
    [band.translate(0, 0, 0.2), LIGHT],
    [deck.translate(-0.03, 0, 0.29), TRIM],
    [upright(new CylinderGeometry(0.06, 0.065, 0.07, 14)).translate(0.27, 0, 0.345), TRIM],
    [upright(new CylinderGeometry(0.05, 0.05, 0.02, 14)).translate(0.27, 0, 0.39), LIGHT],
    ...[0.22, -0.22].flatMap((x) =>
      [0.24, -0.24].map((y): Part => [new CylinderGeometry(0.09, 0.09, 0.07, 12).translate(x, y, 0.09), TRIM]),
    ),
  ]);
}

/** A humanoid on wheels: round base, slender trunk, arms at its sides, a head with a dark visor and a light on the chest. */
export function humanoidModel(): BufferGeometry {
  const arm = (hand: number): Part[] => [
    [
      upright(new CapsuleGeometry(0.045, 0.34, 3, 8))
        .rotateX(hand * 0.1)
        .translate(0.02, hand * 0.26, 1.0),
      SHELL,
    ],
    [
      upright(new CapsuleGeometry(0.04, 0.26, 3, 8))
        .rotateY(-0.7)
        .translate(0.12, hand * 0.28, 0.72),
      TRIM,
    ],
    [new SphereGeometry(0.07, 10, 6).translate(0, hand * 0.22, 1.22), TRIM],
  ];
  return model([
    [upright(new CylinderGeometry(0.27, 0.3, 0.16, 20)).translate(0, 0, 0.14), SHELL],
    [upright(new CylinderGeometry(0.302, 0.302, 0.03, 20)).translate(0, 0, 0.1), LIGHT],
    [upright(new CylinderGeometry(0.1, 0.24, 0.16, 16)).translate(0, 0, 0.3), TRIM],
    [upright(new CapsuleGeometry(0.085, 0.34, 3, 12)).translate(0, 0, 0.6), TRIM],
    [
      upright(new CylinderGeometry(0.19, 0.12, 0.42, 14))
        .scale(0.8, 1, 1)
        .translate(0, 0, 1.04),
      SHELL,
    ],
    [
      upright(new CylinderGeometry(0.1, 0.19, 0.07, 14))
        .scale(0.8, 1, 1)
        .translate(0, 0, 1.285),
      SHELL,
    ],
    [new SphereGeometry(0.05, 10, 6).translate(0.135, 0, 1.1), LIGHT],
    [upright(new CylinderGeometry(0.05, 0.05, 0.08, 10)).translate(0, 0, 1.34), TRIM],
    [new SphereGeometry(0.13, 14, 10).scale(0.95, 0.9, 1.08).translate(0, 0, 1.5), SHELL],
    [new SphereGeometry(0.115, 12, 8).scale(0.75, 0.88, 0.62).translate(0.055, 0, 1.51), TRIM],
    ...arm(1),
    ...arm(-1),
  ]);
}

/** A person: soft shoulders and a head, in the one warm tone that no robot wears. */
export function personModel(): BufferGeometry {
  return model([
    [upright(new LatheGeometry(PERSON_OUTLINE, 14)).scale(0.72, 1, 1), PALE],
    [new SphereGeometry(0.12, 12, 8).translate(0, 0, 1.62), PALE],
    [new TorusGeometry(0.36, 0.014, 4, 24).translate(0, 0, 0.03), PALE],
  ]);
}

/** Half a person seen from the front: radius and height, from the feet to the neck. */
const PERSON_OUTLINE = [
  [0.1, 0.02],
  [0.14, 0.45],
  [0.18, 0.85],
  [0.17, 1.05],
  [0.23, 1.36],
  [0.2, 1.44],
  [0.06, 1.5],
  [0.05, 1.54],
].map(([radius, height]) => new Vector2(radius, height));

type Part = [BufferGeometry, number];

/** Three's cylinders and capsules stand along y; ours stand along z. */
const upright = <T extends BufferGeometry>(geometry: T): T => geometry.rotateX(Math.PI / 2) as T;

/** A plate with rounded corners, lying on z = 0. */
function slab(long: number, wide: number, corner: number, thick: number, bevel: number): BufferGeometry {
  const [x, y, r] = [long / 2 - bevel, wide / 2 - bevel, corner];
  const shape = new Shape();
  shape.moveTo(-x + r, -y);
  shape.lineTo(x - r, -y);
  shape.absarc(x - r, -y + r, r, -Math.PI / 2, 0);
  shape.absarc(x - r, y - r, r, 0, Math.PI / 2);
  shape.absarc(-x + r, y - r, r, Math.PI / 2, Math.PI);
  shape.absarc(-x + r, -y + r, r, Math.PI, Math.PI * 1.5);
  return new ExtrudeGeometry(shape, {
    depth: thick - 2 * bevel,
    bevelEnabled: bevel > 0,
    bevelSize: bevel,
    bevelThickness: bevel,
    bevelSegments: 1,
    curveSegments: 3,
  }).translate(0, 0, bevel);
}

/** One geometry of all parts, with the stuff of each corner beside its position and normal. */
function model(parts: readonly Part[]): BufferGeometry {
  const plain = parts.map(([geometry, stuff]) => {
    const separate = geometry.index === null ? geometry : geometry.toNonIndexed();
    const count = separate.getAttribute('position').count;
    const bare = new BufferGeometry();
    bare.setAttribute('position', separate.getAttribute('position'));
    bare.setAttribute('normal', separate.getAttribute('normal'));
    bare.setAttribute('stuff', new BufferAttribute(new Float32Array(count).fill(stuff), 1));
    return bare;
  });
  const merged = mergeGeometries(plain);
  if (merged === null) throw new Error('the parts of a model do not fit together');
  return merged;
}
