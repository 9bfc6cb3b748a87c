import {
  ForeignBlockError,
  StoreBusyError,
  StoreCorruptError,
  StoreError,
  StoreFailedError,
  StoreFullError,
  StoreReadOnlyError,
} from '../../src/store.ts';

/** Result codes of SQLite (https://www.sqlite.org/rescode.html), without their extensions. */
const SQLITE = { perm: 3, busy: 5, locked: 6, readonly: 8, corrupt: 11, full: 13, cantOpen: 14, notADb: 26 } as const;

export const damaged = (path: string, what: string, options?: ErrorOptions): StoreCorruptError =>
  new StoreCorruptError(
    path,
    what,
    'Keep the file, run `sigma verify` on it to see what is whole, and record to a new path',
    options,
  );

/** What the operating system and Node say beside SQLite. */
const SYSTEM: Readonly<Record<string, number>> = {
  ENOSPC: SQLITE.full,
  EDQUOT: SQLITE.full,
  EROFS: SQLITE.readonly,
  EACCES: SQLITE.perm,
  EPERM: SQLITE.perm,
  // A number beyond 2^53 where ours never go: the row is not one of ours any more.
  ERR_OUT_OF_RANGE: SQLITE.corrupt,
};

/** What SQLite or the system says, in our words, with the way out. Errors that are ours already pass through. */
export function storeError(path: string, error: unknown): StoreError | ForeignBlockError {
  if (error instanceof StoreError || error instanceof ForeignBlockError) return error;
  const { message, errcode, code = '' } = error as Error & { readonly errcode?: number; readonly code?: string };
  const options = { cause: error };
  switch (errcode === undefined ? SYSTEM[code] : errcode & 0xff) {
    case SQLITE.full:
      return new StoreFullError(
        path,
        'no room is left on the disk or within the limit set for this recording',
        'Free space (or raise the limit) and open it again; everything acknowledged is safe',
        options,
      );
    case SQLITE.readonly:
    case SQLITE.perm:
      return new StoreReadOnlyError(
        path,
        'cannot be written',
        'Give this user the right to write the file and its folder, or choose another path',
        options,
      );
    case SQLITE.cantOpen:
      return new StoreReadOnlyError(
        path,
        `cannot be opened (${message})`,
        'Check that the folder exists and that this user may read and write it',
        options,
      );
    case SQLITE.busy:
    case SQLITE.locked:
      return new StoreBusyError(
        path,
        'is being written by another process',
        'Stop the other process, or record to another path',
        options,
      );
    case SQLITE.corrupt:
    case SQLITE.notADb:
      return damaged(path, `is damaged or no recording (${message})`, options);
    default:
      return new StoreFailedError(
        path,
        `the disk or the database failed (${message})`,
        'Look at the disk, then open the recording again: what was acknowledged is in it',
        options,
      );
  }
}
