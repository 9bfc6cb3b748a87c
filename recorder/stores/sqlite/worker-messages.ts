import type { SealedBlock } from '../../src/chain-writer.ts';
import type { ChainId } from '../../src/event.ts';
import {
  ForeignBlockError,
  StoreBusyError,
  StoreClosedError,
  StoreCorruptError,
  StoreError,
  StoreFailedError,
  StoreFullError,
  StoreNewerError,
  StoreReadOnlyError,
} from '../../src/store.ts';
import { storeError } from './errors.ts';
import type { SqliteOptions } from './sqlite-file.ts';

/** What the thread is started with. */
export interface WriterData {
  readonly path: string;
  readonly options: SqliteOptions;
  /** One int32 of shared memory, counted up and notified after every message. */
  readonly bell: Int32Array<SharedArrayBuffer>;
}

export type Commit =
  | { readonly type: 'commit'; readonly groups: readonly (readonly SealedBlock[])[] }
  | { readonly type: 'close' };

export type CommitAnswer =
  | { readonly type: 'opened' }
  | { readonly type: 'committed'; readonly refused: readonly { readonly group: number; readonly error: ErrorFacts }[] }
  | { readonly type: 'failed'; readonly error: ErrorFacts };

/** An error on its way between threads: structured clone keeps neither class nor fields. */
export type ErrorFacts =
  | { readonly kind: 'foreign'; readonly chain: ChainId; readonly sequence: number; readonly what: string }
  | { readonly kind: 'store'; readonly name: string; readonly what: string; readonly wayOut: string };

const CLASSES = {
  StoreBusyError,
  StoreClosedError,
  StoreCorruptError,
  StoreFailedError,
  StoreFullError,
  StoreNewerError,
  StoreReadOnlyError,
};

export function errorFacts(path: string, error: unknown): ErrorFacts {
  const known = storeError(path, error);
  if (known instanceof StoreError) {
    return { kind: 'store', name: known.name, what: known.what, wayOut: known.wayOut };
  }
  const { tenant, source, epoch } = known.chain;
  return { kind: 'foreign', chain: { tenant, source, epoch }, sequence: known.sequence, what: known.what };
}

export function reviveError(path: string, facts: ErrorFacts): StoreError | ForeignBlockError {
  if (facts.kind === 'foreign') return new ForeignBlockError(facts.chain, facts.sequence, facts.what);
  const known = CLASSES[facts.name as keyof typeof CLASSES] ?? StoreFailedError;
  return new known(path, facts.what, facts.wayOut);
}
