import type { ChainId } from '../../event.ts';
import type { StoredBlock } from '../../store.ts';
import { type DroppedBlock, type Gap, isStub, type Stub } from '../gap.ts';
import { type DropClass, outgoingBlock } from '../outgoing.ts';

/** A block of a spool that is too full, as the choice sees it: without its hashes, for a week of a robot is a million blocks. */
export interface SpooledBlock extends ChainId {
  readonly firstSequence: number;
  readonly count: number;
  readonly bytes: number;
  readonly lastAtUs: number;
  /** Wall clock of its last event: of what is of one class the oldest goes first, whoever wrote it. */
  readonly lastTimeUs: number;
  readonly class: DropClass;
}

/** Blocks in a row, of one class, that are to be given up together. */
export interface DropStretch extends ChainId {
  readonly firstSequence: number;
  /** Inclusive. */
  readonly lastSequence: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly class: DropClass;
}

/** What stands in the place of a stretch, and the event that says so. */
export interface Drop {
  readonly stub: Stub;
  readonly gap: Gap;
}

const ORDER: readonly DropClass[] = ['held', 'stimulus', 'snapshot', 'decision'];
/** Blocks of a stretch: what stands in its place names each by its hash, and travels as a block does. */
const MOST_IN_STRETCH = 1_024;
/** Of snapshots that nobody else has, one stays in so much agent time: how an agent was is known to the minute. */
const SNAPSHOT_EVERY_US = 60_000_000;

/**
 * What a bounded spool gives up (R127): the least class first, of it the oldest, until `wantedBytes` are free or only
 * what is kept is left. Of snapshots none goes that is a minute or more behind the one that stays before it. Changes
 * nothing.
 *
 * @param blocks in order within each chain, without those that stay whatever happens: from its last snapshot on
 * @returns the least class first, of it the oldest
 */
export function chooseDrops(blocks: readonly SpooledBlock[], wantedBytes: number): readonly DropStretch[] {
  const chosen = new Set<SpooledBlock>();
  let free = 0;
  const spare = spareSnapshots(blocks);
  for (const name of ORDER) {
    const candidates = blocks.filter((block) => block.class === name && (name !== 'snapshot' || spare.has(block)));
    for (const block of candidates.sort((a, b) => a.lastTimeUs - b.lastTimeUs)) {
      if (free >= wantedBytes) break;
      chosen.add(block);
      free += block.bytes;
    }
  }
  return stretchesOf(blocks, chosen);
}

function spareSnapshots(blocks: readonly SpooledBlock[]): ReadonlySet<SpooledBlock> {
  const stays = new Map<string, number>();
  return new Set(
    blocks.filter((block) => {
      if (block.class !== 'snapshot') return false;
      const before = stays.get(nameOf(block));
      if (before !== undefined && block.lastAtUs - before < SNAPSHOT_EVERY_US) return true;
      stays.set(nameOf(block), block.lastAtUs);
      return false;
    }),
  );
}

const nameOf = ({ source, epoch }: ChainId): string => `${source}\0${epoch}`;

/** Chosen blocks that follow each other in one chain and are of one class, so many of them that one event can tell of them. */
function stretchesOf(blocks: readonly SpooledBlock[], chosen: ReadonlySet<SpooledBlock>): readonly DropStretch[] {
  const stretches: { stretch: DropStretch; readonly fromUs: number }[] = [];
  const open = new Map<string, (typeof stretches)[number]>();
  for (const block of blocks) {
    if (!chosen.has(block)) continue;
    const { tenant, source, epoch, firstSequence, count, bytes, lastTimeUs, class: of } = block;
    const lastSequence = firstSequence + count - 1;
    const before = open.get(nameOf(block));
    if (before !== undefined && continues(before.stretch, firstSequence, of)) {
      const { blocks: some, bytes: sum } = before.stretch;
      before.stretch = { ...before.stretch, lastSequence, blocks: some + 1, bytes: sum + bytes };
      continue;
    }
    const stretch = { tenant, source, epoch, firstSequence, lastSequence, blocks: 1, bytes, class: of };
    const fresh = { stretch, fromUs: lastTimeUs };
    stretches.push(fresh);
    open.set(nameOf(block), fresh);
  }
  const rank = ({ stretch }: { readonly stretch: DropStretch }): number => ORDER.indexOf(stretch.class);
  return stretches.sort((a, b) => rank(a) - rank(b) || a.fromUs - b.fromUs).map(({ stretch }) => stretch);
}

const continues = (stretch: DropStretch, firstSequence: number, of: DropClass): boolean =>
  stretch.class === of && stretch.lastSequence + 1 === firstSequence && stretch.blocks < MOST_IN_STRETCH;

/**
 * A stretch as the record will tell of it.
 *
 * @param blocks of the chain, from the first of the stretch to the last
 * @param reason for the record
 * @returns null when they are not the blocks that were chosen
 * @throws MalformedBytesError, NewerFormatError
 */
export function dropOf(stretch: DropStretch, blocks: readonly StoredBlock[], reason: string): Drop | null {
  const { tenant, source, epoch, firstSequence, lastSequence, class: eventClass } = stretch;
  const dropped: DroppedBlock[] = [];
  let [next, previousHash, lastAtUs] = [firstSequence, new Uint8Array(), 0];
  for (const block of blocks) {
    if (block.firstSequence !== next || isStub(block.bytes)) return null;
    const known = outgoingBlock(block);
    if (next === firstSequence) previousHash = known.previousHash.slice();
    dropped.push({ hash: known.hash, count: known.count });
    lastAtUs = known.lastAtUs;
    next += known.count;
  }
  if (next - 1 !== lastSequence || dropped.length !== stretch.blocks) return null;
  return {
    stub: { tenant, source, epoch, firstSequence, previousHash, dropped, lastAtUs },
    gap: { epoch, firstSequence, lastSequence, eventClass, reason, hashes: dropped.slice(-1).map(({ hash }) => hash) },
  };
}
