// The peer: the same floor, shelves, bodies and names as a plain three.js scene, written the usual way: one instanced
// mesh for shelves and one for bodies, a light, sprites for names, everything drawn with every frame. Runs in the page.

import {
  AmbientLight,
  BoxGeometry,
  CanvasTexture,
  Color,
  DirectionalLight,
  InstancedMesh,
  Matrix4,
  Mesh,
  MeshLambertMaterial,
  PerspectiveCamera,
  PlaneGeometry,
  Quaternion,
  Scene,
  Sprite,
  SpriteMaterial,
  Vector3,
  WebGLRenderer,
} from 'three';

interface PlainInput {
  readonly width: number;
  readonly height: number;
  /** x, y of cells that are shelves. */
  readonly shelves: readonly (readonly [number, number])[];
  readonly xM: readonly number[];
  readonly yM: readonly number[];
  readonly headingRad: readonly number[];
  readonly names: number;
  readonly antialias: boolean;
}

declare global {
  interface Window {
    runPlain?: (input: PlainInput, ms: number) => Promise<number>;
  }
}

const UP = new Vector3(0, 0, 1);
const ONE = new Vector3(1, 1, 1);

function nameSprite(text: string): Sprite {
  const canvas = document.createElement('canvas');
  canvas.width = 64;
  canvas.height = 16;
  const context = canvas.getContext('2d');
  if (context !== null) {
    context.font = '12px sans-serif';
    context.fillStyle = '#ffffff';
    context.fillText(text, 2, 12);
  }
  const sprite = new Sprite(new SpriteMaterial({ map: new CanvasTexture(canvas), depthTest: false }));
  sprite.scale.set(5, 1.25, 1);
  return sprite;
}

/** @returns frames a second */
window.runPlain = (input, ms) => {
  const renderer = new WebGLRenderer({ antialias: input.antialias });
  renderer.setSize(innerWidth, innerHeight);
  document.body.replaceChildren(renderer.domElement);
  const scene = new Scene();
  scene.background = new Color('#0b0d0f');
  const camera = new PerspectiveCamera(32, innerWidth / innerHeight, 1, 2000);
  camera.up.set(0, 1, 1);
  camera.position.set(input.width / 2, input.height / 2 - 135, 125);
  camera.lookAt(input.width / 2, input.height / 2, 0);
  const floor = new Mesh(new PlaneGeometry(input.width, input.height), new MeshLambertMaterial({ color: '#171c1f' }));
  floor.position.set(input.width / 2, input.height / 2, 0);
  const sun = new DirectionalLight('#ffffff', 2);
  sun.position.set(-40, -50, 80);
  scene.add(floor, new AmbientLight('#ffffff', 1), sun);
  const at = new Matrix4();
  const shelves = new InstancedMesh(
    new BoxGeometry(1, 1, 0.9),
    new MeshLambertMaterial({ color: '#39424a' }),
    input.shelves.length,
  );
  for (const [k, [x, y]] of input.shelves.entries()) shelves.setMatrixAt(k, at.makeTranslation(x, y, 0.45));
  const count = input.xM.length;
  const bodies = new InstancedMesh(
    new BoxGeometry(0.74, 0.52, 0.45),
    new MeshLambertMaterial({ color: '#c3ccd4' }),
    count,
  );
  bodies.frustumCulled = false;
  scene.add(shelves, bodies);
  const names = Array.from({ length: Math.min(count, input.names) }, (_, k) => nameSprite(`r${k + 1}`));
  scene.add(...names);
  const place = new Vector3();
  const turn = new Quaternion();
  const begun = performance.now();
  let frames = 0;
  return new Promise((resolve) => {
    const draw = () => {
      const passed = performance.now() - begun;
      const drift = Math.sin(passed / 1000) * 0.4;
      for (let k = 0; k < count; k++) {
        place.set((input.xM[k] as number) + drift, input.yM[k] as number, 0.25);
        turn.setFromAxisAngle(UP, input.headingRad[k] as number);
        bodies.setMatrixAt(k, at.compose(place, turn, ONE));
      }
      bodies.instanceMatrix.needsUpdate = true;
      for (const [k, name] of names.entries())
        name.position.set((input.xM[k] as number) + drift, input.yM[k] as number, 1.5);
      renderer.render(scene, camera);
      frames++;
      if (passed < ms) requestAnimationFrame(draw);
      else {
        renderer.dispose();
        renderer.forceContextLoss();
        resolve(frames / (passed / 1000));
      }
    };
    requestAnimationFrame(draw);
  });
};
