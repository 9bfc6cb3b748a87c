import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { SigningKey } from '@sigma/recorder';
import { ed25519Key } from '@sigma/recorder/keys';
import { openMemoryFile } from '../live/memory-file.ts';

/** What an edge remembers of its hub's chains, beside its own recordings and apart from them. Synced at every write. */
export interface WitnessMemory {
  /** The greatest checkpoint of a chain that was cosigned under this key of the hub, or null. */
  seen(origin: string, hubKey: Uint8Array): string | null;
  /** Durable when it returns. */
  remember(origin: string, hubKey: Uint8Array, note: string): void;
  /** Chains of a recording that the hub has cosigned a head of, the newest first. */
  shown(recordingPath: string): readonly string[];
  /** Durable when it returns. */
  show(recordingPath: string, origin: string): void;
  /**
   * Takes an epoch for a new life of a writer: the one asked for, or the next that no earlier life had, in whichever
   * recording. Durable when it returns.
   */
  takeEpoch(tenant: string, source: string, least: number): number;
  close(): void;
}

/** The newest; a backup is a beginning of what was written, so that it is these that it lacks. */
const MOST_SHOWN = 1_024;

/** @throws Error of node:sqlite when the folder cannot be written */
export function openWitnessMemory(folder: string): WitnessMemory {
  const db = openMemoryFile(
    folder,
    'witness.sqlite',
    'FULL',
    `CREATE TABLE IF NOT EXISTS seen (
      origin TEXT NOT NULL, hub_key BLOB NOT NULL, note TEXT NOT NULL, PRIMARY KEY (origin, hub_key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS shown (
      recording TEXT NOT NULL, origin TEXT NOT NULL, PRIMARY KEY (recording, origin)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS lives (
      tenant TEXT NOT NULL, source TEXT NOT NULL, epoch INTEGER NOT NULL, PRIMARY KEY (tenant, source)
    ) STRICT, WITHOUT ROWID;`,
  );
  const seen = db.prepare('SELECT note FROM seen WHERE origin = ? AND hub_key = ?');
  const remember = db.prepare('INSERT OR REPLACE INTO seen VALUES (?, ?, ?)');
  const shown = db.prepare('SELECT origin FROM shown WHERE recording = ? ORDER BY rowid DESC LIMIT ?');
  const show = db.prepare('INSERT OR IGNORE INTO shown VALUES (?, ?)');
  const life = db.prepare('SELECT epoch FROM lives WHERE tenant = ? AND source = ?');
  const live = db.prepare('INSERT OR REPLACE INTO lives VALUES (?, ?, ?)');
  return {
    seen: (origin, hubKey) => (seen.get(origin, hubKey)?.note as string | undefined) ?? null,
    remember: (origin, hubKey, note) => void remember.run(origin, hubKey, note),
    shown: (recording) => shown.all(recording, MOST_SHOWN).map((row) => row.origin as string),
    show: (recording, origin) => void show.run(recording, origin),
    takeEpoch: (tenant, source, least) => {
      const last = life.get(tenant, source)?.epoch as number | undefined;
      const epoch = Math.max(least, last === undefined ? 0 : last + 1);
      live.run(tenant, source, epoch);
      return epoch;
    },
    close: () => db.close(),
  };
}

/** The key that signs the heads of this edge's chains, made at the first call; only the owner reads it. */
export function keptHeadKey(folder: string): SigningKey {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'heads.seed');
  if (!existsSync(path)) writeSynced(path, randomBytes(32), 0o600);
  return ed25519Key(new Uint8Array(readFileSync(path)));
}

/** The hub's key as this edge first saw it, a text as those who verify are given; null before it saw one. */
export function keptHubKey(folder: string): string | null {
  const path = hubKeyPath(folder);
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
}

export const keepHubKey = (folder: string, text: string): void =>
  writeSynced(hubKeyPath(folder), Buffer.from(`${text}\n`), 0o644);

export const hubKeyPath = (folder: string): string => join(folder, 'hub.key');

/** All of it or nothing, and there after a power cut. */
function writeSynced(path: string, bytes: Uint8Array, mode: number): void {
  const fresh = `${path}.new`;
  const file = openSync(fresh, 'w', mode);
  try {
    writeSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
}
