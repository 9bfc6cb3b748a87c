import type { PlacedBlock } from '../commit-plan.ts';

/** Of a row beside the block's bytes: header, hash, numbers; cell pointer, length and row number. */
const ROW_BYTES = 66;
/** Header of a leaf page. */
const PAGE_HEADER = 8;
/** A commit of more blocks goes in as it came: finding what fits best would take longer than writing it. */
const MOST_BLOCKS = 1000;

/**
 * The order in which the blocks of one commit go into the table: SQLite fills its last page with what comes and begins
 * the next with the first row that finds no room, so that what fits best goes first. Blocks are found by chain and
 * sequence, never by where they stand.
 *
 * What a page holds is estimated (https://www.sqlite.org/fileformat.html, 1.6); a wrong estimate costs room, no more.
 */
export class PageFit {
  readonly #pageBytes: number;
  #free = 0;

  constructor(pageBytes: number) {
    this.#pageBytes = pageBytes;
  }

  inOrder(blocks: readonly PlacedBlock[]): readonly PlacedBlock[] {
    if (blocks.length > MOST_BLOCKS) return blocks;
    const [alone] = blocks;
    if (alone !== undefined && blocks.length === 1) {
      this.#take(this.#onPage(alone.block.bytes.length));
      return blocks;
    }
    const left = blocks.map((placed) => ({ placed, bytes: this.#onPage(placed.block.bytes.length) }));
    left.sort((a, b) => b.bytes - a.bytes);
    const ordered: PlacedBlock[] = [];
    while (left.length > 0) {
      const next = left.findIndex(({ bytes }) => bytes <= this.#free);
      const [{ placed, bytes }] = left.splice(Math.max(0, next), 1) as [(typeof left)[number]];
      this.#take(bytes);
      ordered.push(placed);
    }
    return ordered;
  }

  #take(bytes: number): void {
    if (bytes > this.#free) this.#free = this.#pageBytes - PAGE_HEADER;
    this.#free -= bytes;
  }

  /** What of a row stands on its leaf page; the rest goes to pages of its own. */
  #onPage(blockBytes: number): number {
    const usable = this.#pageBytes;
    const payload = blockBytes + ROW_BYTES;
    const most = usable - 35;
    if (payload <= most) return payload;
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const kept = least + ((payload - least) % (usable - 4));
    return kept <= most ? kept : least;
  }
}
