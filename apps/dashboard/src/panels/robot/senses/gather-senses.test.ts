import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '@noble/hashes/sha2.js';
import type { SealedBlock } from '@sigma/recorder';
import { fakeSite } from '../../../../e2e/fake-site.ts';
import { recordRobot } from '../../../../e2e/robot-recording.ts';
import { gatherSenses, type SensesPorts } from './gather-senses.ts';
import { pastLines } from './past-lines.ts';

const BEGAN_US = 1_700_000_000_000_000;
const SECOND_US = 1_000_000;
const site = fakeSite();
const rolling = recordRobot(site, sha256, 8, { speedMps: 0.5, snapshotEveryUs: 2 * SECOND_US });

function portsOf(served: readonly SealedBlock[], from: (timeUs: number) => number = () => 1): SensesPorts {
  return {
    site,
    sha256: (bytes) => sha256(bytes),
    locate: async (agentId, timeUs) =>
      agentId === 'r01' && timeUs >= BEGAN_US ? { epoch: 0, fromSequence: from(timeUs), epochTimeUs: BEGAN_US } : null,
    async *blocks(_chain, fromSequence, toSequence) {
      for (const { firstSequence, count, bytes, hash } of served) {
        if (firstSequence + count - 1 < fromSequence || firstSequence > toSequence) continue;
        yield { block: bytes, hash };
      }
    },
  };
}

const at = (seconds: number) => ({ agentId: 'r01', timeUs: BEGAN_US + seconds * SECOND_US });
const value = async (seconds: number, name: string, ports = portsOf(rolling)): Promise<number> =>
  (await gatherSenses(at(seconds), ports)).readings.find((one) => one.name === name)?.value ?? Number.NaN;

test('sensors are read at the very moment, not at the last decision before it: a rolling robot has come farther', async () => {
  const [early, late] = [await value(3, 'xM'), await value(5, 'xM')];
  assert.ok(Math.abs(late - early - 1) < 0.1, `${early} m and two seconds later ${late} m, at 0.5 m/s`);
  const { sensedUs } = await gatherSenses(at(3), portsOf(rolling));
  assert.ok(sensedUs <= at(3).timeUs && sensedUs > at(3).timeUs - 200_000, 'its last cycle up to the moment');
});

test('from wherever the reading begins, the moment is the same', async () => {
  const [first] = rolling;
  const later = rolling[Math.floor(rolling.length / 2)];
  assert.ok(first !== undefined && later !== undefined && later.firstSequence > 1);
  const whole = await gatherSenses(at(7), portsOf(rolling));
  const partly = await gatherSenses(
    at(7),
    portsOf(rolling, () => later.firstSequence),
  );
  assert.deepEqual(partly.readings, whole.readings);
});

test('a place that is too late is not believed: the search goes back until the moment is there', async () => {
  const last = rolling.at(-1) as SealedBlock;
  const found = await gatherSenses(
    at(1),
    portsOf(rolling, () => last.firstSequence),
  );
  assert.ok(found.sensedUs <= at(1).timeUs);
});

test('[L4] what was changed, and what this browser cannot compute, is never shown as a reading', async () => {
  const changed = rolling.map((block, k) => {
    if (k !== 1) return block;
    const bytes = block.bytes.slice();
    (bytes[bytes.length >> 1] as number) ^= 1;
    return { ...block, bytes };
  });
  await assert.rejects(gatherSenses(at(6), portsOf(changed)), /not what its hash says/);
  const newer = recordRobot(site, sha256, 2, { versionsNewer: 1 });
  await assert.rejects(gatherSenses(at(1), portsOf(newer)), /model version/);
  await assert.rejects(gatherSenses({ ...at(1), agentId: 'r99' }, portsOf(rolling)), /nothing of r99 is on record/);
});

test('[L8] of a moment whose inputs were lost nothing is shown, and what comes before and after is', async () => {
  const life = { speedMps: 0.5, snapshotEveryUs: SECOND_US, lostS: [3, 5] as const };
  const ports = portsOf(recordRobot(site, sha256, 8, life));
  const before = await value(2.5, 'xM', ports);
  const after = await value(6.5, 'xM', ports);
  assert.ok(Math.abs(after - before - 2) < 0.1, `${before} m and four seconds later ${after} m, at 0.5 m/s`);
  await assert.rejects(gatherSenses(at(4), ports), /inputs of this moment were lost/);
});

test('past readings stand under the names, bands and groups of the live ones', async () => {
  const { readings, sensedUs } = await gatherSenses(at(3), portsOf(rolling));
  const lines = pastLines(readings, sensedUs);
  const battery = lines.find(({ key }) => key === 'state.charge');
  assert.deepEqual([battery?.group, battery?.reading, battery?.band], ['battery', '100 %', '15 – 100 %']);
  const motor = lines.find(({ key }) => key === 'state.motorLeftC');
  assert.deepEqual([motor?.group, motor?.standing], ['temperatures', 'inside']);
});
