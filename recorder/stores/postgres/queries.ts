import { and, asc, desc, eq, gt, gte, lte, sql } from 'drizzle-orm';
import type { SealedBlock } from '../../src/chain-writer.ts';
import type { ChainHead, ChainId } from '../../src/event.ts';
import type { CommittedBlock, SnapshotPlace, StoredBlock, StoreVersion } from '../../src/store.ts';
import type { Moved } from '../moved.ts';
import type { StoredTail } from '../tail-check.ts';
import type { Transaction } from './database.ts';
import { blocks, bytesOf, chains, snapshots, tenants } from './schema.ts';

/** Versions are counted from 1 for each tenant; as texts they have one length, so that they compare as numbers do. */
export const versionText = (version: number): StoreVersion => String(version).padStart(16, '0');

/** A number that a bigint column can be compared with. */
const within = (n: number): number => Math.max(-1, Math.min(Math.floor(n), Number.MAX_SAFE_INTEGER));

export async function readVersion(tx: Transaction, tenant: string): Promise<number> {
  const rows = await tx.select({ version: tenants.version }).from(tenants).where(eq(tenants.tenant, tenant));
  return rows[0]?.version ?? 0;
}

export function readHeads(tx: Transaction, tenant: string): Promise<ChainHead[]> {
  const { source, epoch, sequence, hash, atUs } = chains;
  return tx
    .select({ tenant: chains.tenant, source, epoch, sequence, hash, atUs, blocks: chains.blocks })
    .from(chains)
    .where(eq(chains.tenant, tenant));
}

export async function chainNumber(tx: Transaction, { tenant, source, epoch }: ChainId): Promise<number | null> {
  const rows = await tx
    .select({ chain: chains.chain })
    .from(chains)
    .where(and(eq(chains.tenant, tenant), eq(chains.source, source), eq(chains.epoch, epoch)));
  return rows[0]?.chain ?? null;
}

/** Where a page begins: with the block that holds an event, or behind a block. */
export type PageStart = { readonly holding: number } | { readonly after: number };

/** Blocks in order, none that begins after `to`. @param limit at least 2 */
export async function readPage(
  tx: Transaction,
  tenant: string,
  chain: number,
  start: PageStart,
  to: number,
  limit: number,
): Promise<readonly StoredBlock[]> {
  const { firstSequence, count, hash, bytes } = blocks;
  const ofChain = and(eq(blocks.tenant, tenant), eq(blocks.chain, chain));
  const holding = (sequence: number) => {
    const before = tx
      .select({ first: sql`max(${firstSequence})` })
      .from(blocks)
      .where(and(ofChain, lte(firstSequence, within(sequence))));
    return gte(firstSequence, sql`coalesce((${before}), 0)`);
  };
  const rows = await tx
    .select({ firstSequence, count, hash, bytes })
    .from(blocks)
    .where(
      and(
        ofChain,
        lte(firstSequence, within(to)),
        'after' in start ? gt(firstSequence, start.after) : holding(start.holding),
      ),
    )
    .orderBy(asc(firstSequence))
    .limit(limit);
  const first = rows[0];
  const past = 'holding' in start && first !== undefined && first.firstSequence + first.count <= start.holding;
  return past ? rows.slice(1) : rows;
}

export async function readSnapshotBefore(tx: Transaction, chain: ChainId, atUs: number): Promise<SnapshotPlace | null> {
  const number = await chainNumber(tx, chain);
  if (number === null) return null;
  const { sequence, blockSequence } = snapshots;
  const rows = await tx
    .select({ sequence, atUs: snapshots.atUs, blockSequence })
    .from(snapshots)
    .where(and(eq(snapshots.tenant, chain.tenant), eq(snapshots.chain, number), lte(snapshots.atUs, within(atUs))))
    .orderBy(desc(snapshots.atUs), desc(sequence))
    .limit(1);
  return rows[0] ?? null;
}

export async function readChanges(
  tx: Transaction,
  tenant: string,
  after: number,
  limit: number,
): Promise<readonly CommittedBlock[]> {
  const { version, firstSequence, hash, bytes } = blocks;
  const rows = await tx
    .select({ tenant: blocks.tenant, source: chains.source, epoch: chains.epoch, version, firstSequence, hash, bytes })
    .from(blocks)
    .innerJoin(chains, and(eq(chains.tenant, blocks.tenant), eq(chains.chain, blocks.chain)))
    .where(and(eq(blocks.tenant, tenant), gt(version, after)))
    .orderBy(asc(version))
    .limit(limit);
  return rows.map((row) => ({ ...row, version: versionText(row.version) }));
}

/** What was moved to an archive of the tenant's chains. */
export async function readMoved(tx: Transaction, tenant: string): Promise<readonly Moved[]> {
  const answer = await tx.execute(sql`
    SELECT source, epoch, sequence, hash, at_us, archive, manifest, manifest_sha256
    FROM recorder.archived WHERE tenant = ${tenant} ORDER BY source, epoch`);
  return answer.rows.map((row) => ({
    tenant,
    source: row.source as string,
    epoch: Number(row.epoch),
    sequence: Number(row.sequence),
    hash: bytesOf(row.hash as Buffer),
    atUs: Number(row.at_us),
    archive: row.archive as string,
    manifest: Number(row.manifest),
    manifestSha256: row.manifest_sha256 as string,
  }));
}

export interface ReadTail {
  readonly head: ChainHead;
  readonly tail: StoredTail | null;
}

/** Where chains end, and the two last blocks of each, to check them by. Chains that do not exist are left out. */
export async function readTails(tx: Transaction, tenant: string, wanted: readonly ChainId[]): Promise<ReadTail[]> {
  const sources = sql.param(wanted.map(({ source }) => source));
  const epochs = sql.param(wanted.map(({ epoch }) => epoch));
  const answer = await tx.execute(sql`
    SELECT c.source, c.epoch, c.sequence, c.hash, c.at_us, c.blocks,
      b.first_sequence AS last_first, b.hash AS last_hash, b.bytes AS last_bytes, a.hash AS hash_before
    FROM unnest(${sources}::text[], ${epochs}::bigint[]) AS u(source, epoch)
    JOIN recorder.chains AS c ON c.tenant = ${tenant} AND c.source = u.source AND c.epoch = u.epoch
    LEFT JOIN LATERAL (SELECT first_sequence, hash, bytes FROM recorder.blocks
      WHERE tenant = ${tenant} AND chain = c.chain ORDER BY first_sequence DESC LIMIT 1) AS b ON true
    LEFT JOIN LATERAL (SELECT hash FROM recorder.blocks
      WHERE tenant = ${tenant} AND chain = c.chain AND first_sequence < b.first_sequence
      ORDER BY first_sequence DESC LIMIT 1) AS a ON true`);
  return answer.rows.map((row) => ({
    head: {
      tenant,
      source: row.source as string,
      epoch: Number(row.epoch),
      sequence: Number(row.sequence),
      hash: bytesOf(row.hash as Buffer),
      atUs: Number(row.at_us),
      blocks: Number(row.blocks),
    },
    tail:
      row.last_bytes === null
        ? null
        : {
            last: {
              firstSequence: Number(row.last_first),
              hash: bytesOf(row.last_hash as Buffer),
              bytes: bytesOf(row.last_bytes as Buffer),
            },
            hashBefore: row.hash_before === null ? null : bytesOf(row.hash_before as Buffer),
          },
  }));
}

export interface ReadHash extends ChainId {
  readonly firstSequence: number;
  readonly hash: Uint8Array;
}

/** The hashes of those of these blocks whose place is taken. */
export async function readHashes(
  tx: Transaction,
  tenant: string,
  wanted: readonly SealedBlock[],
): Promise<readonly ReadHash[]> {
  const sources = sql.param(wanted.map(({ source }) => source));
  const epochs = sql.param(wanted.map(({ epoch }) => epoch));
  const firsts = sql.param(wanted.map(({ firstSequence }) => firstSequence));
  const answer = await tx.execute(sql`
    SELECT DISTINCT c.source, c.epoch, b.first_sequence, b.hash
    FROM unnest(${sources}::text[], ${epochs}::bigint[], ${firsts}::bigint[]) AS u(source, epoch, first)
    JOIN recorder.chains AS c ON c.tenant = ${tenant} AND c.source = u.source AND c.epoch = u.epoch
    JOIN recorder.blocks AS b ON b.tenant = ${tenant} AND b.chain = c.chain AND b.first_sequence = u.first`);
  return answer.rows.map((row) => ({
    tenant,
    source: row.source as string,
    epoch: Number(row.epoch),
    firstSequence: Number(row.first_sequence),
    hash: bytesOf(row.hash as Buffer),
  }));
}
