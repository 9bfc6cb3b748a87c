import type pg from 'pg';
import { isPack } from '../../src/sync/taking/sealed-pack.ts';
import { type CommitPlan, chainKey, type SealedUnit } from '../commit-plan.ts';
import { queryWithBytes } from './query-with-bytes.ts';

/** Of the function's arguments the bytes of the blocks, which are bound last. */
const BYTES = 20;
const ARGUMENTS = 24;
const bound = (argument: number): number => (argument === BYTES ? ARGUMENTS : argument - (argument > BYTES ? 1 : 0));
const COMMIT = {
  name: 'sigma_commit_blocks',
  text: `SELECT recorder.commit_blocks(${Array.from({ length: ARGUMENTS }, (_, i) => `$${bound(i + 1)}`).join(', ')})`,
};

/**
 * Carries a plan out: one statement, one transaction, one way to the server and back. A pack is one row.
 *
 * @throws SR001 of `commit_blocks` when a chain does not end where the plan says; other errors of PostgreSQL
 */
export async function writePlan(client: pg.PoolClient, tenant: string, plan: CommitPlan<SealedUnit>): Promise<void> {
  const { advances } = plan;
  const places = new Map(advances.map(({ chain }, i) => [chainKey(chain), i + 1]));
  const rows = plan.blocks.map(({ block, ordinal }) => {
    const { firstSequence, count, firstAtUs, lastAtUs, hash, bytes } = block;
    const packed = isPack(block) ? block.blocks : 0;
    const chain = places.get(chainKey(block)) as number;
    return { chain, ordinal, firstSequence, count, packed, firstAtUs, lastAtUs, hash, bytes };
  });
  const { parts, starts } = partsOf(rows.map(({ bytes }) => bytes));
  const marks = plan.blocks.flatMap(({ block }) => {
    const chain = places.get(chainKey(block));
    if (isPack(block)) return block.snapshots.map((mark) => ({ ...mark, chain }));
    return block.snapshots.map((mark) => ({ ...mark, chain, blockSequence: block.firstSequence }));
  });
  await queryWithBytes(
    client,
    COMMIT,
    [
      tenant,
      advances.map(({ chain }) => chain.source),
      advances.map(({ chain }) => chain.epoch),
      advances.map(({ from }) => from?.sequence ?? 0),
      joined(advances.map(({ from }) => from?.hash ?? Buffer.alloc(32))),
      advances.map(({ to }) => to.sequence),
      joined(advances.map(({ to }) => to.hash)),
      advances.map(({ to }) => to.atUs),
      advances.map(({ to }) => to.blocks),
      rows.map(({ chain }) => chain),
      rows.map(({ ordinal }) => ordinal),
      rows.map(({ firstSequence }) => firstSequence),
      rows.map(({ count }) => count),
      rows.map(({ packed }) => packed),
      rows.map(({ firstAtUs }) => firstAtUs),
      rows.map(({ lastAtUs }) => lastAtUs),
      starts,
      rows.map(({ bytes }) => bytes.length),
      joined(rows.map(({ hash }) => hash)),
      marks.map(({ chain }) => chain),
      marks.map(({ atUs }) => atUs),
      marks.map(({ sequence }) => sequence),
      marks.map(({ blockSequence }) => blockSequence),
    ],
    parts,
  );
}

/** So many bytes between two blocks are rather sent along than left out. */
const MOST_BETWEEN = 64;

/**
 * Blocks of one batch lie in the message that brought them, one behind the other with a few bytes between: that stretch
 * goes on as it is.
 *
 * @returns what to send in a row, and where each block begins in it, counted from 1
 */
function partsOf(blocks: readonly Uint8Array[]): { readonly parts: readonly Uint8Array[]; readonly starts: number[] } {
  const parts: Uint8Array[] = [];
  const starts: number[] = [];
  let before = 0;
  for (const block of blocks) {
    const last = parts.at(-1);
    const between = last === undefined ? -1 : block.byteOffset - (last.byteOffset + last.length);
    if (last !== undefined && last.buffer === block.buffer && between >= 0 && between <= MOST_BETWEEN) {
      starts.push(before + last.length + between + 1);
      parts[parts.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + between + block.length);
      continue;
    }
    before += last?.length ?? 0;
    starts.push(before + 1);
    parts.push(block);
  }
  return { parts, starts };
}

/** As the driver sends bytes without turning them into text. */
const joined = (parts: readonly Uint8Array[]): Buffer => {
  const [only] = parts;
  return parts.length === 1 && only !== undefined
    ? Buffer.from(only.buffer, only.byteOffset, only.byteLength)
    : Buffer.concat(parts);
};
