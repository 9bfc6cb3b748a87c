import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { type ChainHead, type ChainId, chainName } from '../../src/event.ts';
import { StoreBusyError, StoreCorruptError } from '../../src/store.ts';
import { BlockTable } from './block-table.ts';
import { storeError } from './errors.ts';
import { landingOf } from './landing.ts';
import { migrate } from './schema.ts';
import { SqliteFile } from './sqlite-file.ts';

/** Last event that goes, and the hash of its block. */
export type ReleasedEnd = ChainId & Pick<ChainHead, 'sequence' | 'hash'>;

/**
 * Removes the beginning of chains, but for the first block with its opening, from a recording that nobody has open, in one transaction, and gives the room back to
 * the disk. Whoever calls it has made sure that an archive holds what goes (SPEC R162, R165): it is not kept anywhere
 * else. A chain of which the end would go too is refused.
 *
 * @param moved for each chain the end of what goes, which is the end of a block
 * @throws StoreBusyError when another program has the file open; StoreError
 */
export function releaseFromSqlite(path: string, moved: readonly ReleasedEnd[]): void {
  takeLanded(path);
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(path, { timeout: 500 });
    migrate(db, path, true);
    alone(db, path);
    db.exec('PRAGMA synchronous = EXTRA; PRAGMA secure_delete = OFF; BEGIN EXCLUSIVE');
    for (const end of moved) removeThrough(db, path, end);
    db.exec('COMMIT');
    db.exec('VACUUM');
  } catch (error) {
    if (db?.isTransaction === true) db.exec('ROLLBACK');
    throw storeError(path, error);
  } finally {
    if (db?.isOpen === true) db.close();
  }
}

/** What a killed writer left beside the recording is its end: it goes into it first (SPEC R138). */
function takeLanded(path: string): void {
  if (!existsSync(path) || !existsSync(landingOf(path))) return;
  assertNotOpen(path);
  new SqliteFile(path, 'write', { busyTimeoutMs: 500 }).close();
}

/** @throws StoreBusyError when another program has the recording open: a second writer would end it (R42) */
export function assertNotOpen(path: string): void {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(path, { timeout: 500 });
    alone(db, path);
  } catch (error) {
    throw storeError(path, error);
  } finally {
    if (db?.isOpen === true) db.close();
  }
}

/** SQLite leaves WAL only for one that has the file to itself; the next writer puts it back. */
function alone(db: DatabaseSync, path: string): void {
  const busy = (): StoreBusyError =>
    new StoreBusyError(path, 'another program has it open', 'Stop that program and do it again; nothing was changed');
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    if (db.prepare('PRAGMA journal_mode = DELETE').get()?.journal_mode !== 'delete') throw busy();
  } catch (error) {
    throw /locked|busy/i.test((error as Error).message) ? busy() : error;
  }
}

function removeThrough(db: DatabaseSync, path: string, end: ReleasedEnd): void {
  const { tenant, source, epoch, sequence } = end;
  const find = db.prepare('SELECT chain FROM chains WHERE tenant = ? AND source = ? AND epoch = ?');
  const chain = find.get(tenant, source, epoch)?.chain as number | undefined;
  const refuse = (what: string): StoreCorruptError =>
    new StoreCorruptError(path, `${chainName(end)} ${what}`, 'Verify the recording; nothing was removed');
  if (chain === undefined) throw refuse('is not in it');
  // What is archived may end amid what is packed.
  new BlockTable(db, path).unpackAt(end, sequence);
  const goes = 'FROM blocks WHERE chain = ? AND first_sequence > 1 AND first_sequence + count - 1 <= ?';
  const last = db.prepare(`SELECT hash ${goes} ORDER BY first_sequence DESC LIMIT 1`).get(chain, sequence);
  // Gone already: a run before this one was interrupted behind its commit.
  if (last === undefined) return;
  const hash = last.hash as Uint8Array;
  if (Buffer.compare(hash, end.hash) !== 0) throw refuse(`has another block at event ${sequence} than was archived`);
  const stays = db
    .prepare('SELECT count(*) AS n FROM blocks WHERE chain = ? AND first_sequence > ?')
    .get(chain, sequence);
  if ((stays?.n as number) < 2) throw refuse('would lose its end');
  db.prepare(`DELETE ${goes}`).run(chain, sequence);
  db.prepare('DELETE FROM packs WHERE chain = ? AND first_sequence <= ?').run(chain, sequence);
  db.prepare('DELETE FROM snapshots WHERE chain = ? AND block_sequence > 1 AND sequence <= ?').run(chain, sequence);
}
