import assert from 'node:assert/strict';
import { test } from 'node:test';
import { angleDifference, type Command, draw } from '@sigma/kernel';
import { advance, drawnSite, goTo, HALL, Stage } from '../../testing/stage.ts';

const SITE = drawnSite(HALL);
/** The flags before a standing body was led away, and with it. */
const [BEFORE, NOW] = [[1001], [1001, 1002]] as const;
/** The hull of a carrier with its nose 2 cm before the western wall of the hall. */
const NOSE_TO_WALL = { xM: 1.4, yM: 4.5, headingRad: Math.PI };

const drive = (speedMps: number, turnRadps: number): Command => ({
  kind: 'setpoint',
  name: 'drive',
  params: { speedMps, turnRadps },
  durationUs: 30_000_000,
});

/** A carrier that somebody holds by hand. */
function held(flags: readonly number[], start: { xM: number; yM: number; headingRad: number } = NOSE_TO_WALL): Stage {
  const stage = new Stage({ site: SITE, body: 'carrier', start, flags }).run(0.3);
  stage.order({ type: 'lease', leaseId: 'l', holder: 'ann', expiresAtUs: 60_000_000 });
  return stage.order({ type: 'mode', mode: 'manual', by: 'ann' }).run(0.1);
}

const lead = (stage: Stage, command: Command): Stage =>
  stage.order({ type: 'command', leaseId: 'l', command, rationale: 'by hand' });

const turnedRad = (stage: Stage, from = Math.PI): number => Math.abs(angleDifference(stage.headingRad, from));

/** Hull to the nearest wall of the hall. */
const gapM = ({ xM, yM, body }: Stage): number => Math.min(xM - 1, 19 - xM, yM - 1, 8 - yM) - body.radiusM;

test('[F103] nose to the wall, a robot that its operator backs up goes back, and turns as it goes', () => {
  const stage = lead(held(NOW), drive(-0.4, 0.5)).run(2);
  assert.ok(stage.xM > 1.75, `stands at ${stage.xM} m`);
  assert.ok(turnedRad(stage) > 0.5, `turned by ${turnedRad(stage)} rad`);
});

test('[F104] nose to the wall, one that is led forward and aside turns away on the spot, and drives on when it is free', () => {
  const stage = held(NOW);
  let leastM = Number.POSITIVE_INFINITY;
  lead(stage, drive(0.5, 0.8)).run(8, () => {
    leastM = Math.min(leastM, gapM(stage));
  });
  assert.ok(leastM > 0, `the hull came to ${leastM} m`);
  assert.ok(gapM(stage) > 0.1 || stage.yM < 4.1, `stays at (${stage.xM}, ${stage.yM})`);
});

test('[F103] [F104] [K91] one that began before the flag neither backs up nor turns: what the flag is for', () => {
  for (const command of [drive(-0.4, 0.5), drive(0.5, 0.8)]) {
    const stage = lead(held(BEFORE), command).run(2);
    assert.ok(Math.abs(stage.xM - 1.4) < 0.01 && turnedRad(stage) < 0.01, `at ${stage.xM} m, ${turnedRad(stage)} rad`);
  }
});

test('[F103] tail to the wall it does not back up, and still turns', () => {
  const stage = lead(held(NOW, { xM: 1.4, yM: 4.5, headingRad: 0 }), drive(-0.4, 0.5)).run(1);
  assert.ok(Math.abs(stage.xM - 1.4) < 0.02, `stands at ${stage.xM} m`);
  assert.ok(turnedRad(stage, 0) > 0.3, `turned by ${turnedRad(stage, 0)} rad`);
});

test('[F103] an operator who drives on outweighs a plan that wants to back up', () => {
  const stage = new Stage({ site: SITE, body: 'carrier', start: NOSE_TO_WALL, flags: NOW }).run(0.3);
  stage.order({ type: 'lease', leaseId: 'l', holder: 'ann', expiresAtUs: 60_000_000 });
  stage.assign(goTo(1.62, 4.5)).tick();
  stage.plan(advance([1.62, 4.5]));
  let fastest = 0;
  lead(stage, drive(0.5, 0)).run(1.5, ({ command }) => {
    fastest = Math.max(fastest, command.params.speedMps as number);
  });
  assert.equal(fastest, 0, 'it is bounded by the wall that it faces');
});

test('[F30] [F104] a person beside a standing robot bounds its turn as ever', () => {
  const stage = held(NOW, { xM: 5, yM: 4.5, headingRad: 0 });
  stage.person(5.9, 4.5);
  let fastest = 0;
  lead(stage.run(0.5), drive(0.5, 1.5)).run(2, () => {
    fastest = Math.max(fastest, Math.abs(stage.turnRadps));
  });
  assert.ok(fastest <= 0.5 + 1e-9, `turned at ${fastest} rad/s`);
});

test('[F102] [F104] whatever a hand wants beside walls and in corners, the hull touches nothing', () => {
  const corners = [NOSE_TO_WALL, { xM: 1.42, yM: 1.42, headingRad: -2.4 }, { xM: 18.58, yM: 7.58, headingRad: 0.7 }];
  for (const [n, start] of corners.entries()) {
    const stage = held(NOW, start);
    for (let k = 0; k < 40; k++) {
      const any = (of: number, most: number): number => ((draw(5, n, k, 9, of) % 2001) / 1000 - 1) * most;
      lead(stage, drive(any(1, 1.8), any(2, 1.6))).run(0.25 + (k % 5) * 0.2, () => {
        assert.ok(gapM(stage) > -0.005 || Math.abs(stage.speedMps) < 0.05, `${gapM(stage)} m at ${stage.speedMps} m/s`);
      });
    }
  }
});
