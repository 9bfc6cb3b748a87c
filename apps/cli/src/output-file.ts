import { existsSync, renameSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CommandError, EXIT } from './outcome.ts';

/** What goes into a file, piece by piece. A piece is written when the promise resolves. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
}

/** Bytes and where they stand, as writers of MCAP want it. */
export class OutputFile implements ByteSink {
  readonly #handle: FileHandle;
  readonly #path: string;
  #at = 0;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  position(): bigint {
    return BigInt(this.#at);
  }

  get bytes(): number {
    return this.#at;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, null);
        at += bytesWritten;
      }
    } catch (error) {
      throw inTheWay(this.#path, error as NodeJS.ErrnoException);
    }
    this.#at += bytes.length;
  }
}

/**
 * Hands over a new file to be written. It takes its name only when all of it is on disk: what is cut short, by a full disk
 * or by Ctrl-C, leaves nothing behind that could be taken for whole.
 *
 * @throws CommandError when it exists already and `force` is false, or cannot be written
 */
export async function writeWholeFile<Result>(
  path: string,
  force: boolean,
  use: (file: OutputFile) => Promise<Result>,
): Promise<Result> {
  if (existsSync(path) && !force) {
    throw new CommandError(
      EXIT.machine,
      `${path} exists already`,
      'Name another with --out, or replace it with --force',
    );
  }
  const unfinished = `${path}.unfinished`;
  const handle = await open(unfinished, 'w').catch((error) => {
    throw inTheWay(path, error);
  });
  let done = false;
  try {
    const result = await use(new OutputFile(handle, path));
    await handle.sync().catch((error) => {
      throw inTheWay(path, error);
    });
    done = true;
    return result;
  } finally {
    await handle.close();
    if (done) rename(unfinished, path);
    else rmSync(unfinished, { force: true });
  }
}

/** @throws CommandError when a folder stands there, or the name cannot be taken */
function rename(unfinished: string, path: string): void {
  try {
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw inTheWay(path, error as NodeJS.ErrnoException);
  }
}

const WAYS_OUT: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: make room, or name another with --out',
  EDQUOT: 'Your quota is used up: make room, or name another with --out',
  EFBIG: 'A file may not grow beyond this here: name another place with --out, or export less with --from and --to',
  ENOENT: 'Its folder does not exist: make it, or name another with --out',
};

function inTheWay(path: string, error: NodeJS.ErrnoException): CommandError {
  const wayOut = WAYS_OUT[error.code ?? ''] ?? 'Name another file with --out';
  return new CommandError(EXIT.machine, `${path} cannot be written: ${error.message}`, wayOut, { cause: error });
}
