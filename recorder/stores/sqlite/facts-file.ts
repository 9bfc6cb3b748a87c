import { existsSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { decodeBlock } from '../../src/block.ts';
import { type ChainHead, type ChainId, sameBytes } from '../../src/event.ts';
import type { KeptStretch } from '../../src/fork/facts.ts';
import type { Opening } from '../../src/payload/opening.ts';
import type { Recording } from '../../src/store.ts';
import { decodeStub, isStub, type Stub } from '../../src/sync/gap.ts';

const APPLICATION_ID = 0x53676d46;
const USER_VERSION = 3;
const BUSY_MS = 10_000;
/** So many stretches may be ahead of a recording that lost its end; with more, the facts are another's. */
const MOST_AHEAD = 16;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS chains (
    chain INTEGER PRIMARY KEY, tenant TEXT NOT NULL, source TEXT NOT NULL, epoch INTEGER NOT NULL,
    model TEXT NOT NULL, names TEXT NOT NULL, UNIQUE (tenant, source, epoch)) STRICT;
  CREATE TABLE IF NOT EXISTS stretches (
    stretch INTEGER PRIMARY KEY, chain INTEGER NOT NULL, snapshot INTEGER NOT NULL, ends INTEGER NOT NULL,
    until_us INTEGER NOT NULL, block_end INTEGER NOT NULL, from_hash BLOB NOT NULL, block_hash BLOB NOT NULL, columns BLOB NOT NULL,
    UNIQUE (chain, snapshot)) STRICT`;

/** A third of the size for a thousandth of the time that a life takes to run. */
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Facts follow from the model and the policy that were lived under. */
export type FactsBasis = Pick<Opening, 'model' | 'modelVersion' | 'policyHash'>;

const modelOf = ({ model, modelVersion, policyHash }: FactsBasis): string => `${model} ${modelVersion} ${policyHash}`;

interface Row {
  readonly stretch: number;
  readonly snapshot: number;
  readonly ends: number;
  readonly until_us: number;
  readonly block_end: number;
  readonly from_hash: Uint8Array;
  readonly block_hash: Uint8Array;
}

/** What came together of one chain. */
export interface ChainFacts {
  readonly chain: ChainId;
  readonly basis: FactsBasis;
  readonly stretches: readonly KeptStretch[];
}

/** Stretches of one chain that were made of a recording as it is, in their order; of what lies between them none are kept. */
export interface KeptFacts {
  /** @param fromUs those that end before that moment are left out */
  readonly stretches: (fromUs?: number) => AsyncIterable<KeptStretch>;
}

/**
 * The facts of a recording, in `<recording>.facts` (SPEC R117). What cannot be read or written there is as good as not
 * there: facts can always be gathered again.
 */
export class FactsFile {
  readonly #path: string;
  readonly #names: string;
  #writer: DatabaseSync | null = null;

  /** @param names of the facts, in their order */
  constructor(recording: string, names: readonly string[]) {
    this.#path = `${recording}.facts`;
    this.#names = names.join(' ');
  }

  /** Throws away whatever is kept beside a recording that is made anew. */
  static remove(recording: string): void {
    for (const end of ['', '-journal', '-wal', '-shm']) rmSync(`${recording}.facts${end}`, { force: true });
  }

  /**
   * The facts of a chain, as far as they were made of this very recording: each stretch goes on at the block, by its hash,
   * at which the one before ended, and the last of such a row stands in the recording. Null where there are none.
   */
  async load(recording: Recording, head: ChainHead, basis: FactsBasis): Promise<KeptFacts | null> {
    const known: Row[] = [];
    for (const row of unbroken(this.#rows(head, basis))) {
      let ahead = 0;
      while (row.length > 0 && !(await holds(recording, head, row.at(-1) as Row))) {
        row.pop();
        if (++ahead >= MOST_AHEAD) row.length = 0;
      }
      known.push(...row);
    }
    if (known.length === 0) return null;
    return { stretches: (fromUs = 0) => this.#read(known.filter(({ until_us }) => until_us >= fromUs)) };
  }

  #rows({ tenant, source, epoch }: ChainId, basis: FactsBasis): readonly Row[] {
    const found = this.#reading((database) =>
      database
        .prepare(
          `SELECT stretch, snapshot, ends, until_us, block_end, from_hash, block_hash FROM stretches JOIN chains USING (chain)
           WHERE tenant = ? AND source = ? AND epoch = ? AND model = ? AND names = ? ORDER BY snapshot`,
        )
        .all(tenant, source, epoch, modelOf(basis), this.#names),
    );
    return (found ?? []) as unknown as readonly Row[];
  }

  async *#read(rows: readonly Row[]): AsyncIterable<KeptStretch> {
    const database = new DatabaseSync(this.#path, { readOnly: true, timeout: BUSY_MS });
    try {
      const read = database.prepare('SELECT columns FROM stretches WHERE stretch = ?');
      for (const row of rows) {
        const { columns } = read.get(row.stretch) as { readonly columns: Uint8Array };
        yield { ...stretchOf(row), bytes: new Uint8Array(zstdDecompressSync(columns)) };
      }
    } finally {
      database.close();
    }
  }

  #reading<Result>(use: (database: DatabaseSync) => Result): Result | null {
    if (!existsSync(this.#path)) return null;
    try {
      const database = new DatabaseSync(this.#path, { readOnly: true, timeout: BUSY_MS });
      try {
        return use(database);
      } finally {
        database.close();
      }
    } catch {
      return null;
    }
  }

  /** Keeps stretches of chains. @returns false where they could not be kept */
  keep(chains: readonly ChainFacts[]): boolean {
    try {
      const database = this.#writing();
      database.exec('BEGIN IMMEDIATE');
      try {
        for (const { chain, basis, stretches } of chains) this.#insert(database, chain, basis, stretches);
        database.exec('COMMIT');
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
      return true;
    } catch {
      this.close();
      return false;
    }
  }

  #insert(
    database: DatabaseSync,
    { tenant, source, epoch }: ChainId,
    basis: FactsBasis,
    stretches: readonly KeptStretch[],
  ): void {
    const who = [tenant, source, epoch] as const;
    const of = [modelOf(basis), this.#names] as const;
    const known = database
      .prepare('SELECT chain, model, names FROM chains WHERE tenant = ? AND source = ? AND epoch = ?')
      .get(...who) as { readonly chain: number; readonly model: string; readonly names: string } | undefined;
    let chain = known?.chain ?? 0;
    if (known !== undefined && (known.model !== of[0] || known.names !== of[1])) {
      database.prepare('DELETE FROM stretches WHERE chain = ?').run(chain);
      database.prepare('UPDATE chains SET model = ?, names = ? WHERE chain = ?').run(...of, chain);
    } else if (known === undefined) {
      const made = database.prepare('INSERT INTO chains (tenant, source, epoch, model, names) VALUES (?, ?, ?, ?, ?)');
      chain = Number(made.run(...who, ...of).lastInsertRowid);
    }
    const insert = database.prepare(
      `INSERT OR REPLACE INTO stretches (chain, snapshot, ends, until_us, block_end, from_hash, block_hash, columns)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    for (const { snapshot, end, untilUs, blockEnd, fromHash, blockHash, bytes } of stretches)
      insert.run(chain, snapshot, end, untilUs, blockEnd, fromHash, blockHash, zstdCompressSync(bytes, FAST));
  }

  #writing(): DatabaseSync {
    if (this.#writer !== null) return this.#writer;
    const open = (): DatabaseSync => new DatabaseSync(this.#path, { timeout: BUSY_MS });
    let database = open();
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version !== 0 && version !== USER_VERSION) {
      // Of another release, and nothing that could not be made again.
      database.close();
      rmSync(this.#path, { force: true });
      database = open();
    }
    database.exec(`PRAGMA page_size = 16384; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${USER_VERSION};
      PRAGMA synchronous = OFF; ${SCHEMA}`);
    this.#writer = database;
    return database;
  }

  /** Forgets what is kept of a chain, up to an event; all of it without one. */
  forget({ tenant, source, epoch }: ChainId, upTo = Number.MAX_SAFE_INTEGER): void {
    try {
      this.#writing()
        .prepare(
          `DELETE FROM stretches WHERE ends <= ?
           AND chain IN (SELECT chain FROM chains WHERE tenant = ? AND source = ? AND epoch = ?)`,
        )
        .run(upTo, tenant, source, epoch);
    } catch {
      this.close();
    }
  }

  close(): void {
    this.#writer?.close();
    this.#writer = null;
  }
}

const stretchOf = ({
  snapshot,
  ends,
  until_us,
  block_end,
  from_hash,
  block_hash,
}: Row): Omit<KeptStretch, 'bytes'> => ({
  ...{ snapshot, end: ends, untilUs: until_us, blockEnd: block_end, fromHash: from_hash, blockHash: block_hash },
});

/** Stretches in rows of which each goes on where the one before ended. Those that overlap are another's. */
function unbroken(all: readonly Row[]): readonly Row[][] {
  const rows: Row[][] = [];
  let before: Row | undefined;
  for (const one of all) {
    if (before !== undefined && one.snapshot < before.ends) return [];
    if (before?.ends !== one.snapshot || !sameBytes(before.block_hash, one.from_hash)) rows.push([]);
    rows.at(-1)?.push(one);
    before = one;
  }
  return rows;
}

async function holds(recording: Recording, head: ChainHead, row: Row): Promise<boolean> {
  if (row.block_end > head.sequence) return false;
  for await (const { bytes, hash } of recording.blocks(head, row.block_end, row.block_end)) {
    if (isStub(bytes)) return held(decodeStub(bytes), row);
    const { events, firstSequence } = decodeBlock(bytes);
    return firstSequence + events.length - 1 === row.block_end && sameBytes(hash, row.block_hash);
  }
  return false;
}

/** What was dropped is still known by its hashes. */
function held({ firstSequence, dropped }: Stub, row: Row): boolean {
  let next = firstSequence;
  return dropped.some(({ count, hash }) => {
    next += count;
    return next - 1 === row.block_end && sameBytes(hash, row.block_hash);
  });
}
