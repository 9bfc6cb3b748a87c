import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { testChain } from '../../../testing/chains.ts';
import type { SealedBlock } from '../../chain-writer.ts';
import { outgoingBlock } from '../outgoing.ts';
import { type BatchAnswer, type BlockBatch, batchBytes, type ChainEnd, type HeldChain } from '../sync-words.ts';
import { SyncSender, type SyncSenderOptions } from './sync-sender.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const NONE = new Uint8Array();
const PLENTY = 1 << 30;

/** A recording with chains of so many notes of 200 bytes, one a block, and a sender over it. */
function edge(notes: Readonly<Record<string, number>>, over: Partial<SyncSenderOptions> = {}) {
  const blocks = new Map<string, SealedBlock[]>();
  const chains = new Map<string, ReturnType<typeof testChain>>();
  const sender = new SyncSender({ tenant: 'acme', bytesPerS: Number.POSITIVE_INFINITY, batchBytes: 1_000, ...over });
  const record = (source: string, count: number): ChainEnd => {
    const chain = chains.get(source) ?? testChain(source, sha256);
    const stored = blocks.get(source) ?? [chain.begin()];
    chains.set(source, chain);
    blocks.set(source, stored);
    for (let n = 0; n < count; n++) stored.push(chain.notes(1, 200));
    const { sequence, hash } = chain.writer.head;
    sender.grown({ source, epoch: 0 }, { sequence, hash });
    return { sequence, hash };
  };
  for (const [source, count] of Object.entries(notes)) record(source, count);
  const held = (source: string, sequence: number): HeldChain => {
    const hash = blocks.get(source)?.[sequence - 1]?.hash ?? NONE;
    return { source, epoch: 0, sequence, hash, refusal: null, message: '' };
  };
  /** The next batch, or null when nothing is to be sent now. */
  const send = (nowUs = 0): BlockBatch | null => {
    const step = sender.next(nowUs);
    if (step.type !== 'read') return null;
    const stored = (blocks.get(step.chain.source) ?? []).slice(step.fromSequence - 1);
    return sender.take(step.chain, stored.map(outgoingBlock), nowUs);
  };
  const drain = (nowUs = 0): BlockBatch[] => {
    const sent: BlockBatch[] = [];
    for (let batch = send(nowUs); batch !== null; batch = send(nowUs)) sent.push(batch);
    return sent;
  };
  const answer = (batch: BlockBatch, over: Partial<BatchAnswer> = {}): BatchAnswer => ({
    source: batch.source,
    epoch: batch.epoch,
    firstSequence: batch.firstSequence,
    refusal: null,
    message: '',
    held: { sequence: batch.firstSequence + batch.blocks.length - 1, hash: batch.hash },
    standingHash: NONE,
    refusedHash: NONE,
    allowedBytes: PLENTY,
    time: { us: 0, count: 0 },
    tookUs: 0,
    missedPack: 0,
    ...over,
  });
  return { sender, record, held, send, drain, answer };
}

const sequences = (batches: readonly BlockBatch[]): number[] =>
  batches.flatMap(({ firstSequence, blocks }) => blocks.map((_, i) => firstSequence + i));

test('[R121] nothing is sent before the hub has said where it stands; then what follows, once and in order', () => {
  const { sender, send, drain, held, answer } = edge({ r1: 20 });
  assert.equal(send(), null);
  assert.deepEqual(
    sender.linked().map(({ source, sequence, acknowledged }) => [source, sequence, acknowledged]),
    [['r1', 21, 0]],
  );
  assert.equal(send(), null);
  sender.held([held('r1', 5)], PLENTY);
  const batches = drain();
  assert.deepEqual(
    sequences(batches),
    Array.from({ length: 16 }, (_, i) => i + 6),
  );
  assert.ok(batches.length > 3 && batches.every((batch) => batchBytes(batch) <= 1_000));
  const [first] = batches as [BlockBatch];
  assert.deepEqual(sender.answered(answer(first), 0), [
    {
      type: 'acknowledged',
      source: 'r1',
      epoch: 0,
      sequence: first.firstSequence + first.blocks.length - 1,
      hash: first.hash,
    },
  ]);
});

test('[R121] [L6] a link that was cut: what was under way is sent again from where the hub then stands', () => {
  const { sender, drain, held } = edge({ r1: 10 });
  sender.linked();
  sender.held([held('r1', 0)], PLENTY);
  assert.equal(sequences(drain()).length, 11);
  sender.lost();
  assert.deepEqual(drain(), []);
  sender.linked();
  sender.held([held('r1', 7)], PLENTY);
  assert.deepEqual(sequences(drain()), [8, 9, 10, 11]);
});

test('[R122] [L3] a hub that stands lower than it acknowledged has forgotten: said once, and sent again', () => {
  const { sender, drain, held, answer } = edge({ r1: 10 });
  sender.linked();
  sender.held([held('r1', 0)], PLENTY);
  for (const batch of drain()) sender.answered(answer(batch), 0);
  sender.lost();
  assert.equal(sender.linked()[0]?.acknowledged, 11);
  const findings = sender.held([held('r1', 4)], PLENTY);
  assert.deepEqual(findings[0], { type: 'forgot', source: 'r1', epoch: 0, acknowledged: 11, held: 4 });
  assert.deepEqual(sequences(drain()), [5, 6, 7, 8, 9, 10, 11]);
  sender.lost();
  sender.linked();
  assert.deepEqual(sender.held([held('r1', 4)], PLENTY), [], 'what it stands at now is what is remembered');
});

test('[R123] [L4] a fork stops its chain on this link and no other; both hashes are in the finding', () => {
  const { sender, record, drain, held, answer } = edge({ r1: 5, r2: 5 });
  sender.linked();
  sender.held([held('r1', 0), held('r2', 0)], PLENTY);
  const batches = drain();
  const mine = batches.filter(({ source }) => source === 'r1');
  const [standingHash, refusedHash] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const refused = mine.map((batch) =>
    sender.answered(answer(batch, { refusal: 'fork', message: 'two', standingHash, refusedHash }), 0),
  );
  assert.deepEqual(refused.flat().length, 1);
  assert.deepEqual(refused[0]?.[0], {
    type: 'refused',
    source: 'r1',
    epoch: 0,
    refusal: 'fork',
    sequence: 1,
    message: 'two',
    standingHash,
    refusedHash,
  });
  record('r1', 3);
  assert.deepEqual(drain(), []);
  assert.equal(sender.standings().find(({ source }) => source === 'r1')?.stopped, 'fork');
});

test('[R123] other content at the very end, and a hub that has more than a restored edge', () => {
  const one = edge({ r1: 5 });
  one.sender.linked();
  const [forked] = one.sender.held([{ ...one.held('r1', 6), hash: new Uint8Array(32).fill(9) }], PLENTY);
  assert.equal(forked?.type === 'refused' ? forked.refusal : '', 'fork');
  const two = edge({ r1: 5 });
  two.sender.linked();
  const beyond: HeldChain = {
    source: 'r1',
    epoch: 0,
    sequence: 9,
    hash: new Uint8Array(32),
    refusal: null,
    message: '',
  };
  assert.deepEqual(
    two.sender.held([beyond], PLENTY).map(({ type }) => type),
    ['behind', 'acknowledged'],
  );
  assert.equal(two.sender.standings()[0]?.acknowledged, 6, 'what it has, the hub has too: it compared its end');
  assert.deepEqual(two.drain(), []);
  two.record('r1', 2);
  assert.deepEqual(sequences(two.drain()), [7, 8], 'what it writes there now is for the hub to compare');
});

test('[R123] the hub stands elsewhere: everything under way is waited for, then sent from there; not for ever', () => {
  const { sender, drain, held, answer } = edge({ r1: 12 });
  sender.linked();
  sender.held([held('r1', 0)], PLENTY);
  const batches = drain();
  const elsewhere = { refusal: 'missing', held: { sequence: 2, hash: NONE } } as const;
  for (const [i, batch] of batches.entries()) {
    assert.deepEqual(drain(), [], `${i} of ${batches.length} answered`);
    sender.answered(answer(batch, elsewhere), 0);
  }
  let again = drain();
  assert.deepEqual(sequences(again)[0], 3);
  for (let round = 0; again.length > 0; round++) {
    assert.ok(round < 6, 'it would go on for ever');
    for (const batch of again) sender.answered(answer(batch, elsewhere), 0);
    again = drain();
  }
  assert.equal(sender.standings()[0]?.stopped, 'missing');
});

test('[R123] a store that cannot take it now is asked again after a second, not before', () => {
  const { sender, send, drain, held, answer } = edge({ r1: 2 });
  sender.linked();
  sender.held([held('r1', 0)], PLENTY);
  const [batch] = drain() as [BlockBatch];
  sender.answered(answer(batch, { refusal: 'later', held: { sequence: 0, hash: NONE } }), 5);
  assert.deepEqual(sender.next(6), { type: 'wait', us: 999_999 });
  assert.equal(send(6), null);
  assert.equal(send(1_000_005)?.firstSequence, 1);
});

test('[R124] [L8] no more flies than the hub allows, one batch alone excepted; an answer makes room', () => {
  const { sender, send, drain, held, answer } = edge({ r1: 30 });
  sender.linked();
  sender.held([held('r1', 0)], 1_500);
  const first = drain();
  assert.ok(sender.flyingBytes <= 1_500 && sender.flyingBytes > 1_000, `${sender.flyingBytes}`);
  sender.answered(answer(first[0] as BlockBatch, { allowedBytes: 1_500 + batchBytes(first[0] as BlockBatch) }), 0);
  assert.notEqual(send(), null);
  const tight = edge({ r1: 3 });
  tight.sender.linked();
  tight.sender.held([tight.held('r1', 0)], 10);
  const alone = tight.drain();
  assert.equal(alone.length, 1);
  tight.sender.answered(tight.answer(alone[0] as BlockBatch, { allowedBytes: 20 }), 0);
  assert.equal(tight.drain().length, 1, 'a block that is greater than the window goes alone');
});

/** Bytes of each source among what was sent, each batch acknowledged at once. */
function served(of: ReturnType<typeof edge>, rounds: number, between: (round: number) => void): Map<string, number> {
  const bytes = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    between(round);
    const batch = of.send();
    if (batch === null) continue;
    bytes.set(batch.source, (bytes.get(batch.source) ?? 0) + batchBytes(batch));
    of.sender.answered(of.answer(batch), 0);
  }
  return bytes;
}

test('[R125] [L6] what is live is not held up by a backlog, nor a backlog by what is live', () => {
  const of = edge({ old: 3_000, now: 0 });
  of.sender.linked();
  of.sender.held([of.held('old', 0), of.held('now', 1)], PLENTY);
  const crowded = served(of, 400, () => of.record('now', 8));
  const share = (crowded.get('old') ?? 0) / ((crowded.get('now') ?? 0) + (crowded.get('old') ?? 0));
  assert.ok(share > 0.08 && share < 0.15, `a ninth for the backlog of a link that is too narrow, ${share}`);
  const calm = edge({ old: 3_000, now: 0 });
  calm.sender.linked();
  calm.sender.held([calm.held('old', 0), calm.held('now', 1)], PLENTY);
  let late = 0;
  served(calm, 400, (round) => {
    if (round % 4 !== 0) return;
    const behind = calm.sender.standings().find(({ source }) => source === 'now');
    if (behind !== undefined && behind.sent < behind.recorded) late++;
    calm.record('now', 1);
  });
  assert.equal(late, 0, 'what little is live has always left before more of it comes');
});

test('[R125] [L8] a chain with a safety event goes before all others, even where bytes are bounded', () => {
  const of = edge({ a: 100, b: 100, c: 100 }, { bytesPerS: 1_000 });
  of.sender.linked();
  of.sender.held(
    ['a', 'b', 'c'].map((source) => of.held(source, 0)),
    PLENTY,
  );
  of.drain();
  assert.notEqual(of.sender.next(0).type, 'read', 'the bucket is empty');
  of.sender.urgent({ source: 'c', epoch: 0 }, 40);
  const urgent = of.drain();
  assert.ok(urgent.length > 0);
  assert.deepEqual([...new Set(urgent.map(({ source }) => source))], ['c']);
  const free = edge({ a: 500, b: 500, c: 500 });
  free.sender.linked();
  free.sender.held(
    ['a', 'b', 'c'].map((source) => free.held(source, 0)),
    PLENTY,
  );
  free.sender.urgent({ source: 'c', epoch: 0 }, 300);
  const bytes = served(free, 60, () => undefined);
  assert.ok((bytes.get('c') ?? 0) > 20 * (bytes.get('a') ?? 0), JSON.stringify([...bytes]));
  assert.ok((bytes.get('a') ?? 0) > 0, 'nobody starves');
});

test('[R126] a bound of bytes a second is kept on the clock that is given, and a clock that goes back adds nothing', () => {
  const { sender, drain, held } = edge({ r1: 200 }, { bytesPerS: 10_000 });
  sender.linked();
  sender.held([held('r1', 0)], PLENTY);
  const now = drain(0).reduce((sum, batch) => sum + batchBytes(batch), 0);
  assert.ok(now <= 2_500 + 1_000, `${now} at once`);
  const step = sender.next(0);
  assert.ok(step.type === 'wait' && step.us > 0);
  assert.deepEqual(drain(-500_000), []);
  const later = drain(500_000).reduce((sum, batch) => sum + batchBytes(batch), 0);
  assert.ok(later > 1_500 && later <= 2_500 + 1_000, `${later} in half a second more`);
});

test('[R128] the time of a batch follows what is recorded in it, the batch before, and what the hub said before that', () => {
  const { sender, record, send, held, answer } = edge({ r1: 1 });
  sender.linked();
  sender.held([held('r1', 0)], PLENTY);
  const first = send() as BlockBatch;
  assert.equal(first.time.us, 1_700_000_000_001_000);
  sender.answered(answer(first), 0);
  const ahead = { us: first.time.us + 30_000_000, count: 4 };
  assert.equal(sender.heard(ahead, first.time.us), true);
  record('r1', 1);
  assert.deepEqual((send() as BlockBatch).time, { us: ahead.us, count: 6 });
  assert.equal(sender.heard({ us: first.time.us + 90_000_000, count: 0 }, first.time.us), false);
});

test('[R125] [L8] a backlog gives way, in what is under way and in its batches, while what is live is acknowledged late', () => {
  const MS = 1_000;
  const { sender, record, held, drain, answer } = edge({ old: 6_000, new: 1 }, { batchBytes: 60_000 });
  sender.linked();
  sender.held([held('old', 1), held('new', 2)], PLENTY);
  let nowUs = 0;
  /** Something live is recorded, and all that is under way is acknowledged. @returns the batches of the backlog */
  const round = (delayUs: number): readonly BlockBatch[] => {
    record('new', 1);
    const sent = drain(nowUs);
    nowUs += delayUs;
    for (const batch of sent) sender.answered(answer(batch), nowUs);
    nowUs += 100 * MS;
    return sent.filter(({ source }) => source === 'old');
  };
  const underWay = (batches: readonly BlockBatch[]): number =>
    batches.reduce((sum, batch) => sum + batchBytes(batch), 0);
  const calm = round(4 * MS);
  assert.ok(underWay(calm) > 200_000, `${underWay(calm)}`);
  for (let n = 0; n < 6; n++) round(60 * MS);
  const crowded = round(60 * MS);
  assert.ok(crowded.length === 1 && underWay(crowded) <= 16 * 1024, `${crowded.length}: ${underWay(crowded)}`);
  for (let n = 0; n < 4; n++) round(4 * MS);
  assert.ok(underWay(round(4 * MS)) > 150_000, 'and comes back');
});

test('[R125] what a hub takes to have what is live on disk is no delay of the link: it is paced there', () => {
  const MS = 1_000;
  const windowAfter = (tookUs: number): number => {
    const { sender, record, held, drain, answer } = edge({ old: 6_000, new: 1 }, { batchBytes: 60_000 });
    sender.linked();
    sender.held([held('old', 1), held('new', 2)], PLENTY);
    let bytes = 0;
    for (const [n, delayUs] of [4, 60, 60, 60, 4].entries()) {
      record('new', 1);
      const sent = drain(n * 200 * MS);
      const answered = n * 200 * MS + delayUs * MS;
      for (const batch of sent) sender.answered(answer(batch, { tookUs: delayUs > 4 ? tookUs : 0 }), answered);
      bytes = sent.filter(({ source }) => source === 'old').reduce((sum, batch) => sum + batchBytes(batch), 0);
    }
    return bytes;
  };
  const [link, hub] = [windowAfter(0), windowAfter(56 * MS)];
  assert.ok(hub > 4 * link, `${hub} bytes under way against ${link}`);
});

test('[R125] [L8] a look at what is live that comes late counts as a delay: a backlog gives way to it too', () => {
  const MS = 1_000;
  const { sender, record, held, drain, answer } = edge({ old: 6_000, new: 1 }, { batchBytes: 60_000 });
  sender.linked();
  sender.held([held('old', 1), held('new', 2)], PLENTY);
  let nowUs = 1_000 * MS;
  const round = (lateUs: number): number => {
    const { sequence, hash } = record('new', 1);
    sender.grown({ source: 'new', epoch: 0 }, { sequence, hash }, nowUs - lateUs);
    const sent = drain(nowUs);
    nowUs += 4 * MS;
    for (const batch of sent) sender.answered(answer(batch), nowUs);
    nowUs += 100 * MS;
    return sent.filter(({ source }) => source === 'old').length;
  };
  assert.ok(round(0) > 2);
  for (let n = 0; n < 8; n++) round(60 * MS);
  assert.equal(round(0), 1);
});

test('[R195] what is of a backlog goes packed to a hub that unpacks, and only that; never the beginning of a chain', () => {
  const { sender, record, held, send, drain } = edge({ r1: 40 });
  sender.linked();
  sender.held([held('r1', 0)], PLENTY, true);
  const batches = drain();
  assert.ok(batches.length > 2);
  const [begin, ...behind] = batches as [BlockBatch, ...BlockBatch[]];
  assert.deepEqual(sequences([begin]), [1], 'alone: it is looked up by itself, and all behind it is packed');
  // Each is asked about when it is made: the sender knows the newest one.
  const newest = behind.at(-1) as BlockBatch;
  assert.equal(sender.packs(newest), true);
  const stub = Uint8Array.of(0x08, 0x40);
  assert.equal(sender.packs({ ...newest, blocks: [stub, ...newest.blocks] }), true, 'what was dropped among it too');
  record('r1', 3);
  const live = send() as BlockBatch;
  assert.equal(sender.packs(live), false, 'what is live is sent as it is');

  const other = edge({ r1: 40 });
  other.sender.linked();
  other.sender.held([other.held('r1', 0)], PLENTY, true);
  assert.equal(other.sender.packs(other.send() as BlockBatch), false, 'the beginning of a chain');
  assert.equal(other.sender.packs(other.send() as BlockBatch), true);
  other.sender.lost();
  other.sender.linked();
  other.sender.held([other.held('r1', 0)], PLENTY);
  other.send();
  assert.equal(other.sender.packs(other.send() as BlockBatch), false, 'this hub does not unpack');
});

test('[R125] [R124] [L8] a chain whose pack waits for room goes on, in parts, when a safety event stands in it', () => {
  const { sender, held, send } = edge({ r1: 60 }, { packBytes: 4_000 });
  const chain = { source: 'r1', epoch: 0 };
  sender.linked();
  sender.held([held('r1', 0)], 2_000, true);
  const begin = send() as BlockBatch;
  assert.deepEqual(sequences([begin]), [1]);
  const pack = { firstSequence: 2, count: 16, hash: NONE, previousHash: begin.hash, lastTimeUs: 0, bytes: NONE };
  assert.equal(sender.takesPacks(chain), true);
  assert.equal(sender.takePack(chain, { ...pack, unpackedBytes: 3_800 }, 0), null);
  assert.deepEqual([sender.waits(chain), sender.next(0).type], [true, 'rest']);
  sender.urgent(chain, 9);
  assert.deepEqual([sender.waits(chain), sender.next(0).type], [false, 'read']);
  assert.equal(sequences([send() as BlockBatch])[0], 2);
});

test('[R126] [R195] a bound of bytes a second counts what goes onto the wire', () => {
  const bytesIn = (saves: (batch: BlockBatch) => number): number => {
    const { sender, held, send, answer } = edge({ r1: 400 }, { bytesPerS: 10_000 });
    sender.linked();
    sender.held([held('r1', 0)], PLENTY, true);
    let bytes = 0;
    for (let nowUs = 0; nowUs < 4_000_000; nowUs += 1_000) {
      for (let batch = send(nowUs); batch !== null; batch = send(nowUs)) {
        bytes += batchBytes(batch);
        sender.saved(saves(batch));
        sender.answered(answer(batch), nowUs);
      }
    }
    return bytes;
  };
  const whole = bytesIn(() => 0);
  const half = bytesIn((batch) => batchBytes(batch) / 2);
  assert.ok(half > 1.8 * whole && half < 2.2 * whole, `${half} against ${whole}`);
});
