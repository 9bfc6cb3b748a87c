import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { copyWhole, madeOnce } from '@sigma/recorder/testing/made-once';
import { keptSecret, takeDataDir } from '../src/store/data-dir.ts';

/**
 * Lays into the data folder of a hub that has not started yet what its first start makes there before anybody comes: a
 * server's files, and in them the tables of the present migrations. For tests that are about something else; in a run of
 * many, half of a first start goes there. The superuser has one password in all of them; other secrets are each hub's own.
 *
 * @returns the data folder
 */
export async function layDatabase(dataDir: string): Promise<string> {
  if (existsSync(join(dataDir, 'pg'))) return dataDir;
  const made = await madeOnce('hub-database', dataDir, makeDatabase);
  if (made === null) return dataDir;
  mkdirSync(join(dataDir, 'keys'), { recursive: true, mode: 0o700 });
  copyFileSync(join(made, 'keys', 'postgres'), join(dataDir, 'keys', 'postgres'));
  copyWhole(join(made, 'pg'), join(dataDir, 'pg'));
  return dataDir;
}

/** As a hub does it. What it takes is loaded by the one who makes it. */
async function makeDatabase(folder: string): Promise<void> {
  const { startEmbedded } = await import('../src/store/embedded.ts');
  const { openDatabase } = await import('../src/store/database.ts');
  takeDataDir(folder)();
  const server = await startEmbedded(folder);
  try {
    const database = await openDatabase(server.url, keptSecret(folder, 'app-role', 24));
    await database.close();
  } finally {
    await server.stop();
  }
}
