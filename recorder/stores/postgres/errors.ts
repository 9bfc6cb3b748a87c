import {
  ForeignBlockError,
  StoreCorruptError,
  StoreError,
  StoreFailedError,
  StoreFullError,
  StoreReadOnlyError,
} from '../../src/store.ts';

/** What was under way when it failed: it decides what can still be known. */
export type Doing = 'open' | 'read' | 'commit';

const AGAIN = 'Open the recording again and read its heads: what was acknowledged is in it';

interface PostgresFault {
  readonly code?: string;
  readonly message: string;
}

/** The code of an error of PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html) or of Node. */
function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  return typeof cause === 'object' && cause !== null ? codeOf(cause) : '';
}

/** A commit that was rolled back for reasons of others only, and may be made again at once. */
export const mayTryAgain = (error: unknown): boolean => ['40001', '40P01'].includes(codeOf(error));
/** `commit_blocks` found a chain that does not end where the plan says: another process wrote. Nothing was written. */
export const hasMovedOn = (error: unknown): boolean => codeOf(error) === 'SR001';

/** What PostgreSQL says, in our words, with the way out. Errors that are ours already pass through. */
export function storeError(path: string, error: unknown, doing: Doing): StoreError | ForeignBlockError {
  if (error instanceof StoreError || error instanceof ForeignBlockError) return error;
  const code = codeOf(error);
  const message = rootOf(error).message;
  const options = { cause: error };
  switch (code) {
    case '53100':
      return new StoreFullError(
        path,
        `the disk of the database server is full (${message})`,
        'Free space there and open the recording again; everything acknowledged is safe',
        options,
      );
    case '25006':
      return new StoreReadOnlyError(
        path,
        'the server takes no writes: it is a standby, or was set read-only',
        'Connect to the primary, or lift default_transaction_read_only, and open it again',
        options,
      );
    case '42501':
      return new StoreReadOnlyError(
        path,
        `this role may not do that (${message})`,
        'Grant it sigma_recorder, as preparePostgres does, and open it again',
        options,
      );
    case '3F000':
    case '42P01':
    case '42883':
      return new StoreCorruptError(
        path,
        'the database has no recordings yet, or tables of them are missing',
        'Run preparePostgres once as the owner of the database',
        options,
      );
    case 'XX001':
    case 'XX002':
    case '23505':
      return new StoreCorruptError(
        path,
        `what is stored contradicts itself (${message})`,
        'Keep the database as it is, run `sigma verify` on the recording to see what is whole, and restore the rest',
        options,
      );
    case '57014':
    case '55P03':
      return new StoreFailedError(
        path,
        `the server is too slow: it gave up after its time limit (${message}); nothing of it was written`,
        `Look at its disk and at who holds locks (pg_stat_activity). ${AGAIN}`,
        options,
      );
    case '28P01':
    case '28000':
    case '3D000':
      return new StoreFailedError(path, `cannot be opened (${message})`, 'Check user, password and database', options);
    case '53300':
      return new StoreFailedError(
        path,
        'the server has no connection left',
        `Raise max_connections or close others. ${AGAIN}`,
        options,
      );
    default:
      return otherError(path, code, message, doing, options);
  }
}

function otherError(path: string, code: string, message: string, doing: Doing, options: ErrorOptions): StoreError {
  if (code.startsWith('08') || code.startsWith('57P') || !/^[0-9A-Z]{5}$/.test(code)) {
    if (doing === 'commit') {
      return new StoreFailedError(
        path,
        `the connection was lost in the middle of a commit (${message}): whether it is on disk, nobody can know from here`,
        `${AGAIN}, and what was not may be appended again`,
        options,
      );
    }
    return new StoreFailedError(
      path,
      `the database server is gone or cannot be reached (${message})`,
      'Start it, check the address, and open the recording again: what was acknowledged is in it',
      options,
    );
  }
  return new StoreFailedError(path, `the database failed (${code} ${message})`, `Look at its log. ${AGAIN}`, options);
}

/** Drizzle wraps what PostgreSQL said. */
function rootOf(error: unknown): PostgresFault {
  const { cause } = error as { cause?: unknown };
  if (cause instanceof Error && !('code' in (error as object))) return rootOf(cause);
  const fault = error as PostgresFault & { errors?: readonly PostgresFault[] };
  const first = fault.errors?.[0];
  return fault.message === '' && first !== undefined ? first : fault;
}
