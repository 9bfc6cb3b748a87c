/** A change of one key that somebody waits for. */
export interface FdbWatch {
  /** True when the key was changed, false when the watch was cancelled or given up. */
  readonly promise: Promise<boolean>;
  cancel(): void;
}

export interface FdbRangeOptions {
  readonly limit?: number;
  readonly reverse?: boolean;
  readonly snapshot?: boolean;
}

/**
 * What this store uses of a FoundationDB transaction (https://apple.github.io/foundationdb/developer-guide.html). Reads
 * are of one moment and see the transaction's own writes; what they read must not have changed when it commits, unless
 * they are snapshot reads.
 */
export interface FdbTransaction {
  get(key: Buffer, options?: { readonly snapshot?: boolean }): Promise<Buffer | undefined>;
  /** Keys and values in order, from `begin` inclusive to `end` exclusive. */
  getRange(begin: Buffer, end: Buffer, options?: FdbRangeOptions): Promise<readonly (readonly [Buffer, Buffer])[]>;
  set(key: Buffer, value: Buffer): void;
  clear(key: Buffer): void;
  clearRange(begin: Buffer, end: Buffer): void;
  /** Adds little-endian numbers of the operand's length, without reading. */
  add(key: Buffer, operand: Buffer): void;
  /** Sets the key `prefix`, the ten bytes of the commit's versionstamp, `suffix`. */
  setVersionstampedKey(prefix: Buffer, suffix: Buffer, value: Buffer): void;
  /** Sets a key to the ten bytes of the commit's versionstamp and `suffix`. */
  setVersionstampedValue(key: Buffer, suffix: Buffer): void;
  /** The next write is no reason for another transaction to be made again. */
  nextWriteNoConflict(): void;
  addWriteConflictKey(key: Buffer): void;
  /** Takes effect when the transaction has been committed. */
  watch(key: Buffer): FdbWatch;
}

export interface FdbDatabase {
  /** Where it is, for errors. */
  readonly path: string;
  /**
   * Runs the body in a transaction and commits it, both again and again while others come between, also when the answer
   * to a commit was lost: a body must find out by itself what of it is there already.
   *
   * @throws an error with FoundationDB's `code` when it gives up
   */
  transact<T>(body: (tn: FdbTransaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Limits of FoundationDB (https://apple.github.io/foundationdb/known-limitations.html), in bytes. */
export const FDB_LIMITS = { key: 10_000, value: 100_000, transaction: 10_000_000 } as const;

/** Codes of https://apple.github.io/foundationdb/api-error-codes.html that this store knows by name. */
export const FDB_CODE = {
  transactionTooOld: 1007,
  notCommitted: 1020,
  commitUnknownResult: 1021,
  transactionTimedOut: 1031,
  accessedUnreadable: 1036,
  transactionTooLarge: 2101,
  keyTooLarge: 2102,
  valueTooLarge: 2103,
} as const;

/** The first key behind all that begin with `prefix`, which is not made of 0xff only. */
export function behind(prefix: Buffer): Buffer {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) throw new RangeError('No key is behind all keys that begin with 0xff');
  const end = Buffer.from(prefix.subarray(0, length));
  end[length - 1] = (end[length - 1] as number) + 1;
  return end;
}
