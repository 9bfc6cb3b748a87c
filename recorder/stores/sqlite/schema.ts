import type { DatabaseSync } from 'node:sqlite';
import { decodeBlock, decodeEnvelope } from '../../src/block.ts';
import { EVENT_TYPE } from '../../src/event.ts';
import { StoreCorruptError, StoreNewerError } from '../../src/store.ts';

/** 'SgmR' in PRAGMA application_id: this SQLite file is a recording. */
const APPLICATION_ID = 0x53676d52;

interface Migration {
  readonly what: string;
  readonly apply: (db: DatabaseSync) => void;
}

/** Migration n (from 1) leads to schema version n. Never edited once released; a change is a new one at the end. */
export const MIGRATIONS: readonly Migration[] = [
  {
    what: 'chains and their blocks',
    apply: (db) =>
      db.exec(`
        CREATE TABLE chains (
          chain INTEGER PRIMARY KEY, tenant TEXT NOT NULL, source TEXT NOT NULL, epoch INTEGER NOT NULL,
          UNIQUE (tenant, source, epoch)
        ) STRICT;
        CREATE TABLE blocks (
          block INTEGER PRIMARY KEY, chain INTEGER NOT NULL REFERENCES chains, ordinal INTEGER NOT NULL,
          first_sequence INTEGER NOT NULL, count INTEGER NOT NULL,
          first_at_us INTEGER NOT NULL, last_at_us INTEGER NOT NULL,
          hash BLOB NOT NULL, bytes BLOB NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX blocks_by_sequence ON blocks (chain, first_sequence);`),
  },
  {
    what: 'where snapshots stand, derived from the blocks',
    apply: (db) => {
      db.exec(`
        CREATE TABLE snapshots (
          chain INTEGER NOT NULL REFERENCES chains, at_us INTEGER NOT NULL, sequence INTEGER NOT NULL,
          block_sequence INTEGER NOT NULL, PRIMARY KEY (chain, at_us, sequence)
        ) STRICT, WITHOUT ROWID;`);
      const insert = db.prepare('INSERT INTO snapshots VALUES (?, ?, ?, ?)');
      for (const row of db.prepare('SELECT chain, first_sequence, bytes FROM blocks').iterate()) {
        const { events } = decodeBlock(row.bytes as Uint8Array);
        for (const event of events.map(decodeEnvelope)) {
          if (event.type !== EVENT_TYPE.snapshot) continue;
          insert.run(row.chain as number, event.atUs, event.sequence, row.first_sequence as number);
        }
      }
    },
  },
  {
    what: 'how often it was opened for writing: what has landed beside it is of the last life (SPEC R137)',
    apply: (db) => db.exec('CREATE TABLE lives (life INTEGER NOT NULL) STRICT; INSERT INTO lives VALUES (0)'),
  },
  {
    what: 'which rows hold several blocks, packed (SPEC R196)',
    apply: (db) =>
      db.exec(`
        CREATE TABLE packs (
          chain INTEGER NOT NULL REFERENCES chains, first_sequence INTEGER NOT NULL, last_first_sequence INTEGER NOT NULL,
          PRIMARY KEY (chain, first_sequence)
        ) STRICT, WITHOUT ROWID`),
  },
];

export const SCHEMA_VERSION = MIGRATIONS.length;
/** Older ones are brought up to date before they are read; what came since says nothing of the blocks. */
const OLDEST_READ = 2;

/**
 * Brings a file to the present schema, in one transaction.
 *
 * @param readOnly an older file is then refused, for it cannot be brought up to date
 * @throws StoreNewerError, StoreCorruptError
 */
export function migrate(db: DatabaseSync, path: string, readOnly: boolean): void {
  const version = pragma(db, 'user_version');
  const application = pragma(db, 'application_id');
  const tables = db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n as number;
  if (application !== APPLICATION_ID && (tables > 0 || readOnly)) {
    throw new StoreCorruptError(path, 'is an SQLite file but no recording', 'Name a recording, or a path that is free');
  }
  if (version > SCHEMA_VERSION) {
    throw new StoreNewerError(
      path,
      `has schema version ${version}; this program knows versions up to ${SCHEMA_VERSION}`,
      'Open it with the newer sigma that wrote it; nothing was changed',
    );
  }
  if (version === SCHEMA_VERSION || (readOnly && version >= OLDEST_READ)) return;
  if (readOnly) {
    throw new StoreCorruptError(
      path,
      `has schema version ${version}, older than ${OLDEST_READ}, and is open for reading only`,
      'Open it once for writing to bring it up to date',
    );
  }
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const { apply } of MIGRATIONS.slice(version)) apply(db);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  } catch (error) {
    // Some errors end the transaction by themselves, and the first one is the one that counts.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

export function pragma(db: DatabaseSync, name: string): number {
  const row = db.prepare(`PRAGMA ${name}`).get() as Record<string, number>;
  return row[name] as number;
}
