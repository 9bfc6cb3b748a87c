import type { ChainHead, ChainId } from '../../src/event.ts';
import { byChain } from '../../src/site-head.ts';
import type { Recording } from '../../src/store.ts';
import type { ColdArchive } from '../cold-archive.ts';
import { ArchiveDamageError, type ArchivedChain, type ArchivedObject, archivedHead, lastObject } from '../manifest.ts';
import type { Bounds } from './bounds.ts';
import type { HotStretch } from './hot-rows.ts';

/** What is asked: recordings, archives, and Parquet files with the same columns that stand for themselves. */
export interface QueryTiers {
  readonly hot: readonly Recording[];
  readonly cold: readonly ColdArchive[];
  readonly files: readonly string[];
}

export interface Needed {
  /** Events of archived objects, as files that were checked. */
  readonly files: readonly string[];
  /** What is read block by block: from hot recordings, and from archived blocks whose file of events is damaged. */
  readonly hot: readonly HotStretch[];
  /** Objects that the bounds leave out. */
  readonly leftOut: number;
  /** What is missing or altered, and whose events neither the blocks beside it nor a hot recording hold. */
  readonly damaged: readonly ArchiveDamageError[];
}

/** Objects that are fetched and checked at the same time: each waits for its disk or its network. */
const AT_ONCE = 8;

/**
 * Chooses where each event is read: in the archive when it is there and whole, else in the hot recording. Of a chain
 * that several archives or recordings hold, the one that reaches furthest is taken, so that no event counts twice.
 */
export async function neededFor(tiers: QueryTiers, bounds: Bounds): Promise<Needed> {
  const chains = new Map<string, Sides>();
  for (const archive of tiers.cold)
    for (const chain of archive.chains) sideOf(chains, chain).cold.push({ archive, chain });
  for (const recording of tiers.hot) {
    for (const head of await recording.heads()) sideOf(chains, head).hot.push({ recording, head });
  }
  const wanted: WantedObject[] = [];
  const tails: HotStretch[] = [];
  let leftOut = 0;
  for (const { id, cold, hot } of [...chains.values()].sort((a, b) => byChain(a.id, b.id))) {
    const furthest = cold.sort((a, b) => lastObject(b.chain).lastSequence - lastObject(a.chain).lastSequence)[0];
    const live = hot.sort((a, b) => b.head.sequence - a.head.sequence)[0];
    const whole = isOutside(id, bounds);
    for (const object of furthest?.chain.objects ?? []) {
      if (furthest === undefined || whole || isBefore(object, bounds)) leftOut++;
      else wanted.push({ ...furthest, object, live });
    }
    const archived = furthest === undefined ? 0 : lastObject(furthest.chain).lastSequence;
    if (whole || live === undefined || live.head.sequence <= archived) continue;
    tails.push({ ...live, fromSequence: archived + 1, toSequence: live.head.sequence });
  }
  const found: Found[] = [];
  for (let at = 0; at < wanted.length; at += AT_ONCE)
    found.push(...(await Promise.all(wanted.slice(at, at + AT_ONCE).map(take))));
  return {
    files: found.flatMap((one) => one.file ?? []),
    hot: [...found.flatMap((one) => one.hot ?? []), ...tails],
    leftOut,
    damaged: found.flatMap((one) => one.damage ?? []),
  };
}

/** An object that the bounds do not leave out, and the hot recording of its chain. */
interface WantedObject {
  readonly archive: ColdArchive;
  readonly chain: ArchivedChain;
  readonly object: ArchivedObject;
  readonly live: Sides['hot'][number] | undefined;
}

/** Where its events are: exactly one of these. */
interface Found {
  readonly file?: string;
  readonly hot?: HotStretch;
  readonly damage?: ArchiveDamageError;
}

interface Sides {
  readonly id: ChainId;
  readonly cold: { readonly archive: ColdArchive; readonly chain: ArchivedChain }[];
  readonly hot: { readonly recording: Recording; readonly head: ChainHead }[];
}

function sideOf(chains: Map<string, Sides>, id: ChainId): Sides {
  const key = `${id.tenant}\0${id.source}\0${id.epoch}`;
  const known = chains.get(key);
  if (known !== undefined) return known;
  const fresh: Sides = { id, cold: [], hot: [] };
  chains.set(key, fresh);
  return fresh;
}

const isOutside = ({ tenant, source, epoch }: ChainId, { tenants, sources, epochs }: Bounds): boolean =>
  tenants?.includes(tenant) === false || sources?.includes(source) === false || epochs?.includes(epoch) === false;

const isBefore = ({ leastTimeUs, greatestTimeUs }: ArchivedObject, { fromUs, toUs }: Bounds): boolean =>
  greatestTimeUs < (fromUs ?? greatestTimeUs) || leastTimeUs > (toUs ?? leastTimeUs);

async function take({ archive, chain, object, live }: WantedObject): Promise<Found> {
  const { firstSequence: fromSequence, lastSequence: toSequence } = object;
  try {
    return { file: await archive.fileOf(chain, object, 'eventFile') };
  } catch (error) {
    if (!(error instanceof ArchiveDamageError)) throw error;
    const stretch = { head: archivedHead(chain), fromSequence, toSequence };
    if (live !== undefined && (await holds(live.recording, chain, fromSequence, toSequence)))
      return { hot: { ...stretch, recording: live.recording } };
    if (await isWhole(archive, chain, object)) return { hot: { ...stretch, recording: archive } };
    return { damage: error };
  }
}

/** Events follow from blocks: where the blocks are whole, nothing is lost with the file of their events. */
async function isWhole(archive: ColdArchive, chain: ArchivedChain, object: ArchivedObject): Promise<boolean> {
  try {
    await archive.fileOf(chain, object, 'blockFile');
    return object.thinned.length === 0;
  } catch (error) {
    if (!(error instanceof ArchiveDamageError)) throw error;
    return false;
  }
}

/** Whether a recording of which something was moved still holds all of these events. */
async function holds(recording: Recording, chain: ChainId, from: number, to: number): Promise<boolean> {
  const { decodeBlock, decodeStub, isStub } = await import('../../src/index.ts');
  const eventsIn = (bytes: Uint8Array): number =>
    isStub(bytes)
      ? decodeStub(bytes).dropped.reduce((sum, { count }) => sum + count, 0)
      : decodeBlock(bytes).events.length;
  let next = from;
  for await (const { firstSequence, bytes } of recording.blocks(chain, from, to)) {
    if (firstSequence > next) return false;
    next = firstSequence + eventsIn(bytes);
  }
  return next > to;
}
