import pg from 'pg';
import { chainName } from '../../src/event.ts';
import { readSealedBlock } from '../../src/sealed-block.ts';
import { StoreCorruptError } from '../../src/store.ts';
import { blocksIn } from '../../src/sync/taking/sealed-pack.ts';
import type { Moved } from '../moved.ts';
import { blocksOf } from './block-rows.ts';
import { storeError } from './errors.ts';

/**
 * Removes the beginning of a tenant's chains, but for the first block with its opening, in one transaction with the mark
 * of where it went. Whoever calls it has made sure that an archive holds what goes (SPEC R162, R165). Recorders go on
 * meanwhile: nobody else touches blocks that are this old.
 *
 * @param ownerUrl connection of the role that owns the tables; the login that records may not remove (R108)
 * @throws StoreCorruptError when a chain has another block there than was archived, or would lose its end; StoreError
 */
export async function releaseFromPostgres(ownerUrl: string, tenant: string, moved: readonly Moved[]): Promise<void> {
  const { host, pathname } = new URL(ownerUrl);
  const path = `postgres://${host}${pathname}`;
  const client = new pg.Client({ connectionString: ownerUrl });
  try {
    await client.connect();
    await client.query('BEGIN');
    await client.query(`SELECT set_config('sigma.tenant', $1, true)`, [tenant]);
    for (const end of moved) await removeThrough(client, path, tenant, end);
    await client.query('COMMIT');
  } catch (error) {
    throw storeError(path, error, 'open');
  } finally {
    await client.end();
  }
}

async function removeThrough(client: pg.Client, path: string, tenant: string, end: Moved): Promise<void> {
  const refuse = (what: string): StoreCorruptError =>
    new StoreCorruptError(path, `${chainName(end)} ${what}`, 'Verify the recording; nothing was removed');
  const { source, epoch, sequence, hash, atUs, archive, manifest, manifestSha256 } = end;
  const found = await client.query(
    'SELECT chain FROM recorder.chains WHERE tenant = $1 AND source = $2 AND epoch = $3',
    [tenant, source, epoch],
  );
  const chain = found.rows[0]?.chain as number | undefined;
  if (chain === undefined || end.tenant !== tenant) throw refuse('is not in it');
  const of = [tenant, chain, sequence];
  await unpackAround(client, refuse, tenant, chain, sequence);
  const goes = 'tenant = $1 AND chain = $2 AND first_sequence > 1 AND first_sequence + count - 1 <= $3';
  const last = await client.query(
    `SELECT hash FROM recorder.blocks WHERE ${goes} ORDER BY first_sequence DESC LIMIT 1`,
    of,
  );
  // Gone already: a run before this one was told of no answer.
  if (last.rows[0] === undefined) return;
  if (!Buffer.from(hash).equals(last.rows[0].hash))
    throw refuse(`has another block at event ${sequence} than was archived`);
  const behind = `SELECT coalesce(sum(greatest(packed, 1)), 0)::int AS blocks FROM recorder.blocks
    WHERE tenant = $1 AND chain = $2 AND first_sequence > $3`;
  if ((await client.query(behind, of)).rows[0].blocks < 2) throw refuse('would lose its end');
  await client.query(
    `INSERT INTO recorder.archived (tenant, source, epoch, sequence, hash, at_us, archive, manifest, manifest_sha256)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (tenant, source, epoch) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash,
       at_us = excluded.at_us, archive = excluded.archive, manifest = excluded.manifest,
       manifest_sha256 = excluded.manifest_sha256`,
    [tenant, source, epoch, sequence, Buffer.from(hash), atUs, archive, manifest, manifestSha256],
  );
  await client.query(`DELETE FROM recorder.blocks WHERE ${goes}`, of);
  await client.query(
    'DELETE FROM recorder.snapshots WHERE tenant = $1 AND chain = $2 AND block_sequence > 1 AND sequence <= $3',
    of,
  );
}

/** Where what goes ends within a pack, its blocks become rows of their own (SPEC R109). */
async function unpackAround(
  client: pg.Client,
  refuse: (what: string) => StoreCorruptError,
  tenant: string,
  chain: number,
  sequence: number,
): Promise<void> {
  const found = await client.query(
    `DELETE FROM recorder.blocks WHERE tenant = $1 AND chain = $2 AND packed > 0
       AND first_sequence <= $3 AND first_sequence + count - 1 > $3
     RETURNING first_sequence, hash, bytes, packed, version, ordinal`,
    [tenant, chain, sequence],
  );
  const row = found.rows[0];
  if (row === undefined) return;
  const stored = blocksOf({ ...row, firstSequence: Number(row.first_sequence) });
  if (stored.length !== row.packed) throw refuse(`has a pack at event ${row.first_sequence} that cannot be unpacked`);
  let ordinal = Number(row.ordinal);
  for (const [i, { bytes, hash }] of stored.entries()) {
    const block = readSealedBlock(bytes, () => hash);
    if (block instanceof Error)
      throw refuse(`has a block in the pack at event ${row.first_sequence}: ${block.message}`);
    const { firstSequence, count, firstAtUs, lastAtUs } = block;
    const version = Number(row.version) - (stored.length - 1 - i);
    await client.query(
      `INSERT INTO recorder.blocks
         (tenant, chain, first_sequence, version, ordinal, count, first_at_us, last_at_us, hash, bytes)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [tenant, chain, firstSequence, version, ordinal, count, firstAtUs, lastAtUs, hash, bytes],
    );
    ordinal += blocksIn(bytes);
  }
}
