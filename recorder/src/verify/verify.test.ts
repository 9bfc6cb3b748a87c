import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { tramModel } from '../../testing/tram.ts';
import { type TramDay, tramDay } from '../../testing/tram-day.ts';
import {
  agentReexecutor,
  ChainWriter,
  decodeBlock,
  decodeEnvelope,
  EVENT_TYPE,
  type EventDraft,
  joinReports,
  openingEvent,
  type RecordedEvent,
  type Reexecutors,
  type SealedBlock,
  type Sha256,
  siteHead,
  type VerifyReport,
  verify,
} from '../index.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const trams: Reexecutors = { tram: () => agentReexecutor(tramModel()) };

const day = tramDay({ seed: 11, wakes: 400, sha256 });
const other = tramDay({ seed: 12, wakes: 400, sha256, source: 'tram-2' });

async function recordingOf(...days: readonly TramDay[]): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const { blocks } of days) await store.append(blocks);
  return store;
}

/** A recording of both trams in which a vandal had his way with the first one's blocks. */
async function vandalised(work: (rows: SealedBlock[]) => void): Promise<VerifyReport> {
  const store = await recordingOf(day, other);
  const mine = store.rows.filter(({ source }) => source === 'tram-1');
  const rest = store.rows.filter(({ source }) => source !== 'tram-1');
  work(mine);
  store.rows.splice(0, Number.POSITIVE_INFINITY, ...mine, ...rest);
  const report = await verify(store, {
    sha256,
    reexecutors: trams,
    knownHeads: await (await recordingOf(day)).heads(),
  });
  assert.equal(report.ok, false);
  assert.equal(report.chains.find(({ source }) => source === 'tram-2')?.failures.length, 0, 'the other chain is whole');
  return report;
}

const at = (rows: SealedBlock[], index: number): SealedBlock => rows[index] as SealedBlock;
const lastOf = ({ firstSequence, count }: SealedBlock): number => firstSequence + count - 1;

/** The chain written anew with some events changed: hashes and links are all in order, as a forger would have them. */
function forged(change: (event: EventDraft) => EventDraft | null): TramDay {
  const writer = new ChainWriter(day.opening, sha256);
  const blocks = day.blocks.map(({ bytes }) =>
    writer.seal(decodeBlock(bytes).events.flatMap((envelope) => change(decodeEnvelope(envelope)) ?? [])),
  );
  return { ...day, blocks };
}

test('[R60] looks at one source each, joined, say what one look at all of them says, what is missing included', async () => {
  const rows = (await recordingOf(other, day)).rows.map((row) => ({ ...row, bytes: row.bytes.slice() }));
  const damaged = rows.find(({ source, firstSequence }) => source === 'tram-2' && firstSequence > 20) as SealedBlock;
  (damaged.bytes[damaged.bytes.length - 3] as number) ^= 1;
  const store = new MemoryStore();
  store.rows.push(...rows);
  const gone = { ...(day.blocks.at(-1) as SealedBlock), source: 'tram-0' };
  const absent = { ...gone, sequence: lastOf(gone), atUs: gone.lastAtUs, blocks: day.blocks.length };
  const options = { sha256, reexecutors: trams };
  const whole = await verify(store, { ...options, knownHeads: [absent] });
  const heads = await store.heads();
  const looks = [
    await verify(store, { ...options, heads: [], knownHeads: [absent] }),
    ...(await Promise.all(heads.toReversed().map((head) => verify(store, { ...options, heads: [head] })))),
  ];
  assert.deepEqual(
    whole.chains.map(({ source, failures }) => [source, failures.length]),
    [
      ['tram-1', 0],
      ['tram-2', 1],
      ['tram-0', 1],
    ],
  );
  assert.deepEqual(joinReports(looks, sha256), whole);
});

test('[R60] [L2] an honest recording verifies: every event of every chain is re-executed', async () => {
  const seen: number[] = [];
  const store = await recordingOf(day, other);
  const report = await verify(store, {
    sha256,
    reexecutors: trams,
    progress: ({ sequence }) => {
      seen.push(sequence);
    },
  });
  assert.deepEqual(report.firstFailure, null);
  assert.equal(report.ok, true);
  assert.equal(report.wakes, 800);
  assert.ok(day.decisions > 20, `${day.decisions} decisions make a poor exam`);
  for (const { stretches, head, reexecuted } of report.chains) {
    assert.deepEqual(stretches, [{ fromSequence: 1, toSequence: head.sequence, result: 're-executed' }]);
    assert.ok(reexecuted > 100);
  }
  assert.equal(report.head, siteHead(await store.heads(), sha256));
  assert.equal(seen.length, 2, 'one call at the end of each chain of 41 blocks');
});

test('[R61] [L4] one altered bit anywhere in the bytes is found, in its block', async () => {
  for (let n = 0; n < 40; n++) {
    const victim = 1 + ((n * 7) % (day.blocks.length - 1));
    const block = day.blocks[victim] as SealedBlock;
    const bytes = block.bytes.slice();
    const place = (n * 131) % bytes.length;
    bytes[place] = (bytes[place] as number) ^ (1 << (n % 8));
    const report = await vandalised((rows) => {
      rows[victim] = { ...block, bytes };
    });
    const [failure] = report.firstFailure === null ? [] : [report.firstFailure];
    assert.equal(failure?.kind, 'bytes', `block ${victim}, byte ${place}`);
    assert.equal(failure?.fromSequence, block.firstSequence);
    assert.equal(report.chains[0]?.failures.length, 1, 'the blocks behind it are not blamed');
    assert.match(failure?.message ?? '', /acme\/tram-1 epoch 0/);
  }
});

test('[R61] [L4] an altered block whose hash was recomputed is betrayed by the block after it', async () => {
  const report = await vandalised((rows) => {
    const block = at(rows, 7);
    const bytes = block.bytes.slice();
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
    rows[7] = { ...block, bytes, hash: sha256(bytes) };
  });
  const first = report.chains[0]?.failures ?? [];
  assert.ok(
    first.some(({ kind, fromSequence }) => kind === 'link' && fromSequence === at([...day.blocks], 8).firstSequence),
  );
  assert.match(first.find(({ kind }) => kind === 'link')?.message ?? '', /one of the two was replaced/);
});

test('[R62] [L4] removed blocks leave a hole that is named by its sequences', async () => {
  for (const [from, count] of [
    [3, 1],
    [5, 3],
    [1, 1],
  ] as const) {
    const gone = day.blocks.slice(from, from + count) as SealedBlock[];
    const { firstFailure } = await vandalised((rows) => rows.splice(from, count));
    assert.equal(firstFailure?.kind, 'missing');
    assert.equal(firstFailure?.fromSequence, gone[0]?.firstSequence);
    assert.equal(firstFailure?.toSequence, lastOf(gone[gone.length - 1] as SealedBlock));
  }
});

test('[R62] [L4] a chain without its opening is found', async () => {
  const { firstFailure } = await vandalised((rows) => rows.splice(0, 1));
  assert.equal(firstFailure?.kind, 'missing');
  assert.deepEqual([firstFailure?.fromSequence, firstFailure?.toSequence], [1, 1]);
});

test('[R62] [L4] blocks in another order are found where they stand', async () => {
  const swapped = await vandalised((rows) => {
    const [a, b] = [at(rows, 4), at(rows, 5)];
    rows.splice(4, 2, b, a);
  });
  assert.equal(swapped.firstFailure?.fromSequence, day.blocks[4]?.firstSequence);
  const refiled = await vandalised((rows) => {
    const [a, b] = [at(rows, 4), at(rows, 5)];
    rows[4] = { ...b, firstSequence: a.firstSequence };
    rows[5] = { ...a, firstSequence: b.firstSequence };
  });
  assert.equal(refiled.firstFailure?.kind, 'order');
  assert.equal(refiled.firstFailure?.fromSequence, day.blocks[4]?.firstSequence);
});

test('[R62] [L4] a block twice is found', async () => {
  const { firstFailure } = await vandalised((rows) => rows.splice(5, 0, at(rows, 4)));
  assert.equal(firstFailure?.kind, 'order');
  assert.equal(firstFailure?.fromSequence, day.blocks[4]?.firstSequence);
});

test('[R62] [L4] a block of another source, filed under this one, is found and its owner named', async () => {
  const stranger = other.blocks[4] as SealedBlock;
  const { firstFailure } = await vandalised((rows) => {
    rows[4] = { ...stranger, source: 'tram-1', firstSequence: at(rows, 4).firstSequence };
  });
  assert.equal(firstFailure?.kind, 'foreign');
  assert.equal(firstFailure?.fromSequence, day.blocks[4]?.firstSequence);
  assert.match(firstFailure?.message ?? '', /belongs to acme\/tram-2/);
});

test('[R63] [L4] a chain cut short is whole in itself, and found by the head that is known from elsewhere', async () => {
  const cut = await recordingOf(day, other);
  const removed = day.blocks.slice(-3) as SealedBlock[];
  cut.rows.splice(day.blocks.length - 3, 3);
  assert.equal((await verify(cut, { sha256, reexecutors: trams })).ok, true);
  const { firstFailure } = await vandalised((rows) => rows.splice(-3, 3));
  assert.equal(firstFailure?.kind, 'cut_short');
  assert.equal(firstFailure?.fromSequence, removed[0]?.firstSequence);
  assert.equal(firstFailure?.toSequence, lastOf(removed[2] as SealedBlock));
});

test('[R63] [L4] a chain that is gone, and one whose history was rewritten, do not meet their known heads', async () => {
  const knownHeads = await (await recordingOf(day)).heads();
  const gone = await verify(await recordingOf(other), { sha256, reexecutors: trams, knownHeads });
  assert.match(gone.firstFailure?.message ?? '', /tram-1.*the whole chain is gone/);
  const rewritten = await recordingOf(tramDay({ seed: 13, wakes: 600, sha256 }));
  const report = await verify(rewritten, { sha256, reexecutors: trams, knownHeads });
  assert.equal(report.firstFailure?.kind, 'head');
  assert.match(report.firstFailure?.message ?? '', /rewritten/);
});

test('[R63] [L4] an epoch cut short is betrayed by the opening of the next', async () => {
  const store = new MemoryStore();
  const first = testChain('r01', sha256);
  const blocks = [first.begin(), first.notes(2), first.notes(2)];
  const next = testChain('r01', sha256, { epoch: 1, atUs: 50_000, previousEpochHash: blocks[2]?.hash as Uint8Array });
  await store.append([...blocks, next.begin()]);
  assert.equal((await verify(store, { sha256, reexecutors: {} })).ok, true);
  store.rows.splice(2, 1);
  const { firstFailure } = await verify(store, { sha256, reexecutors: {} });
  assert.equal(firstFailure?.kind, 'cut_short');
  assert.match(firstFailure?.message ?? '', /r01 epoch 1.*epoch 0 does not end where/);
});

test('[R64] [L2] a forged decision in a flawless chain is found by re-execution, with both sides', async () => {
  let decisions = 0;
  let forgedAt = 0;
  const forgery = forged((event) => {
    if (event.type !== EVENT_TYPE.decision || ++decisions !== 9) return event;
    const data = event.data.slice();
    const place = new TextDecoder('latin1').decode(data).indexOf('tram-policy');
    data[place] = 'T'.charCodeAt(0);
    forgedAt = (event as EventDraft & { sequence: number }).sequence;
    return { ...event, data };
  });
  const report = await verify(await recordingOf(forgery), { sha256, reexecutors: trams });
  assert.equal(report.chains[0]?.failures.length, 1);
  assert.equal(report.firstFailure?.kind, 're-execution');
  assert.equal(report.firstFailure?.fromSequence, forgedAt);
  assert.match(report.firstFailure?.recorded ?? '', /"policyHash":"Tram-policy"/);
  assert.match(report.firstFailure?.expected ?? '', /"policyHash":"tram-policy"/);
});

test('[R65] after a failure the rest is chain-only up to the next snapshot, and re-executed from there', async () => {
  let decisions = 0;
  const forgery = forged((event) => {
    if (event.type !== EVENT_TYPE.decision || ++decisions !== 9) return event;
    return { ...event, subject: 'another task' };
  });
  const [chain] = (await verify(await recordingOf(forgery), { sha256, reexecutors: trams })).chains;
  assert.deepEqual(
    chain?.stretches.map(({ result }) => result),
    ['re-executed', 'failed', 'chain-only', 're-executed'],
  );
  assert.equal(chain?.failures.length, 1, 'one forgery, one failure');
  const stretches = chain?.stretches ?? [];
  const snapshot = stretches[3]?.fromSequence;
  assert.ok(day.blocks.some(({ snapshots }) => snapshots.some(({ sequence }) => sequence === snapshot)));
  for (let i = 1; i < stretches.length; i++) {
    assert.equal(
      stretches[i]?.fromSequence,
      (stretches[i - 1]?.toSequence ?? 0) + 1,
      'stretches cover every event once',
    );
  }
});

test('[R64] [L4] a decision left out, one made up, and one too many at the end are found', async () => {
  let seen = 0;
  const left = forged((event) => (event.type === EVENT_TYPE.decision && ++seen === 5 ? null : event));
  assert.equal((await verify(await recordingOf(left), { sha256, reexecutors: trams })).ok, false);
  let last: EventDraft | null = null;
  seen = 0;
  const doubled = forged((event) => {
    if (event.type !== EVENT_TYPE.decision) return event;
    const mine = ++seen === 7 && last !== null ? { ...last, atUs: event.atUs } : event;
    last = event;
    return mine;
  });
  assert.equal(
    (await verify(await recordingOf(doubled), { sha256, reexecutors: trams })).firstFailure?.kind,
    're-execution',
  );
});

/** The first blocks of the day, the last of them up to an event that a test chooses. */
function dayUpTo(events: (all: readonly RecordedEvent[]) => readonly RecordedEvent[]) {
  const writer = new ChainWriter(day.opening, sha256);
  return day.blocks.slice(0, 6).map(({ bytes }, n) => {
    const all = decodeBlock(bytes).events.map(decodeEnvelope);
    return writer.seal(n === 5 ? events(all) : all);
  });
}

test('[R64] [L4] a chain that ends among the decisions of a segment is found', async () => {
  const blocks = dayUpTo((all) => all.slice(0, 2));
  const { firstFailure } = await verify(await recordingOf({ ...day, blocks }), { sha256, reexecutors: trams });
  assert.equal(firstFailure?.kind, 'cut_short');
  assert.match(firstFailure?.message ?? '', /not on record before the end of the chain/);
});

test('[R64] [R63] [L4] a chain that ends between a segment and its decisions says that these inputs led nowhere; a head that is known finds the rest missing', async () => {
  const blocks = dayUpTo((all) => all.slice(0, 1));
  const recording = await recordingOf({ ...day, blocks });
  const report = await verify(recording, { sha256, reexecutors: trams });
  const end = report.chains[0]?.head.sequence ?? 0;
  assert.equal(report.ok, true);
  assert.deepEqual(report.chains[0]?.stretches, [
    { fromSequence: 1, toSequence: end - 1, result: 're-executed' },
    { fromSequence: end, toSequence: end, result: 'chain-only' },
  ]);
  const known = (await (await recordingOf(day)).heads()).filter(({ source }) => source === day.opening.source);
  const { firstFailure } = await verify(recording, { sha256, reexecutors: trams, knownHeads: known });
  assert.equal(firstFailure?.kind, 'cut_short');
  assert.equal(firstFailure?.fromSequence, end + 1);
});

test('[R64] [L2] another behaviour of the same model name is found at the first decision it makes differently', async () => {
  const report = await verify(await recordingOf(day), {
    sha256,
    reexecutors: { tram: () => agentReexecutor(tramModel(250)) },
  });
  assert.ok(report.firstFailure?.kind === 're-execution' || report.firstFailure?.kind === 'cut_short');
});

test('[R64] [L4] a snapshot of a state that never was is found', async () => {
  const swap = forged((event) => {
    if (event.type !== EVENT_TYPE.snapshot) return event;
    const text = new TextDecoder('latin1').decode(event.data);
    const data = event.data.slice();
    data[text.indexOf('"nearestMm":') + 12] = '7'.charCodeAt(0);
    return { ...event, data };
  });
  const { firstFailure } = await verify(await recordingOf(swap), { sha256, reexecutors: trams });
  assert.equal(firstFailure?.kind, 'snapshot');
  assert.match(firstFailure?.message ?? '', /does not have the hash/);
});

test('[R66] a chain whose model is not here, has another version or another policy stays chain-only and says why', async () => {
  const store = await recordingOf(day);
  const because = async (reexecutors: Reexecutors): Promise<string | null> => {
    const report = await verify(store, { sha256, reexecutors });
    assert.equal(report.ok, true);
    assert.deepEqual(
      report.chains[0]?.stretches.map(({ result }) => result),
      ['chain-only'],
    );
    return report.chains[0]?.chainOnlyBecause ?? null;
  };
  assert.match((await because({})) ?? '', /model 'tram' is not here/);
  assert.match(
    (await because({ tram: () => agentReexecutor({ ...tramModel(), version: 2 }) })) ?? '',
    /model version 1, here is 2/,
  );
  const policy = { version: '2', hash: 'other', rules: [] };
  assert.match(
    (await because({ tram: () => agentReexecutor({ ...tramModel(), policy }) })) ?? '',
    /policy tram-policy/,
  );
});

test('[R3] [L4] a block of a newer format is a failure that names the version', async () => {
  const { firstFailure } = await vandalised((rows) => {
    const block = at(rows, 6);
    const bytes = block.bytes.slice();
    bytes[1] = 2;
    rows[6] = { ...block, bytes, hash: sha256(bytes) };
  });
  assert.equal(firstFailure?.kind, 'format');
  assert.match(firstFailure?.message ?? '', /format 2; this program reads formats up to 1/);
});

test('[R60] a chain that does not begin with its opening cannot be written', () => {
  const writer = new ChainWriter({ tenant: 'a', source: 'b', epoch: 0 }, sha256);
  const [, note] = [
    openingEvent(day.opening),
    decodeEnvelope(decodeBlock((day.blocks[1] as SealedBlock).bytes).events[0] as Uint8Array),
  ];
  assert.throws(() => writer.seal([note]), /begins with sigma.opening.v1/);
  assert.throws(() => writer.seal([]), /at least one event/);
});

test('[R138] [L4] what has landed and cannot be read is missed in the chain that it belongs to, and each chain told once however many look', async () => {
  const store = await recordingOf(day, other);
  const heads = await store.heads();
  const [mine, theirs] = heads;
  assert.ok(mine !== undefined && theirs !== undefined);
  const gone = { ...mine, source: 'tram-9', sequence: 7 };
  const severed = async () => [{ ...mine, sequence: mine.sequence + 5 }, gone];
  const recording = { ...recordingOn(store), severed };
  const look = (of?: typeof heads) =>
    verify(recording, { sha256, reexecutors: trams, ...(of === undefined ? {} : { heads: of }) });
  const missed = ({ chains }: VerifyReport) =>
    chains.flatMap(({ source, failures }) =>
      failures.map(({ kind, fromSequence, toSequence }) => [source, kind, fromSequence, toSequence]),
    );
  const cutShort = ['tram-1', 'cut_short', mine.sequence + 1, mine.sequence + 5];
  const lost = ['tram-9', 'cut_short', 1, 7];
  assert.deepEqual(missed(await look()), [cutShort, lost]);
  assert.deepEqual(missed(await look([mine])), [cutShort, lost]);
  assert.deepEqual(missed(await look([theirs])), [], 'who looks at other chains alone says nothing of these');
  const empty = { ...recordingOn(new MemoryStore()), severed };
  const nothing = await verify(empty, { sha256, reexecutors: trams });
  assert.deepEqual(
    missed(nothing).map(([source]) => source),
    ['tram-1', 'tram-9'],
  );
});

const recordingOn = (store: MemoryStore) => ({
  heads: () => store.heads(),
  blocks: (...range: Parameters<MemoryStore['blocks']>) => store.blocks(...range),
  snapshotBefore: (...place: Parameters<MemoryStore['snapshotBefore']>) => store.snapshotBefore(...place),
  close: () => store.close(),
});
