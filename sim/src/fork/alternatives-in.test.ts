import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decodeDecision, EVENT_TYPE, eventsOf, type Timeline } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { warehouse } from '../../testing/warehouse.ts';
import { runSim } from '../run-sim.ts';
import { alternativesIn, type PlacedAlternative, type RejectedIn } from './alternatives-in.ts';
import { type ForkOptions, makeFork } from './make-fork.ts';
import { openWithParents } from './parents.ts';

let folder = '';
let parent = '';
let found: RejectedIn;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-alternatives-'));
  parent = join(folder, 'parent.sqlite');
  const fault = (name: 'person_steps_in' | 'motor_overload' | 'planner_lies', robot: string, atS: number) => ({
    ...{ fault: name, robot, atUs: atS * 1e6, forUs: 3_000_000 },
  });
  const faults = [
    fault('person_steps_in', 'r01', 6),
    fault('person_steps_in', 'r03', 12),
    fault('motor_overload', 'r02', 8),
    fault('planner_lies', 'r04', 10),
    fault('person_steps_in', 'r05', 15),
    fault('motor_overload', 'r06', 14),
  ];
  const lived = { site: warehouse(), seed: 5, robots: 8, people: 4, minutes: 0.4, faults };
  await runSim({ ...lived, recordingPath: parent, verify: false, nowMs: () => performance.now() });
  found = await onTimeline((timeline) => alternativesIn(timeline));
});
after(() => rmSync(folder, { recursive: true }));

async function onTimeline<Result>(use: (timeline: Timeline) => Promise<Result>): Promise<Result> {
  const { timeline, close } = await openWithParents(parent, folder);
  try {
    return await use(timeline);
  } finally {
    await close();
  }
}

function fork(
  { agent, atUs, alternative }: PlacedAlternative,
  out: string,
  options: ForkOptions = {},
  forUs = 500_000,
) {
  assert.ok(alternative.runnable);
  const { without, orders } = alternative;
  const request = {
    atUs,
    forUs,
    agents: [agent],
    policy: null,
    parameters: {},
    faults: [],
    what: 'otherwise',
  };
  return onTimeline((timeline) => makeFork(timeline, { ...request, without, orders }, out, options));
}

/** Who won the first decision of an agent on a fork. */
async function winner(path: string, agent: string): Promise<{ readonly source: string; readonly authority: string }> {
  const recording = openSqliteRecording(path);
  try {
    const head = (await recording.heads()).find(({ source }) => source === agent);
    assert.ok(head !== undefined, `${agent} is on the fork`);
    for await (const { type, data, atUs } of eventsOf(recording, head)) {
      if (type !== EVENT_TYPE.decision) continue;
      const { chosen, authority } = decodeDecision(data, atUs);
      return { source: chosen?.source ?? '', authority };
    }
    return { source: '', authority: '' };
  } finally {
    await recording.close();
  }
}

test('[R118] whatever a robot rejected in a life with faults is runnable, or says why not', () => {
  assert.ok(found.decisions > 100);
  assert.ok(found.alternatives.length >= 4, `${found.alternatives.length} alternatives`);
  assert.equal(found.rejecting <= found.alternatives.length, true);
  for (const { alternative } of found.alternatives) {
    if (alternative.runnable) assert.ok(alternative.orders.length > 0 || alternative.without.length > 0);
    else assert.ok(alternative.because.length > 20);
  }
  assert.ok(found.alternatives.some(({ alternative }) => alternative.runnable));
});

test('[R118] each one that is said to be runnable is run, and it is what wins on the fork', async () => {
  const runnable = found.alternatives.filter(({ alternative }) => alternative.runnable);
  for (const [k, placed] of runnable.slice(0, 6).entries()) {
    const out = join(folder, `otherwise-${k}.sqlite`);
    const result = await fork(placed, out);
    assert.deepEqual([result.loop, result.touched.some(({ id }) => id === placed.agent)], ['closed', true]);
    const { alternative } = placed;
    const { source, authority } = await winner(out, placed.agent);
    if (alternative.runnable && alternative.orders.length > 0) assert.equal(source, 'operator:fork');
    else assert.deepEqual([source, authority], [alternative.proposal.source, alternative.proposal.authority]);
  }
});

test('a fork that is called off leaves nothing behind', async () => {
  const placed = found.alternatives.find(({ alternative }) => alternative.runnable);
  assert.ok(placed !== undefined);
  const out = join(folder, 'called-off.sqlite');
  const off = new AbortController();
  let words = 0;
  const options = {
    signal: off.signal,
    onProgress: () => {
      words++;
      assert.deepEqual(
        [existsSync(`${out}.part`), existsSync(out)],
        [true, false],
        'it was being made, and not there yet',
      );
      off.abort();
    },
  };
  await assert.rejects(fork(placed, out, options, 4_000_000), { name: 'AbortError' });
  assert.equal(words, 1, 'it was called off before its end');
  for (const end of ['', '-wal', '-shm', '-landing']) {
    assert.equal(existsSync(`${out}${end}`), false);
    assert.equal(existsSync(`${out}.part${end}`), false);
  }
});
