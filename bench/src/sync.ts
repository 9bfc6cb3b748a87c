import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Site } from '@sigma/fleet-model';
import { PACK_BYTES } from '@sigma/recorder/packing';
import { benchBareRows, startTestServer, type TestServer } from '@sigma/recorder/postgres/testing';
import { openSqliteStore } from '@sigma/recorder/sqlite';
import { absolute, type BenchLine, relative } from './line.ts';
import { BENCH_TENANT, benchChain, benchEvent } from './sync-chain.ts';
import { clear, drain, startHub } from './sync-ends.ts';
import { weekLines } from './sync-week.ts';

const EVENTS_A_BLOCK = 100;
const EVENTS = 6_000_000;
/** Of the greater of the two peers: as many bytes in a row as a dozen blocks have. */
const BULK_BYTES = 256 * 1024;

/**
 * Sync from an edge's SQLite file to a hub's PostgreSQL, with fsync and row-level security, over one gRPC connection on
 * loopback, each end a process of its own; beside bare rows of the same bytes in the same server. Then what a week of a
 * fleet weighs and how long it takes, while the fleet records and sends frames of the moment over the same link.
 */
export async function benchSync(site: Site): Promise<readonly BenchLine[]> {
  const home = mkdtempSync(join(tmpdir(), 'sigma-sync-bench-'));
  const server = await startTestServer();
  try {
    return [...(await eventLines(server, home)), ...(await weekLines(site, server, home))];
  } finally {
    await server.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

async function eventLines(server: TestServer, home: string): Promise<readonly BenchLine[]> {
  const path = join(home, 'edge.sqlite');
  const bytes = await fill(path);
  const drained = { home, path, bytes, sources: ['r1'], tenant: BENCH_TENANT };
  const hub = await startHub(server, BENCH_TENANT);
  try {
    const before = await bareRates(server, bytes);
    const calm = await drain(hub, { ...drained, name: 'calm', framesPerS: 0 });
    const after = await bareRates(server, bytes);
    await clear(server);
    const rate = (EVENTS * (calm.bytes / bytes)) / calm.seconds;
    const peer = (kind: keyof BareRates): number => (before[kind] + after[kind]) / 2;
    return [
      absolute('sync.events', rate, 'events/s', '>=', 100_000),
      bareLine('sync.blocks', rate, 'bare rows of a block each', peer('block')),
      bareLine('sync.blocksInBulk', rate, 'bare rows of 256 KB, which PostgreSQL packs', peer('bulk')),
      bareLine('sync.blocksInBulkUnpacked', rate, 'bare rows of 256 KB that cannot be packed', peer('unpackable')),
    ];
  } finally {
    hub.child.kill();
    rmSync(path, { force: true });
  }
}

interface BareRates {
  readonly block: number;
  readonly bulk: number;
  readonly unpackable: number;
}

/** Events a second that bare inserts keep, one row a statement and a commit: rows of a block, and greater ones. */
async function bareRates(server: TestServer, bytes: number): Promise<BareRates> {
  const blockBytes = Math.round((bytes / EVENTS) * EVENTS_A_BLOCK);
  const perByte = EVENTS / bytes;
  return {
    block: (await benchBareRows(server, blockBytes, 1_000)) * perByte,
    bulk: (await benchBareRows(server, BULK_BYTES, 200)) * perByte,
    unpackable: (await benchBareRows(server, BULK_BYTES, 200, 'unpackable')) * perByte,
  };
}

const bareLine = (name: string, rate: number, peer: string, bare: number): BenchLine =>
  relative(name, rate, 'events/s', peer, bare, '>=', 0.6);

/** A recording of one robot with so many events of 200 bytes. @returns bytes of its blocks */
async function fill(path: string): Promise<number> {
  const store = openSqliteStore(path, { packBytes: PACK_BYTES });
  const { writer, begin } = benchChain('r1', 0);
  const fresh = () => Array.from({ length: EVENTS_A_BLOCK }, () => benchEvent(1_700_000_000_000_000));
  let bytes = begin.bytes.length;
  await store.append([begin]);
  for (let done = 0; done < EVENTS; ) {
    const group = [];
    for (; group.length < 200 && done < EVENTS; done += EVENTS_A_BLOCK) group.push(writer.seal(fresh()));
    bytes += group.reduce((sum, block) => sum + block.bytes.length, 0);
    await store.append(group);
  }
  await store.close();
  return bytes;
}
