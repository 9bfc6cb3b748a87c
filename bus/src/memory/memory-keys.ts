import type { Entry, KeyValue } from '../port.ts';

type Watcher = { readonly prefix: string; readonly changed: (key: string, entry: Entry | null) => void; open: boolean };

/** One bucket. Revisions count the bucket's changes, as in NATS. */
export class MemoryKeys implements KeyValue {
  readonly #schedule: (run: () => void) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Set<Watcher>();
  #revision = 0;

  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule;
  }

  async get(key: string): Promise<Entry | null> {
    return this.#entries.get(key) ?? null;
  }

  async put(key: string, value: Uint8Array): Promise<number> {
    return this.#write(key, value);
  }

  async compareAndSet(key: string, revision: number, value: Uint8Array): Promise<number | null> {
    if ((this.#entries.get(key)?.revision ?? 0) !== revision) return null;
    return this.#write(key, value);
  }

  async delete(key: string, revision?: number): Promise<boolean> {
    const entry = this.#entries.get(key);
    if (entry === undefined || (revision !== undefined && entry.revision !== revision)) return false;
    this.#entries.delete(key);
    this.#revision++;
    this.#tell(key, null);
    return true;
  }

  async list(prefix: string): Promise<readonly string[]> {
    return [...this.#entries.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  watch(prefix: string, changed: Watcher['changed']): () => void {
    const watcher: Watcher = { prefix, changed, open: true };
    this.#watchers.add(watcher);
    return () => {
      watcher.open = false;
      this.#watchers.delete(watcher);
    };
  }

  #write(key: string, value: Uint8Array): number {
    const entry = { value: value.slice(), revision: ++this.#revision };
    this.#entries.set(key, entry);
    this.#tell(key, entry);
    return entry.revision;
  }

  #tell(key: string, entry: Entry | null): void {
    for (const watcher of this.#watchers) {
      if (!key.startsWith(watcher.prefix)) continue;
      this.#schedule(() => {
        if (watcher.open) watcher.changed(key, entry);
      });
    }
  }
}
