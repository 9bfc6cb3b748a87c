import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { StoreFailedError } from '@sigma/recorder';
import { inFolder, warehouse } from '../testing/warehouse.ts';
import { runSim, type SimOptions, type SimResult } from './run-sim.ts';

const site = warehouse();
const nowMs = (): number => performance.now();

function short(folder: string, name: string, options: Partial<SimOptions>): Promise<SimResult> {
  const recordingPath = join(folder, `${name}.sqlite`);
  return runSim({ site, seed: 7, robots: 6, people: 4, minutes: 0.2, nowMs, recordingPath, ...options });
}

test('[L2] the same seed ends in the same head, and another seed in another', async () => {
  await inFolder(async (folder) => {
    const faults = [{ fault: 'link_loss', robot: 'r02', atUs: 4_000_000, forUs: 3_000_000 } as const];
    const first = await short(folder, 'first', { faults, verify: false });
    const again = await short(folder, 'again', { faults, verify: false });
    const other = await short(folder, 'other', { faults, verify: false, seed: 8 });
    assert.equal(again.head, first.head);
    assert.notEqual(other.head, first.head);
    const { recording: _, realTimeFactor: __, ...result } = first;
    const { recording: ___, realTimeFactor: ____, ...repeated } = again;
    assert.deepEqual(repeated, result);
  });
});

test('[L12] a network that loses packets changes the run, and repeats with it', async () => {
  await inFolder(async (folder) => {
    const clear = await short(folder, 'clear', { verify: false });
    const lossy = await short(folder, 'lossy', { verify: false, lossShare: 0.2 });
    const again = await short(folder, 'again', { verify: false, lossShare: 0.2 });
    assert.notEqual(lossy.head, clear.head);
    assert.equal(again.head, lossy.head);
  });
});

test('[L2] a recorded run is verified by running robots and physics again', async () => {
  await inFolder(async (folder) => {
    const sources = new Set<string>();
    const result = await short(folder, 'verified', {
      robots: 12,
      minutes: 1 / 3,
      onProgress: (progress) => {
        if (progress.stage === 'verify') sources.add(progress.source);
      },
    });
    assert.equal(result.verify, 'ok');
    assert.equal(result.simulatedSeconds, 20);
    assert.ok(result.decisions > 50, `only ${result.decisions} decisions`);
    assert.ok(result.decisionMs.count > 10, `only ${result.decisionMs.count} plans arrived`);
    assert.deepEqual(result.breaches, []);
    assert.equal(sources.size, 14, 'twelve robots, the hub and the world');
  });
});

test('forty robots and eight people share a warehouse for a minute, and nobody is hurt', async () => {
  await inFolder(async (folder) => {
    const result = await short(folder, 'crowd', { robots: 40, people: 8, minutes: 1, verify: false });
    assert.deepEqual(result.breaches, []);
    assert.equal(result.collisions, 0);
    assert.ok(result.missionsCompleted > 0, 'not one mission was done');
  });
});

test('[L3] a recording that is taken away while it is written ends the run, and says where it is', async () => {
  await inFolder(async (folder) => {
    const takeAway = (): void => rmSync(join(folder, 'gone.sqlite'), { force: true });
    await assert.rejects(short(folder, 'gone', { verify: false, onSecond: takeAway }), StoreFailedError);
  });
});
