import { ForeignBlockError, StoreCorruptError, StoreError, StoreFailedError, StoreFullError } from '../../src/store.ts';
import { DirectoryError } from './directory.ts';
import { FDB_CODE } from './transaction.ts';

/** What FoundationDB says, in our words, with the way out. Errors that are ours already pass through. */
export function storeError(path: string, error: unknown, doing: 'read' | 'commit'): StoreError | ForeignBlockError {
  if (error instanceof StoreError || error instanceof ForeignBlockError) return error;
  const { message, code } = error as Error & { readonly code?: unknown };
  const options = { cause: error };
  const again = 'open the recording again and read its heads: what was acknowledged is in it';
  if (error instanceof DirectoryError) {
    return new StoreCorruptError(path, message, 'Look at the directories of the cluster; nothing was written', options);
  }
  switch (code) {
    case FDB_CODE.transactionTooLarge:
    case FDB_CODE.keyTooLarge:
    case FDB_CODE.valueTooLarge:
      return new StoreFullError(
        path,
        `more than one transaction takes (${message})`,
        `Append fewer blocks together; nothing of it was written; ${again}`,
        options,
      );
    case FDB_CODE.transactionTimedOut:
    case FDB_CODE.transactionTooOld:
    case FDB_CODE.notCommitted:
    case FDB_CODE.commitUnknownResult:
      return new StoreFailedError(
        path,
        doing === 'commit'
          ? `the cluster did not finish a commit in time (${message}): whether it is on disk, nobody can know from here`
          : `the cluster does not answer in time (${message})`,
        `Look at 'status' in fdbcli (a cluster without room or machines answers late), then ${again}`,
        options,
      );
    default:
      return new StoreFailedError(
        path,
        `the cluster failed (${code ?? ''} ${message})`,
        `Look at it, then ${again}`,
        options,
      );
  }
}
