import {
  type ChainHead,
  ChainWriter,
  chooseDrops,
  coarse,
  type DropClass,
  type DropStretch,
  dropClass,
  dropOf,
  gapEvent,
  outgoingBlock,
  type SealedBlock,
  type SpooledBlock,
  type StoredBlock,
  sealStub,
} from '@sigma/recorder';
import { PACK_BYTES } from '@sigma/recorder/packing';
import { type BoundedStore, openSqliteStore, sha256 } from '@sigma/recorder/sqlite';

const GOES: ReadonlySet<DropClass> = new Set(['stimulus', 'snapshot']);
/** A living edge tells of so many at once. */
const GAPS_A_BLOCK = 64;
/** And drops so many. */
const STUBS_AT_ONCE = 256;

/**
 * What a full spool leaves of a recording when the oldest of it has been there for long (SPEC R127): decisions, safety,
 * a state for each minute, and what says which inputs went. Changes the recording.
 */
export async function thin(path: string, sources: readonly string[]): Promise<void> {
  const store = openSqliteStore(path, { packBytes: PACK_BYTES });
  try {
    for (const head of await store.heads()) if (sources.includes(head.source)) await thinChain(store, head);
  } finally {
    await store.close();
  }
}

async function thinChain(store: BoundedStore, head: ChainHead): Promise<void> {
  const writer = new ChainWriter(head, sha256, head);
  const last = await store.snapshotBefore(head, Number.MAX_SAFE_INTEGER);
  if (last === null) return;
  const spooled: SpooledBlock[] = [];
  for await (const block of store.blocks(head, 1, last.blockSequence - 1)) {
    const of = dropClass(block.bytes);
    if (!GOES.has(of)) continue;
    const { firstSequence, count, lastAtUs, lastTimeUs } = outgoingBlock(block);
    const { tenant, source, epoch } = head;
    const at = { tenant, source, epoch, firstSequence, count, lastAtUs, lastTimeUs };
    spooled.push({ ...at, bytes: block.bytes.length, class: of });
  }
  const drops = [];
  for (const stretch of chooseDrops(spooled, Number.POSITIVE_INFINITY)) {
    const drop = dropOf(stretch, await blocksOf(store, stretch), 'the recording may take 1 byte');
    if (drop !== null) drops.push(drop);
  }
  const told: SealedBlock[] = [];
  for (let from = 0; from < drops.length; from += GAPS_A_BLOCK) {
    const gaps = drops.slice(from, from + GAPS_A_BLOCK);
    told.push(writer.seal(gaps.map(({ gap }) => gapEvent(gap, head.atUs, last.atUs))));
  }
  await store.append(told);
  for (let from = 0; from < drops.length; from += STUBS_AT_ONCE) {
    // Nothing of it has left its edge.
    store.drop(drops.slice(from, from + STUBS_AT_ONCE).map(({ stub }) => sealStub(coarse(stub))));
  }
}

async function blocksOf(store: BoundedStore, stretch: DropStretch): Promise<readonly StoredBlock[]> {
  const blocks: StoredBlock[] = [];
  for await (const block of store.blocks(stretch, stretch.firstSequence, stretch.lastSequence)) blocks.push(block);
  return blocks;
}
