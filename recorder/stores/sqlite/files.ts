import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { StoreFailedError } from '../../src/store.ts';

const CHUNK_BYTES = 1 << 20;

/**
 * The files under an open recording: the database, its log and its landing. SQLite trusts that they are what they were
 * when it opened them; this class looks.
 */
export class RecordingFiles {
  readonly #path: string;
  readonly #database: string;
  readonly #log: string;
  #watched: readonly { readonly path: string; readonly id: string | null }[] = [];
  #named: readonly NamedFile[] = [];

  /** @param path of the database, which exists */
  constructor(path: string) {
    this.#path = path;
    this.#database = realpathSync(path);
    this.#log = `${this.#database}-wal`;
  }

  /**
   * Makes durable what an earlier life left in the log. After a failed sync the kernel counts pages as clean that never
   * reached the disk: they can be read until the power goes, and no later sync writes them (Rebello et al., "Can
   * applications recover from fsync failures?", ATC 2020, section 4). Nobody can tell them apart, so every page of the
   * log is written again, with what it holds, and synced; so is the folder, whose sync SQLite itself does not check.
   *
   * Call it while holding SQLite's write lock: nobody else may write to the log. The log itself bears no locks, so that
   * opening and closing it takes none away.
   */
  settle(): void {
    const log = openSync(this.#log, 'r+');
    try {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const { size } = fstatSync(log);
      for (let at = 0; at < size; ) {
        const read = readSync(log, chunk, 0, Math.min(CHUNK_BYTES, size - at), at);
        if (read === 0) break;
        for (let written = 0; written < read; ) written += writeSync(log, chunk, written, read - written, at + written);
        at += read;
      }
      fsyncSync(log);
    } finally {
      closeSync(log);
    }
    syncFolder(dirname(this.#database));
    this.#watch([this.#database, this.#log]);
  }

  /** Call it when SQLite has closed the files. */
  close(): void {
    for (const { descriptor } of this.#named) closeSync(descriptor);
    this.#named = [];
  }

  /** Looks after a third file, which exists, as after the two. */
  watchToo(path: string): void {
    this.#watch([this.#database, this.#log, path]);
  }

  #watch(paths: readonly string[]): void {
    this.close();
    this.#watched = paths.map((path) => ({ path, id: idOf(path) }));
    this.#named = namedFiles(paths);
  }

  /**
   * What is written to a file without a name is gone when the process ends, and no call fails.
   *
   * @throws StoreFailedError when a file was removed, renamed or replaced since it is watched
   */
  assertThere(): void {
    if (this.#named.length > 0 && this.#named.every(({ path, link }) => readlinkSync(link) === path)) return;
    const gone = this.#watched.find(({ path, id }) => id === null || idOf(path) !== id)?.path;
    if (gone === undefined) return;
    throw new StoreFailedError(
      this.#path,
      `${gone} was removed, renamed or replaced while it was being written`,
      'Put the file back where it was (its -wal and -landing belong to it) or record to a new path; what was acknowledged is in the files that were taken away',
    );
  }
}

/** A file with the link under which Linux says what its name is now. */
interface NamedFile {
  readonly path: string;
  readonly descriptor: number;
  readonly link: string;
}

/** Linux: a descriptor that reads and writes nothing, and with which no lock goes when it is closed (open(2), O_PATH). */
const O_PATH = 0o10000000;

/**
 * Linux tells the present name of an open file (proc_pid_fd(5)). To ask for that is cheap; whoever asks for a file's
 * facts asks for its times too, and the next write then has to find a time that differs from what was told (kernel
 * 6.13, multigrain timestamps): a third of what a commit takes.
 *
 * @returns nothing where the system does not tell names so
 */
function namedFiles(paths: readonly string[]): readonly NamedFile[] {
  if (process.platform !== 'linux') return [];
  const named: NamedFile[] = [];
  try {
    for (const path of paths) {
      const descriptor = openSync(path, O_PATH);
      const link = `/proc/${process.pid}/fd/${descriptor}`;
      named.push({ path, descriptor, link });
      readlinkSync(link);
    }
    return named;
  } catch {
    for (const { descriptor } of named) closeSync(descriptor);
    return [];
  }
}

function idOf(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

/** Where a folder cannot be opened (Windows, or a right that is missing) its entries cannot be synced by anyone. */
export function syncFolder(path: string): void {
  let folder: number;
  try {
    folder = openSync(path, 'r');
  } catch {
    return;
  }
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
