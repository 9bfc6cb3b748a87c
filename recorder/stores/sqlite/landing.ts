import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { NewerFormatError } from '../../src/block.ts';
import type { SealedBlock } from '../../src/chain-writer.ts';
import { readSealedBlock } from '../../src/sealed-block.ts';
import { type ChainEnd, StoreNewerError } from '../../src/store.ts';
import { chainKey } from '../commit-plan.ts';
import { syncFolder } from './files.ts';
import { sha256 } from './sha256.ts';

/**
 * The landing of a recording: a file beside the database in which a commit is one write and one sync of its own bytes
 * (SPEC R137). Into the database, where the same block would rewrite two pages of 8 KB and a log's headers, blocks go
 * many at a time; then the landing begins anew.
 *
 * A record is a header of five u32, little-endian, and as many bytes as it says, filled up to a multiple of 8:
 *
 * | at | what |
 * |---|---|
 * | 0 | CRC-32 (zlib's) of all that follows, filling left out |
 * | 4 | bytes behind the header |
 * | 8 | life of the recording: counted in the database, once each time it is opened for writing |
 * | 12 | round within the life, from 1: raised whenever the landing begins anew |
 * | 16 | number of the record within the round, from 0 |
 *
 * and then, for each block, its length as u32 and its bytes. What is valid are the records of the first one's life and
 * round, numbered without a gap from the first byte on. Each was synced before the next was written, so that a power cut
 * can tear only the last, and that one nobody was promised.
 */
export const LANDING_BYTES = 1 << 19;
/** A commit of more goes straight into the database. */
export const MOST_LANDED_BYTES = 1 << 16;

const { O_RDWR, O_CREAT } = constants;
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
/** A page of a landing on which nothing was written. */
const ZERO_PAGE = Buffer.alloc(4_096);
const NO_ROOM: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const ZEROS_BYTES = 1 << 16;

/** Where the landing of a recording is, which exists: beside the database itself, as SQLite's log. */
export const landingOf = (recordingPath: string): string => `${realpathSync(recordingPath)}-landing`;

const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** Bytes that a commit of these blocks takes in a landing. */
export function landedBytes(blocks: readonly SealedBlock[]): number {
  return aligned(blocks.reduce((sum, { bytes }) => sum + LENGTH_BYTES + bytes.length, HEADER_BYTES));
}

/** The one who writes a landing. Errors are those of the system, and final (R48). */
export class Landing {
  readonly #file: number;
  readonly #life: number;
  #round = 1;
  #number = 0;
  #at = 0;
  #record = Buffer.alloc(4096);

  private constructor(file: number, life: number) {
    this.#file = file;
    this.#life = life;
  }

  /**
   * Lays the landing out in its whole length, in zeros: a sync of a file that grows must also write where it now ends,
   * and takes about half as long again. What an earlier life left in it stands in the database.
   *
   * @param like a file whose rights it gets: the database
   * @param life of the recording: greater than any in the file
   * @returns null where there is no room for it: commits then go straight into the database
   */
  static layOut(path: string, like: string, life: number): Landing | null {
    const file = openSync(path, O_RDWR | O_CREAT, statSync(like).mode & 0o777);
    try {
      const zeros = new Uint8Array(ZEROS_BYTES);
      for (let at = fstatSync(file).size; at < LANDING_BYTES; ) {
        at += writeSync(file, zeros, 0, Math.min(ZEROS_BYTES, LANDING_BYTES - at), at);
      }
      fsyncSync(file);
      syncFolder(dirname(path));
      return new Landing(file, life);
    } catch (error) {
      closeSync(file);
      if (!NO_ROOM.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      rmSync(path);
      return null;
    }
  }

  /** Whether a commit of so many bytes (`landedBytes`) has room before the landing must begin anew. */
  fits(bytes: number): boolean {
    return this.#at + bytes <= LANDING_BYTES;
  }

  /** Puts one commit on disk. On return it is there. */
  write(blocks: readonly SealedBlock[]): void {
    const bytes = landedBytes(blocks);
    if (bytes > this.#record.length) this.#record = Buffer.alloc(2 * bytes);
    const record = this.#record;
    let end = HEADER_BYTES;
    for (const block of blocks) {
      record.writeUInt32LE(block.bytes.length, end);
      record.set(block.bytes, end + LENGTH_BYTES);
      end += LENGTH_BYTES + block.bytes.length;
    }
    record.writeUInt32LE(end - HEADER_BYTES, 4);
    record.writeUInt32LE(this.#life, 8);
    record.writeUInt32LE(this.#round, 12);
    record.writeUInt32LE(this.#number, 16);
    record.writeUInt32LE(crc32(record.subarray(4, end)), 0);
    for (let written = 0; written < end; ) {
      written += writeSync(this.#file, record, written, end - written, this.#at + written);
    }
    fdatasyncSync(this.#file);
    this.#number++;
    this.#at += bytes;
  }

  /** Begins anew. Call it when everything that landed is in the database, and synced. */
  clear(): void {
    this.#round++;
    this.#number = 0;
    this.#at = 0;
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Reads a landing, while another process may be writing it. */
export class LandingReader {
  readonly #path: string;
  #life = 0;
  #round = 0;
  #at = 0;
  #number = 0;
  #blocks: SealedBlock[] = [];
  /** There was no landing when it was last read. */
  #absent = false;
  /** Header of the first record when it was last looked at. */
  #first: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * What has landed, in order; some of it may stand in the database by now. Whatever was acknowledged before the call and
   * is not here stands in the database: read that afterwards.
   *
   * @throws StoreNewerError
   */
  blocks(): readonly SealedBlock[] {
    // Where there was none it is as good as never there, and an error of each look costs more than the look.
    const stillAbsent = this.#absent && statSync(this.#path, { throwIfNoEntry: false }) === undefined;
    if (!stillAbsent && !this.#stands()) this.#read();
    return this.#blocks;
  }

  #read(): void {
    const bytes = contentOf(this.#path);
    this.#absent = bytes.length === 0;
    this.#first = Buffer.from(bytes.subarray(0, HEADER_BYTES));
    const first = recordAt(bytes, 0, this.#path);
    if (first === null) this.#begin(0, 0);
    else if (first.life !== this.#life || first.round !== this.#round) this.#begin(first.life, first.round);
    for (
      let next = recordAt(bytes, this.#at, this.#path);
      next !== null;
      next = recordAt(bytes, this.#at, this.#path)
    ) {
      if (next.life !== this.#life || next.round !== this.#round || next.number !== this.#number) break;
      this.#blocks.push(...next.blocks);
      this.#number++;
      this.#at += next.bytes;
    }
  }

  /** Whether there is nothing new: the same record stands first, and none that would be the next behind the last. */
  #stands(): boolean {
    let file: number;
    try {
      file = openSync(this.#path, 'r');
    } catch {
      return false;
    }
    try {
      const header = Buffer.alloc(HEADER_BYTES);
      if (readSync(file, header, 0, HEADER_BYTES, 0) < HEADER_BYTES || !header.equals(this.#first)) return false;
      if (readSync(file, header, 0, HEADER_BYTES, this.#at) < HEADER_BYTES) return true;
      const [life, round, number] = [8, 12, 16].map((at) => header.readUInt32LE(at));
      return life !== this.#life || round !== this.#round || number !== this.#number;
    } finally {
      closeSync(file);
    }
  }

  #begin(life: number, round: number): void {
    this.#life = life;
    this.#round = round;
    this.#at = 0;
    this.#number = 0;
    this.#blocks = [];
  }
}

/**
 * Every block in a landing, those of whole records that an altered one cuts off and those of earlier rounds included:
 * whoever has recovered what landed has reached the end of each.
 */
export function blocksAnywhere(path: string): readonly SealedBlock[] {
  const bytes = contentOf(path);
  const found: SealedBlock[] = [];
  for (let at = 0; at < bytes.length; ) {
    // Most of a landing is zeros, in which no record begins: a page of them is passed over at once.
    if (at % ZERO_PAGE.length === 0 && bytes.subarray(at, at + ZERO_PAGE.length).equals(ZERO_PAGE)) {
      at += ZERO_PAGE.length;
      continue;
    }
    const record = recordAt(bytes, at, path);
    found.push(...(record?.blocks ?? []));
    // What lies in a whole record was recorded, whatever it looks like.
    at += record?.bytes ?? 8;
  }
  return found;
}

/**
 * How far chains reach in a landing beyond where they end: what lies between was altered, or belongs to another copy.
 *
 * @param heads where the chains end, what landed included; read after the blocks
 */
export function beyond(blocks: readonly SealedBlock[], heads: Iterable<ChainEnd>): readonly ChainEnd[] {
  const ends = new Map([...heads].map((head) => [chainKey(head), head.sequence]));
  const found = new Map<string, ChainEnd>();
  for (const { tenant, source, epoch, firstSequence, count } of blocks) {
    const key = chainKey({ tenant, source, epoch });
    const sequence = firstSequence + count - 1;
    if (sequence <= Math.max(ends.get(key) ?? 0, found.get(key)?.sequence ?? 0)) continue;
    found.set(key, { tenant, source, epoch, sequence });
  }
  return [...found.values()];
}

interface LandedRecord {
  readonly life: number;
  readonly round: number;
  readonly number: number;
  /** Bytes to the next. */
  readonly bytes: number;
  readonly blocks: readonly SealedBlock[];
}

/** The bytes of a landing, none where there is no landing. */
function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** The whole record that stands there; null where none does. */
function recordAt(landing: Buffer, at: number, path: string): LandedRecord | null {
  if (at + HEADER_BYTES > landing.length) return null;
  const length = landing.readUInt32LE(at + 4);
  // Before anything is hashed: a record holds a block, and most of a landing is zeros.
  if (length < LENGTH_BYTES || length > 2 * MOST_LANDED_BYTES || at + HEADER_BYTES + length > landing.length)
    return null;
  const record = landing.subarray(at, at + HEADER_BYTES + length);
  if (crc32(record.subarray(4)) !== record.readUInt32LE(0)) return null;
  const blocks = blocksIn(record.subarray(HEADER_BYTES), path);
  if (blocks === null) return null;
  return {
    life: record.readUInt32LE(8),
    round: record.readUInt32LE(12),
    number: record.readUInt32LE(16),
    bytes: aligned(record.length),
    blocks,
  };
}

/** @throws StoreNewerError: who cannot read what was acknowledged must not write over it */
function blocksIn(body: Buffer, path: string): readonly SealedBlock[] | null {
  const blocks: SealedBlock[] = [];
  for (let at = 0; at < body.length; ) {
    if (at + LENGTH_BYTES > body.length) return null;
    const from = at + LENGTH_BYTES;
    at = from + body.readUInt32LE(at);
    const block = readSealedBlock(new Uint8Array(body.subarray(from, at)), sha256);
    if (block instanceof NewerFormatError) {
      const wayOut = 'Open the recording with the newer sigma that wrote it; nothing was changed';
      throw new StoreNewerError(path, `holds blocks of format ${block.format}, newer than this program reads`, wayOut);
    }
    if (block instanceof Error) return null;
    blocks.push(block);
  }
  return blocks;
}
