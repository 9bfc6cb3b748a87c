import type { StoredBlock } from '../../src/store.ts';

/** Packs that are kept, unpacked: who looks at a few blocks of one comes back for those behind. */
const MOST = 4;

interface OpenedPack {
  readonly key: string;
  readonly blocks: readonly StoredBlock[];
}

/** The packs of a recording that were unpacked last, for as long as nobody writes to it. */
export class OpenedPacks {
  #packs: readonly OpenedPack[] = [];
  #version = 0;

  /**
   * The blocks of a pack.
   *
   * @param version of the file, as SQLite tells of what others write (https://www.sqlite.org/pragma.html#pragma_data_version)
   */
  blocks(key: string, version: number, open: () => readonly StoredBlock[]): readonly StoredBlock[] {
    if (version !== this.#version) this.forget();
    this.#version = version;
    const known = this.#packs.find((pack) => pack.key === key);
    if (known !== undefined) return known.blocks;
    const blocks = open();
    this.#packs = [{ key, blocks }, ...this.#packs].slice(0, MOST);
    return blocks;
  }

  /** This program writes to it. */
  forget(): void {
    this.#packs = [];
  }
}
