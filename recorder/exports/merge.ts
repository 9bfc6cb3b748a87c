/** Something with a place in time, microseconds. */
export interface Timed {
  readonly timeUs: number;
}

/**
 * Hands over what many feeds give, by time; what one feed gives stays in its order. Each feed gives lists that are in
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
  for (const feed of feeds.map((one) => new Feed(one))) if (await feed.fill()) waiting.push(feed);
  waiting.sort((a, b) => a.nextUs - b.nextUs);
  if (waiting[0] !== undefined) await begin?.(waiting[0].nextUs);
  for (let feed = waiting.shift(); feed !== undefined; feed = waiting.shift()) {
    const untilUs = waiting[0]?.nextUs ?? Number.POSITIVE_INFINITY;
    let more = true;
    while (more && feed.nextUs <= untilUs) {
      await take(feed.take());
      if (!feed.ready) more = await feed.fill();
    }
    if (!more) continue;
    let place = 0;
    while (place < waiting.length && (waiting[place] as Feed<Item>).nextUs < feed.nextUs) place++;
    waiting.splice(place, 0, feed);
  }
}

class Feed<Item extends Timed> {
  readonly #lists: AsyncIterator<readonly Item[]>;
  #items: readonly Item[] = [];
  #at = 0;

  constructor(lists: AsyncIterable<readonly Item[]>) {
    this.#lists = lists[Symbol.asyncIterator]();
  }

  get ready(): boolean {
    return this.#at < this.#items.length;
  }

  /** Time of the next item; only while one is ready. */
  get nextUs(): number {
    return (this.#items[this.#at] as Item).timeUs;
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
