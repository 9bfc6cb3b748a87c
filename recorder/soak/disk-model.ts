import { posix } from 'node:path';
import { draw } from '@sigma/kernel';
import type { FileCall } from './strace.ts';

/**
 * What a disk may hold after a power cut. The rules are those of a journaling file system at its least helpful
 * (Pillai et al., "All file systems are not created equal", OSDI 2014; Rebello et al., "Can applications recover from
 * fsync failures?", ATC 2020):
 *
 * - What was written before a completed sync of its file is there. Of anything later, each sector of 512 bytes is
 *   there or not by itself, in any of the versions it has had since.
 * - A file's size is metadata and comes or stays away by itself. A sector within the new size that did not come is
 *   zeros, or what stood there before the file system gave it to this file.
 * - A name comes into being, goes and moves in the directory alone: a sync of the file does not settle it.
 * - After a failed sync the pages count as clean: they stay readable until the power goes, and no later sync writes
 *   them, unless they are written again.
 */
const SECTOR = 512;
const PAGE = 4096;
const SECTORS_A_PAGE = PAGE / SECTOR;

interface Version {
  /** Number of the call that wrote it; 0 for what is settled. */
  readonly call: number;
  readonly bytes: Uint8Array;
}

class Inode {
  /** What a reader sees while the power is on. */
  #cached = new Uint8Array(PAGE);
  /** Sectors of which nobody knows which version is on the disk. */
  readonly #open = new Map<number, Version[]>();
  /** Pages to be written by the next sync, and the calls since which they are. */
  #dirty = new Set<number>();
  #sizes: { readonly call: number; readonly size: number }[] = [{ call: 0, size: 0 }];

  get size(): number {
    return this.#sizes[this.#sizes.length - 1]?.size ?? 0;
  }

  /** Sectors whose content is open, in order. */
  get open(): readonly (readonly [number, readonly Version[]])[] {
    return [...this.#open].sort(([a], [b]) => a - b);
  }

  get sizes(): readonly { readonly call: number; readonly size: number }[] {
    return this.#sizes;
  }

  get settledSize(): number {
    return this.#sizes[0]?.size ?? 0;
  }

  write(call: number, offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    this.#reserve(end);
    this.#change(call, offset, end, () => this.#cached.set(bytes, offset));
    if (end > this.size) this.#sizes.push({ call, size: end });
  }

  truncate(call: number, size: number): void {
    const before = this.size;
    this.#reserve(Math.max(size, before));
    if (size < before) this.#change(call, size, before, () => this.#cached.fill(0, size, before));
    if (size !== before) this.#sizes.push({ call, size });
  }

  /** Dirty pages as they stand: what a sync that begins now will write. */
  begin(): { readonly pages: ReadonlySet<number>; readonly size: number } {
    const pages = this.#dirty;
    this.#dirty = new Set();
    return { pages, size: this.size };
  }

  /** A sync came back. Versions written while it ran stay open. */
  end(
    { pages, size }: { readonly pages: ReadonlySet<number>; readonly size: number },
    call: number,
    ok: boolean,
  ): void {
    if (!ok) return;
    for (const page of pages) {
      for (let sector = page * SECTORS_A_PAGE; sector < (page + 1) * SECTORS_A_PAGE; sector++) {
        const versions = this.#open.get(sector);
        if (versions === undefined) continue;
        const settled = versions.findLastIndex((version) => version.call < call);
        const left = versions.slice(Math.max(settled, 0));
        if (left.length === 1) this.#open.delete(sector);
        else this.#open.set(sector, left);
      }
    }
    const since = this.#sizes.filter((change) => change.call >= call);
    this.#sizes = [{ call: 0, size }, ...since];
  }

  /** The file with every open sector as `choose` says. */
  image(size: number, choose: (sector: number, versions: readonly Version[]) => Uint8Array): Uint8Array {
    const image = this.#cached.slice(0, Math.max(size, this.size));
    const whole = new Uint8Array(Math.ceil(Math.max(size, image.length) / SECTOR) * SECTOR);
    whole.set(image);
    for (const [sector, versions] of this.#open) {
      if ((sector + 1) * SECTOR <= whole.length) whole.set(choose(sector, versions), sector * SECTOR);
    }
    return whole.subarray(0, size);
  }

  #reserve(size: number): void {
    if (size <= this.#cached.length) return;
    const larger = new Uint8Array(Math.ceil((size * 2) / PAGE) * PAGE);
    larger.set(this.#cached);
    this.#cached = larger;
  }

  #change(call: number, from: number, to: number, work: () => void): void {
    const [first, last] = [Math.floor(from / SECTOR), Math.ceil(to / SECTOR)];
    for (let sector = first; sector < last; sector++) {
      if (!this.#open.has(sector)) this.#open.set(sector, [{ call: 0, bytes: this.#sector(sector) }]);
      this.#dirty.add(Math.floor(sector / SECTORS_A_PAGE));
    }
    work();
    for (let sector = first; sector < last; sector++)
      this.#open.get(sector)?.push({ call, bytes: this.#sector(sector) });
  }

  #sector(sector: number): Uint8Array {
    return this.#cached.slice(sector * SECTOR, (sector + 1) * SECTOR);
  }
}

/** How an image is made of what is open. */
export type Style = 'none' | 'all' | 'in-order' | 'torn' | 'sectors' | 'pages' | 'all-but-one' | 'only-one';

export const STYLES: readonly Style[] = [
  'none',
  'all',
  'in-order',
  'torn',
  'sectors',
  'pages',
  'all-but-one',
  'only-one',
];

/** Files of a folder after a power cut, by name. */
export type Image = ReadonlyMap<string, Uint8Array>;

/** Follows the calls of a process, and of those that come after it, on one folder of a disk. */
export class DiskModel {
  readonly #folder: string;
  readonly #leaves: (name: string) => boolean;
  /** Names as they are settled, and what happened to them since. */
  #settled = new Map<string, Inode>();
  #names: { readonly name: string; readonly inode: Inode | null }[] = [];
  #files = new Map<number, Inode | 'folder'>();
  readonly #syncs = new Map<
    number,
    { readonly inode: Inode; readonly call: number; readonly what: ReturnType<Inode['begin']> }
  >();
  readonly #folderSyncs = new Map<number, number>();
  #calls = 0;

  /** @param leaves names that a crash leaves nothing of that matters, such as shared memory */
  constructor(folder: string, leaves: (name: string) => boolean) {
    this.#folder = posix.normalize(folder);
    this.#leaves = leaves;
  }

  /** The process is gone; what it had written stays in the memory of the machine. */
  processEnded(): void {
    this.#files = new Map();
    this.#syncs.clear();
    this.#folderSyncs.clear();
  }

  /** @returns true when more is open than before, so that there are new images */
  apply(call: FileCall): boolean {
    this.#calls++;
    switch (call.kind) {
      case 'open':
        this.#opened(call.path, call.fd, call.truncates);
        return false;
      case 'close':
        this.#files.delete(call.fd);
        return false;
      case 'fault':
        return false;
      case 'write': {
        const inode = this.#inodeOf(call.fd);
        if (inode === null) return false;
        if (call.offset === null) throw new Error('The model of a disk does not know writes without an offset');
        inode.write(this.#calls, call.offset, call.bytes);
        return true;
      }
      case 'truncate':
        this.#inodeOf(call.fd)?.truncate(this.#calls, call.size);
        return this.#inodeOf(call.fd) !== null;
      case 'unlink':
        return this.#entry(call.path, null);
      case 'rename': {
        const inode = this.#look(this.#nameOf(call.from) ?? '');
        if (inode === undefined) return false;
        this.#entry(call.to, inode);
        return this.#entry(call.from, null);
      }
      case 'sync-begins': {
        const file = this.#files.get(call.fd);
        if (file === 'folder') this.#folderSyncs.set(call.sync, this.#names.length);
        else if (file !== undefined) this.#syncs.set(call.sync, { inode: file, call: this.#calls, what: file.begin() });
        return false;
      }
      case 'sync-ends': {
        const file = this.#syncs.get(call.sync);
        if (file !== undefined) file.inode.end(file.what, file.call, call.ok);
        const names = this.#folderSyncs.get(call.sync);
        if (names !== undefined && call.ok) this.#settle(names);
        return false;
      }
    }
  }

  /** How many sectors, sizes and names are open: how many ways an image can go. */
  get open(): number {
    const files = this.#everyInode();
    return files.reduce((sum, inode) => sum + inode.open.length + inode.sizes.length - 1, this.#names.length);
  }

  /** One image, in the given style, chosen by seed. */
  image(style: Style, seed: number): Image {
    const chance = (n: number, k: number): number => draw(seed, 1, n, 7, k);
    const names = this.#chooseNames(style, chance(0, 0));
    const image = new Map<string, Uint8Array>();
    let file = 0;
    for (const [name, inode] of names)
      image.set(
        name,
        chooseContent(inode, style, (k) => chance(++file, k)),
      );
    return image;
  }

  /**
   * Every combination of open sectors, sizes and names: 2 to the number of open things at most.
   *
   * @param most give up (null) beyond this many
   */
  everyImage(most: number): readonly Image[] | null {
    let images: Map<string, Uint8Array>[] = [];
    for (let kept = 0; kept <= this.#names.length; kept++) {
      let these: Map<string, Uint8Array>[] = [new Map()];
      for (const [name, inode] of this.#namesAfter(this.#names.slice(0, kept))) {
        const contents = everyContent(inode, most);
        if (contents === null || contents.length * these.length > most) return null;
        these = contents.flatMap((content) => these.map((image) => new Map(image).set(name, content)));
      }
      images = [...images, ...these];
      if (images.length > most) return null;
    }
    return images;
  }

  #opened(path: string, fd: number, truncates: boolean): void {
    this.#files.delete(fd);
    if (posix.normalize(path) === this.#folder) {
      this.#files.set(fd, 'folder');
      return;
    }
    const name = this.#nameOf(path);
    if (name === null) return;
    let inode = this.#look(name);
    if (inode === undefined) {
      inode = new Inode();
      this.#names.push({ name, inode });
    } else if (truncates) inode.truncate(this.#calls, 0);
    this.#files.set(fd, inode);
  }

  #entry(path: string, inode: Inode | null): boolean {
    const name = this.#nameOf(path);
    if (name === null) return false;
    this.#names.push({ name, inode });
    return true;
  }

  #settle(names: number): void {
    this.#settled = this.#namesAfter(this.#names.slice(0, names));
    this.#names = this.#names.slice(names);
    for (const [sync, count] of this.#folderSyncs) this.#folderSyncs.set(sync, Math.max(0, count - names));
  }

  #nameOf(path: string): string | null {
    const normal = posix.normalize(path);
    if (posix.dirname(normal) !== this.#folder) return null;
    const name = posix.basename(normal);
    return this.#leaves(name) ? null : name;
  }

  #look(name: string): Inode | undefined {
    return this.#namesAfter(this.#names).get(name);
  }

  #inodeOf(fd: number): Inode | null {
    const file = this.#files.get(fd);
    return file === undefined || file === 'folder' ? null : file;
  }

  #everyInode(): Inode[] {
    return [...this.#namesAfter(this.#names).values()];
  }

  #namesAfter(changes: readonly { readonly name: string; readonly inode: Inode | null }[]): Map<string, Inode> {
    const names = new Map(this.#settled);
    for (const { name, inode } of changes) {
      if (inode === null) names.delete(name);
      else names.set(name, inode);
    }
    return names;
  }

  /** Changes of names come in order, as a journal of metadata has them; in the loosest style, each by itself. */
  #chooseNames(style: Style, chance: number): Map<string, Inode> {
    if (style === 'none') return this.#namesAfter([]);
    if (style === 'all' || style === 'all-but-one') return this.#namesAfter(this.#names);
    if (style === 'sectors') return this.#namesAfter(this.#names.filter((_, n) => ((chance >>> (n % 31)) & 1) === 1));
    return this.#namesAfter(this.#names.slice(0, chance % (this.#names.length + 1)));
  }
}

function chooseContent(inode: Inode, style: Style, chance: (k: number) => number): Uint8Array {
  const { open, sizes, settledSize } = inode;
  const pick = <T>(list: readonly T[], by: number): T => list[by % list.length] as T;
  const newest = (versions: readonly Version[]): Version => versions[versions.length - 1] as Version;
  const calls = [...new Set(open.flatMap(([, versions]) => versions.map(({ call }) => call)))].sort((a, b) => a - b);
  const cut = calls.length === 0 ? 0 : pick(calls, chance(1));
  const one = open.length === 0 ? -1 : (pick(open, chance(2))[0] as number);
  const upTo = (versions: readonly Version[], call: number): Version =>
    versions.findLast((version) => version.call <= call) ?? (versions[0] as Version);
  const versionOf = (sector: number, versions: readonly Version[]): Version => {
    switch (style) {
      case 'none':
        return versions[0] as Version;
      case 'all':
        return newest(versions);
      case 'in-order':
        return upTo(versions, cut);
      case 'torn': {
        const before = upTo(versions, cut - 1);
        return chance(10 + sector) % 2 === 0 ? before : upTo(versions, cut);
      }
      case 'sectors':
        return pick(versions, chance(10 + sector));
      case 'pages':
        return chance(10 + Math.floor(sector / SECTORS_A_PAGE)) % 2 === 0 ? (versions[0] as Version) : newest(versions);
      case 'all-but-one':
        return sector === one ? (versions[0] as Version) : newest(versions);
      case 'only-one':
        return sector === one ? newest(versions) : (versions[0] as Version);
    }
  };
  const ordered = style === 'in-order' || style === 'torn';
  const size =
    style === 'none'
      ? settledSize
      : style === 'all' || style === 'all-but-one' || style === 'only-one'
        ? inode.size
        : ordered
          ? (sizes.findLast(({ call }) => call <= cut)?.size ?? settledSize)
          : pick(sizes, chance(3)).size;
  const stale = chance(4) % 4 === 0;
  return inode.image(size, (sector, versions) => {
    const version = versionOf(sector, versions);
    const unwritten = version.call === 0 && sector * SECTOR >= settledSize;
    return stale && unwritten ? staleSector(chance(10_000 + sector)) : version.bytes;
  });
}

/** What another file left on the sector before. */
function staleSector(seed: number): Uint8Array {
  return Uint8Array.from({ length: SECTOR }, (_, n) => (Math.imul(seed ^ n, 0x9e3779b1) >>> 13) & 255);
}

function everyContent(inode: Inode, most: number): readonly Uint8Array[] | null {
  const { open, sizes } = inode;
  let choices: ReadonlyMap<number, Uint8Array>[] = [new Map()];
  for (const [sector, versions] of open) {
    if (choices.length * versions.length > most) return null;
    choices = versions.flatMap(({ bytes }) => choices.map((choice) => new Map(choice).set(sector, bytes)));
  }
  const distinct = [...new Set(sizes.map(({ size }) => size))];
  if (choices.length * distinct.length > most) return null;
  return distinct.flatMap((size) =>
    choices.map((choice) =>
      inode.image(size, (sector, versions) => choice.get(sector) ?? (versions[0] as Version).bytes),
    ),
  );
}
