import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verify } from '@sigma/recorder';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { fleetReexecutors } from '@sigma/sim';
import { verifyInThreads } from './verify-in-threads.ts';

const GOLDEN = fileURLToPath(new URL('../../../../sim/golden/fleet-2.sqlite', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'sigma-threads-'));
after(() => rmSync(home, { recursive: true }));

/** A copy of the golden recording, after `damage`. */
function copyOf(name: string, damage: (db: DatabaseSync) => void): string {
  const path = join(home, name);
  copyFileSync(GOLDEN, path);
  const db = new DatabaseSync(path);
  damage(db);
  db.close();
  return path;
}

/** @param named what the threads are told to open */
async function both(path: string, named = path, progress = (): void => {}) {
  const recording = openSqliteRecording(path);
  try {
    const task = { place: { dataDir: home, s3: null }, named, notes: [], keys: [] };
    const inThreads = await verifyInThreads(task, recording, 2, progress, 1);
    return { inThreads, alone: await verify(recording, { sha256, reexecutors: await fleetReexecutors(recording) }) };
  } finally {
    await recording.close();
  }
}

test('[R60] threads that share a recording report what one alone reports: every stretch, and what is wrong where', async () => {
  const path = copyOf('altered.sqlite', (db) => {
    const { block, bytes } = db
      .prepare('SELECT block, bytes FROM blocks JOIN chains USING (chain) WHERE source = ? AND ordinal = 9')
      .get('r01') as { block: number; bytes: Uint8Array };
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 1;
    db.prepare('UPDATE blocks SET bytes = ? WHERE block = ?').run(bytes, block);
  });
  const { inThreads, alone } = await both(path);
  assert.equal(alone.ok, false);
  assert.ok(alone.chains.some(({ wakes }) => wakes > 100));
  assert.deepEqual(inThreads, alone);
});

test('[R60] what a thread cannot open is verified by the one that asked', async () => {
  const path = copyOf('sound.sqlite', () => {});
  const { inThreads, alone } = await both(path, join(home, 'nowhere.sqlite'));
  assert.equal(alone.ok, true);
  assert.deepEqual(inThreads, alone);
});

test('a person who interrupts ends the threads', async () => {
  const path = copyOf('long.sqlite', () => {});
  const interrupt = (): never => {
    throw new Error('interrupted');
  };
  await assert.rejects(both(path, path, interrupt), /interrupted/);
});
