import { type ObjectStore, ObjectStoreError } from '../objects/object-store.ts';

/** An archive in memory that a test can break: `fail` is asked before each call and throws, or not. */
export class MemoryObjects implements ObjectStore {
  readonly address = 'memory';
  readonly objects = new Map<string, Uint8Array>();
  calls = 0;
  fail: (call: number, what: string, key: string) => void = () => {};

  async putNew(key: string, bytes: Uint8Array): Promise<'written' | 'exists'> {
    this.fail(++this.calls, 'put', key);
    if (this.objects.has(key)) return 'exists';
    this.objects.set(key, bytes.slice());
    return 'written';
  }

  async get(key: string): Promise<Uint8Array | null> {
    this.fail(++this.calls, 'get', key);
    return this.objects.get(key)?.slice() ?? null;
  }

  async list(prefix: string): Promise<readonly string[]> {
    this.fail(++this.calls, 'list', prefix);
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  async remove(key: string): Promise<void> {
    this.fail(++this.calls, 'remove', key);
    this.objects.delete(key);
  }
}

/** A disk without room from the n-th call on. */
export const fullFrom = (n: number) => (call: number, what: string) => {
  if (call >= n && what === 'put') throw new ObjectStoreError('memory', 'no room is left on the disk', 'Make room');
};
