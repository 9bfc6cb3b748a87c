import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { NO_BLOCK } from '../../src/block.ts';
import type { SealedBlock } from '../../src/chain-writer.ts';
import { type ChainHead, type ChainId, chainName, sameBytes } from '../../src/event.ts';
import { type BlockRun, runOf, type SnapshotPlace, type StoredBlock, type StoredPack } from '../../src/store.ts';
import { decodeStub, isStub, stubBlocks } from '../../src/sync/gap.ts';
import { blockKey, chainKey } from '../commit-plan.ts';
import { tailFault } from '../tail-check.ts';
import { damaged } from './errors.ts';
import { OpenedPacks } from './opened-packs.ts';
import { blocksOfRow, packOfRow } from './pack-row.ts';
import { PackRows } from './pack-rows.ts';
import { sha256 } from './sha256.ts';

/** A chain with the number it has in this file. */
interface NumberedChain extends ChainId {
  readonly chain: number;
}

/**
 * A LIMIT that is a parameter by itself is looked at for the plan (SQLite 3.53), and the statement compiled anew each
 * time that it is bound: four times as long as reading a page. Of a sum it is not.
 */
const PAGE = `SELECT first_sequence, hash, bytes FROM blocks
  WHERE chain = ? AND first_sequence > ? AND first_sequence <= ? ORDER BY first_sequence LIMIT ? + 0`;
/**
 * The same with all blocks in one value, one behind the other: each value costs more on its way out of SQLite than the
 * bytes in it, and most of it later, in the garbage collector. A blob taken for a text keeps its bytes
 * (https://www.sqlite.org/lang_expr.html#castexpr).
 */
const PAGE_TOGETHER = `SELECT count(*) AS blocks, group_concat(first_sequence, ' ') AS firsts,
    group_concat(length(bytes), ' ') AS lengths, CAST(group_concat(hash, '') AS BLOB) AS hashes,
    CAST(group_concat(bytes, '') AS BLOB) AS bytes,
    total(typeof(first_sequence) = 'integer' AND typeof(bytes) = 'blob' AND typeof(hash) = 'blob' AND length(hash) = 32) AS sound
  FROM (${PAGE})`;
/**
 * The same of who passes blocks on: no hash but the last one's. Beside the one max() SQLite takes other columns from the
 * row that has it (https://www.sqlite.org/lang_select.html#bareagg).
 */
const RUN = `SELECT count(*) AS blocks, max(first_sequence) AS last, hash, group_concat(length(bytes), ' ') AS lengths,
    CAST(group_concat(bytes, '') AS BLOB) AS bytes, total(typeof(bytes) = 'blob') AS sound
  FROM (${PAGE})`;
const SQLITE_TOOBIG = 18;
/** Of `PAGE`: the chain, after which event, up to which, and how many rows at most. */
type PageRange = readonly [chain: number, after: number, toSequence: number, most: number];

const HASH_BYTES = 32;

/** The tables of a recording: what is asked of them, and what is put into them. Transactions are the caller's. */
export class BlockTable {
  readonly #db: DatabaseSync;
  readonly #path: string;
  /** The number that a chain has in this file never changes. */
  readonly #numbers = new Map<string, number>();
  readonly #rows = new PackRows((sql) => this.statement(sql));
  readonly #opened = new OpenedPacks();
  #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
  }

  heads(): readonly ChainHead[] {
    return this.#chains('ORDER BY tenant, source, epoch').flatMap((chain) => this.#end(chain) ?? []);
  }

  /** The end of one chain; null where it has no block. */
  head(chain: ChainId): ChainHead | null {
    const number = this.#chainNumber(chain);
    return number === null ? null : this.#end({ ...chain, chain: number });
  }

  /** Where to begin a range: blocks that begin after this sequence hold `fromSequence` and what follows. */
  before(chain: ChainId, fromSequence: number): number {
    const row = this.statement(
      'SELECT first_sequence, count FROM blocks WHERE chain = ? AND first_sequence <= ? ORDER BY first_sequence DESC LIMIT 1',
    ).get(this.#chainNumber(chain), fromSequence);
    if (row === undefined) return 0;
    const first = row.first_sequence as number;
    const end = first + (row.count as number) - 1;
    if (end < fromSequence) return end;
    const within = this.#opens(this.#chainNumber(chain), first, fromSequence);
    return (within.at(-1)?.firstSequence ?? first) - 1;
  }

  /** The first blocks that begin after `after` and not after `toSequence`: `most`, and what is packed with the last. */
  page(chain: ChainId, after: number, toSequence: number, most: number): readonly StoredBlock[] {
    const number = this.#chainNumber(chain);
    return number === null ? [] : this.#atOnce(() => this.#page([number, after, toSequence, most]));
  }

  /** The same for who passes them on; null where there are none. */
  run(chain: ChainId, after: number, toSequence: number, most: number): BlockRun | null {
    const number = this.#chainNumber(chain);
    if (number === null) return null;
    return this.#atOnce(() => {
      const { at, next } = this.#rows.around(number, after);
      // Nothing of it is packed, as far as it may reach.
      if (at !== null || (next !== null && next <= toSequence))
        return runOf(this.#page([number, after, toSequence, most]));
      const range = [number, after, toSequence, most] as const;
      const row = this.#together(RUN, range);
      return row?.blocks === 0 ? null : (runTogether(row) ?? runOf(this.#plain(range)));
    });
  }

  /** The pack that begins with that event, as it lies; null where none does. */
  packAt(chain: ChainId, firstSequence: number): StoredPack | null {
    const number = this.#chainNumber(chain);
    if (number === null || this.#rows.around(number, firstSequence - 1).next !== firstSequence) return null;
    const row = this.statement(
      'SELECT first_sequence, count, hash, bytes FROM blocks WHERE chain = ? AND first_sequence = ?',
    ).get(number, firstSequence);
    return row === undefined ? null : packOfRow(this.#blockOf(row), row.count as number);
  }

  /** From that event on, the last one before the next pack. */
  unpackedTo(chain: ChainId, fromSequence: number): number {
    const number = this.#chainNumber(chain);
    const next = number === null ? null : this.#rows.around(number, fromSequence - 1).next;
    return next === null ? Number.MAX_SAFE_INTEGER : next - 1;
  }

  #page([chain, from, toSequence, most]: PageRange): readonly StoredBlock[] {
    const blocks: StoredBlock[] = [];
    for (let after = from; blocks.length < most; after = (blocks.at(-1) as StoredBlock).firstSequence) {
      const { at, next } = this.#rows.around(chain, after);
      const packed = (first: number): readonly StoredBlock[] =>
        this.#opens(chain, first, toSequence).filter(({ firstSequence }) => firstSequence > after);
      const plain = (to: number): readonly StoredBlock[] => this.#plain([chain, after, to, most - blocks.length]);
      const inside = at === null ? [] : packed(at);
      // Behind a pack that gives nothing more, be it that it rotted, stand rows, and then the next.
      const unpacked = inside.length > 0 ? inside : plain(Math.min(toSequence, (next ?? Number.MAX_SAFE_INTEGER) - 1));
      const found = unpacked.length === 0 && next !== null && next <= toSequence ? packed(next) : unpacked;
      if (found.length === 0) break;
      if (blocks.length === 0 && found.length >= most) return found;
      blocks.push(...found);
    }
    return blocks;
  }

  /** Rows of which none is packed. */
  #plain(range: PageRange): readonly StoredBlock[] {
    return (
      blocksTogether(this.#together(PAGE_TOGETHER, range)) ??
      this.statement(PAGE)
        .all(...range)
        .map((row) => this.#blockOf(row))
    );
  }

  /** The blocks of a row, up to those that begin with that event. */
  #opens(chain: number | null, firstSequence: number, toSequence: number): readonly StoredBlock[] {
    const version = this.statement('PRAGMA data_version').get()?.data_version as number;
    const blocks = this.#opened.blocks(`${chain} ${firstSequence}`, version, () => {
      const row = this.statement(PAGE).get(chain, firstSequence - 1, firstSequence, 1);
      return row === undefined ? [] : blocksOfRow(this.#blockOf(row));
    });
    return blocks.filter(({ firstSequence: first }) => first <= toSequence);
  }

  /** So that what is packed meanwhile is seen in one of its two forms. */
  #atOnce<T>(read: () => T): T {
    if (this.#db.isTransaction) return read();
    this.statement('BEGIN').run();
    try {
      return read();
    } finally {
      if (this.#db.isTransaction) this.statement('ROLLBACK').run();
    }
  }

  /** A page as one row; none where its blocks are more than one value of SQLite holds. */
  #together(sql: string, range: PageRange): Record<string, unknown> | undefined {
    try {
      return this.statement(sql).get(...range);
    } catch (error) {
      if ((error as { readonly errcode?: number }).errcode === SQLITE_TOOBIG) return undefined;
      throw error;
    }
  }

  snapshotBefore(chain: ChainId, atUs: number): SnapshotPlace | null {
    const row = this.statement(
      `SELECT sequence, at_us, block_sequence FROM snapshots WHERE chain = ? AND at_us <= ?
       ORDER BY at_us DESC, sequence DESC LIMIT 1`,
    ).get(this.#chainNumber(chain), atUs);
    if (row === undefined) return null;
    return {
      sequence: row.sequence as number,
      atUs: row.at_us as number,
      blockSequence: row.block_sequence as number,
    };
  }

  /** Hashes of what is stored where these blocks would stand, by `blockKey`. */
  twinsOf(blocks: readonly SealedBlock[]): ReadonlyMap<string, Uint8Array> {
    const twins = new Map<string, Uint8Array>();
    for (const block of blocks) {
      const [stored] = this.page(block, block.firstSequence - 1, block.firstSequence, 1);
      if (stored !== undefined) twins.set(blockKey(block), stored.hash);
    }
    return twins;
  }

  insert(block: SealedBlock, ordinal: number): void {
    const chain = this.#chainNumber(block) ?? this.#newChain(block);
    this.#opened.forget();
    this.#rows.insert({ ...block, chain, ordinal });
    for (const { sequence, atUs } of block.snapshots) {
      this.statement('INSERT INTO snapshots VALUES (?, ?, ?, ?)').run(chain, atUs, sequence, block.firstSequence);
    }
  }

  /** Puts a stub in the place of the blocks that it names. @returns whether they stood there as it says */
  replace(stub: SealedBlock): boolean {
    const chain = this.#chainNumber(stub);
    const last = stub.firstSequence + stub.count - 1;
    if (chain === null) return false;
    this.#opened.forget();
    this.#rows.unpackAround(chain, stub.firstSequence, last);
    const stands = this.statement(
      `SELECT ordinal, first_sequence, count, hash, bytes, first_at_us FROM blocks WHERE chain = ? AND first_sequence >= ? AND first_sequence <= ? ORDER BY first_sequence`,
    ).all(chain, stub.firstSequence, last);
    const rows = stands.flatMap((row) => standing(this.#blockOf(row), row.count as number));
    if (!standsFor(stub, rows)) return false;
    this.#rows.remove(chain, stub.firstSequence, last);
    // They are found by their times; others may have the same.
    this.statement(
      'DELETE FROM snapshots WHERE chain = ? AND at_us >= ? AND at_us <= ? AND sequence >= ? AND sequence <= ?',
    ).run(chain, stands[0]?.first_at_us as number, stub.lastAtUs, stub.firstSequence, last);
    this.insert(stub, stands[0]?.ordinal as number);
    return true;
  }

  /**
   * Packs what stands unpacked of a chain from an event on, up to another, to the next pack, and never its last block.
   *
   * @param mostPacks that are made @param packBytes of blocks in each
   * @returns the first event behind all of these
   */
  packFrom(chain: ChainId, fromSequence: number, toSequence: number, mostPacks: number, packBytes: number): number {
    const number = this.#chainNumber(chain);
    this.#opened.forget();
    return number === null ? fromSequence : this.#rows.packFrom(number, fromSequence, toSequence, mostPacks, packBytes);
  }

  /** The first event behind what is packed of a chain; of a long stretch that is not, where its newest part begins. */
  packedTo(chain: ChainId): number {
    const number = this.#chainNumber(chain);
    return number === null ? 1 : this.#rows.packedTo(number);
  }

  /** Blocks that are packed together with one before and one behind that event have rows of their own again. */
  unpackAt(chain: ChainId, sequence: number): void {
    const number = this.#chainNumber(chain);
    this.#opened.forget();
    if (number !== null) this.#rows.unpackAround(number, sequence, sequence);
  }

  /**
   * The end of every chain, by `chainKey`.
   *
   * @throws StoreCorruptError for one that is torn or foreign: nothing may be written after it
   */
  soundEnds(): Map<string, ChainHead> {
    const ends = new Map<string, ChainHead>();
    for (const chain of this.#chains()) {
      const head = this.#end(chain);
      if (head === null) continue;
      const [last, before] = this.statement(
        'SELECT first_sequence, count, hash, bytes FROM blocks WHERE chain = ? ORDER BY first_sequence DESC LIMIT 2',
      ).all(chain.chain);
      const tail = {
        last: this.#blockOf(last ?? {}),
        hashBefore: before === undefined ? null : this.#blockOf(before).hash,
        sequenceBefore: before === undefined ? 0 : (before.first_sequence as number) + (before.count as number) - 1,
      };
      const fault = tailFault(head, tail, sha256);
      if (fault !== null) {
        const end = `the end of ${chainName(head)} at sequence ${head.sequence}`;
        throw damaged(this.#path, `${end} is not as it was written: ${fault}`);
      }
      ends.set(chainKey(head), head);
    }
    return ends;
  }

  /** Counts a life of the recording: it is opened for writing once more. @returns its number, from 1 */
  beginLife(): number {
    this.statement('UPDATE lives SET life = life + 1').run();
    return this.statement('SELECT life FROM lives').get()?.life as number;
  }

  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Before the database is closed. */
  forget(): void {
    this.#statements = new Map();
  }

  /** A damaged page may still parse as a row, with columns of the wrong kind in it. */
  #blockOf({ first_sequence: firstSequence, hash, bytes }: Record<string, unknown>): StoredBlock {
    const sound = typeof firstSequence === 'number' && hash instanceof Uint8Array && bytes instanceof Uint8Array;
    if (sound) return { firstSequence, hash, bytes };
    throw damaged(this.#path, `a block near event ${String(firstSequence)} is not as it was written`);
  }

  #newChain(chain: ChainId): number {
    const insert = this.statement('INSERT INTO chains (tenant, source, epoch) VALUES (?, ?, ?)');
    const number = Number(insert.run(chain.tenant, chain.source, chain.epoch).lastInsertRowid);
    this.#numbers.set(chainKey(chain), number);
    return number;
  }

  #chainNumber(chain: ChainId): number | null {
    const key = chainKey(chain);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const find = this.statement('SELECT chain FROM chains WHERE tenant = ? AND source = ? AND epoch = ?');
    const number = find.get(chain.tenant, chain.source, chain.epoch)?.chain as number | undefined;
    if (number !== undefined) this.#numbers.set(key, number);
    return number ?? null;
  }

  #chains(order = ''): readonly NumberedChain[] {
    return this.statement(
      `SELECT chain, tenant, source, epoch FROM chains ${order}`,
    ).all() as unknown as NumberedChain[];
  }

  /** The end of a chain as its last row tells it; null of a chain without blocks. */
  #end({ chain, tenant, source, epoch }: NumberedChain): ChainHead | null {
    const row = this.statement(
      `SELECT ordinal, first_sequence, count, last_at_us, hash FROM blocks WHERE chain = ?
       ORDER BY first_sequence DESC LIMIT 1`,
    ).get(chain);
    if (row === undefined) return null;
    const { ordinal, first_sequence: first, count, last_at_us: atUs, hash } = row;
    if (!(hash instanceof Uint8Array)) throw damaged(this.#path, `the end of ${source} is unreadable`);
    const sequence = (first as number) + (count as number) - 1;
    return { tenant, source, epoch, sequence, hash, atUs: atUs as number, blocks: ordinal as number };
  }
}

/** The run of such a row; null where one of its blocks is not as it was written. */
function runTogether(row: Record<string, unknown> | undefined): BlockRun | null {
  const { bytes, hash, lengths, blocks, sound } = row ?? {};
  if (!(bytes instanceof Uint8Array && hash instanceof Uint8Array) || sound !== blocks) return null;
  let end = 0;
  const ends = (lengths as string).split(' ').map((length) => {
    end += Number(length);
    return end;
  });
  return end === bytes.length && hash.length === HASH_BYTES ? { bytes, ends, hash } : null;
}

/** The blocks of such a row, in order; null where one of them is not as it was written, for who reads them one by one to say. */
function blocksTogether(row: Record<string, unknown> | undefined): readonly StoredBlock[] | null {
  if (row === undefined || row.sound !== row.blocks) return null;
  if (row.blocks === 0) return [];
  const [bytes, hashes] = [row.bytes as Uint8Array, row.hashes as Uint8Array];
  const lengths = (row.lengths as string).split(' ');
  let end = 0;
  const blocks = (row.firsts as string).split(' ').map((first, i): StoredBlock => {
    const start = end;
    end += Number(lengths[i]);
    const hash = hashes.subarray(HASH_BYTES * i, HASH_BYTES * (i + 1));
    return { firstSequence: Number(first), hash, bytes: bytes.subarray(start, end) };
  });
  const inOrder = blocks.every(
    (block, i) => i === 0 || block.firstSequence > (blocks[i - 1] as StoredBlock).firstSequence,
  );
  return inOrder && end === bytes.length ? blocks : null;
}

/** Of a block that may be replaced how many events it has, and how many blocks it stands for. */
interface Standing {
  readonly count: number;
  readonly blocks: number;
  readonly hash: Uint8Array;
}

/** The blocks of a row of so many events. */
function standing(row: StoredBlock, count: number): readonly Standing[] {
  const end = row.firstSequence + count;
  return blocksOfRow(row).map(({ firstSequence, hash, bytes }, i, all) => ({
    count: (all[i + 1]?.firstSequence ?? end) - firstSequence,
    blocks: isStub(bytes) ? stubBlocks(decodeStub(bytes)) : 1,
    hash,
  }));
}

/** Whether what a stub names is what stands there, block by block, or as much of it as it names. */
function standsFor({ bytes }: SealedBlock, rows: readonly Standing[]): boolean {
  let at = 0;
  for (const { hash, count, blocks = 1 } of decodeStub(bytes).dropped) {
    let [countLeft, blocksLeft] = [count, blocks];
    for (; at < rows.length && countLeft > 0; at++) {
      const row = rows[at] as Standing;
      countLeft -= row.count;
      blocksLeft -= row.blocks;
    }
    if (countLeft !== 0 || blocksLeft !== 0 || !sameBytes(rows[at - 1]?.hash ?? NO_BLOCK, hash)) return false;
  }
  return true;
}
