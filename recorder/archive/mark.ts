import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { byChain, type ChainId, chainName, hexOfBytes, type Recording, StoreCorruptError } from '../src/index.ts';
import type { Moved } from '../stores/moved.ts';
import { ColdArchive, type ColdOptions } from './cold-archive.ts';
import { bytesOfHex, lastObject, readManifestVersion } from './manifest.ts';
import type { ObjectStore } from './objects/object-store.ts';

const FORMAT = 'sigma archive mark 1';

export const markPath = (recording: string): string => `${recording}.archive`;

/** What was moved out of an SQLite recording; empty when nothing was. @throws StoreCorruptError */
export function readMark(recording: string): readonly Moved[] {
  const path = markPath(recording);
  if (!existsSync(path)) return [];
  try {
    const { format, chains } = JSON.parse(readFileSync(path, 'utf8')) as { format: string; chains: readonly Written[] };
    if (format !== FORMAT) throw new TypeError(`format '${format}'`);
    return chains.map(({ hash, ...chain }) => ({ ...chain, hash: bytesOfHex(hash) }));
  } catch (error) {
    const what = `is no mark of an archive that is known here (${(error as Error).message})`;
    throw new StoreCorruptError(path, what, 'Put it back from a copy; the archive named in it holds the events');
  }
}

type Written = Omit<Moved, 'hash'> & { readonly hash: string };

/** Puts marks in the place of those of the same chains: on disk when it returns, and never half of them. */
export function writeMark(recording: string, moved: readonly Moved[]): void {
  const path = markPath(recording);
  const kept = readMark(recording).filter((old) => !moved.some((fresh) => byChain(fresh, old) === 0));
  const chains = [...kept, ...moved].sort(byChain).map((one) => ({ ...one, hash: hexOfBytes(one.hash) }));
  const scratch = `${path}.part`;
  writeFileSync(scratch, `${JSON.stringify({ format: FORMAT, chains }, null, 1)}\n`, { flush: true });
  renameSync(scratch, path);
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/**
 * The archives that marks name, as one recording of what was moved. One that is not there, or is older than its mark,
 * does not keep the rest from being read: whoever asks for its events is told where they should be (R165).
 *
 * @param openStore the store behind an address
 */
export async function openMoved(
  moved: readonly Moved[],
  openStore: (address: string) => Promise<ObjectStore>,
  options: Pick<ColdOptions, 'cacheDir'>,
): Promise<Recording> {
  const archives = new Map<string, ColdArchive | Error>();
  for (const { archive } of moved) {
    if (archives.has(archive)) continue;
    try {
      const tenants = [...new Set(moved.filter((one) => one.archive === archive).map(({ tenant }) => tenant))];
      archives.set(archive, await ColdArchive.open(await openStore(archive), { ...options, tenants }));
    } catch (error) {
      archives.set(archive, error as Error);
    }
  }
  const holder = async (chain: ChainId): Promise<ColdArchive | null> => {
    const mark = moved.find((one) => byChain(one, chain) === 0);
    return mark === undefined ? null : holding(mark, archives.get(mark.archive));
  };
  return {
    // Every chain of which anything was moved has its end in the hot recording.
    heads: async () => [],
    async *blocks(chain, fromSequence, toSequence) {
      const archive = await holder(chain);
      if (archive !== null) yield* archive.blocks(chain, fromSequence, toSequence);
    },
    snapshotBefore: async (chain, atUs) => (await holder(chain))?.snapshotBefore(chain, atUs) ?? null,
    close: async () => {
      for (const archive of archives.values()) if (archive instanceof ColdArchive) await archive.close();
    },
  };
}

/** @throws StoreCorruptError when the archive is not the one that the mark was made with */
async function holding(mark: Moved, archive: ColdArchive | Error | undefined): Promise<ColdArchive> {
  const events = `the events up to ${mark.sequence} of ${chainName(mark)} rest in ${mark.archive}`;
  const fault = (what: string): StoreCorruptError =>
    new StoreCorruptError(mark.archive, `${events}, ${what}`, 'Bring the archive back to that place, or from a copy');
  if (!(archive instanceof ColdArchive)) {
    throw fault(`which cannot be read: ${archive === undefined ? 'it was not opened' : archive.message}`);
  }
  const chain = archive.chain(mark);
  if (chain === null || lastObject(chain).lastSequence < mark.sequence) {
    throw fault(
      `which does not hold them: its newest manifest is older than number ${mark.manifest}, or is not its own`,
    );
  }
  const named = await readManifestVersion(archive.store, mark.tenant, mark.manifest);
  if (named !== null && named.sha256 !== mark.manifestSha256) {
    throw fault(`whose manifest ${mark.manifest} is not the one they were moved by`);
  }
  return archive;
}
