import type pg from 'pg';
import { type CommitPlan, chainKey } from '../commit-plan.ts';

const COMMIT = {
  name: 'sigma_commit_blocks',
  text: `SELECT recorder.commit_blocks(${Array.from({ length: 23 }, (_, i) => `$${i + 1}`).join(', ')})`,
};

/**
 * Carries a plan out: one statement, one transaction, one way to the server and back.
 *
 * @throws SR001 of `commit_blocks` when a chain does not end where the plan says; other errors of PostgreSQL
 */
export async function writePlan(client: pg.PoolClient, tenant: string, plan: CommitPlan): Promise<void> {
  const { advances, blocks } = plan;
  const places = new Map(advances.map(({ chain }, i) => [chainKey(chain), i + 1]));
  const chains = blocks.map(({ block }) => places.get(chainKey(block)) as number);
  const starts: number[] = [];
  let start = 1;
  for (const { block } of blocks) {
    starts.push(start);
    start += block.bytes.length;
  }
  const marks = blocks.flatMap(({ block }, i) =>
    block.snapshots.map((mark) => ({ ...mark, chain: chains[i] as number, block: block.firstSequence })),
  );
  await client.query({
    ...COMMIT,
    values: [
      tenant,
      advances.map(({ chain }) => chain.source),
      advances.map(({ chain }) => chain.epoch),
      advances.map(({ from }) => from?.sequence ?? 0),
      joined(advances.map(({ from }) => from?.hash ?? Buffer.alloc(32))),
      advances.map(({ to }) => to.sequence),
      joined(advances.map(({ to }) => to.hash)),
      advances.map(({ to }) => to.atUs),
      advances.map(({ to }) => to.blocks),
      chains,
      blocks.map(({ ordinal }) => ordinal),
      blocks.map(({ block }) => block.firstSequence),
      blocks.map(({ block }) => block.count),
      blocks.map(({ block }) => block.firstAtUs),
      blocks.map(({ block }) => block.lastAtUs),
      starts,
      blocks.map(({ block }) => block.bytes.length),
      joined(blocks.map(({ block }) => block.hash)),
      joined(blocks.map(({ block }) => block.bytes)),
      marks.map(({ chain }) => chain),
      marks.map(({ atUs }) => atUs),
      marks.map(({ sequence }) => sequence),
      marks.map(({ block }) => block),
    ],
  });
}

/** As the driver sends bytes without turning them into text. */
const joined = (parts: readonly Uint8Array[]): Buffer => {
  const [only] = parts;
  return parts.length === 1 && only !== undefined
    ? Buffer.from(only.buffer, only.byteOffset, only.byteLength)
    : Buffer.concat(parts);
};
