import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DEFAULT_POLICY } from '@sigma/fleet-model';
import { type Decision, encodeState } from '@sigma/kernel';
import {
  ChainWriter,
  type Change,
  decodeDecision,
  decodeOpening,
  EVENT_TYPE,
  type EventDraft,
  eventsOf,
  type Opening,
  openingEvent,
  verify,
  verifyLineage,
} from '@sigma/recorder';
import { openSqliteRecorder, openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { warehouse } from '../../testing/warehouse.ts';
import { fleetReexecutors, timelineReexecutors } from '../recording.ts';
import { runSim } from '../run-sim.ts';
import type { ForkRequest } from './fork-request.ts';
import { type ForkResult, makeFork } from './make-fork.ts';
import { openWithParents } from './parents.ts';
import { type PolicyFile, parsePolicyFile, policyAfter } from './policy-file.ts';
import { saidOn } from './testing/said.ts';

const bound = (id: string, when: string, speedMps: number): PolicyFile =>
  parsePolicyFile(
    `${id}.json`,
    JSON.stringify({
      ...{ id, rate: 'situation', when, rationale: id },
      effect: { type: 'restrict', restriction: { atMost: { speedMps }, forbid: [] } },
    }),
  );
/** Nobody is without the hub before a fault makes it so: these touch nobody by themselves. */
const ALONE = bound('alone', 'link.silent_s > 1.5', 0.2);
const LONG_ALONE = bound('long-alone', 'link.silent_s > 2.5', 0.1);
const without = (robot: string): ForkRequest['faults'] => [
  { fault: 'link_loss', robot, atUs: 12_000_000, forUs: 6_000_000 },
];
const NOTHING: Omit<ForkRequest, 'atUs' | 'forUs'> = {
  ...{ agents: [], policy: null, parameters: {}, without: [], orders: [], faults: [], what: 'nothing' },
};
let folder = '';
let root = '';

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-fork-of-fork-'));
  root = join(folder, 'root.sqlite');
  const run = { site: warehouse(), seed: 5, robots: 6, people: 4, minutes: 0.4, recordingPath: root, verify: false };
  await runSim({ ...run, nowMs: () => performance.now() });
});
after(() => rmSync(folder, { recursive: true }));

let made = 0;

async function fork(of: string, request: Partial<ForkRequest>): Promise<ForkResult> {
  const { timeline, close } = await openWithParents(of, folder);
  try {
    const out = join(folder, `fork-${++made}.sqlite`);
    return await makeFork(timeline, { ...NOTHING, atUs: 10_000_000, forUs: 8_000_000, ...request }, out);
  } finally {
    await close();
  }
}

/** What a recording holds of one agent: who it is, and its decisions from a moment on. */
async function lifeIn(path: string, source: string, fromUs = 0) {
  const recording = openSqliteRecording(path);
  try {
    const head = (await recording.heads()).find((one) => one.source === source);
    let opening: Opening | null = null;
    const decisions: (Decision & { readonly atUs: number })[] = [];
    if (head === undefined) return { opening, decisions };
    for await (const event of eventsOf(recording, head)) {
      const { type, atUs, data } = event;
      if (type === EVENT_TYPE.opening) opening = decodeOpening(event);
      if (type !== EVENT_TYPE.decision || atUs < fromUs) continue;
      decisions.push({ ...decodeDecision(data, atUs), atUs });
    }
    return { opening, decisions };
  } finally {
    await recording.close();
  }
}

async function mustVerify(path: string): Promise<void> {
  const recording = openSqliteRecording(path);
  const report = await verify(recording, { sha256, reexecutors: await fleetReexecutors(recording) });
  await recording.close();
  assert.equal(report.firstFailure?.message, undefined);
  const { timeline, close } = await openWithParents(path, folder);
  for (const { blockOnly } of await verifyLineage(timeline, timelineReexecutors)) assert.deepEqual(blockOnly, []);
  await close();
}

/** Makes a fork twice, with everybody recomputed the second time: the first is the same, from its moment to its end. */
async function mustEqualFullRun(of: string, request: Partial<ForkRequest>): Promise<ForkResult> {
  const some = await fork(of, request);
  const all = await fork(of, { ...request, everybody: true });
  assert.deepEqual([some.atUs, some.endUs], [all.atUs, all.endUs]);
  assert.ok(some.touched.length < all.touched.length, `${some.touched.length} of ${all.touched.length} recomputed`);
  const [a, b] = [await openWithParents(some.recording, folder), await openWithParents(all.recording, folder)];
  for (const { source } of b.timeline.lives) {
    const expected = await saidOn(b.timeline, source, some.atUs, some.endUs);
    assert.deepEqual(await saidOn(a.timeline, source, some.atUs, some.endUs), expected, source);
  }
  await Promise.all([a.close(), b.close()]);
  return some;
}

/** The least of the bounds on speed that were in force. */
const leastMps = (decisions: readonly Decision[], rationale: string): number =>
  Math.min(
    ...decisions.flatMap(({ restrictions }) =>
      restrictions.filter((one) => one.rationale === rationale).map((one) => one.restriction.atMost['speedMps'] ?? 9),
    ),
  );

test('[R113] [R115] whom a parent’s policy did not touch lives under it in a fork of that fork, where it begins to matter', async () => {
  const first = await fork(root, { policy: ALONE });
  assert.deepEqual(first.touched, [], 'nobody is without the hub before a fault');
  const faults = without('r04');
  const second = await mustEqualFullRun(first.recording, { atUs: 12_000_000, forUs: 5_000_000, faults });
  const { opening, decisions } = await lifeIn(second.recording, 'r04');
  assert.equal(opening?.policyText, encodeState(policyAfter(DEFAULT_POLICY, ALONE)));
  assert.equal(leastMps(decisions, 'alone'), 0.2);
  await mustVerify(second.recording);
});

test('[R113] each fork of a line keeps the policies of those before it, of whom each names', async () => {
  const first = await fork(root, { policy: ALONE });
  const second = await fork(first.recording, {
    atUs: 11_000_000,
    forUs: 7_000_000,
    policy: LONG_ALONE,
    agents: ['r04'],
  });
  assert.deepEqual(second.touched, []);
  const faults = ['r02', 'r04'].flatMap(without);
  const third = await fork(second.recording, { atUs: 12_000_000, forUs: 5_000_000, faults });
  const both = policyAfter(policyAfter(DEFAULT_POLICY, ALONE), LONG_ALONE);
  const [r02, r04] = [await lifeIn(third.recording, 'r02'), await lifeIn(third.recording, 'r04')];
  assert.equal(r02.opening?.policyText, encodeState(policyAfter(DEFAULT_POLICY, ALONE)));
  assert.equal(r04.opening?.policyText, encodeState(both));
  assert.deepEqual([leastMps(r02.decisions, 'long-alone'), leastMps(r04.decisions, 'long-alone')], [Infinity, 0.1]);
  await mustVerify(third.recording);
});

test('[R115] a policy is looked for in the life as the parent has it, where that goes on otherwise than the one before', async () => {
  const first = await fork(root, { atUs: 12_000_000, forUs: 6_000_000, faults: without('r04') });
  const second = await mustEqualFullRun(first.recording, { atUs: 11_000_000, forUs: 6_000_000, policy: ALONE });
  const r04 = second.touched.find(({ id }) => id === 'r04');
  assert.ok(r04 !== undefined && r04.fromUs > 13_000_000, `r04 is touched at ${r04?.fromUs} us`);
  await mustVerify(second.recording);
});

test('[R113] [R115] a fork that begins before its parent did lives under the parent’s policy from there on', async () => {
  const policy = bound('slow', 'robot.speed_mps > 0.5', 0.3);
  const first = await fork(root, { atUs: 12_000_000, forUs: 3_000_000, policy, agents: ['r01', 'r03'] });
  assert.ok(first.touched.some(({ id, fromUs }) => id === 'r01' && fromUs > 12_000_000));
  const second = await mustEqualFullRun(first.recording, { atUs: 9_000_000, forUs: 5_000_000, faults: without('r04') });
  const r01 = second.touched.find(({ id }) => id === 'r01');
  assert.ok(r01 !== undefined && r01.fromUs > 9_000_000 && r01.fromUs < 12_000_000, `touched at ${r01?.fromUs} us`);
  await mustVerify(second.recording);
});

test('[R113] of a fork from before changes said their policy, it is the one of whom it touched', async () => {
  const policy = bound('slow', 'robot.speed_mps > 0.5', 0.3);
  const first = await fork(root, { atUs: 12_000_000, forUs: 5_000_000, policy, agents: ['r01', 'r03'] });
  assert.ok(first.touched.every(({ id }) => id !== 'r03') && first.touched.some(({ id }) => id === 'r01'));
  const older = await asOlder(first.recording);
  const second = await fork(older, { atUs: 13_000_000, forUs: 3_000_000, faults: without('r03') });
  assert.equal(
    (await lifeIn(second.recording, 'r03')).opening?.policyText,
    encodeState(policyAfter(DEFAULT_POLICY, policy)),
  );
  await mustVerify(second.recording);
});

/** The same fork with nothing said of its policy but in the openings of whom it touched. */
async function asOlder(path: string): Promise<string> {
  const out = join(folder, `older-${++made}.sqlite`);
  const [from, to] = [openSqliteRecording(path), await openSqliteRecorder(out)];
  for (const { tenant, source, epoch } of await from.heads()) {
    const events: EventDraft[] = [];
    for await (const event of eventsOf(from, { tenant, source, epoch })) {
      const opening = event.type === EVENT_TYPE.opening ? decodeOpening(event) : null;
      if (opening?.lineage === undefined) events.push({ ...event, data: event.data.slice() });
      else {
        const { policy, ...change } = opening.lineage.change;
        events.push(openingEvent({ ...opening, lineage: { ...opening.lineage, change: change as Change } }));
      }
    }
    await to.append([new ChainWriter({ tenant, source, epoch }, sha256).seal(events)]);
  }
  await Promise.all([from.close(), to.close()]);
  return out;
}
