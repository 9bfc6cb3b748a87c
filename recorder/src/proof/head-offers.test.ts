import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { ed25519Key, ed25519Verify } from '../../keys/ed25519.ts';
import { testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import type { ChainId, Sha256 } from '../event.ts';
import { verify } from '../verify/verify.ts';
import { logKey, openCheckpoint, originOf, parseCheckpoint } from './checkpoint.ts';
import { type CheckpointShelf, HeadBook, type OwnHead } from './head-book.ts';
import { type HeadAnswer, HeadOffers } from './head-offers.ts';
import type { NoteKey } from './note.ts';
import { memoryShelf } from './tiles.ts';
import { answerOffer, type HeadOffer, isBoundedOffer, type Refusal, type WitnessState } from './witness.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const key = ed25519Key(new Uint8Array(32).fill(1));
const hub = {
  name: 'sigma/acme/witness/hub',
  key: ed25519Key(new Uint8Array(32).fill(2)),
  ed25519: ed25519Verify,
  sha256,
};
const hubKey: NoteKey = { name: hub.name, role: 'witness', publicKey: hub.key.publicKey };

function checkpointShelf(): CheckpointShelf {
  const notes = new Map<string, [number, string][]>();
  const of = (chain: ChainId) => notes.get(originOf(chain)) ?? [];
  return {
    ...memoryShelf(),
    keep: async (chain, size, note) => void notes.set(originOf(chain), [...of(chain), [size, note]]),
    drop: async (chain, size) =>
      void notes.set(
        originOf(chain),
        of(chain).filter(([at]) => at !== size),
      ),
    checkpoints: async (chain) => of(chain).map(([, note]) => note),
  };
}

/** A witness that remembers, and what it was shown. */
class Hub {
  readonly states = new Map<string, WitnessState>();
  readonly refusals: Refusal[] = [];
  readonly shown: HeadOffer[] = [];
  timeS = 1_700_000_000;

  answer(offer: HeadOffer): HeadAnswer {
    this.shown.push(offer);
    const { origin, size } = parseCheckpoint(offer.checkpoint);
    const state = this.states.get(origin) ?? {
      log: { name: origin, role: 'log', publicKey: key.publicKey },
      seen: null,
    };
    const given = answerOffer(state, offer, this.timeS, hub);
    const seenSize = given.state.seen?.size ?? 0;
    const none = { origin, size, cosignature: '', refusal: '', message: '', seenSize } as const;
    if (given.result === 'size') return { ...none, refusal: 'size' };
    if (given.result === 'cosigned') {
      this.states.set(origin, given.state);
      return { ...none, cosignature: given.cosignature };
    }
    this.refusals.push(given.refusal);
    return { ...none, refusal: given.refusal.kind, message: given.refusal.message };
  }
}

/** One life of an edge's program over a recording and the shelf beside it. */
function life(store: MemoryStore, shelf: CheckpointShelf, witness: { answer: (offer: HeadOffer) => HeadAnswer }) {
  const sources = new Set(['r17']);
  const tiles = memoryShelf();
  const spare = () => tiles;
  const book = new HeadBook({ recording: store, shelf, spare, key, sha256, tenant: 'acme', sources });
  const refused: HeadAnswer[] = [];
  const cosigned: number[] = [];
  const errors: Error[] = [];
  let keeping = Promise.resolve();
  const offers: HeadOffers = new HeadOffers({
    witness: hubKey,
    ed25519: ed25519Verify,
    sha256,
    prove: (chain, from, to) => book.consistency(chain, from, to),
    keptSize: (chain) => book.keptSize(chain),
    send: (offer) => queueMicrotask(() => offers.answered(witness.answer(offer))),
    cosigned: (head, cosignature, timeS) => {
      cosigned.push(head.size);
      keeping = keeping.then(() => book.keep(head, cosignature, timeS));
    },
    refused: (_, answer) => refused.push(answer),
    failed: (error) => errors.push(error),
  });
  const round = async (): Promise<void> => {
    offers.offer(await book.heads());
    await offers.whenSettled();
    await keeping;
    assert.deepEqual(errors, []);
  };
  return { offers, round, refused, cosigned };
}

test('[R140] [R141] what has grown is offered, once, and its cosignature is kept beside the recording', async () => {
  const store = new MemoryStore();
  const shelf = checkpointShelf();
  const witness = new Hub();
  const chain = testChain('r17', sha256);
  const foreign = testChain('r18', sha256);
  const { round, cosigned } = life(store, shelf, witness);
  await store.append([chain.begin(), foreign.begin()]);
  for (const count of [3, 300, 0, 700]) {
    if (count > 0) await store.append([chain.notes(count)]);
    witness.timeS += 10;
    await round();
  }
  assert.deepEqual(cosigned, [4, 304, 1004], 'nothing of what has not grown, or is not ours');
  const notes = await shelf.checkpoints(chain.opening);
  assert.deepEqual(
    notes.map((note) => parseCheckpoint(note).size),
    [4, 1004],
    'the first of the hour and the newest',
  );
  const { signers } = openCheckpoint(notes[1] as string, { keys: [hubKey], ed25519: ed25519Verify, sha256 });
  assert.equal(signers[0]?.timeS, 1_700_000_040);
  const checkpoints = { notes, trust: { keys: [hubKey], ed25519: ed25519Verify } };
  const report = await verify(store, { sha256, reexecutors: {}, checkpoints });
  assert.deepEqual([report.firstFailure, report.chains[0]?.checkpointsMet], [null, 2]);
  witness.timeS += 3_600;
  await store.append([chain.notes(1)]);
  await round();
  await store.append([chain.notes(1)]);
  await round();
  const later = await shelf.checkpoints(chain.opening);
  assert.deepEqual(
    later.map((note) => parseCheckpoint(note).size),
    [4, 1005, 1006],
  );
});

test('[R142] a witness that stands elsewhere says so, and gets the proof from there', async () => {
  const store = new MemoryStore();
  const witness = new Hub();
  const chain = testChain('r17', sha256);
  await store.append([chain.begin(), chain.notes(40)]);
  await life(store, checkpointShelf(), witness).round();
  // It stored what it saw and died before it could say so: the writer knows of nothing.
  await store.append([chain.notes(100)]);
  const after = life(store, checkpointShelf(), witness);
  await after.round();
  assert.deepEqual([witness.shown.map(({ fromSize }) => fromSize), after.cosigned], [[0, 0, 41], [141]]);
  // It forgot everything: what the writer kept tells it nothing.
  witness.states.clear();
  await store.append([chain.notes(1)]);
  await after.round();
  assert.deepEqual(after.cosigned, [141, 142]);
  assert.equal(witness.shown.at(-1)?.fromSize, 0);
});

test('[R143] [R147] [L4] a restored backup is a rollback, and a rewritten past is told though the old tiles lie beside it', async () => {
  const shelf = checkpointShelf();
  const witness = new Hub();
  const day = testChain('r17', sha256);
  const blocks = [day.begin(), day.notes(40), day.notes(60), day.notes(20)];
  const whole = new MemoryStore();
  await whole.append(blocks);
  await life(whole, shelf, witness).round();

  const backup = new MemoryStore();
  await backup.append(blocks.slice(0, 2));
  const restored = life(backup, shelf, witness);
  await restored.round();
  assert.deepEqual([restored.refused[0]?.refusal, restored.cosigned], ['rollback', []]);
  assert.deepEqual([witness.refusals[0]?.fromSequence, witness.refusals[0]?.toSequence], [42, 121]);

  const other = testChain('r17', sha256);
  const rewritten = new MemoryStore();
  await rewritten.append([other.begin(), other.notes(40), other.notes(60, 1), other.notes(20)]);
  const forked = life(rewritten, shelf, witness);
  await forked.round();
  assert.equal(forked.refused[0]?.refusal, 'fork');
  await rewritten.append([other.notes(500)]);
  const grown = life(rewritten, shelf, witness);
  await grown.round();
  await grown.round();
  assert.deepEqual(
    grown.refused.map(({ refusal }) => refusal),
    ['inconsistent'],
    'and it is not offered again and again',
  );
  grown.offers.lost();
  await grown.round();
  assert.equal(grown.refused.length, 2, 'but with the next link');

  // The tiles of the tree that was signed were left alone, so that the very event is found.
  const checkpoints = {
    notes: await shelf.checkpoints(day.opening),
    trust: { keys: [hubKey], ed25519: ed25519Verify },
  };
  const report = await verify(rewritten, { sha256, reexecutors: {}, checkpoints, shelf });
  assert.deepEqual([report.firstFailure?.kind, report.firstFailure?.fromSequence], ['tree', 42]);
});

test('[R144] a false cosignature is not kept, and a witness that always stands elsewhere is given up', async () => {
  const store = new MemoryStore();
  const shelf = checkpointShelf();
  const chain = testChain('r17', sha256);
  await store.append([chain.begin(), chain.notes(40)]);
  const honest = new Hub();
  const bent = (change: (answer: HeadAnswer) => HeadAnswer) => ({
    answer: (offer: HeadOffer) => change(honest.answer(offer)),
  });
  const liars = [
    bent((answer) => ({ ...answer, cosignature: answer.cosignature.replace(/A/g, 'B') })),
    bent((answer) => ({ ...answer, cosignature: `${answer.cosignature}${answer.cosignature}` })),
    bent((answer) => ({ ...answer, cosignature: `\u2014 ${'x'.repeat(2_000)} AAAA\n` })),
    bent((answer) => ({ ...answer, cosignature: '', refusal: 'size', seenSize: 3 })),
  ];
  for (const liar of liars) {
    const writer = life(store, shelf, liar);
    await writer.round();
    assert.deepEqual([writer.cosigned, writer.refused.length], [[], 1]);
  }
  assert.deepEqual(await shelf.checkpoints(chain.opening), []);
  const stranger = life(
    store,
    shelf,
    bent((answer) => ({ ...answer, size: answer.size + 1 })),
  );
  stranger.offers.offer([(await headOf(40)) as OwnHead]);
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([stranger.cosigned, stranger.refused], [[], []], 'it answers something that was not asked');
});

test('[R144] what is greater than any honest offer is told without being read', async () => {
  const { note } = (await headOf(40)) as OwnHead;
  const offer: HeadOffer = { checkpoint: note, fromSize: 0, consistency: [] };
  assert.ok(isBoundedOffer(offer));
  const bad: Partial<HeadOffer>[] = [
    { checkpoint: note + 'x'.repeat(4_096) },
    { fromSize: 2 ** 53 },
    { consistency: Array.from({ length: 65 }, () => new Uint8Array(32)) },
    { consistency: [new Uint8Array(31)] },
  ];
  for (const change of bad) assert.equal(isBoundedOffer({ ...offer, ...change }), false);
});

async function headOf(events: number) {
  const store = new MemoryStore();
  const chain = testChain('r17', sha256);
  await store.append([chain.begin(), chain.notes(events)]);
  const shelf = checkpointShelf();
  const sources = new Set(['r17']);
  const tiles = memoryShelf();
  const spare = () => tiles;
  const book = new HeadBook({ recording: store, shelf, spare, key, sha256, tenant: 'acme', sources });
  const [head] = await book.heads();
  assert.equal(
    openCheckpoint(head?.note ?? '', { keys: [logKey(chain.opening, key.publicKey)], ed25519: ed25519Verify, sha256 })
      .size,
    events + 1,
  );
  return head;
}
