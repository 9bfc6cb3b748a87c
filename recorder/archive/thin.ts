import { hash } from 'node:crypto';
import { chainName, type Sha256, sameBytes, TreeFrontier } from '../src/index.ts';
import { peakHeights } from '../src/proof/merkle.ts';
import { ColdArchive, type ColdOptions } from './cold-archive.ts';
import {
  ArchiveDamageError,
  type ArchivedChain,
  type ArchivedFile,
  type ArchivedObject,
  encodeManifest,
  hexOf,
  manifestKey,
  type StoredManifest,
  withChains,
} from './manifest.ts';
import type { ObjectStore } from './objects/object-store.ts';
import { ParquetDesk } from './parquet-desk.ts';
import { type Retention, retentionOf } from './retention.ts';

export interface Thinned {
  readonly chain: ArchivedChain;
  readonly object: ArchivedObject;
  readonly classes: readonly string[];
}

const DAY_US = 86_400e6;

/**
 * Takes the payloads whose time is over out of an archive (R170): objects all of whose events are older than what their
 * class is kept for are written anew with leaf hashes in the place of those envelopes. In the order of R171: new files
 * read back, then the manifest, then the old files removed.
 *
 * @returns what was thinned; nothing when another archiver wrote meanwhile: call it again
 * @throws ArchiveDamageError, StoreError
 */
export async function thinArchive(
  store: ObjectStore,
  retention: Retention,
  nowUs: number,
  sha256: Sha256,
  options: ColdOptions,
): Promise<readonly Thinned[]> {
  const cold = await ColdArchive.open(store, options);
  const desk = await ParquetDesk.open();
  const all: Thinned[] = [];
  try {
    for (const manifest of cold.manifests) {
      const done: { thinned: Thinned; old: ArchivedObject }[] = [];
      const chains: ArchivedChain[] = [];
      for (const chain of manifest.chains) {
        const objects: ArchivedObject[] = [];
        for (const object of chain.objects) {
          // Without a tree nothing of what stays could be proved, so nothing is taken.
          const due = chain.peaks.length === 0 ? [] : classesDue(retention, chain.tenant, object, nowUs);
          const fresh = due.length === 0 ? object : await thin(cold, desk, chain, object, due, nowUs, sha256);
          objects.push(fresh);
          if (fresh !== object) done.push({ thinned: { chain, object: fresh, classes: due }, old: object });
        }
        if (objects.some((object, i) => object !== chain.objects[i])) chains.push({ ...chain, objects });
      }
      if (chains.length === 0 || !(await publish(store, manifest, chains))) continue;
      for (const { thinned, old } of done) {
        all.push(thinned);
        // A file that lost nothing is the same file.
        const stay = [thinned.object.blockFile.key, thinned.object.eventFile.key];
        for (const { key } of [old.blockFile, old.eventFile]) if (!stay.includes(key)) await store.remove(key);
      }
    }
  } finally {
    desk.close();
    await cold.close();
  }
  return all;
}

function classesDue(retention: Retention, tenant: string, object: ArchivedObject, nowUs: number): readonly string[] {
  const gone = new Set(object.thinned.map((one) => one.class));
  return Object.entries(retentionOf(retention, tenant).coldDays)
    .filter(([name, days]) => typeof days === 'number' && !gone.has(name))
    .filter(([, days]) => object.greatestTimeUs < nowUs - (days as number) * DAY_US)
    .map(([name]) => name);
}

async function thin(
  cold: ColdArchive,
  desk: ParquetDesk,
  chain: ArchivedChain,
  object: ArchivedObject,
  classes: readonly string[],
  nowUs: number,
  sha256: Sha256,
): Promise<ArchivedObject> {
  const { store } = cold;
  const events = await cold.fileOf(chain, object, 'eventFile');
  const gone = await desk.sequencesOf(events, classes);
  const leaves = await desk.encodeLeaves(cold.leaves(chain, [object], sha256), (sequence) => gone.has(sequence));
  const name = object.blockFile.key.replace(/\.[0-9a-f]{16}\.\w+\.parquet$/, '');
  const blockFile = await written(store, name, 'leaves', leaves);
  const eventFile = await written(store, name, 'events', await desk.encodeThinnedEvents(events, classes));
  const thinned = [...object.thinned, ...classes.map((one) => ({ class: one, beforeUs: nowUs }))];
  const fresh = { ...object, blockFile, eventFile, thinned };
  const [before, after] = [cold.leaves(chain, [object], sha256), cold.leaves(chain, [fresh], sha256)];
  const theirs = after[Symbol.asyncIterator]();
  for await (const { sequence, leaf } of before) {
    const next = await theirs.next();
    if (next.done !== true && next.value.sequence === sequence && sameBytes(next.value.leaf, leaf)) continue;
    throw new ArchiveDamageError(
      store.address,
      blockFile.key,
      `gives another leaf back at event ${sequence}; nothing was removed`,
    );
  }
  return fresh;
}

async function written(store: ObjectStore, name: string, what: string, bytes: Uint8Array): Promise<ArchivedFile> {
  const sha256 = hash('sha256', bytes);
  const file = { key: `${name}.${sha256.slice(0, 16)}.${what}.parquet`, bytes: bytes.length, sha256 };
  await store.putNew(file.key, bytes);
  const back = await store.get(file.key);
  if (back !== null && sameBytes(back, bytes)) return file;
  throw new ArchiveDamageError(store.address, file.key, 'is not what was written; nothing was removed');
}

/** @returns false when another archiver has made this version */
async function publish(store: ObjectStore, before: StoredManifest, chains: readonly ArchivedChain[]): Promise<boolean> {
  const manifest = withChains(before, before.tenant, chains);
  const bytes = encodeManifest(manifest);
  const key = manifestKey(manifest.tenant, manifest.version);
  if ((await store.putNew(key, bytes)) === 'exists') return false;
  const back = await store.get(key);
  return back !== null && sameBytes(back, bytes);
}

/**
 * Grows the tree of an archived chain from what is left of its events, and compares it with the peaks that were noted
 * when it was archived (R161, R170).
 *
 * @throws ArchiveDamageError
 */
export async function checkTree(cold: ColdArchive, chain: ArchivedChain, sha256: Sha256): Promise<void> {
  // A chain out of which blocks were dropped (R127) has none: nobody knows their leaves.
  if (chain.peaks.length === 0) return;
  const complete = new Map<number, string>();
  const tree = new TreeFrontier(sha256, (height, _, node) => complete.set(height, hexOf(node)));
  for await (const { leaf } of cold.leaves(chain, chain.objects, sha256)) tree.push(leaf);
  const peaks = peakHeights(tree.size).map((height) => complete.get(height));
  if (peaks.length === chain.peaks.length && peaks.every((peak, i) => peak === chain.peaks[i])) return;
  const what = `does not lead to the tree of ${chainName(chain)} that was archived`;
  throw new ArchiveDamageError(cold.store.address, chain.objects[0]?.blockFile.key ?? '', what);
}
