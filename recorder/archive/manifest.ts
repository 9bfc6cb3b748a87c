import { hash } from 'node:crypto';
import { type ChainHead, type ChainId, hexOfBytes } from '../src/event.ts';
import { byChain } from '../src/site-head.ts';
import { StoreCorruptError } from '../src/store.ts';
import { keyPart, type ObjectStore } from './objects/object-store.ts';

/** A file of an archive, with its length and SHA-256 (hex). */
export interface ArchivedFile {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A portion of a chain: a file with its blocks, one with their events for SQL, and its place in the chain. */
export interface ArchivedObject {
  readonly blockFile: ArchivedFile;
  /** Follows from the blocks. */
  readonly eventFile: ArchivedFile;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly blocks: number;
  /** Hash (hex) that its first block carries, and hash of its last block. */
  readonly previousHash: string;
  readonly hash: string;
  /** Agent time of its first and last event. */
  readonly firstAtUs: number;
  readonly lastAtUs: number;
  /** Least and greatest wall clock of its events: not always those of the first and the last. */
  readonly leastTimeUs: number;
  readonly greatestTimeUs: number;
  /** Classes of events whose payloads retention has taken away, and until which wall clock; empty of a whole object. */
  readonly thinned: readonly { readonly class: string; readonly beforeUs: number }[];
}

/** The archived beginning of a chain. */
export interface ArchivedChain extends ChainId {
  /** Agent time of its last archived event, and how many blocks there are. */
  readonly atUs: number;
  readonly blocks: number;
  /** Roots (hex) of the complete subtrees over all archived events, the greatest first (RFC 9162, 2.1). */
  readonly peaks: readonly string[];
  /** Signed checkpoints that were at hand when it was archived. */
  readonly checkpoints: readonly string[];
  /** In order, without gaps, from sequence 1; never empty. */
  readonly objects: readonly ArchivedObject[];
}

export interface Manifest {
  readonly tenant: string;
  /** From 1. */
  readonly version: number;
  /** SHA-256 (hex) of the manifest before; empty in the first. */
  readonly previous: string;
  readonly chains: readonly ArchivedChain[];
}

/** A manifest as it was read, with the hash by which others name it. */
export interface StoredManifest extends Manifest {
  readonly sha256: string;
}

const FORMAT = 'sigma archive 1';

/** Something of an archive is missing or not as it was written. `key` names it. */
export class ArchiveDamageError extends StoreCorruptError {
  readonly key: string;
  override readonly hiddenTo: number | null;

  constructor(archive: string, key: string, what: string, hiddenTo: number | null = null) {
    super(
      archive,
      `${key} ${what}`,
      'Put the file back from a copy of the archive; nothing else of it is touched, and what does not need it can be read',
    );
    this.key = key;
    this.hiddenTo = hiddenTo;
  }

  /** The same damage, as met by whoever asked for events up to this one, inclusive. */
  hiding(toSequence: number): ArchiveDamageError {
    return new ArchiveDamageError(this.path, this.key, this.what.slice(this.key.length + 1), toSequence);
  }
}

const manifestsOf = (tenant: string): string => `${keyPart(tenant)}/manifests/`;

export const manifestKey = (tenant: string, version: number): string =>
  `${manifestsOf(tenant)}${String(version).padStart(8, '0')}.json`;

export const objectsOf = ({ tenant, source, epoch }: ChainId): string =>
  `${keyPart(tenant)}/objects/${keyPart(source)}/${epoch}/`;

/** Tenants that an archive holds anything of. */
export async function tenantsOf(store: ObjectStore): Promise<readonly string[]> {
  const keys = await store.list('');
  const tenants = keys.flatMap((key) => key.match(/^([^/]+)\/manifests\/\d{8}\.json$/)?.[1] ?? []);
  return [...new Set(tenants)].map((part) => decodeURIComponent(part)).sort();
}

/**
 * The newest manifest of a tenant, checked against its own kind; null where nothing is archived yet.
 *
 * @throws ArchiveDamageError when the newest is no manifest, or does not name the one before it as that one stands
 */
export async function readManifest(store: ObjectStore, tenant: string): Promise<StoredManifest | null> {
  const keys = (await store.list(manifestsOf(tenant))).filter((key) => /\/\d{8}\.json$/.test(key));
  const newest = keys[keys.length - 1];
  if (newest === undefined) return null;
  const manifest = await manifestAt(store, tenant, newest);
  if (manifest.version > 1) {
    const before = manifestKey(tenant, manifest.version - 1);
    const bytes = await store.get(before);
    if (bytes !== null && hash('sha256', bytes) !== manifest.previous) {
      throw new ArchiveDamageError(store.address, before, 'is not the manifest that the next one names by hash');
    }
  }
  return manifest;
}

/** One version of it, as a mark names it. */
export async function readManifestVersion(
  store: ObjectStore,
  tenant: string,
  version: number,
): Promise<StoredManifest | null> {
  const key = manifestKey(tenant, version);
  return (await store.get(key)) === null ? null : manifestAt(store, tenant, key);
}

async function manifestAt(store: ObjectStore, tenant: string, key: string): Promise<StoredManifest> {
  const bytes = await store.get(key);
  if (bytes === null) throw new ArchiveDamageError(store.address, key, 'is missing');
  const manifest = parsed(bytes);
  if (manifest === null || manifest.tenant !== tenant || manifestKey(tenant, manifest.version) !== key) {
    throw new ArchiveDamageError(store.address, key, `is no manifest of ${tenant} in a format that is known here`);
  }
  return { ...manifest, sha256: hash('sha256', bytes) };
}

export const encodeManifest = (manifest: Manifest): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify({ format: FORMAT, ...manifest }, null, 1)}\n`);

function parsed(bytes: Uint8Array): Manifest | null {
  try {
    const { format, ...manifest } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return format === FORMAT && isManifest(manifest) ? manifest : null;
  } catch {
    return null;
  }
}

const isHash = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** What is read from a store is a stranger's word until it has the shape it claims. */
function isManifest(value: Manifest): boolean {
  return (
    typeof value.tenant === 'string' &&
    isCount(value.version) &&
    typeof value.previous === 'string' &&
    Array.isArray(value.chains) &&
    value.chains.every((chain) => isArchivedChain(chain, value.tenant))
  );
}

function isArchivedChain(chain: ArchivedChain, tenant: string): boolean {
  const { source, epoch, atUs, blocks, peaks, checkpoints, objects } = chain;
  if (chain.tenant !== tenant || typeof source !== 'string' || ![epoch, atUs, blocks].every(isCount)) return false;
  if (!Array.isArray(peaks) || !peaks.every(isHash) || !Array.isArray(checkpoints)) return false;
  if (!Array.isArray(objects) || objects.length === 0) return false;
  let [next, link] = [1, '0'.repeat(64)];
  for (const object of objects) {
    if (!isObject(object) || object.firstSequence !== next || object.previousHash !== link) return false;
    if (![object.blockFile, object.eventFile].every(({ key }) => key.startsWith(objectsOf(chain)))) return false;
    [next, link] = [object.lastSequence + 1, object.hash];
  }
  return true;
}

function isObject(object: ArchivedObject): boolean {
  const { blockFile, eventFile, firstSequence, lastSequence, blocks, previousHash, thinned } = object;
  const counts = [firstSequence, lastSequence, blocks, object.firstAtUs, object.lastAtUs];
  return (
    isFile(blockFile) &&
    isFile(eventFile) &&
    counts.every(isCount) &&
    [previousHash, object.hash].every(isHash) &&
    lastSequence >= firstSequence &&
    Number.isSafeInteger(object.leastTimeUs) &&
    Number.isSafeInteger(object.greatestTimeUs) &&
    Array.isArray(thinned)
  );
}

const isFile = (file: ArchivedFile | undefined): boolean =>
  typeof file?.key === 'string' && !file.key.includes('..') && isCount(file.bytes) && isHash(file.sha256);

export const lastObject = ({ objects }: ArchivedChain): ArchivedObject => objects[objects.length - 1] as ArchivedObject;

/** Where the archived beginning of a chain ends. */
export function archivedHead(chain: ArchivedChain): ChainHead {
  const { tenant, source, epoch, atUs, blocks } = chain;
  const { lastSequence: sequence, hash: end } = lastObject(chain);
  return { tenant, source, epoch, sequence, hash: bytesOfHex(end), atUs, blocks };
}

/** The manifest with chains put in the place of those of the same name. */
export function withChains(before: StoredManifest | null, tenant: string, chains: readonly ArchivedChain[]): Manifest {
  const kept = (before?.chains ?? []).filter((old) => !chains.some((fresh) => byChain(fresh, old) === 0));
  const all = [...kept, ...chains].sort(byChain);
  return { tenant, version: (before?.version ?? 0) + 1, previous: before?.sha256 ?? '', chains: all };
}

export const bytesOfHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
export const hexOf = hexOfBytes;
