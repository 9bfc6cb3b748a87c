import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, drawnSite, goTo, HALL, Stage } from '../../testing/stage.ts';

/** A robot drives east; another, 0.38 m in radius, says where it is and crosses its way without yielding. */
function meeting(fromRight: boolean): { least: number; passed: boolean } {
  const stage = new Stage({ site: drawnSite(HALL), start: { xM: 1.5, yM: 4.5, headingRad: 0 } });
  stage.assign(goTo(17.5, 4.5)).tick();
  stage.plan(advance([17.5, 4.5])).run(3);
  const side = fromRight ? -1 : 1;
  const other = stage.person(stage.xM + 2.6, 4.5 + side * 2.6, 0, -side * 1.2);
  other.radiusM = 0.38;
  let least = Number.POSITIVE_INFINITY;
  stage.run(4, () => {
    stage.tell({
      kind: 'message',
      from: 'r2',
      topic: 'pose',
      body: [other.xM, other.yM, other.vxMps, other.vyMps, 0.38],
    });
    if (Math.abs(other.yM - 4.5) > 3) other.vyMps = 0;
    const dx = other.xM - stage.xM;
    const dy = other.yM - stage.yM;
    least = Math.min(least, Math.sqrt(dx * dx + dy * dy) - 0.38 - stage.body.radiusM);
  });
  assert.deepEqual(stage.happened('violation'), []);
  stage.run(2);
  return { least, passed: stage.xM > 8 };
}

test('[F37] whoever comes from the right goes first, and from the left it is not run into either', () => {
  for (const fromRight of [true, false]) {
    const { least, passed } = meeting(fromRight);
    assert.ok(least > 0.05, `came as near as ${least} m (from the ${fromRight ? 'right' : 'left'})`);
    assert.ok(passed, 'and drives on');
  }
});
