import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  type BlockBatch,
  batchBytes,
  type SealedBlock,
  type SinkWord,
  type SourceWord,
  type SyncMemory,
  SyncSource,
  sealStub,
} from '../../src/index.ts';
import { storedBlocks } from '../../src/sync/packed-blocks.ts';
import { CreditLine } from '../../src/sync/taking/credit-line.ts';
import { testChain } from '../../testing/chains.ts';
import { zstandard } from '../zstandard.ts';
import { type BoundedStore, openSqliteStore, sha256 } from './sqlite-store.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-sent-packs-'));
after(() => rmSync(home, { recursive: true }));
let files = 0;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const PACKED = 8_000;

/** A packed recording of one chain. */
async function recorded(notes: number) {
  const store = openSqliteStore(join(home, `${++files}.sqlite`), { packBytes: PACKED });
  const chain = testChain('r1', sha256);
  const blocks = [chain.begin(), ...Array.from({ length: notes }, () => chain.notes(2, 120))];
  await store.append(blocks);
  return { store, chain, blocks };
}

const memory: SyncMemory = {
  lastHub: () => null,
  acknowledged: () => [],
  acknowledge: () => undefined,
  urgent: () => [],
  remindOf: () => undefined,
};

/** What a hub is sent that has the chain up to that block. */
async function sent(
  store: BoundedStore,
  from: SealedBlock | null,
  over: { readonly bytesPerS?: number; readonly unpacks?: boolean; readonly windowBytes?: number } = {},
): Promise<readonly BlockBatch[]> {
  const { bytesPerS = Number.POSITIVE_INFINITY, unpacks = true, windowBytes = Number.MAX_SAFE_INTEGER } = over;
  const credit = new CreditLine(windowBytes);
  const batches: BlockBatch[] = [];
  const time = { us: 1_700_000_000_000_000, count: 0 };
  let nowUs = 0;
  const later: (() => void)[] = [];
  const hears = (word: SinkWord): void => void later.push(() => source.hear(word));
  const say = (word: SourceWord): void => {
    if (word.type === 'shown') {
      const sequence = from === null ? 0 : from.firstSequence + from.count - 1;
      const held = {
        source: 'r1',
        epoch: 0,
        sequence,
        hash: from?.hash ?? new Uint8Array(),
        refusal: null,
        message: '',
      };
      hears({ type: 'held', chains: [held], allowedBytes: credit.allowedBytes, time, unpacks });
      return;
    }
    const { batch } = word;
    batches.push(batch);
    assert.ok(credit.take(batchBytes(batch)), 'more than was allowed');
    const none = new Uint8Array();
    const answer = { source: 'r1', epoch: 0, firstSequence: batch.firstSequence, refusal: null, message: '' };
    const held = { sequence: batch.firstSequence, hash: batch.hash };
    later.push(() => {
      credit.settle(batchBytes(batch), windowBytes);
      const { allowedBytes } = credit;
      source.hear({
        type: 'answered',
        answer: {
          ...answer,
          held,
          standingHash: none,
          refusedHash: none,
          allowedBytes,
          time,
          tookUs: 0,
          missedPack: 0,
        },
      });
    });
    later.push(() => source.left());
  };
  const source: SyncSource = new SyncSource({
    ...{ tenant: 'acme', sources: new Set(['r1']), growing: [], memory, bytesPerS, packing: zstandard, say },
    recordings: [{ path: 'a', recording: store }],
    note: (name, body) => assert.fail(`${name} ${JSON.stringify(body)}`),
    nowUs: () => nowUs,
    wallUs: () => time.us,
    after: (us, run) => {
      nowUs += us;
      later.push(run);
    },
  });
  await source.open();
  source.linked(new Uint8Array(32).fill(5));
  for (let idle = 0; idle < 20; idle++) {
    for (let next = later.shift(); next !== undefined; next = later.shift()) {
      next();
      idle = 0;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return batches;
}

const inside = ({ blocks, packed }: BlockBatch): readonly Uint8Array[] =>
  packed === undefined ? blocks : storedBlocks(packed.bytes, zstandard);

/** Of each batch whether it was sent as it lies in the recording. */
const asTheyLie = (store: BoundedStore, batches: readonly BlockBatch[]): Promise<readonly boolean[]> =>
  Promise.all(
    batches.map(async ({ source, epoch, tenant, firstSequence, packed }) => {
      const pack = await store.packAt({ tenant, source, epoch }, firstSequence);
      return pack !== null && packed !== undefined && hex(packed.bytes) === hex(pack.bytes);
    }),
  );

test('[R195] [R196] what lies packed is sent as it lies, and all of the chain comes once and in order', async () => {
  const { store, blocks } = await recorded(400);
  const batches = await sent(store, null);
  assert.deepEqual(
    batches.flatMap(inside).map(hex),
    blocks.map(({ bytes }) => hex(bytes)),
  );
  const lie = await asTheyLie(store, batches);
  // The first block goes by itself, and what came last is not packed yet.
  assert.deepEqual([lie[0], lie.indexOf(true), lie.slice(1).lastIndexOf(true)], [false, 1, lie.lastIndexOf(true) - 1]);
  assert.ok(lie.filter(Boolean).length > 8 && lie.lastIndexOf(true) >= lie.length - 2, lie.join());
  await store.close();
});

test('[R121] [R196] a hub that stands amid a pack is sent the rest of it, and what follows as it lies', async () => {
  const { store, chain, blocks } = await recorded(400);
  const second = (await store.unpackedTo(chain.opening, 3)) + 1;
  const from = blocks.findIndex(({ firstSequence }) => firstSequence === second) + 5;
  const batches = await sent(store, blocks[from - 1] as SealedBlock);
  assert.deepEqual(
    batches.flatMap(inside).map(hex),
    blocks.slice(from).map(({ bytes }) => hex(bytes)),
  );
  const lie = await asTheyLie(store, batches);
  assert.deepEqual([lie[0], lie[1]], [false, true]);
  await store.close();
});

test('[R124] [R196] a pack for which the hub has no room waits until there is: it is not cut to fit', async () => {
  const { store, blocks } = await recorded(400);
  const wide = await asTheyLie(store, await sent(store, null));
  for (const windowBytes of [20_000, PACKED, 2_000]) {
    const batches = await sent(store, null, { windowBytes });
    assert.deepEqual(
      batches.flatMap(inside).map(hex),
      blocks.map(({ bytes }) => hex(bytes)),
    );
    assert.deepEqual((await asTheyLie(store, batches)).filter(Boolean), wide.filter(Boolean));
  }
  await store.close();
});

test('[R127] [R196] where a pack was thinned what is left of it goes before the next as it lies, also a stub at its end', async () => {
  const { store, chain, blocks } = await recorded(400);
  const second = (await store.unpackedTo(chain.opening, 3)) + 1;
  const third = (await store.unpackedTo(chain.opening, second + 1)) + 1;
  const at = (sequence: number): number => blocks.findIndex(({ firstSequence }) => firstSequence === sequence);
  const gone = blocks.slice(at(third) - 10, at(third)) as [SealedBlock, ...SealedBlock[]];
  const dropped = gone.map(({ hash, count }) => ({ hash, count }));
  const stub = sealStub({ ...gone[0], dropped, lastAtUs: gone.at(-1)?.lastAtUs ?? 0 });
  assert.equal(store.drop([stub]), 1);
  const batches = await sent(store, blocks[at(second) - 1] as SealedBlock);
  const left = blocks.slice(at(second)).filter((block) => !gone.includes(block));
  assert.deepEqual(
    batches.flatMap(inside).map(hex),
    [...left, stub].sort((a, b) => a.firstSequence - b.firstSequence).map(({ bytes }) => hex(bytes)),
  );
  assert.ok((await asTheyLie(store, batches)).slice(1).filter(Boolean).length > 5);
  await store.close();
});

test('[R126] [R196] over a link of few bytes a second packs are made anew, and to a hub that does not unpack none is sent', async () => {
  const { store, blocks } = await recorded(400);
  const narrow = await sent(store, null, { bytesPerS: 20_000 });
  const plain = await sent(store, null, { unpacks: false });
  for (const batches of [narrow, plain]) {
    assert.deepEqual(
      batches.flatMap(inside).map(hex),
      blocks.map(({ bytes }) => hex(bytes)),
    );
    assert.equal((await asTheyLie(store, batches)).includes(true), false);
  }
  assert.equal(
    plain.every(({ packed }) => packed === undefined),
    true,
  );
  await store.close();
});
