import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { draw } from '@sigma/kernel';
import {
  type ChainHead,
  hexOfBytes,
  type Recording,
  type StoredBlock,
  StoreError,
  type VerifyReport,
  verify,
} from '../src/index.ts';
import { Salvage } from '../src/verify/salvage.ts';
import { openSqliteRecording, openSqliteStore, removeRecording, sha256 } from '../stores/sqlite/sqlite-store.ts';
import { testChain } from '../testing/chains.ts';
import type { Finding } from './judge.ts';

/** What time, or a hand, does to a file at rest. */
export type Rot = 'bit' | 'byte' | 'zeroed sector' | 'stale sector' | 'swapped sectors' | 'cut';
const ROTS: readonly Rot[] = ['bit', 'byte', 'byte', 'zeroed sector', 'stale sector', 'swapped sectors', 'cut'];
const SECTOR = 512;
/** Of a recording that is being written. */
const FILES = ['', '-wal', '-landing'] as const;

/** A recording as it was before. */
export interface Honest {
  readonly path: string;
  readonly heads: readonly ChainHead[];
  /** Hash of each block by chain and first sequence, and the last event of it. */
  readonly blocks: ReadonlyMap<string, { readonly hash: string; readonly from: number; readonly to: number }>;
}

export interface RotResult {
  readonly rot: Rot;
  /**
   * - `harmless`: every event is there as it was; the damage lies where nothing is kept.
   * - `located`: verify names the events.
   * - `refused`: the file does not open, by a typed error that names it.
   */
  readonly outcome: 'harmless' | 'located' | 'refused' | 'undetected';
  readonly findings: readonly Finding[];
}

/** Takes down what an honest recording holds. Nobody writes it. */
export async function takeDown(path: string): Promise<Honest> {
  const reader = openSqliteRecording(path);
  try {
    const heads = await reader.heads();
    const blocks = new Map<string, { hash: string; from: number; to: number }>();
    for (const head of heads) {
      let before: { hash: string; from: number; to: number } | null = null;
      for await (const block of reader.blocks(head, 1, Number.MAX_SAFE_INTEGER)) {
        if (before !== null) before.to = block.firstSequence - 1;
        before = { hash: contentOf(block), from: block.firstSequence, to: head.sequence };
        blocks.set(`${head.source} ${block.firstSequence}`, before);
      }
    }
    return { path, heads, blocks };
  } finally {
    await reader.close();
  }
}

const contentOf = ({ bytes, hash }: StoredBlock): string => `${hexOfBytes(sha256(bytes))} ${hexOfBytes(hash)}`;

/**
 * Damages a copy of the recording by seed, or of what has landed beside it where anything has, and looks whether verify,
 * given the heads known before, finds it and where.
 */
export async function rotAndLook(honest: Honest, scratch: string, seed: number): Promise<RotResult> {
  removeRecording(scratch);
  const parts = FILES.filter((end) => existsSync(honest.path + end));
  for (const end of parts) copyFileSync(honest.path + end, scratch + end);
  const rot = ROTS[draw(seed, 1, 0, 31, 0) % ROTS.length] ?? 'bit';
  const where = damage(scratch + (parts.at(-1) === '-landing' ? '-landing' : ''), rot, seed);
  const undetected = (what: string): RotResult => ({
    rot,
    outcome: 'undetected',
    findings: [{ kind: 'undetected', what: `seed ${seed}, ${rot} at ${where}: ${what}` }],
  });
  let reader: Recording;
  let report: VerifyReport;
  try {
    reader = openSqliteRecording(scratch);
  } catch (error) {
    if (error instanceof StoreError) return { rot, outcome: 'refused', findings: [] };
    return undetected(`an error without a type: ${error}`);
  }
  try {
    report = await verify(reader, { sha256, reexecutors: {}, knownHeads: honest.heads });
    const damaged = await differing(reader, honest);
    if (report.ok) {
      const [first] = damaged;
      if (first === undefined) return { rot, outcome: 'harmless', findings: [] };
      return undetected(
        `${first.source}, events ${first.from} to ${first.to} are not as they were, and verify says ok`,
      );
    }
    const missed = damaged.find((place) => !isNamed(report, place));
    if (missed === undefined) return { rot, outcome: 'located', findings: [] };
    return undetected(`verify names other events than ${missed.source} ${missed.from} to ${missed.to}`);
  } catch (error) {
    if (error instanceof StoreError) return { rot, outcome: 'refused', findings: [] };
    return undetected(`an error without a type: ${(error as Error).stack}`);
  } finally {
    await reader.close();
  }
}

/** What a killed writer leaves when blocks have landed: some hundred events, by seed. */
export async function leaveLanding(folder: string, seed: number): Promise<string> {
  const path = join(folder, 'written.db');
  const left = join(folder, 'left.db');
  mkdirSync(folder, { recursive: true });
  removeRecording(path);
  removeRecording(left);
  const store = openSqliteStore(path, { landing: true, mostLanded: 20 });
  const chains = ['r01', 'r02', 'r03'].map((source) => testChain(source, sha256));
  for (const chain of chains) await store.append([chain.begin()]);
  const rounds = 4 + (draw(seed, 1, 0, 33, 0) % 30);
  for (let n = 0; n < rounds; n++) {
    const group = chains.filter((_, k) => draw(seed, 1, n, 33, 1 + k) % 2 === 0);
    const events = 1 + (draw(seed, 2, n, 33, 0) % 9);
    if (group.length > 0) await store.append(group.map((chain) => chain.notes(events, draw(seed, 3, n, 33, 0) % 400)));
  }
  for (const end of FILES) if (existsSync(path + end)) copyFileSync(path + end, left + end);
  await store.close();
  rmSync(path);
  return left;
}

interface Place {
  readonly source: string;
  readonly from: number;
  readonly to: number;
}

/** Some failure names events of this place, or a chain that should not be there took its name. */
const isNamed = ({ chains }: VerifyReport, { source, from, to }: Place): boolean =>
  chains.some(
    (chain) =>
      chain.source === source &&
      chain.failures.some((failure) => failure.fromSequence <= to && failure.toSequence >= from),
  );

/** Honest blocks that can no longer be read as they were. */
async function differing(reader: Recording, { heads, blocks }: Honest): Promise<readonly Place[]> {
  const left = new Map(blocks);
  for (const head of heads) {
    for await (const block of new Salvage(reader, head, head.sequence).blocks()) {
      const key = `${head.source} ${block.firstSequence}`;
      if (contentOf(block) === left.get(key)?.hash) left.delete(key);
    }
  }
  return [...left].map(([key, { from, to }]) => ({ source: key.split(' ')[0] ?? '', from, to }));
}

/** @returns where, for whoever repeats it */
function damage(path: string, rot: Rot, seed: number): number {
  // A landing is zeros behind what has landed.
  const size = readFileSync(path).findLastIndex((byte) => byte !== 0) + 1;
  const at = (k: number, within: number): number => draw(seed, 1, 0, 32, k) % Math.max(1, within);
  const sectors = Math.floor(size / SECTOR);
  const sector = at(0, sectors) * SECTOR;
  if (rot === 'cut') {
    truncateSync(path, sector);
    return sector;
  }
  const file = openSync(path, 'r+');
  const read = (from: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    readSync(file, bytes, 0, length, from);
    return bytes;
  };
  try {
    if (rot === 'bit' || rot === 'byte') {
      const place = at(1, size);
      const [old = 0] = read(place, 1);
      const flip = rot === 'bit' ? 1 << at(2, 8) : 1 + at(2, 255);
      writeSync(file, Uint8Array.of(old ^ flip), 0, 1, place);
      return place;
    }
    const other = at(3, sectors) * SECTOR;
    if (rot === 'swapped sectors') {
      const [here, there] = [read(sector, SECTOR), read(other, SECTOR)];
      writeSync(file, there, 0, SECTOR, sector);
      writeSync(file, here, 0, SECTOR, other);
    } else writeSync(file, rot === 'stale sector' ? read(other, SECTOR) : new Uint8Array(SECTOR), 0, SECTOR, sector);
    return sector;
  } finally {
    closeSync(file);
  }
}
