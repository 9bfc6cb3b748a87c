import { parentPort, Worker, workerData } from 'node:worker_threads';
import { type Site, siteFromJson, siteToJson } from '@sigma/fleet-model';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { CrowdHub } from './crowd-hub.ts';

/** A recording that the hub can tell of. */
export interface StoredPast {
  readonly path: string;
  readonly tenant: string;
  /** The recording's last moment, microseconds since 1970. */
  readonly endUs: number;
}

interface Crowd {
  readonly site: string;
  readonly count: number;
  readonly past: StoredPast | null;
  readonly dist: string;
}

/**
 * A crowd's hub in a thread of its own, as a real one has a process of its own: what it lets go of is not swept together
 * with all that the bench, its browser's driver and its bundler keep.
 *
 * @returns where it listens, and how it ends
 */
export async function crowdThread(
  site: Site,
  count: number,
  dist: string,
  past: StoredPast | null = null,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const crowd: Crowd = { site: JSON.stringify(siteToJson(site)), count, past, dist };
  const thread = new Worker(new URL(import.meta.url), { workerData: crowd });
  const url = await new Promise<string>((resolve, reject) => thread.once('message', resolve).once('error', reject));
  const ended = new Promise((resolve) => thread.once('exit', resolve));
  return {
    url,
    close: async () => {
      thread.postMessage('close');
      await ended;
    },
  };
}

async function serve({ site, count, past, dist }: Crowd, port: NonNullable<typeof parentPort>): Promise<void> {
  const recording = past === null ? undefined : openSqliteRecording(past.path);
  const told = past === null || recording === undefined ? undefined : { ...past, recording };
  const hub = new CrowdHub(siteFromJson(JSON.parse(site)), count, told);
  port.once('message', async () => {
    await hub.close();
    await recording?.close();
    port.close();
  });
  port.postMessage(await hub.listen(dist));
}

if (parentPort !== null) await serve(workerData as Crowd, parentPort);
