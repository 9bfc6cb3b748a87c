import {
  byChain,
  type ChainHead,
  chainName,
  decodeBlock,
  decodeEnvelope,
  decodeStub,
  EVENT_TYPE,
  isStub,
  type RecordedEvent,
  type Recording,
  StoreCorruptError,
  type StoredBlock,
  sameBytes,
} from '../src/index.ts';
import type { Moved } from '../stores/moved.ts';
import type { ColdArchive } from './cold-archive.ts';
import { lastObject } from './manifest.ts';

/** Last blocks of a chain that stay hot whatever their age: its end is checked by the two (R47). The first stays too. */
const BLOCKS_KEPT = 2;

/**
 * How much of each chain may leave the hot store: a prefix of blocks whose events are all older than `beforeUs` by the
 * wall clock, which the archive holds block for block, as is read back here once more (R162, R165). Decides and removes
 * nothing.
 *
 * @throws StoreCorruptError when the archive gives another block than the recording
 */
export async function releasable(
  hot: Recording,
  cold: ColdArchive,
  beforeUs: (tenant: string) => number,
): Promise<readonly Moved[]> {
  const moved: Moved[] = [];
  for (const head of await hot.heads()) {
    const archived = cold.chain(head);
    const manifest = cold.manifests.find(({ tenant }) => tenant === head.tenant);
    if (archived === null || manifest === undefined) continue;
    const end = await cutOf(hot, head, beforeUs(head.tenant), lastObject(archived).lastSequence);
    if (end === null) continue;
    await assertArchived(hot, cold, head, end.sequence);
    const place = { archive: cold.store.address, manifest: manifest.version, manifestSha256: manifest.sha256 };
    moved.push({ ...end, ...place });
  }
  return moved.sort(byChain);
}

type ChainEnd = Omit<ChainHead, 'blocks'>;

/** Where the prefix of a chain that may go ends, as the head it has there; null when nothing may. */
async function cutOf(hot: Recording, head: ChainHead, beforeUs: number, archived: number): Promise<ChainEnd | null> {
  const { tenant, source, epoch } = head;
  const ends: { readonly end: ChainEnd; readonly holdsSnapshot: boolean }[] = [];
  let behind = 0;
  for await (const { bytes, hash, firstSequence } of hot.blocks(head, 1, head.sequence)) {
    if (firstSequence === 1) continue;
    const { sequence, atUs, latestUs, holdsSnapshot } = endOf(bytes);
    if (sequence <= archived && latestUs < beforeUs && behind === 0) {
      ends.push({ end: { tenant, source, epoch, sequence, hash, atUs }, holdsSnapshot });
    } else if (++behind === BLOCKS_KEPT) break;
  }
  const most = Math.max(0, ends.length - (BLOCKS_KEPT - behind));
  const snapshot = ends.slice(0, most).findLastIndex(({ holdsSnapshot }) => holdsSnapshot);
  return ends[(snapshot >= 0 ? snapshot : most) - 1]?.end ?? null;
}

/** The last event of a block, and the latest wall clock in it. What was dropped has none, and holds nothing back. */
function endOf(bytes: Uint8Array) {
  if (isStub(bytes)) {
    const { firstSequence, dropped, lastAtUs: atUs } = decodeStub(bytes);
    const sequence = dropped.reduce((sum, { count }) => sum + count, firstSequence - 1);
    return { sequence, atUs, latestUs: Number.NEGATIVE_INFINITY, holdsSnapshot: false };
  }
  const events = decodeBlock(bytes).events.map(decodeEnvelope);
  const { sequence, atUs } = events[events.length - 1] as RecordedEvent;
  const latestUs = events.reduce((latest, { timeUs }) => Math.max(latest, timeUs), Number.NEGATIVE_INFINITY);
  return { sequence, atUs, latestUs, holdsSnapshot: events.some(({ type }) => type === EVENT_TYPE.snapshot) };
}

async function assertArchived(hot: Recording, cold: ColdArchive, head: ChainHead, through: number): Promise<void> {
  let theirs: AsyncIterator<StoredBlock> | null = null;
  for await (const ours of hot.blocks(head, 1, through)) {
    if (ours.firstSequence === 1) continue;
    theirs ??= cold.blocks(head, ours.firstSequence, through)[Symbol.asyncIterator]();
    const next: IteratorResult<StoredBlock> = await theirs.next();
    if (next.done !== true && sameBlock(ours, next.value)) continue;
    const what = `gives another block than the recording at event ${ours.firstSequence} of ${chainName(head)}`;
    throw new StoreCorruptError(cold.store.address, what, 'Check the archive; nothing was removed');
  }
}

const sameBlock = (a: StoredBlock, b: StoredBlock): boolean =>
  a.firstSequence === b.firstSequence && sameBytes(a.hash, b.hash) && sameBytes(a.bytes, b.bytes);
