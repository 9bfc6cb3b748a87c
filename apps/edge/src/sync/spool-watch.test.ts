import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  ChainWriter,
  decodeStub,
  EVENT_TYPE,
  type EventDraft,
  eventsOf,
  type Gap,
  gapEvent,
  isStub,
  openingEvent,
  type SealedBlock,
  signalEvent,
  snapshotEvent,
  verify,
} from '@sigma/recorder';
import { openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { testOpening } from '@sigma/recorder/testing';
import { SpoolWatch } from './spool-watch.ts';

const chain = { tenant: 'acme', source: 'r1', epoch: 0 };
const openingOf = (epoch: number, previousEpochHash: Uint8Array, s: number): EventDraft =>
  openingEvent(testOpening('r1', { epoch, previousEpochHash, atUs: s * 1e6, timeUs: s * 1e6 + 1 }));
const opening = openingOf(0, new Uint8Array(), 0);
const segment = (n: number): EventDraft => ({
  ...signalEvent('', '', n * 1_000, n * 1_000),
  type: EVENT_TYPE.stimulusSegment,
  data: new Uint8Array(2_000).fill(n),
});
const failsafe = (n: number): EventDraft => signalEvent('failsafe', { n }, n * 1_000, n * 1_000);
const task = (n: number): EventDraft => signalEvent('task', { n, text: 'x'.repeat(1_500) }, n * 1_000, n * 1_000);
const snapshot = (n: number): EventDraft => {
  const state = new Uint8Array([n]);
  const facts = { inputSequence: 0, atUs: n * 1_000, state, stateHash: sha256(state), model: '', modelVersion: 1 };
  return snapshotEvent({ ...facts, flags: [], policyHash: '' }, n * 1_000);
};

/** A recording of which a block in ten holds something of safety, one a snapshot, one a task, the rest stimuli. */
async function site() {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-spool-'));
  const store = openSqliteStore(join(folder, 'edge.sqlite'));
  const writer = new ChainWriter(chain, sha256);
  const put = async (events: readonly EventDraft[]): Promise<SealedBlock> => {
    const block = writer.seal(events);
    await store.append([block]);
    return block;
  };
  await put([opening]);
  for (let n = 1; n <= 60; n++) {
    await put([[snapshot, failsafe, task, segment][Math.min(3, n % 10)]?.(n) as EventDraft]);
  }
  const bytes = async (): Promise<number> => {
    let sum = 0;
    for await (const block of store.blocks(chain, 1, writer.head.sequence)) sum += block.bytes.length;
    return sum;
  };
  const end = async (): Promise<void> => {
    await store.close();
    rmSync(folder, { recursive: true });
  };
  return { store, writer, put, bytes, end };
}

test('[R127] [L8] a recording that is too full says what it drops before it drops it, keeps what is of safety, and still verifies', async () => {
  const { store, put, bytes, end } = await site();
  const gaps: Gap[] = [];
  const full: number[] = [];
  let used = await bytes();
  const watch = new SpoolWatch({
    tenant: 'acme',
    growing: [chain],
    recording: store,
    mostBytes: 60_000,
    usedBytes: () => used,
    acknowledged: () => 8,
    furthest: () => Number.POSITIVE_INFINITY,
    tell: (_, gap) => void gaps.push(gap),
    drop: (stubs) => assert.equal(store.drop(stubs), stubs.length),
    full: (bytesNow) => void full.push(bytesNow),
  });
  await watch.look();
  assert.deepEqual(
    gaps.map(({ eventClass }) => eventClass),
    ['held'],
    'what the hub has goes first',
  );
  assert.equal(await bytes(), used, 'nothing has gone yet');
  await watch.look();
  assert.equal(gaps.length, 1, 'nothing more is told of before that is on disk');
  for (let [told, before] = [0, 0]; before !== used; await watch.look()) {
    for (const gap of gaps.slice(told)) {
      told++;
      await put([gapEvent(gap, 70_000, 70_000)]);
      watch.gapFound('r1', gap);
    }
    [before, used] = [used, await bytes()];
  }
  assert.ok(
    gaps.every(({ eventClass }) => eventClass !== 'decision'),
    'no task while there are stimuli to drop',
  );
  assert.ok(used <= 60_000, `${used} bytes`);
  const report = await verify(store, { sha256, reexecutors: {} });
  assert.equal(report.firstFailure, null);
  const events = ({ fromSequence, toSequence }: { fromSequence: number; toSequence: number }) =>
    toSequence - fromSequence + 1;
  const dropped = report.chains[0]?.stretches.filter(({ result }) => result === 'dropped') ?? [];
  assert.equal(
    dropped.reduce((sum, stretch) => sum + events(stretch), 0),
    gaps.reduce((sum, { firstSequence, lastSequence }) => sum + lastSequence - firstSequence + 1, 0),
  );
  // Six failsafes, six snapshots, and five tasks: the first one the hub has.
  const kept = { signals: 0, snapshots: 0 };
  for await (const { bytes: block, firstSequence } of store.blocks(chain, 1, 61)) {
    if (isStub(block)) continue;
    for await (const { type } of eventsOf(store, chain, firstSequence, firstSequence)) {
      if (type === EVENT_TYPE.snapshot) kept.snapshots++;
      else if (type === EVENT_TYPE.signal) kept.signals++;
    }
  }
  assert.ok(kept.signals === 11 && kept.snapshots === 6, JSON.stringify(kept));
  assert.deepEqual(full, []);
  await end();
});

test('[R127] a stub takes no place where other blocks stand than it says, nor that of the end of a chain', async () => {
  const { store, writer, bytes, end } = await site();
  const blocks: SealedBlock[] = [];
  const watch = new SpoolWatch({
    tenant: 'acme',
    growing: [chain],
    recording: store,
    mostBytes: 1,
    usedBytes: () => 1_000_000,
    acknowledged: () => 0,
    furthest: () => Number.POSITIVE_INFINITY,
    tell: (source, gap) => watch.gapFound(source, gap),
    drop: (stubs) => void blocks.push(...stubs),
    full: () => undefined,
  });
  await watch.look();
  const [stub] = blocks as [SealedBlock];
  const { head } = writer;
  assert.equal(store.drop([{ ...stub, firstSequence: stub.firstSequence + 1 }]), 0);
  assert.equal(store.drop([{ ...stub, firstSequence: head.sequence - stub.count + 1 }]), 0);
  assert.equal(store.drop([stub]), 1);
  const left = await bytes();
  store.drop([stub]);
  assert.equal(await bytes(), left, 'a second time changes nothing');
  assert.deepEqual((await store.heads())[0], head, 'the end is what it was');
  await end();
});

test('[R127] of a long absence snapshots stay by the minute, and what has gone of them is looked for no more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-snapshots-'));
  const store = openSqliteStore(join(folder, 'edge.sqlite'));
  const writer = new ChainWriter(chain, sha256);
  const put = (events: readonly EventDraft[]): Promise<void> => store.append([writer.seal(events)]);
  await put([opening]);
  const at = (draft: EventDraft, s: number): EventDraft => ({ ...draft, atUs: s * 1e6, timeUs: s * 1e6 });
  for (let s = 5; s <= 600; s += 5) {
    if (s % 50 === 0) await put([at(task(s % 250), s)]);
    await put([at(segment(s % 250), s), at(snapshot(s % 250), s)]);
  }
  const gaps: Gap[] = [];
  const watch = new SpoolWatch({
    tenant: 'acme',
    growing: [chain],
    recording: store,
    mostBytes: 100_000,
    usedBytes: () => 260_000,
    acknowledged: () => 0,
    furthest: () => Number.POSITIVE_INFINITY,
    tell: (_, gap) => void gaps.push(gap),
    drop: (stubs) => assert.equal(store.drop(stubs), stubs.length),
    full: () => assert.fail('there is enough to drop'),
  });
  await watch.look();
  for (const gap of gaps) {
    await put([at(gapEvent(gap, 0, 0), 601)]);
    watch.gapFound(chain.source, gap);
  }
  assert.deepEqual(new Set(gaps.map(({ eventClass }) => eventClass)), new Set(['snapshot']));
  const places = new Set<number>();
  for (let s = 5; s <= 600; s += 5) {
    const place = await store.snapshotBefore(chain, s * 1e6);
    assert.ok(place !== null && s * 1e6 - place.atUs < 60e6, `the state ${s} s in is known to the minute`);
    places.add(place.blockSequence);
  }
  for (const sequence of places) {
    for await (const { bytes } of store.blocks(chain, sequence, sequence)) assert.ok(!isStub(bytes), `${sequence}`);
  }
  assert.ok(places.size < 60, `${places.size} snapshots are left of 120`);
  assert.equal((await verify(store, { sha256, reexecutors: {} })).firstFailure, null);
  await store.close();
  rmSync(folder, { recursive: true });
});

test('[R127] a great deal goes little by little, so that its chain goes on meanwhile: the oldest inputs, and no decision among them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-many-'));
  const store = openSqliteStore(join(folder, 'edge.sqlite'));
  const writer = new ChainWriter(chain, sha256);
  await store.append(writer.sealCut([opening]));
  const cuts = 600;
  const group: SealedBlock[] = [];
  for (let n = 1; n <= cuts; n++) group.push(...writer.sealCut([segment(n), task(n)]));
  await store.append([...group, ...writer.sealCut([segment(cuts + 1), snapshot(cuts + 1)])]);
  let used = 3_000_000;
  const told: Gap[] = [];
  const watch = new SpoolWatch({
    tenant: 'acme',
    growing: [chain],
    recording: store,
    mostBytes: 2_400_000,
    usedBytes: () => used,
    acknowledged: () => 0,
    furthest: () => Number.POSITIVE_INFINITY,
    tell: (_, gap) => void told.push(gap),
    drop: (stubs) => assert.equal(store.drop(stubs), stubs.length),
    full: () => assert.fail('there is enough to drop'),
  });
  const rounds: number[] = [];
  for (;;) {
    const before = told.length;
    await watch.look();
    if (told.length === before) break;
    used = 0;
    rounds.push(told.length - before);
    await store.append(writer.sealCut(told.slice(before).map((gap) => gapEvent(gap, 700_000, 700_000))));
    for (const gap of told.slice(before)) watch.gapFound(chain.source, gap);
  }
  assert.equal(rounds[0], 256);
  assert.ok(rounds.length > 1 && told.length < cuts, String(rounds));
  assert.deepEqual(
    told.map(({ firstSequence }) => firstSequence),
    told.map((_, n) => 2 + 2 * n),
  );
  assert.ok(told.every(({ eventClass, hashes }) => eventClass === 'stimulus' && hashes.length === 1));
  const tasks: number[] = [];
  for (let n = 1; n <= cuts; n++) {
    for await (const event of eventsOf(store, chain, 1 + 2 * n, 1 + 2 * n)) tasks.push(event.sequence);
  }
  assert.equal(tasks.length, cuts);
  assert.equal((await verify(store, { sha256, reexecutors: {} })).firstFailure, null);
  await store.close();
  rmSync(folder, { recursive: true });
});

test('[R127] what earlier epochs left goes as well, the oldest first: the chain of today tells of it, and each keeps its last state', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-epochs-'));
  const store = openSqliteStore(join(folder, 'edge.sqlite'));
  const at = (draft: EventDraft, s: number): EventDraft => ({ ...draft, atUs: s * 1e6, timeUs: s * 1e6 });
  let before = new Uint8Array();
  let writer = new ChainWriter(chain, sha256);
  for (const epoch of [0, 1, 2]) {
    writer = new ChainWriter({ ...chain, epoch }, sha256);
    await store.append([writer.seal([openingOf(epoch, before, epoch * 1_000)])]);
    if (epoch === 1) await store.append([writer.seal([at(task(1), 1_000)])]);
    for (let s = epoch * 1_000 + 1; s <= epoch * 1_000 + 20; s++)
      await store.append([writer.seal([at(segment(1), s)])]);
    await store.append([writer.seal([at(snapshot(epoch), epoch * 1_000 + 21)])]);
    before = writer.head.hash.slice();
  }
  const told: Gap[] = [];
  let used = 3 * 20 * 2_000;
  const acknowledged: number[] = [];
  const watch = new SpoolWatch({
    tenant: 'acme',
    growing: [{ source: 'r1', epoch: 2 }],
    recording: store,
    mostBytes: 75_000,
    usedBytes: () => used,
    acknowledged: ({ epoch }) => acknowledged[epoch] ?? 0,
    furthest: () => Number.POSITIVE_INFINITY,
    tell: (source, gap) => {
      assert.equal(source, 'r1');
      told.push(gap);
    },
    drop: (stubs) => assert.equal(store.drop(stubs), stubs.length),
    full: () => assert.fail('there is enough to drop'),
  });
  const round = async (): Promise<readonly (readonly [number, string, number, number])[]> => {
    const from = told.length;
    await watch.look();
    const fresh = told.slice(from);
    if (fresh.length > 0) await store.append([writer.seal(fresh.map((gap) => at(gapEvent(gap, 0, 0), 3_000 + from)))]);
    for (const gap of fresh) watch.gapFound('r1', gap);
    return fresh.map((gap) => [gap.epoch, gap.eventClass, gap.firstSequence, gap.lastSequence]);
  };
  // 60,000 bytes are to go: all of the oldest life but its opening and its last state, and half of the next.
  assert.deepEqual(await round(), [
    [0, 'stimulus', 2, 21],
    [1, 'stimulus', 3, 11],
  ]);
  const report = await verify(store, { sha256, reexecutors: {} });
  assert.equal(report.firstFailure, null);
  assert.deepEqual(
    report.chains.map(({ stretches }) => stretches.map(({ result }) => result)),
    [['chain-only', 'dropped', 'chain-only'], ['chain-only', 'dropped', 'chain-only'], ['chain-only']],
  );
  for (const epoch of [0, 1, 2]) assert.notEqual(await store.snapshotBefore({ ...chain, epoch }, 9e9), null);
  used = 76_000;
  assert.deepEqual(await round(), [[1, 'stimulus', 12, 19]], 'the next begins where the last one ended');
  // What the hub has meanwhile goes before what it has not, wherever it stands.
  acknowledged[1] = 2;
  acknowledged[2] = 6;
  assert.deepEqual(await round(), [
    [1, 'held', 2, 2],
    [2, 'held', 2, 6],
  ]);
  // Then nobody needs to know block by block what was there.
  const named = async (epoch: number, from: number, to: number): Promise<readonly number[]> => {
    const counts: number[] = [];
    for await (const { bytes } of store.blocks({ ...chain, epoch }, from, to)) {
      if (isStub(bytes)) counts.push(...decodeStub(bytes).dropped.map(({ blocks = 1 }) => blocks));
    }
    return counts;
  };
  const heads = await store.heads();
  assert.deepEqual(await named(2, 2, 6), [1, 1, 1, 1, 1]);
  // A hub that had part of a stretch when that was dropped is still to be sent the rest.
  acknowledged[1] = 5;
  assert.deepEqual(await round(), []);
  assert.deepEqual(await named(2, 2, 6), [5]);
  assert.deepEqual(await named(1, 3, 11), [1, 1, 1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(await store.heads(), heads);
  assert.deepEqual(await round(), [
    [1, 'stimulus', 20, 22],
    [2, 'stimulus', 7, 11],
  ]);
  // A hub that forgot: what it had is to be sent again, and is no more than what it never had.
  acknowledged[1] = 0;
  acknowledged[2] = 3;
  assert.deepEqual(await round(), [[2, 'stimulus', 12, 19]]);
  assert.equal((await verify(store, { sha256, reexecutors: {} })).firstFailure, null);
  await store.close();
  rmSync(folder, { recursive: true });
});
