import { Observable } from '../../live/observable.ts';

/** A moment that a person wants to find again, under a name of his own. */
export interface Bookmark {
  readonly name: string;
  readonly atUs: number;
  /** As in a link; empty when nothing was selected. */
  readonly select: string;
}

const MOST = 200;

/** What the menu of bookmarks is called, with how many there are. */
export const bookmarksWords = (count: number): string => (count === 0 ? 'Bookmarks' : `Bookmarks ${count}`);

type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem'>;

/** One person's bookmarks, kept by this browser, newest moment first. Storage may be barred: then they last as long as the page. */
export class Bookmarks {
  readonly all: Observable<readonly Bookmark[]>;
  readonly #storage: Storage | null;
  readonly #key: string;

  constructor(storage: Storage | null, person: string) {
    this.#storage = storage;
    this.#key = `sigma.bookmarks.${person}`;
    this.all = new Observable(this.#read());
  }

  /** One of the same name is replaced. */
  put(bookmark: Bookmark): void {
    const others = this.all.get().filter((one) => one.name !== bookmark.name);
    this.#keep([...others, bookmark]);
  }

  remove(name: string): void {
    this.#keep(this.all.get().filter((one) => one.name !== name));
  }

  #keep(bookmarks: readonly Bookmark[]): void {
    const kept = bookmarks.toSorted((a, b) => b.atUs - a.atUs).slice(0, MOST);
    this.all.set(kept);
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(kept));
    } catch {
      return;
    }
  }

  #read(): readonly Bookmark[] {
    try {
      const read: unknown = JSON.parse(this.#storage?.getItem(this.#key) ?? '[]');
      return Array.isArray(read) ? read.filter(isBookmark).slice(0, MOST) : [];
    } catch {
      return [];
    }
  }
}

function isBookmark(value: unknown): value is Bookmark {
  const { name, atUs, select } = (value ?? {}) as Partial<Record<keyof Bookmark, unknown>>;
  return typeof name === 'string' && Number.isSafeInteger(atUs) && typeof select === 'string';
}
