import { encodeState, fnv1a32, hexOfDouble, mathDigest } from '../src/index.ts';
import { CartStory, roll } from './cart.ts';

/** Lives through a minute of everything a kernel can meet and folds all it said into one line, for comparing engines. */
export function cartDigest(): string {
  const story = new CartStory({ optimism: 1.02 });
  let digest = 0;
  const fold = (): void => {
    digest = (Math.imul(digest, 31) + fnv1a32(encodeState(story.outputs))) >>> 0;
  };
  const run = (seconds: number): void => {
    for (let i = 0; i < seconds * 100; i++) {
      story.tick();
      fold();
    }
  };
  story.assign('t1', 12).advance('t1', 12);
  run(4);
  story.obstacleM = 1.7;
  run(3);
  story.obstacleM = 0.4;
  run(2);
  story.obstacleM = 99;
  story.order({ type: 'lease', leaseId: 'l1', holder: 'ann', expiresAtUs: 30_000_000 });
  story.order({ type: 'command', leaseId: 'l1', command: roll(-0.3333333333333333, 900_000), rationale: 'back' });
  run(2);
  story.planners = ['secondary'];
  run(3);
  story.advance('t1', 12, { from: 'secondary' });
  story.grip = 0.4;
  run(6);
  story.planners = ['primary', 'secondary'];
  story.broken = true;
  run(1);
  story.broken = false;
  story.order({ type: 'acknowledge', by: 'ann' }).order({ type: 'reset', by: 'ann' });
  story.order({ type: 'stop', stop: 'emergency', by: 'bob' });
  run(2);
  story.order({ type: 'acknowledge', by: 'ann' }).order({ type: 'reset', by: 'ann' });
  run(6);
  return `${digest.toString(16)} ${fnv1a32(encodeState(story.agent)).toString(16)} ${hexOfDouble(story.xM)} ${mathDigest()}`;
}
