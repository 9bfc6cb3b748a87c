import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import {
  alternativeOf,
  ChainWriter,
  decodeDecision,
  EVENT_TYPE,
  eventsOf,
  type Life,
  LineageError,
  type RecordedEvent,
  type Timeline,
  UnknownAlternativeError,
  verify,
  verifyLineage,
} from '@sigma/recorder';
import { openSqliteRecorder, openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { warehouse } from '../../testing/warehouse.ts';
import { fleetReexecutors, timelineReexecutors } from '../recording.ts';
import { runSim } from '../run-sim.ts';
import { alternativesAt } from './alternatives-at.ts';
import { compareForks } from './compare-forks.ts';
import type { ForkRequest } from './fork-request.ts';
import { type ForkResult, makeFork } from './make-fork.ts';
import { openWithParents } from './parents.ts';
import { parsePolicyFile } from './policy-file.ts';
import { said } from './testing/said.ts';

const SLOW = `{"id": "slow", "rate": "situation", "when": "robot.speed_mps > 0.3", "rationale": "slowly",
  "effect": {"type": "restrict", "restriction": {"atMost": {"speedMps": 0.3}, "forbid": []}}}`;
const NOTHING: Omit<ForkRequest, 'atUs' | 'forUs'> = {
  ...{ agents: [], policy: null, parameters: {}, without: [], orders: [], faults: [], what: 'nothing' },
};
let folder = '';
let parent = '';

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-fork-'));
  parent = join(folder, 'parent.sqlite');
  const faults = [{ fault: 'person_steps_in', robot: 'r03', atUs: 12_000_000, forUs: 3_000_000 }] as const;
  const nowMs = (): number => performance.now();
  const site = warehouse();
  await runSim({
    site,
    seed: 5,
    robots: 8,
    people: 4,
    minutes: 0.5,
    faults,
    recordingPath: parent,
    verify: false,
    nowMs,
  });
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

async function onTimeline<Result>(named: string, use: (timeline: Timeline) => Promise<Result>): Promise<Result> {
  const { timeline, close } = await openWithParents(named, folder);
  try {
    return await use(timeline);
  } finally {
    await close();
  }
}

async function mustVerify(path: string): Promise<void> {
  const recording = openSqliteRecording(path);
  try {
    const report = await verify(recording, { sha256, reexecutors: await fleetReexecutors(recording) });
    assert.equal(report.firstFailure?.message, undefined);
    assert.ok(report.wakes > 100);
  } finally {
    await recording.close();
  }
  await onTimeline(path, async (timeline) => {
    for (const { blockOnly } of await verifyLineage(timeline, timelineReexecutors)) assert.deepEqual(blockOnly, []);
  });
}

test('[R114] a closed loop without a change is the life that was lived, bit for bit, whoever is recomputed', async () => {
  const result = await fork(parent, { atUs: 7_560_000, everybody: true, forUs: 12_000_000 });
  assert.equal(result.loop, 'closed');
  assert.equal(result.touched.length, 8);
  assert.deepEqual(
    result.touched.filter(({ divergedUs }) => divergedUs !== null),
    [],
  );
  const [lived, again] = [openSqliteRecording(parent), openSqliteRecording(result.recording)];
  for (const { source } of await again.heads()) {
    const events = await said(again, source, result.atUs, result.endUs);
    assert.deepEqual(events, await said(lived, source, result.atUs, result.endUs), source);
  }
  await Promise.all([lived.close(), again.close()]);
  await mustVerify(result.recording);
});

test('[R114] a fork may begin at the very moment of which a snapshot was put on record', async () => {
  const recording = openSqliteRecording(parent);
  const head = (await recording.heads()).find(({ source }) => source === 'r04');
  assert.ok(head !== undefined);
  const place = await recording.snapshotBefore(head, 14_000_000);
  const atUs = place?.atUs ?? 0;
  assert.ok(atUs > 5_000_000 && atUs % 10_000 === 0, `${atUs} us`);
  await recording.close();
  const result = await fork(parent, { atUs, everybody: true, forUs: 1_000_000 });
  assert.equal(result.touched.length, 8);
  await mustVerify(result.recording);
});

test('[R115] only whom the change reaches is recomputed, and that is what recomputing everybody gives', async () => {
  const policy = parsePolicyFile('slow.json', SLOW);
  const request = { policy, agents: ['r03'], forUs: 8_000_000 };
  const some = await fork(parent, request);
  const all = await fork(parent, { ...request, everybody: true });
  assert.ok(
    some.touched.length < all.touched.length,
    `${some.touched.length} of ${all.touched.length} were recomputed`,
  );
  assert.ok(some.recomputed < all.recomputed);
  const [a, b] = [openSqliteRecording(some.recording), openSqliteRecording(all.recording)];
  const lived = openSqliteRecording(parent);
  const touched = new Map(some.touched.map(({ id, fromUs }) => [id, fromUs]));
  for (const { source } of await b.heads()) {
    const fromUs = source === 'world' ? some.atUs : (touched.get(source) ?? some.endUs);
    const full = await said(b, source, some.atUs, some.endUs);
    const reused = await said(lived, source, some.atUs, fromUs);
    const run = await said(a, source, fromUs, some.endUs);
    assert.deepEqual([...reused, ...run], full, `${source}: reused up to ${fromUs} us, then run`);
  }
  assert.notDeepEqual(await said(a, 'r03', some.atUs, some.endUs), await said(lived, 'r03', some.atUs, some.endUs));
  await Promise.all([a.close(), b.close(), lived.close()]);
  await mustVerify(some.recording);
});

test('[R112] a fork of a fork proves itself against both, and names the one that is gone or was altered', async () => {
  const first = await fork(parent, { policy: parsePolicyFile('slow.json', SLOW), agents: ['r02'] });
  const faults = [{ fault: 'motor_overload', robot: 'r04', atUs: 12_000_000, forUs: 2_000_000 }] as const;
  const second = await fork(first.recording, { atUs: 12_000_000, forUs: 3_000_000, faults });
  await mustVerify(second.recording);
  const elsewhere = join(folder, 'elsewhere');
  rmSync(elsewhere, { recursive: true, force: true });
  const lonely = join(folder, 'lonely.sqlite');
  copyFileSync(parent, join(folder, 'kept.sqlite'));
  rmSync(parent);
  await assert.rejects(
    onTimeline(second.recording, async () => {}),
    (error: LineageError) => {
      assert.ok(error instanceof LineageError);
      return error.fork === first.recording && error.parent === 'parent.sqlite';
    },
  );
  copyFileSync(join(folder, 'kept.sqlite'), parent);
  copyFileSync(parent, lonely);
  alterBlocks(parent, 'r02', 1);
  await assert.rejects(
    onTimeline(second.recording, async () => {}),
    /r02 epoch 0 that ends with event \d+ was altered/,
  );
  copyFileSync(lonely, parent);
});

test('[R111] [R112] a fork of a fork may begin before its parent touched a robot, in a life lived under another policy', async () => {
  const slow = SLOW.replace('robot.speed_mps > 0.3', 'person.distance_m < 6.0');
  const first = await fork(parent, { policy: parsePolicyFile('slow.json', slow) });
  const later = first.touched.find(({ fromUs }) => fromUs > first.atUs + 100_000);
  assert.ok(later !== undefined, 'nobody was touched later than the fork began');
  const second = await fork(first.recording, {
    atUs: later.fromUs - 50_000,
    forUs: 1_000_000,
    parameters: { 'chain.strikes': 2 },
  });
  assert.equal(second.touched.length, 8);
  await mustVerify(second.recording);
});

/** Flips a bit in the last byte of every block of a chain from the given one on. */
function alterBlocks(path: string, source: string, from: number): void {
  const database = new DatabaseSync(path);
  const rows = database
    .prepare('SELECT block, bytes FROM blocks JOIN chains USING (chain) WHERE source = ? AND ordinal >= ?')
    .all(source, from) as { readonly block: number; readonly bytes: Uint8Array }[];
  for (const { block, bytes } of rows) {
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
    database.prepare('UPDATE blocks SET bytes = ? WHERE block = ?').run(bytes, block);
  }
  database.close();
}

test('[R118] a stop that safety imposed can be lived without in a computed world, and the fork still verifies', async () => {
  const found = await onTimeline(parent, async (timeline) => {
    const life = timeline.lives.find(({ source }) => source === 'r03') as Life;
    const decided = await alternativesAt(timeline, life, await firstRejection(life));
    return decided;
  });
  const [alternative] = found.alternatives;
  assert.equal(alternative?.runnable, true);
  assert.ok(alternative?.runnable);
  assert.deepEqual(alternative.without, ['person_too_close']);
  const { without, orders } = alternative;
  const result = await fork(parent, { atUs: found.decision.atUs, forUs: 4_000_000, agents: ['r03'], without, orders });
  await mustVerify(result.recording);
  const { sources } = await onTimeline(parent, (a) => onTimeline(result.recording, (b) => compareForks(a, b)));
  const r03 = sources.find(({ source }) => source === 'r03');
  assert.equal(r03?.result, 'differs');
  assert.equal(r03?.decisions[0]?.a?.authority, 'safety');
  assert.equal(r03?.decisions[0]?.b?.authority, 'mission');
  assert.equal(r03?.outcome?.b.failsafe['human_proximity_override'] ?? 0, 0);
  assert.equal(sources.find(({ source }) => source === 'hub')?.result, 'shared');
});

test('[R118] an alternative that is none is refused by its number, and one against safety where the body may be real', async () => {
  await onTimeline(parent, async (timeline) => {
    const life = timeline.lives.find(({ source }) => source === 'r03') as Life;
    const { decision } = await alternativesAt(timeline, life, await firstRejection(life));
    const agent = { id: 'r03', failsafe: { entries: [{ condition: 'person_too_close' }] } } as never;
    assert.throws(() => alternativeOf({ decision, agent, simulated: true }, 7), UnknownAlternativeError);
    const real = alternativeOf({ decision, agent, simulated: false }, 1);
    assert.ok(!real.runnable && real.because.includes('may be real'));
    await assert.rejects(alternativesAt(timeline, life, 2), /r03#2 is no decision but/);
  });
});

async function firstRejection(life: Life): Promise<number> {
  const { recording, head } = life.pieces[0] as Life['pieces'][number];
  for await (const { type, data, atUs, sequence } of eventsOf(recording, head)) {
    if (type === EVENT_TYPE.decision && decodeDecision(data, atUs).rejected.length > 0) return sequence;
  }
  throw new Error(`${life.source} never rejected anything`);
}

test('a moment outside the recording, a robot that is not there and a number that no model has are refused by name', async () => {
  await assert.rejects(
    fork(parent, { atUs: 90_000_000 }),
    /90.00 s lies outside the recording; give a moment after 0.00 s and up to \d+/,
  );
  await assert.rejects(
    fork(parent, { faults: [{ fault: 'link_loss', robot: 'r77', atUs: 0 }] }),
    /no robot 'r77'; there are r01, r02/,
  );
  await assert.rejects(
    fork(parent, { without: ['nosuch'] }),
    /no condition or reflex 'nosuch' to leave out; known: .*person_too_close/,
  );
  await assert.rejects(fork(parent, { parameters: { 'chain.strike': 2 } }), /no parameter 'chain.strike'; known: /);
  await assert.rejects(
    fork(parent, { parameters: { 'chain.strikes': 0.5 } }),
    /chain.strikes=0.5 cannot be: give 1 to/,
  );
});

test('[R119] a timeline differs in nothing from itself, and two runs of other seeds in everything that is said', async () => {
  const other = join(folder, 'other.sqlite');
  const nowMs = (): number => performance.now();
  const short = { site: warehouse(), robots: 8, people: 4, minutes: 0.1, recordingPath: other, verify: false, nowMs };
  await runSim({ ...short, seed: 6 });
  const same = await onTimeline(parent, (a) => onTimeline(parent, (b) => compareForks(a, b)));
  assert.deepEqual([...new Set(same.sources.map(({ result }) => result))], ['shared']);
  const apart = await onTimeline(parent, (a) => onTimeline(other, (b) => compareForks(a, b)));
  assert.deepEqual([apart.fromUs, Math.ceil(apart.untilUs / 1e6)], [0, 6]);
  const r01 = apart.sources.find(({ source }) => source === 'r01');
  assert.equal(r01?.result, 'differs');
  assert.ok((r01?.outcome?.a.measured?.['distanceM'] ?? 0) >= 0 && r01?.first !== null);
});

test('[R111] a fork that does not begin with its parent’s state does not verify', async () => {
  const made = await fork(parent, { everybody: true, forUs: 200_000 });
  const whole = openSqliteRecording(made.recording);
  const [head] = await whole.heads();
  const chain = head as NonNullable<typeof head>;
  const events: RecordedEvent[] = [];
  for await (const event of eventsOf(whole, chain))
    if (event.type !== EVENT_TYPE.snapshot) events.push({ ...event, data: event.data.slice() });
  const beheaded = join(folder, 'beheaded.sqlite');
  const store = await openSqliteRecorder(beheaded);
  await store.append([new ChainWriter({ tenant: chain.tenant, source: chain.source, epoch: 0 }, sha256).seal(events)]);
  await Promise.all([store.close(), whole.close()]);
  const recording = openSqliteRecording(beheaded);
  const report = await verify(recording, { sha256, reexecutors: await fleetReexecutors(openSqliteRecording(parent)) });
  await recording.close();
  assert.match(report.firstFailure?.message ?? '', /a fork does not begin with its parent's state/);
});

test('[R113] a task that the fork gives is planned in the hub’s place and carried out, and the fork verifies', async () => {
  const task = { id: 'fork-task', missionId: 'fork', kind: 'goto', args: { xM: 6, yM: 6 }, priority: 100 };
  const orders = [{ agent: 'r06', atUs: 10_000_000, order: { type: 'assign', task } as const }];
  const result = await fork(parent, { orders, forUs: 6_000_000 });
  await mustVerify(result.recording);
  const recording = openSqliteRecording(result.recording);
  const events = await said(recording, 'r06', result.atUs, result.endUs);
  await recording.close();
  assert.ok(
    events.some((event) => event.includes('fork-task')),
    'the task is in its decisions',
  );
});

test('[R111] a fork that is interrupted leaves nothing half', async () => {
  const stop = new AbortController();
  const heard: number[] = [];
  const onProgress = (done: number): void => {
    heard.push(done);
    stop.abort();
  };
  const request = { ...NOTHING, atUs: 10_000_000, forUs: 8_000_000, parameters: { 'chain.strikes': 3 } };
  await onTimeline(parent, async (timeline) => {
    const forking = makeFork(timeline, request, join(folder, 'half.sqlite'), { onProgress, signal: stop.signal });
    await assert.rejects(forking, { name: 'AbortError' });
  });
  assert.equal(heard.length, 1);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('half')),
    [],
  );
});
