import { StoreFailedError } from '../../src/store.ts';
import type { FdbDatabase, FdbTransaction } from './transaction.ts';

/** Not a literal in the import, for it is an optional peer that types and bundlers must not ask for. */
const PACKAGE = 'foundationdb';
/** Any client library from 6.2 on speaks it; versionstamps have had their four-byte offsets since 520. */
const API_VERSION = 620;
const TIMEOUT_MS = 30_000;
const NAME_IT = 'Set SIGMA_FDB_CLUSTER_FILE to the fdb.cluster file of a running cluster';

/** What this file uses of npm `foundationdb` 2.0 (https://github.com/josephg/node-foundationdb). */
interface FoundationDbModule {
  setAPIVersion(version: number): void;
  open(clusterFile: string): NativeDatabase;
  readonly TransactionOptionCode: { readonly NextWriteNoWriteConflictRange: number };
}

interface NativeDatabase {
  doTn<T>(body: (tn: NativeTransaction) => Promise<T>, options: { readonly timeout: number }): Promise<T>;
  close(): void;
}

interface NativeTransaction {
  snapshot(): NativeTransaction;
  get(key: Buffer): Promise<Buffer | undefined>;
  getRangeAll(
    begin: Buffer,
    end: Buffer,
    options: { readonly limit?: number; readonly reverse?: boolean },
  ): Promise<[Buffer, Buffer][]>;
  set(key: Buffer, value: Buffer): void;
  clear(key: Buffer): void;
  clearRange(begin: Buffer, end: Buffer): void;
  add(key: Buffer, operand: Buffer): void;
  setVersionstampedKeyBuf(prefix: Buffer, suffix: Buffer, value: Buffer): void;
  setVersionstampPrefixedValue(key: Buffer, value: Buffer): void;
  setOption(code: number): void;
  addWriteConflictKey(key: Buffer): void;
  watch(key: Buffer): { readonly promise: Promise<boolean>; cancel(): void };
}

/**
 * Connects to a cluster through the npm package `foundationdb` and the client library that it needs.
 *
 * @param clusterFile path of the cluster file; the programs take it from SIGMA_FDB_CLUSTER_FILE
 * @throws StoreFailedError that says what is missing and how to install it
 */
export async function connectFoundationDb(clusterFile: string | undefined): Promise<FdbDatabase> {
  if (clusterFile === undefined || clusterFile === '') {
    throw new StoreFailedError('foundationdb', 'no cluster file is named', NAME_IT);
  }
  const path = `foundationdb ${clusterFile}`;
  const fdb = await load(path);
  let db: NativeDatabase;
  try {
    fdb.setAPIVersion(API_VERSION);
    db = fdb.open(clusterFile);
  } catch (error) {
    throw new StoreFailedError(path, `the cluster cannot be opened (${(error as Error).message})`, NAME_IT, {
      cause: error,
    });
  }
  const noConflict = fdb.TransactionOptionCode.NextWriteNoWriteConflictRange;
  return {
    path,
    transact: (body) => db.doTn((tn) => body(narrowed(tn, noConflict)), { timeout: TIMEOUT_MS }),
    close: async () => db.close(),
  };
}

async function load(path: string): Promise<FoundationDbModule> {
  try {
    const module = (await import(PACKAGE)) as FoundationDbModule & { readonly default?: FoundationDbModule };
    return module.default ?? module;
  } catch (error) {
    throw new StoreFailedError(
      path,
      `npm package 'foundationdb' or the client library libfdb_c that it loads is missing (${firstLine(error)})`,
      'Install the FoundationDB client from https://github.com/apple/foundationdb/releases, run: npm install foundationdb@2, and set SIGMA_FDB_CLUSTER_FILE to the cluster file',
      { cause: error },
    );
  }
}

const firstLine = (error: unknown): string => ((error as Error).message.split('\n')[0] as string).trim();

function narrowed(tn: NativeTransaction, noConflict: number): FdbTransaction {
  const reader = (snapshot: boolean | undefined): NativeTransaction => (snapshot === true ? tn.snapshot() : tn);
  return {
    get: (key, options) => reader(options?.snapshot).get(key),
    getRange: (begin, end, options = {}) => {
      const { limit, reverse, snapshot } = options;
      const asked = { ...(limit === undefined ? {} : { limit }), ...(reverse === undefined ? {} : { reverse }) };
      return reader(snapshot).getRangeAll(begin, end, asked);
    },
    set: (key, value) => tn.set(key, value),
    clear: (key) => tn.clear(key),
    clearRange: (begin, end) => tn.clearRange(begin, end),
    add: (key, operand) => tn.add(key, operand),
    setVersionstampedKey: (prefix, suffix, value) => tn.setVersionstampedKeyBuf(prefix, suffix, value),
    setVersionstampedValue: (key, suffix) => tn.setVersionstampPrefixedValue(key, suffix),
    nextWriteNoConflict: () => tn.setOption(noConflict),
    addWriteConflictKey: (key) => tn.addWriteConflictKey(key),
    watch: (key) => tn.watch(key),
  };
}
