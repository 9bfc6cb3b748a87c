import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { type ChainHead, ChainWriter, openingEvent, signalEvent, siteHead, verify } from '../../src/index.ts';
import { openPostgres, preparePostgres } from '../../stores/postgres/postgres-store.ts';
import { sha256 } from '../../stores/sqlite/sha256.ts';
import { restoreBackup } from './restore-backup.ts';
import { takeBackup } from './take-backup.ts';

export interface DrillOptions {
  /** An empty folder for everything; what is in it afterwards may be removed. */
  readonly home: string;
  /** Starts a real PostgreSQL on `<hubDir>/pg`, made when it is missing. */
  readonly startServer: (hubDir: string) => Promise<{ readonly url: string; stop(): Promise<void> }>;
  /** Events that are written before the moment to which it is restored, and as many again behind it. */
  readonly events: number;
  readonly nowMs: () => number;
  readonly progress?: (text: string) => void;
}

export interface DrillReport {
  /** What each step took, in order. */
  readonly steps: readonly { readonly step: string; readonly ms: number }[];
  readonly momentUs: number;
  /** Events of the restored recordings, which are those of the moment, and how many had been written behind it. */
  readonly events: number;
  readonly eventsBehind: number;
  readonly bytes: number;
  readonly segments: number;
  /** Site heads of the restored recordings, by tenant. */
  readonly heads: Readonly<Record<string, string>>;
  /** Empty when every recording is that of the moment, and verifies. */
  readonly faults: readonly string[];
}

const TENANTS = ['drill-a', 'drill-b'];
const BATCH = 500;
const ROLE = 'sigma_drill';

/**
 * The drill of R178: a hub's database with the recordings of two tenants is made, backed up, written on, backed up
 * again, destroyed, and restored to the moment in the middle.
 */
export async function backupDrill(options: DrillOptions): Promise<DrillReport> {
  const { home, startServer, events, progress } = options;
  const steps: { step: string; ms: number }[] = [];
  const timed = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    progress?.(step);
    const from = options.nowMs();
    const result = await work();
    steps.push({ step, ms: options.nowMs() - from });
    return result;
  };
  const [hubDir, to, back] = [join(home, 'hub'), join(home, 'backup'), join(home, 'restored')];
  // The server's own user must be let pass.
  chmodSync(home, 0o711);
  mkdirSync(hubDir, { mode: 0o711 });
  let server = await timed('make the database', () => startServer(hubDir));
  try {
    const writer = await timed('prepare it', () => openWriter(server.url));
    await timed(`write ${events / 2} events for each tenant`, () => writer.write(events / 2));
    const first = await timed('take a base backup', () => takeBackup({ hubDir, ownerUrl: server.url, to }));
    await timed(`write ${events / 2} more`, () => writer.write(events / 2));
    const then = await writer.heads();
    const momentUs = await serverTimeUs(server.url);
    await timed(`write ${events} behind the moment`, () => writer.write(events));
    const last = await timed('copy the log', () => takeBackup({ hubDir, ownerUrl: server.url, to }));
    await writer.close();
    await timed('destroy it', async () => {
      await server.stop();
      rmSync(hubDir, { recursive: true });
    });
    await timed('lay the files out again', () => restoreBackup({ from: to, hubDir: back, toUs: momentUs }));
    server = await timed('run the log up to the moment', () => startServer(back));
    const found = await timed('verify every recording', () => judge(server.url, then));
    const behind = Number(events) * TENANTS.length;
    return { steps, momentUs, eventsBehind: behind, bytes: first.bytes, segments: last.segments, ...found };
  } finally {
    await server.stop();
  }
}

async function serverTimeUs(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query('SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us');
  await client.end();
  return Number(rows[0].us);
}

/** The recordings of the drill, written by the login that a hub would use: it owns nothing. */
async function openWriter(ownerUrl: string) {
  const owner = new pg.Client(ownerUrl);
  await owner.connect();
  await owner.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${ROLE}' NOSUPERUSER NOBYPASSRLS`);
  await owner.end();
  await preparePostgres(ownerUrl, ROLE);
  const recordings = await openPostgres(loginUrl(ownerUrl));
  const timeUs = 1_700_000_000_000_000;
  const chains = TENANTS.map((tenant) => {
    const opening = {
      ...{ tenant, source: 'drill', epoch: 0, role: 'drill', model: '', modelVersion: 1, config: null, seed: 1 },
      ...{ flags: [], policyText: '', policyHash: '', previousEpochHash: new Uint8Array(), atUs: 0, timeUs },
      software: 'sigma backup drill',
    };
    const writer = new ChainWriter(opening, sha256);
    return { store: recordings.recording(tenant), writer, begin: writer.seal([openingEvent(opening)]) };
  });
  for (const { store, begin } of chains) await store.append([begin]);
  let n = 0;
  return {
    write: async (count: number): Promise<void> => {
      for (let left = Math.ceil(count); left > 0; left -= BATCH) {
        const events = Array.from({ length: Math.min(left, BATCH) }, () => {
          n++;
          return signalEvent('drill.event', { n, text: 'x'.repeat(120) }, n * 1000, timeUs + n * 1000);
        });
        for (const { store, writer } of chains) await store.append([writer.seal(events)]);
      }
    },
    heads: async (): Promise<readonly ChainHead[]> =>
      (await Promise.all(chains.map(({ store }) => store.heads()))).flat(),
    close: () => recordings.close(),
  };
}

function loginUrl(ownerUrl: string): string {
  const url = new URL(ownerUrl);
  url.username = ROLE;
  url.password = ROLE;
  return url.href;
}

async function judge(ownerUrl: string, then: readonly ChainHead[]) {
  const recordings = await openPostgres(loginUrl(ownerUrl));
  const faults: string[] = [];
  const heads: Record<string, string> = {};
  let events = 0;
  try {
    for (const tenant of TENANTS) {
      const expected = then.filter((head) => head.tenant === tenant);
      const report = await verify(recordings.recording(tenant), { sha256, reexecutors: {}, knownHeads: expected });
      if (report.firstFailure !== null) faults.push(report.firstFailure.message);
      const wanted = siteHead(expected, sha256);
      if (report.head !== wanted) faults.push(`${tenant} has the head ${report.head} and had ${wanted} at the moment`);
      heads[tenant] = report.head;
      events += report.events;
    }
  } finally {
    await recordings.close();
  }
  return { events, heads, faults };
}
