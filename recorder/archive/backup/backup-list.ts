import { createHash } from 'node:crypto';
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  existsSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StoreCorruptError } from '../../src/index.ts';

/** A file of a base backup. */
export interface BackupFile {
  /** Below the hub's data folder, with `/`. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly mode: number;
}

/** A base backup: PostgreSQL's files while it ran, and everything else that a hub keeps. */
export interface Base {
  readonly name: string;
  /** Wall clock of the server when it had been copied: the earliest moment to which it can be restored. */
  readonly fromUs: number;
  /** The first segment of the log that it needs. */
  readonly firstSegment: string;
  readonly files: readonly BackupFile[];
  /** Folders below PostgreSQL's, also those without files. */
  readonly folders: readonly string[];
  /** Who PostgreSQL's files belong to. */
  readonly owner: { readonly uid: number; readonly gid: number };
}

/** What there is of the log. */
export interface Log {
  /** Segments by name, with their SHA-256. */
  readonly segments: Readonly<Record<string, string>>;
  /** Wall clock of the server up to which every commit is in them. */
  readonly throughUs: number;
}

export const NO_LOG: Log = { segments: {}, throughUs: 0 };
const FORMAT = 'sigma backup 1';

/** @throws StoreCorruptError when it is there and is no list */
export function readList<List>(folder: string, name: string): List | null {
  const path = join(folder, name);
  if (!existsSync(path)) return null;
  try {
    const { format, ...list } = JSON.parse(readFileSync(path, 'utf8')) as { format: string };
    if (format !== FORMAT) throw new TypeError(`its format is '${format}'`);
    return list as List;
  } catch (error) {
    const what = `is no list of a backup that is known here (${(error as Error).message})`;
    throw new StoreCorruptError(path, what, 'Take another copy of this backup, or an older base');
  }
}

/** Whole and on disk when it returns. */
export function writeList(folder: string, name: string, list: object): void {
  const path = join(folder, name);
  writeFileSync(`${path}.part`, `${JSON.stringify({ format: FORMAT, ...list })}\n`, { flush: true, mode: 0o600 });
  renameSync(`${path}.part`, path);
}

/** Copies a file as it stands at this moment. @returns its length and hash */
export async function copyHashed(from: string, to: string, mode: number): Promise<{ bytes: number; sha256: string }> {
  const sum = createHash('sha256');
  let bytes = 0;
  await pipeline(
    createReadStream(from, { highWaterMark: 1 << 20 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        sum.update(chunk);
        bytes += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(to, { mode: 0o600, flush: true }),
  );
  chmodSync(to, mode);
  return { bytes, sha256: sum.digest('hex') };
}

/** A file is synced before the next one is begun by the same hand: many hands share the disk's syncs. */
const HANDS = 24;

/** Does one thing for each item, many at a time; the first failure ends it. */
export async function forEach<Item>(items: Iterable<Item>, work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  const hand = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: HANDS }, hand));
}
