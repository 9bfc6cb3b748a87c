import { DatabaseSync } from 'node:sqlite';
import {
  type ChainHead,
  ChainWriter,
  decodeBlock,
  decodeEnvelope,
  decodeStub,
  EVENT_TYPE,
  isStub,
  type SealedBlock,
  type StoredBlock,
  sealStub,
} from '@sigma/recorder';
import { PACK_BYTES } from '@sigma/recorder/packing';
import { type BoundedStore, openSqliteRecording, openSqliteStore, sha256 } from '@sigma/recorder/sqlite';

/** Some minutes of a fleet, on record. */
export interface Minutes {
  readonly path: string;
  readonly tenant: string;
  readonly sources: readonly string[];
  /** Of these sources. */
  readonly bytes: number;
  readonly blocks: number;
  /** Of the file, the pages in use. */
  readonly pageBytes: number;
}

/** Blocks of a chain that are written before the next chain has its turn. */
const IN_TURN = 64;

/** Bytes of the pages that hold something, as the bound of a spool counts them. */
function pageBytesOf(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const pragma = (name: string): number => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  } finally {
    db.close();
  }
}

/** Takes the computed world out of a recording, and the computed hub: an edge of robots has neither. */
export function onlyRobots(path: string): void {
  const db = new DatabaseSync(path);
  try {
    const others = "SELECT chain FROM chains WHERE source LIKE 'world%' OR source = 'hub'";
    for (const table of ['packs', 'snapshots', 'blocks']) db.exec(`DELETE FROM ${table} WHERE chain IN (${others})`);
    db.exec("DELETE FROM chains WHERE source LIKE 'world%' OR source = 'hub'; PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    db.close();
  }
}

export async function minutesOn(path: string): Promise<Minutes> {
  const recording = openSqliteRecording(path);
  try {
    const heads = await recording.heads();
    let [bytes, blocks] = [0, 0];
    for (const head of heads) {
      for await (const block of recording.blocks(head, 1, head.sequence)) {
        bytes += block.bytes.length;
        blocks++;
      }
    }
    const sources = heads.map(({ source }) => source);
    return { path, tenant: heads[0]?.tenant ?? '', sources, bytes, blocks, pageBytes: pageBytesOf(path) };
  } finally {
    await recording.close();
  }
}

/**
 * Writes on a recording as some minutes of a fleet were, again and again, each time later than the time before, until it
 * has so many bytes more: one chain of each source, sealed anew.
 */
export async function repeat(path: string, of: Minutes, bytes: number): Promise<Minutes> {
  const store = openSqliteStore(path, { packBytes: PACK_BYTES });
  try {
    for (let left = bytes; left > 0; ) left -= await oneRound(store, of, left);
  } finally {
    await store.close();
  }
  return minutesOn(path);
}

/** @returns bytes that were written, about `mostBytes` at most */
async function oneRound(store: BoundedStore, { path, sources }: Minutes, mostBytes: number): Promise<number> {
  const recording = openSqliteRecording(path);
  const heads = new Map((await store.heads()).map((head) => [head.source, head]));
  const laterUs = Math.max(0, ...[...heads.values()].map(({ atUs }) => atUs));
  let written = 0;
  try {
    const chains = (await recording.heads()).filter(({ source }) => sources.includes(source));
    const readings = chains.map((head) => ({
      source: head.source,
      blocks: recording.blocks(head, 1, head.sequence)[Symbol.asyncIterator](),
    }));
    for (let open = readings; open.length > 0 && written < mostBytes; ) {
      const next = [];
      for (const reading of open) {
        const group: SealedBlock[] = [];
        let ended = false;
        // A stub ends no group, so that it never ends the chain.
        while (!ended && (group.length < IN_TURN || isStub((group.at(-1) as SealedBlock).bytes))) {
          const { value, done } = await reading.blocks.next();
          ended = done === true;
          const sealed = ended ? null : again(value as StoredBlock, heads.get(reading.source), laterUs);
          if (sealed === null) continue;
          group.push(sealed.block);
          heads.set(reading.source, sealed.head);
        }
        await store.append(group);
        written += group.reduce((sum, { bytes }) => sum + bytes.length, 0);
        if (!ended) next.push(reading);
      }
      open = next;
    }
    for (const { blocks } of readings) await blocks.return?.(undefined);
  } finally {
    await recording.close();
  }
  return written;
}

/** The same block behind that head. @returns null for an opening, of which a chain has one */
function again(
  { bytes }: StoredBlock,
  head: ChainHead | undefined,
  laterUs: number,
): { readonly block: SealedBlock; readonly head: ChainHead } | null {
  if (isStub(bytes)) {
    if (head === undefined) throw new Error('A chain begins with its opening');
    const stub = decodeStub(bytes);
    const place = { firstSequence: head.sequence + 1, previousHash: head.hash, lastAtUs: stub.lastAtUs + laterUs };
    const block = sealStub({ ...stub, ...place });
    const { hash, count, lastAtUs } = block;
    return { block, head: { ...head, hash, sequence: head.sequence + count, atUs: lastAtUs, blocks: head.blocks + 1 } };
  }
  const { events, ...chain } = decodeBlock(bytes);
  const drafts = events.map(decodeEnvelope).filter(({ type }) => head === undefined || type !== EVENT_TYPE.opening);
  if (drafts.length === 0) return null;
  const writer = new ChainWriter(chain, sha256, head);
  const block = writer.seal(
    drafts.map(({ sequence: _, ...draft }) => {
      return { ...draft, atUs: draft.atUs + laterUs, timeUs: draft.timeUs + laterUs };
    }),
  );
  return { block, head: writer.head };
}
