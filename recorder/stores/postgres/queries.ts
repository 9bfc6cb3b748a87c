import { and, asc, desc, eq, gt, gte, lte, sql } from 'drizzle-orm';
import type { SealedBlock } from '../../src/chain-writer.ts';
import type { ChainHead, ChainId } from '../../src/event.ts';
import type { SnapshotPlace, StoreVersion } from '../../src/store.ts';
import type { Moved } from '../moved.ts';
import type { StoredTail } from '../tail-check.ts';
import { type BlockRow, blocksOf } from './block-rows.ts';
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

/** Rows in order, none that begins after `to`. @param limit at least 2 */
export async function readPage(
  tx: Transaction,
  tenant: string,
  chain: number,
  start: PageStart,
  to: number,
  limit: number,
): Promise<readonly BlockRow[]> {
  const { firstSequence, count, hash, bytes, packed } = blocks;
  const ofChain = and(eq(blocks.tenant, tenant), eq(blocks.chain, chain));
  const holding = (sequence: number) => {
    const before = tx
      .select({ first: sql`max(${firstSequence})` })
      .from(blocks)
      .where(and(ofChain, lte(firstSequence, within(sequence))));
    return gte(firstSequence, sql`coalesce((${before}), 0)`);
  };
  const rows = await tx
    .select({ firstSequence, count, hash, bytes, packed })
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

/** A row with its place in the order of commits: that of its last block. */
export interface CommittedRow extends BlockRow, ChainId {
  readonly version: number;
}

/** Rows whose last block was committed after a version, in that order. */
export async function readChanges(
  tx: Transaction,
  tenant: string,
  after: number,
  limit: number,
): Promise<readonly CommittedRow[]> {
  const { version, firstSequence, hash, bytes, packed } = blocks;
  const { source, epoch } = chains;
  const rows = await tx
    .select({ tenant: blocks.tenant, source, epoch, version, firstSequence, hash, bytes, packed })
    .from(blocks)
    .innerJoin(chains, and(eq(chains.tenant, blocks.tenant), eq(chains.chain, blocks.chain)))
    .where(and(eq(blocks.tenant, tenant), gt(version, after)))
    .orderBy(asc(version))
    .limit(limit);
  return rows;
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
      b.first_sequence AS last_first, b.hash AS last_hash, b.bytes AS last_bytes, b.packed AS last_packed,
      a.hash AS hash_before
    FROM unnest(${sources}::text[], ${epochs}::bigint[]) AS u(source, epoch)
    JOIN recorder.chains AS c ON c.tenant = ${tenant} AND c.source = u.source AND c.epoch = u.epoch
    LEFT JOIN LATERAL (SELECT first_sequence, hash, bytes, packed FROM recorder.blocks
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
    tail: row.last_bytes === null ? null : tailOf(row),
  }));
}

function tailOf(row: Record<string, unknown>): StoredTail | null {
  const [last, before] = blocksOf({
    firstSequence: Number(row['last_first']),
    hash: bytesOf(row['last_hash'] as Buffer),
    bytes: bytesOf(row['last_bytes'] as Buffer),
    packed: row['last_packed'] as number,
  }).toReversed();
  const rowBefore = row['hash_before'] as Buffer | null;
  const hashBefore = before?.hash ?? (rowBefore === null ? null : bytesOf(rowBefore));
  return last === undefined ? null : { last, hashBefore };
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
    SELECT DISTINCT c.source, c.epoch, b.first_sequence, b.hash, b.packed, CASE WHEN b.packed > 0 THEN b.bytes END AS bytes
    FROM unnest(${sources}::text[], ${epochs}::bigint[], ${firsts}::bigint[]) AS u(source, epoch, first)
    JOIN recorder.chains AS c ON c.tenant = ${tenant} AND c.source = u.source AND c.epoch = u.epoch
    JOIN LATERAL (SELECT first_sequence, hash, packed, bytes FROM recorder.blocks
      WHERE tenant = ${tenant} AND chain = c.chain AND first_sequence <= u.first
      ORDER BY first_sequence DESC LIMIT 1) AS b ON b.first_sequence = u.first OR b.packed > 0`);
  return answer.rows.flatMap((row) => {
    const found = blocksOf({
      firstSequence: Number(row.first_sequence),
      hash: bytesOf(row.hash as Buffer),
      bytes: row.bytes === null ? NO_BYTES : bytesOf(row.bytes as Buffer),
      packed: row.packed as number,
    });
    const chain = { tenant, source: row.source as string, epoch: Number(row.epoch) };
    return found.map(({ firstSequence, hash }) => ({ ...chain, firstSequence, hash }));
  });
}

const NO_BYTES = new Uint8Array();
