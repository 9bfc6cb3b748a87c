import { FDB_CODE, FDB_LIMITS, type FdbDatabase, type FdbRangeOptions, type FdbTransaction } from '../transaction.ts';

/** An error as the client library gives it. */
export class FdbError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'FdbError';
    this.code = code;
  }
}

export interface MemoryClusterOptions {
  /** Clock by which transactions grow old. Stands still unless told. */
  readonly nowMs?: () => number;
  /** Asked at each commit, counted from 1: `lost` commits and says that nobody knows, `never` only says so. */
  readonly answer?: (commit: number) => 'told' | 'lost' | 'never';
  readonly mostAttempts?: number;
}

/** Keys as texts of one character a byte, which compare as the bytes do. */
type Key = string;
type Range = readonly [begin: Key, end: Key];
type Value = Buffer | null;
type Write =
  | { readonly type: 'set'; readonly key: Key; readonly value: Buffer }
  | { readonly type: 'clear'; readonly range: Range }
  | { readonly type: 'add'; readonly key: Key; readonly operand: Buffer }
  | { readonly type: 'stampedKey'; readonly prefix: Key; readonly suffix: Key; readonly value: Buffer }
  | { readonly type: 'stampedValue'; readonly key: Key; readonly suffix: Buffer };

const OLD_AFTER_MS = 5000;
const RETRYABLE: readonly number[] = [FDB_CODE.transactionTooOld, FDB_CODE.notCommitted, FDB_CODE.commitUnknownResult];

const keyOf = (bytes: Buffer): Key => bytes.toString('latin1');
const bytesOf = (key: Key): Buffer => Buffer.from(key, 'latin1');
const only = (key: Key): Range => [key, `${key}\0`];
const meet = ([a, b]: Range, [c, d]: Range): boolean => a < d && c < b;

/**
 * One cluster in memory with the rules of FoundationDB as its documentation states them: every transaction reads one
 * moment, is refused at commit when something that it read was written since (error 1020), grows old after five seconds
 * (1007), has limits on keys, values and its whole (2102, 2103, 2101); versionstamps grow with every commit; a key with a
 * versionstamp cannot be read before the commit (1036); watches fire when the value changes.
 */
export class MemoryCluster implements FdbDatabase {
  readonly path = 'foundationdb in memory';
  readonly #options: MemoryClusterOptions;
  /** For each key its values, each from a version on. */
  readonly #history = new Map<Key, { readonly version: number; readonly value: Value }[]>();
  #sorted: Key[] = [];
  readonly #written: { readonly version: number; readonly ranges: readonly Range[] }[] = [];
  readonly #watches = new Set<{ readonly key: Key; readonly value: Value; readonly fire: () => void }>();
  #version = 1;
  #commits = 0;

  constructor(options: MemoryClusterOptions = {}) {
    this.#options = options;
  }

  get version(): number {
    return this.#version;
  }

  nowMs(): number {
    return this.#options.nowMs?.() ?? 0;
  }

  async transact<T>(body: (tn: FdbTransaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const tn = new MemoryTransaction(this);
      try {
        const result = await body(tn);
        // The commit travels: others may come between.
        await Promise.resolve();
        tn.commit();
        return result;
      } catch (error) {
        const retry = error instanceof FdbError && RETRYABLE.includes(error.code);
        if (!retry || attempt >= (this.#options.mostAttempts ?? 100)) throw error;
      }
    }
  }

  async close(): Promise<void> {}

  valueAt(key: Key, version: number): Value {
    return this.#history.get(key)?.findLast((revision) => revision.version <= version)?.value ?? null;
  }

  keysIn([begin, end]: Range): readonly Key[] {
    return this.#sorted.slice(this.#place(begin), this.#place(end));
  }

  commit(readVersion: number, reads: readonly Range[], conflicts: readonly Range[], writes: readonly Write[]): void {
    for (const { version, ranges } of this.#written) {
      if (version > readVersion && reads.some((read) => ranges.some((range) => meet(read, range)))) {
        throw new FdbError(FDB_CODE.notCommitted, 'Transaction not committed due to conflict with another transaction');
      }
    }
    const answer = this.#options.answer?.(++this.#commits) ?? 'told';
    if (answer !== 'never') this.#apply(conflicts, writes);
    if (answer !== 'told') {
      throw new FdbError(FDB_CODE.commitUnknownResult, 'Transaction may or may not have committed');
    }
  }

  watch(key: Key, value: Value, fire: () => void): () => void {
    const watch = { key, value, fire };
    this.#watches.add(watch);
    this.#ring();
    return () => this.#watches.delete(watch);
  }

  #apply(conflicts: readonly Range[], writes: readonly Write[]): void {
    // A cluster counts about a million versions a second.
    this.#version += 1000;
    const stamp = Buffer.alloc(10);
    stamp.writeBigUInt64BE(BigInt(this.#version));
    for (const write of writes) {
      for (const [key, value] of this.#effects(write, stamp)) this.#put(key, value);
    }
    this.#written.push({ version: this.#version, ranges: conflicts });
    this.#ring();
  }

  #effects(write: Write, stamp: Buffer): readonly (readonly [Key, Value])[] {
    switch (write.type) {
      case 'set':
        return [[write.key, write.value]];
      case 'clear':
        return this.keysIn(write.range).map((key) => [key, null]);
      case 'add':
        return [[write.key, sum(this.valueAt(write.key, this.#version), write.operand)]];
      case 'stampedKey':
        return [[write.prefix + keyOf(stamp) + write.suffix, write.value]];
      case 'stampedValue':
        return [[write.key, Buffer.concat([stamp, write.suffix])]];
    }
  }

  #put(key: Key, value: Value): void {
    const revisions = this.#history.get(key);
    if (revisions === undefined) {
      this.#sorted.splice(this.#place(key), 0, key);
      this.#history.set(key, [{ version: this.#version, value }]);
    } else revisions.push({ version: this.#version, value });
  }

  #ring(): void {
    for (const watch of this.#watches) {
      const value = this.valueAt(watch.key, this.#version);
      if (value === null ? watch.value === null : watch.value !== null && value.equals(watch.value)) continue;
      this.#watches.delete(watch);
      watch.fire();
    }
  }

  #place(key: Key): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle] as Key) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Little-endian, as long as the operand. */
function sum(value: Value, operand: Buffer): Buffer {
  const result = Buffer.alloc(operand.length);
  let carry = 0;
  for (let i = 0; i < operand.length; i++) {
    const digit = (value?.[i] ?? 0) + (operand[i] as number) + carry;
    result[i] = digit & 0xff;
    carry = digit >> 8;
  }
  return result;
}

class MemoryTransaction implements FdbTransaction {
  readonly #cluster: MemoryCluster;
  readonly #startMs: number;
  readonly #readVersion: number;
  readonly #reads: Range[] = [];
  readonly #conflicts: Range[] = [];
  readonly #writes: Write[] = [];
  readonly #afterCommit: (() => void)[] = [];
  #bytes = 0;
  #quiet = false;

  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster;
    this.#startMs = cluster.nowMs();
    this.#readVersion = cluster.version;
  }

  async get(key: Buffer, options: { readonly snapshot?: boolean } = {}): Promise<Buffer | undefined> {
    await this.#travel();
    const text = keyOf(key);
    if (options.snapshot !== true) this.#reads.push(only(text));
    return this.#own(text) ?? undefined;
  }

  async getRange(begin: Buffer, end: Buffer, options: FdbRangeOptions = {}): Promise<readonly [Buffer, Buffer][]> {
    await this.#travel();
    const range: Range = [keyOf(begin), keyOf(end)];
    if (options.snapshot !== true) this.#reads.push(range);
    const mine = this.#writes.flatMap((write) => ('key' in write && meet(only(write.key), range) ? [write.key] : []));
    const found = [...new Set([...this.#cluster.keysIn(range), ...mine])].sort((a, b) => (a < b ? -1 : 1));
    if (options.reverse === true) found.reverse();
    const rows: [Buffer, Buffer][] = [];
    for (const key of found) {
      if (rows.length === (options.limit ?? Number.POSITIVE_INFINITY)) break;
      const value = this.#own(key);
      if (value !== null) rows.push([bytesOf(key), value]);
    }
    return rows;
  }

  set(key: Buffer, value: Buffer): void {
    this.#write({ type: 'set', key: keyOf(key), value: Buffer.from(value) }, only(keyOf(key)), key, value);
  }

  clear(key: Buffer): void {
    this.#write({ type: 'clear', range: only(keyOf(key)) }, only(keyOf(key)), key, Buffer.alloc(0));
  }

  clearRange(begin: Buffer, end: Buffer): void {
    const range: Range = [keyOf(begin), keyOf(end)];
    this.#write({ type: 'clear', range }, range, end, begin);
  }

  add(key: Buffer, operand: Buffer): void {
    this.#write({ type: 'add', key: keyOf(key), operand: Buffer.from(operand) }, only(keyOf(key)), key, operand);
  }

  setVersionstampedKey(prefix: Buffer, suffix: Buffer, value: Buffer): void {
    const write = {
      type: 'stampedKey',
      prefix: keyOf(prefix),
      suffix: keyOf(suffix),
      value: Buffer.from(value),
    } as const;
    const range: Range = [keyOf(prefix), `${keyOf(prefix)}${'\xff'.repeat(10)}${keyOf(suffix)}\0`];
    this.#write(write, range, Buffer.concat([prefix, Buffer.alloc(10), suffix]), value);
  }

  setVersionstampedValue(key: Buffer, suffix: Buffer): void {
    const write = { type: 'stampedValue', key: keyOf(key), suffix: Buffer.from(suffix) } as const;
    this.#write(write, only(keyOf(key)), key, suffix);
  }

  nextWriteNoConflict(): void {
    this.#quiet = true;
  }

  addWriteConflictKey(key: Buffer): void {
    this.#conflicts.push(only(keyOf(key)));
  }

  watch(key: Buffer) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const text = keyOf(key);
    const value = this.#own(text);
    let cancel = (): unknown => resolve(false);
    this.#afterCommit.push(() => {
      const forget = this.#cluster.watch(text, value, () => resolve(true));
      cancel = () => {
        forget();
        resolve(false);
      };
    });
    return { promise, cancel: () => void cancel() };
  }

  commit(): void {
    this.#checkAge();
    if (this.#bytes > FDB_LIMITS.transaction) {
      throw new FdbError(FDB_CODE.transactionTooLarge, 'Transaction exceeds byte limit');
    }
    if (this.#writes.length > 0 || this.#conflicts.length > 0) {
      this.#cluster.commit(this.#readVersion, this.#reads, this.#conflicts, this.#writes);
    }
    for (const act of this.#afterCommit) act();
  }

  #write(write: Write, range: Range, key: Buffer, value: Buffer): void {
    if (key.length > FDB_LIMITS.key) throw new FdbError(FDB_CODE.keyTooLarge, 'Key length exceeds limit');
    if (value.length > FDB_LIMITS.value) throw new FdbError(FDB_CODE.valueTooLarge, 'Value length exceeds limit');
    this.#bytes += key.length + value.length + 2 * key.length;
    if (!this.#quiet) this.#conflicts.push(range);
    this.#quiet = false;
    this.#writes.push(write);
  }

  /** The value of a key as this transaction sees it: what it read, and its own writes upon that. */
  #own(key: Key): Value {
    let value = this.#cluster.valueAt(key, this.#readVersion);
    for (const write of this.#writes) {
      if (write.type === 'set' && write.key === key) value = write.value;
      else if (write.type === 'clear' && meet(write.range, only(key))) value = null;
      else if (write.type === 'add' && write.key === key) value = sum(value, write.operand);
      else if (write.type === 'stampedValue' && write.key === key) {
        throw new FdbError(FDB_CODE.accessedUnreadable, 'Read or wrote an unreadable key');
      }
    }
    return value;
  }

  async #travel(): Promise<void> {
    await Promise.resolve();
    this.#checkAge();
  }

  #checkAge(): void {
    if (this.#cluster.nowMs() - this.#startMs > OLD_AFTER_MS) {
      throw new FdbError(FDB_CODE.transactionTooOld, 'Transaction is too old to perform reads or be committed');
    }
  }
}
