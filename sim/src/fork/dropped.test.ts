import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  type ChainHead,
  decodeBlock,
  decodeEnvelope,
  EVENT_TYPE,
  isStub,
  type SealedBlock,
  type StoredBlock,
  sealStub,
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
import { momentOfEvent } from './known-moment.ts';
import { type ForkResult, makeFork } from './make-fork.ts';
import { openWithParents } from './parents.ts';

const folder = mkdtempSync(join(tmpdir(), 'sigma-dropped-'));
const whole = join(folder, 'whole.sqlite');
const holed = join(folder, 'holed.sqlite');
const LOSER = 'r02';
/** Of that robot, what lies between these is dropped, but for the blocks with snapshots. */
const [FROM_US, UNTIL_US] = [7_000_000, 9_000_000];
after(() => rmSync(folder, { recursive: true }));

function asSealed({ bytes, hash }: StoredBlock): SealedBlock {
  const { tenant, source, epoch, firstSequence, previousHash, events: envelopes } = decodeBlock(bytes);
  const events = envelopes.map(decodeEnvelope);
  const [firstAtUs, lastAtUs] = [events[0]?.atUs ?? 0, events.at(-1)?.atUs ?? 0];
  const snapshots = events
    .filter(({ type }) => type === EVENT_TYPE.snapshot)
    .map(({ sequence, atUs }) => ({ sequence, atUs }));
  const place = { tenant, source, epoch, firstSequence, previousHash, count: events.length };
  return { ...place, bytes, hash, firstAtUs, lastAtUs, snapshots };
}

const goes = ({ bytes }: StoredBlock): boolean => {
  const events = decodeBlock(bytes).events.map(decodeEnvelope);
  const [first, last] = [events[0]?.atUs ?? 0, events.at(-1)?.atUs ?? 0];
  return first > FROM_US && last < UNTIL_US && events.every(({ type }) => type !== EVENT_TYPE.snapshot);
};

/** What a bounded spool would have left of one robot's chain (R127). */
function* leftOf(blocks: readonly StoredBlock[], { source }: ChainHead): Iterable<SealedBlock> {
  const gone: SealedBlock[] = [];
  for (const block of blocks) {
    if (source === LOSER && goes(block)) {
      gone.push(asSealed(block));
      continue;
    }
    if (gone.length > 0) yield stubOf(gone.splice(0));
    yield asSealed(block);
  }
}

function stubOf(gone: readonly SealedBlock[]): SealedBlock {
  const [first, last] = [gone[0], gone.at(-1)] as [SealedBlock, SealedBlock];
  const { tenant, source, epoch, firstSequence, previousHash } = first;
  const dropped = gone.map(({ hash, count }) => ({ hash, count }));
  return sealStub({ tenant, source, epoch, firstSequence, previousHash, dropped, lastAtUs: last.lastAtUs });
}

before(async () => {
  const nowMs = (): number => performance.now();
  await runSim({
    site: warehouse(),
    ...{ seed: 7, robots: 4, people: 2, minutes: 0.35, recordingPath: whole, verify: false, nowMs },
  });
  const [from, to] = [openSqliteRecording(whole), await openSqliteRecorder(holed)];
  for (const head of await from.heads()) {
    const blocks: StoredBlock[] = [];
    for await (const block of from.blocks(head, 1, Number.MAX_SAFE_INTEGER))
      blocks.push({ ...block, bytes: block.bytes.slice() });
    for (const block of leftOf(blocks, head)) await to.append([block]);
  }
  await Promise.all([from.close(), to.close()]);
});

let made = 0;
async function fork(of: string, request: Partial<ForkRequest>): Promise<ForkResult> {
  const { timeline, close } = await openWithParents(of, folder);
  try {
    const nothing = { agents: [], policy: null, parameters: {}, without: [], orders: [], faults: [], what: 'slow' };
    const out = join(folder, `fork-${++made}.sqlite`);
    return await makeFork(timeline, { ...nothing, atUs: 0, forUs: 1_000_000, everybody: true, ...request }, out);
  } finally {
    await close();
  }
}

/** Bytes of everything that robots decided and were given in a fork. */
async function livedIn(path: string): Promise<readonly string[]> {
  const recording = openSqliteRecording(path);
  const lived: string[] = [];
  for (const head of await recording.heads()) {
    for await (const { bytes } of recording.blocks(head, 1, Number.MAX_SAFE_INTEGER)) {
      for (const { type, atUs, data } of decodeBlock(bytes).events.map(decodeEnvelope))
        if (type !== EVENT_TYPE.opening)
          lived.push(`${head.source} ${type} ${atUs} ${Buffer.from(data).toString('hex')}`);
    }
  }
  await recording.close();
  return lived;
}

const momentsIn = (message: string): readonly number[] =>
  [...message.matchAll(/nearest moments are ([\d.]+) s and ([\d.]+) s/g)].flatMap(([, a, b]) => [Number(a), Number(b)]);

test('[R114] [R127] a fork from within what was dropped says so, and the nearest moments that it names are the nearest', async () => {
  const refused = await fork(holed, { atUs: 8_000_000 }).catch((error: Error) => error);
  assert.ok(refused instanceof Error);
  assert.match(refused.message, /^r02 cannot be run at 8\.00 s: its events \d+ to \d+ were dropped for want of room/);
  assert.ok(!existsSync(join(folder, `fork-${made}.sqlite`)));
  const [beforeS = 0, afterS = 0] = momentsIn(refused.message);
  assert.ok(beforeS > 6 && beforeS <= 7.3 && afterS > 8.5, refused.message);
  for (const atS of [beforeS, afterS]) {
    const result = await fork(holed, { atUs: atS * 1e6, forUs: 200_000 });
    assert.equal(result.loop, 'closed');
    await assert.rejects(fork(holed, { atUs: atS * 1e6 + (atS === beforeS ? 10_000 : -10_000) }), /r02 cannot be run/);
  }
});

test('[R114] [R127] behind it a fork is the one that it would be if nothing had been dropped, bit for bit, and is proved', async () => {
  const refused = await fork(holed, { atUs: 8_000_000 }).catch((error: Error) => error.message);
  const [, afterS = 0] = momentsIn(String(refused));
  const request = { atUs: Math.round((afterS + 0.5) * 1e6), parameters: { 'chain.strikes': 2 } };
  const result = await fork(holed, request);
  const there = await fork(whole, request);
  assert.equal(result.lost, null);
  assert.deepEqual(await livedIn(result.recording), await livedIn(there.recording));
  const recording = openSqliteRecording(result.recording);
  const report = await verify(recording, { sha256, reexecutors: await fleetReexecutors(recording) });
  await recording.close();
  assert.equal(report.firstFailure?.message, undefined);
  const { timeline, close } = await openWithParents(result.recording, folder);
  assert.equal((await verifyLineage(timeline, timelineReexecutors))[0]?.proved, report.chains.length);
  await close();
});

test('[R114] [R127] a fork that runs into it ends there, and says whose events are not known', async () => {
  const result = await fork(holed, { atUs: 5_000_000, forUs: 10_000_000 });
  assert.ok(result.cutShort);
  assert.equal(result.lost?.source, LOSER);
  assert.ok(result.endUs > 6_000_000 && result.endUs < 8_000_000, String(result.endUs));
  const there = await fork(whole, { atUs: 5_000_000, forUs: result.endUs - 5_000_000 });
  assert.equal(there.endUs, result.endUs);
  const rightBeforeIt = (lived: readonly string[]) =>
    lived.filter((one) => one.includes(EVENT_TYPE.decision) && Number(one.split(' ')[2]) < result.endUs - 1_000_000);
  assert.deepEqual(rightBeforeIt(await livedIn(result.recording)), rightBeforeIt(await livedIn(there.recording)));
});

test('[R127] an event that was dropped is no place to fork at, and the nearest ones are named', async () => {
  const { timeline, close } = await openWithParents(holed, folder);
  const life = timeline.lives.find(({ source }) => source === LOSER);
  assert.ok(life !== undefined);
  const { recording, head } = life.pieces[0] as (typeof life.pieces)[number];
  let firstGone = 0;
  for await (const { bytes } of recording.blocks(head, 1, Number.MAX_SAFE_INTEGER)) {
    if (isStub(bytes)) break;
    firstGone = decodeBlock(bytes).firstSequence + decodeBlock(bytes).events.length;
  }
  const said = await momentOfEvent(life, firstGone + 1).catch((error: Error) => error.message);
  const named = /nearest that can be forked are r02#(\d+) and r02#(\d+)$/.exec(String(said));
  assert.equal(Number(named?.[1]), firstGone - 1, String(said));
  assert.ok((await momentOfEvent(life, Number(named?.[2]))) > UNTIL_US - 500_000);
  await assert.rejects(alternativesAt(timeline, life, firstGone + 1), /was dropped for want of room/);
  await close();
});

test('[R119] [R127] a fork of the whole is compared with what is left of its parent on both sides of the stretch', async () => {
  const slow = await fork(whole, { atUs: 5_000_000, forUs: 12_000_000, parameters: { 'chain.strikes': 2 } });
  const [a, b] = [await openWithParents(holed, folder), await openWithParents(slow.recording, folder)];
  const { sources } = await compareForks(a.timeline, b.timeline);
  await Promise.all([a.close(), b.close()]);
  const [left, ...more] = sources.flatMap(({ source, uncompared }) => uncompared.map((one) => ({ source, ...one })));
  assert.deepEqual([left?.source, left?.side, more.length], [LOSER, 'a', 0]);
  const loser = sources.find(({ source }) => source === LOSER);
  assert.ok((left?.fromUs ?? 0) < 8_000_000 && (left?.untilUs ?? 0) > 8_000_000);
  const [there = 0, here = 0] = [loser?.outcome?.a.timeS, loser?.outcome?.b.timeS];
  assert.ok(there > 8 && there < 13, 'the time before and behind is compared, and no other');
  assert.ok(Math.abs(there - here) < 0.25, 'the last event of the fork is no later than its last wake');
});
