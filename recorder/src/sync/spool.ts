import type { ChainId } from '../event.ts';
import type { DroppedBlock, Gap, Stub } from './gap.ts';
import type { DropClass } from './outgoing.ts';

/** A block of a spool that is too full, as the choice sees it. */
export interface SpooledBlock extends ChainId {
  readonly firstSequence: number;
  readonly count: number;
  readonly bytes: number;
  readonly hash: Uint8Array;
  readonly previousHash: Uint8Array;
  readonly lastAtUs: number;
  /** Wall clock of its last event: of what is of one class the oldest goes first, whoever wrote it. */
  readonly lastTimeUs: number;
  readonly class: DropClass;
}

/** Blocks in a row that are given up together. */
export interface Drop {
  readonly stub: Stub;
  readonly gap: Gap;
  /** Bytes of the blocks. */
  readonly bytes: number;
}

const ORDER: readonly DropClass[] = ['held', 'stimulus', 'snapshot', 'decision'];
/** Of snapshots that nobody else has, one stays in so much agent time: how an agent was is known to the minute. */
const SNAPSHOT_EVERY_US = 60_000_000;

/**
 * What a bounded spool gives up (R127): the least class first, of it the oldest, until `wantedBytes` are free or only
 * what is kept is left. Of snapshots none goes that is a minute or more behind the one that stays before it. Changes
 * nothing.
 *
 * @param blocks in order within each chain; the last of each chain is never chosen
 * @param reason for the record
 */
export function chooseDrops(blocks: readonly SpooledBlock[], wantedBytes: number, reason: string): readonly Drop[] {
  const lasts = new Set(new Map(blocks.map((block) => [nameOf(block), block])).values());
  const chosen = new Set<SpooledBlock>();
  let free = 0;
  const spare = spareSnapshots(blocks);
  for (const name of ORDER) {
    const candidates = blocks.filter(
      (block) => block.class === name && !lasts.has(block) && (name !== 'snapshot' || spare.has(block)),
    );
    for (const block of candidates.sort((a, b) => a.lastTimeUs - b.lastTimeUs)) {
      if (free >= wantedBytes) break;
      chosen.add(block);
      free += block.bytes;
    }
  }
  return stretchesOf(blocks, chosen).map((stretch) => dropOf(stretch, reason));
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

/** Chosen blocks that follow each other in one chain and are of one class. */
function stretchesOf(blocks: readonly SpooledBlock[], chosen: ReadonlySet<SpooledBlock>): readonly SpooledBlock[][] {
  const stretches: SpooledBlock[][] = [];
  const open = new Map<string, SpooledBlock[]>();
  for (const block of blocks) {
    if (!chosen.has(block)) continue;
    const stretch = open.get(nameOf(block));
    const last = stretch?.at(-1);
    if (
      stretch !== undefined &&
      last?.class === block.class &&
      last.firstSequence + last.count === block.firstSequence
    ) {
      stretch.push(block);
      continue;
    }
    const fresh = [block];
    stretches.push(fresh);
    open.set(nameOf(block), fresh);
  }
  return stretches;
}

function dropOf(stretch: readonly SpooledBlock[], reason: string): Drop {
  const [first, last] = [stretch[0], stretch.at(-1)] as [SpooledBlock, SpooledBlock];
  const { tenant, source, epoch, firstSequence, previousHash } = first;
  const dropped: readonly DroppedBlock[] = stretch.map(({ hash, count }) => ({ hash, count }));
  const lastSequence = last.firstSequence + last.count - 1;
  return {
    stub: { tenant, source, epoch, firstSequence, previousHash, dropped, lastAtUs: last.lastAtUs },
    gap: { firstSequence, lastSequence, eventClass: first.class, reason, hashes: dropped.map(({ hash }) => hash) },
    bytes: stretch.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
