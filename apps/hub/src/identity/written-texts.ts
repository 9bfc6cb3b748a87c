import { randomBytes } from 'node:crypto';
import { decodeSignal } from '@sigma/recorder';
import { CannotOpenError } from '@sigma/recorder/personal';
import { and, count, eq, inArray } from 'drizzle-orm';
import { type HubRecord, signal } from '../roles/arbitration/hub-record.ts';
import type { Database } from '../store/database.ts';
import { texts as rows, settings } from '../store/schema.ts';
import type { People } from './people.ts';
import type { IndexedUpTo, TextIndex } from './text-index.ts';
import { REFERENCE } from './text-reference.ts';

/** What is read in the place of a text whose author was erased. */
export const ERASED_TEXT = 'text of an erased person';
/** Texts held open for reading; the others are fetched when somebody asks. */
const MOST_OPEN = 50_000;
const FETCHED_TOGETHER = 1_000;

export interface SealedText {
  readonly id: string;
  /** As in the event that has it on record. */
  readonly sealed: Uint8Array;
}

export interface TextStore {
  add(texts: readonly SealedText[]): Promise<void>;
  find(ids: readonly string[]): Promise<readonly SealedText[]>;
  /** Ids of all that there are, at most so many. */
  ids(most: number): Promise<readonly string[]>;
}

/** One reading of answers: what stands there, and what had to be fetched before all of it could be read. */
export interface Reading {
  /**
   * The text with what people wrote in the place of its references, as far as it is at hand.
   *
   * @param isJson the text is JSON, in whose strings the references stand
   */
  readonly read: (text: string, isJson?: boolean) => string;
  readonly missing: ReadonlySet<string>;
}

/**
 * What people write, kept so that it can be erased with them (recorder/SPEC.md R190): the text is an event sealed for its
 * author, and everything else (fences, missions, orders, acts, tables) bears a reference to it. Only the door to people
 * puts texts in the place of references.
 */
export class WrittenTexts {
  readonly #people: Pick<People, 'sealed' | 'opened'>;
  readonly #record: HubRecord;
  readonly #store: TextStore;
  /** By id, what was fetched longest ago first; null: nothing is known of it here. */
  readonly #open = new Map<string, string | null>();

  constructor(options: {
    readonly people: Pick<People, 'sealed' | 'opened'>;
    readonly record: HubRecord;
    readonly store: TextStore;
  }) {
    this.#people = options.people;
    this.#record = options.record;
    this.#store = options.store;
  }

  /**
   * Puts texts on record, sealed for the person with this address.
   *
   * @returns the reference of each; an empty text needs none. @throws NotRecordedError, and then nothing refers to it
   */
  async write(texts: readonly string[], email: string): Promise<readonly string[]> {
    const ids = texts.map((text) => (text === '' ? '' : randomBytes(16).toString('hex')));
    const made = await Promise.all(
      texts.map(async (text, n) => {
        const id = ids[n] as string;
        return id === ''
          ? []
          : [{ id, event: await this.#people.sealed(signal('hub.text', `text:${id}`, { text }), email) }];
      }),
    );
    const sealed = made.flat();
    await Promise.all(sealed.map(({ event }) => this.#record.append(event)));
    if (sealed.length > 0) await this.#store.add(sealed.map(({ id, event }) => ({ id, sealed: event.data })));
    return ids.map((id) => (id === '' ? '' : `text:${id}`));
  }

  /** A text with everything put in the place of its references. */
  async read(text: string): Promise<string> {
    const first = this.reading();
    const told = first.read(text);
    if (first.missing.size === 0) return told;
    await this.fetch(first.missing);
    return this.reading().read(text);
  }

  /** Reads what is at hand, and tells what is not: `fetch` brings it. */
  reading(): Reading {
    const missing = new Set<string>();
    const read = (text: string, isJson = false): string =>
      text.includes('text:')
        ? text.replace(REFERENCE, (whole, id: string) => {
            const known = this.#open.get(id);
            if (known === undefined) missing.add(id);
            if (known == null) return whole;
            return isJson ? JSON.stringify(known).slice(1, -1) : known;
          })
        : text;
    return { read, missing };
  }

  async fetch(ids: ReadonlySet<string>): Promise<void> {
    const found = new Map((await this.#store.find([...ids])).map(({ id, sealed }) => [id, sealed]));
    const opened = await Promise.all(
      [...ids].map(async (id) => {
        const sealed = found.get(id);
        return [id, sealed === undefined ? null : await this.#opened(sealed)] as const;
      }),
    );
    // All in one turn: whoever fetches the same ones meanwhile finds each of them at any moment.
    for (const [id, text] of opened) {
      this.#open.delete(id);
      this.#open.set(id, text);
    }
    for (const id of this.#open.keys()) {
      if (this.#open.size <= Math.max(MOST_OPEN, ids.size)) return;
      this.#open.delete(id);
    }
  }

  /** Every reference with its text; null when there are more than can be held open. */
  async all(): Promise<readonly (readonly [reference: string, text: string])[] | null> {
    const ids = await this.#store.ids(MOST_OPEN + 1);
    if (ids.length > MOST_OPEN) return null;
    for (let at = 0; at < ids.length; at += FETCHED_TOGETHER) {
      const unknown = ids.slice(at, at + FETCHED_TOGETHER).filter((id) => this.#open.get(id) == null);
      if (unknown.length > 0) await this.fetch(new Set(unknown));
    }
    return ids.flatMap((id) => {
      const text = this.#open.get(id);
      return text == null ? [] : [[`text:${id}`, text] as const];
    });
  }

  async #opened(sealed: Uint8Array): Promise<string> {
    try {
      const payload = await this.#people.opened(sealed);
      if (payload === null) return ERASED_TEXT;
      return (decodeSignal(payload).body as { readonly text: string }).text;
    } catch (error) {
      if (error instanceof CannotOpenError) return 'text that was altered and cannot be opened';
      throw error;
    }
  }
}

/** In the table of settings: up to where texts were brought into their table. */
const UP_TO = 'texts_up_to';

export function postgresTexts(database: Pick<Database, 'asTenant'>, tenant: string): TextStore & TextIndex {
  const mark = and(eq(settings.tenant, tenant), eq(settings.name, UP_TO));
  return {
    upTo: async () => {
      const [row] = await database.asTenant(tenant, (tx) => tx.select().from(settings).where(mark));
      return row === undefined ? null : (JSON.parse(row.value) as IndexedUpTo);
    },
    count: async () => {
      const [row] = await database.asTenant(tenant, (tx) =>
        tx.select({ n: count() }).from(rows).where(eq(rows.tenant, tenant)),
      );
      return row?.n ?? 0;
    },
    put: (texts, upTo) =>
      database.asTenant(tenant, async (tx) => {
        const values = texts.map(({ id, sealed }) => ({ id, sealed: Buffer.from(sealed) }));
        if (values.length > 0) await tx.insert(rows).values(values).onConflictDoNothing();
        if (upTo === null) return;
        const value = JSON.stringify(upTo);
        const target = [settings.tenant, settings.name];
        await tx.insert(settings).values({ name: UP_TO, value }).onConflictDoUpdate({ target, set: { value } });
      }),
    add: (texts) =>
      database.asTenant(tenant, async (tx) => {
        await tx.insert(rows).values(texts.map(({ id, sealed }) => ({ id, sealed: Buffer.from(sealed) })));
      }),
    ids: async (most) => {
      const found = await database.asTenant(tenant, (tx) =>
        tx.select({ id: rows.id }).from(rows).where(eq(rows.tenant, tenant)).limit(most),
      );
      return found.map(({ id }) => id);
    },
    find: (ids) =>
      database.asTenant(tenant, (tx) =>
        tx
          .select({ id: rows.id, sealed: rows.sealed })
          .from(rows)
          .where(and(eq(rows.tenant, tenant), inArray(rows.id, [...ids]))),
      ),
  };
}
