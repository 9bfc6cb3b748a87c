/** Something with a place in time, microseconds; what has none more exact than that stands as count 0. */
export interface Timed {
  readonly timeUs: number;
  readonly count?: number;
}

/**
 * Hands over what many feeds give, by time, at one time by the order of the feeds; what one feed gives stays in its order. Each feed gives lists that are in
 * order, and is read on only when all it gave is handed over: no more is held than one list of each.
 *
 * @param begin is called once, before the first, with its time; not when there is nothing at all
 */
export async function mergeByTime<Item extends Timed>(
  feeds: readonly AsyncIterable<readonly Item[]>[],
  take: (item: Item) => void | Promise<void>,
  begin?: (timeUs: number) => void | Promise<void>,
): Promise<void> {
  const waiting: Feed<Item>[] = [];
  for (const feed of feeds.map((one, rank) => new Feed(one, rank))) if (await feed.fill()) waiting.push(feed);
  waiting.sort(byNext);
  if (waiting[0] !== undefined) await begin?.(waiting[0].nextUs);
  for (let feed = waiting.shift(); feed !== undefined; feed = waiting.shift()) {
    const until = waiting[0];
    let more = true;
    while (more && (until === undefined || byNext(feed, until) < 0)) {
      // Of most that is taken nobody has to wait for anything.
      const taken = take(feed.take());
      if (taken !== undefined) await taken;
      if (!feed.ready) more = await feed.fill();
    }
    if (!more) continue;
    let place = 0;
    while (place < waiting.length && byNext(waiting[place] as Feed<Item>, feed) < 0) place++;
    waiting.splice(place, 0, feed);
  }
}

const byNext = (a: Feed<Timed>, b: Feed<Timed>): number =>
  a.nextUs - b.nextUs || a.nextCount - b.nextCount || a.rank - b.rank;

class Feed<Item extends Timed> {
  readonly rank: number;
  readonly #lists: AsyncIterator<readonly Item[]>;
  #items: readonly Item[] = [];
  #at = 0;

  constructor(lists: AsyncIterable<readonly Item[]>, rank: number) {
    this.rank = rank;
    this.#lists = lists[Symbol.asyncIterator]();
  }

  get ready(): boolean {
    return this.#at < this.#items.length;
  }

  /** Time of the next item; only while one is ready. */
  get nextUs(): number {
    return (this.#items[this.#at] as Item).timeUs;
  }

  get nextCount(): number {
    return (this.#items[this.#at] as Item).count ?? 0;
  }

  take(): Item {
    return this.#items[this.#at++] as Item;
  }

  /** Reads on until an item is ready. @returns false at the end */
  async fill(): Promise<boolean> {
    while (!this.ready) {
      const { value, done } = await this.#lists.next();
      if (done === true) return false;
      this.#items = value;
      this.#at = 0;
    }
    return true;
  }
}
