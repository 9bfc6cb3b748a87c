import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HubLink, linkTransport, openSyncMemory, SyncWorker } from '@sigma/edge';
import { deriveSite, fleetSupervisor, parseMovingAiMap, siteToJson } from '@sigma/fleet-model';
import { type Supervisor, startHub } from '@sigma/hub';
import { type EventDraft, hexOfBytes, type SealedBlock, signalEvent } from '@sigma/recorder';
import { PACK_BYTES } from '@sigma/recorder/packing';
import { startTestServer } from '@sigma/recorder/postgres/testing';
import { openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { testChain } from '@sigma/recorder/testing';
import { until } from '../testing/until.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
const home = mkdtempSync(join(tmpdir(), 'sigma-data-connection-'));
/** Blocks of about 32 KB: ten megabytes that cannot be packed much. */
const BLOCKS = 320;
const LONG_AGO_US = 1_700_000_000_000_000;
const closing: (() => Promise<void> | void)[] = [];
after(async () => {
  for (let step = closing.pop(); step !== undefined; step = closing.pop()) await step();
  rmSync(home, { recursive: true, force: true });
});

/** What stands between an edge and the data port of its hub. */
class Relay {
  readonly #server: Server;
  readonly #ends = new Set<Socket>();
  /** Where it leads to; 0: nowhere. */
  to = 0;
  /** Bytes that have passed, and how many may before it is cut. */
  bytes = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
    this.#server = createServer((near) => {
      const far = connect(this.to, '127.0.0.1');
      near.on('data', (part) => {
        this.bytes += part.length;
        if (this.bytes > this.#most) this.cut();
      });
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#ends.add(one);
        one.on('error', () => undefined).on('close', () => other.destroy());
        one.pipe(other);
      }
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/packs`;
  }

  cut(): void {
    this.to = 0;
    for (const end of this.#ends) end.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

/** A life that was recorded long ago, packed as an edge packs it. */
async function recorded(path: string): Promise<readonly SealedBlock[]> {
  const store = openSqliteStore(path, { packBytes: PACK_BYTES });
  const chain = testChain('r1', sha256);
  const noise = (n: number): EventDraft =>
    signalEvent('test.noise', { text: randomBytes(24_000).toString('base64') }, n * 1000, LONG_AGO_US);
  const blocks = [chain.begin(), ...Array.from({ length: BLOCKS }, (_, n) => chain.writer.seal([noise(n)]))];
  for (let at = 0; at < blocks.length; at += 16) await store.append(blocks.slice(at, at + 16));
  await store.close();
  return blocks;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The link of an edge and its thread of sync, as an edge runs them. */
function linked(recordingPath: string, hub: { readonly url: string; readonly joinToken: string }) {
  const notes: string[] = [];
  const folder = join(home, 'edge');
  const own = join(home, 'now.sqlite');
  const memory = openSyncMemory(folder);
  memory.addRecording(recordingPath);
  memory.close();
  const clock = new SharedArrayBuffer(32);
  new Float64Array(clock, 8, 3)[2] = 1;
  const unbounded = { bytesPerS: Number.POSITIVE_INFINITY, recordingMostBytes: Number.POSITIVE_INFINITY };
  const sync: SyncWorker = new SyncWorker(
    {
      ...{ tenant: 'acme', sources: ['r1'], growing: [], ...unbounded, clock, epochTimeUs: Date.now() * 1000 },
      ...{ folder, recordingPath: own, hubUrl: hub.url },
    },
    {
      wake: () => link.wake(),
      note: (name, body) => notes.push(`${name} ${JSON.stringify(body)}`),
      gap: () => undefined,
      drop: () => undefined,
    },
  );
  const link: HubLink = new HubLink({
    transport: linkTransport(hub.url),
    joinToken: hub.joinToken,
    hello: () => ({ tenant: 'acme', edgeId: 'e1', agents: [{ agentId: 'r1', epoch: 1 }] }),
    ...{ onKey: () => undefined, onHeard: () => undefined, onOrder: () => undefined },
    onState: ({ type }) => {
      if (type === 'lost') sync.lost();
    },
    sync,
    wallUs: () => Date.now() * 1000,
    random: Math.random,
  });
  link.start();
  const close = async (): Promise<void> => {
    await link.close();
    await sync.close();
  };
  const acknowledged = (): number => sync.standings.find(({ epoch }) => epoch === 0)?.acknowledged ?? 0;
  return { notes, close, acknowledged };
}

test('[R197] [R120] [L3] what an edge has recorded goes past its link, and when that way is cut in the middle the rest comes on the link: all of it, byte for byte', async () => {
  const relay = new Relay(2_000_000);
  closing.push(() => relay.close());
  const server = await startTestServer();
  closing.push(() => server.stop());
  const dataPort = await freePort();
  const hub = await startHub({
    tenant: 'acme',
    dataDir: join(home, 'hub'),
    databaseUrl: server.ownerUrl,
    port: 0,
    dataPort,
    dataUrl: await relay.open(),
    site: { json: JSON.stringify(siteToJson(site)), digest: site.digest },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
  });
  closing.push(() => hub.close());
  relay.to = dataPort;
  const path = join(home, 'week.sqlite');
  const blocks = await recorded(path);
  await openSqliteStore(join(home, 'now.sqlite')).close();
  const edge = linked(path, hub);
  closing.push(() => edge.close());
  await until('the hub has all of it', async () => edge.acknowledged() === blocks.length || null);
  assert.ok(relay.bytes > 2_000_000 && relay.bytes < 3_000_000, `${relay.bytes} bytes came past the link`);
  assert.equal(edge.notes.filter((note) => note.startsWith('edge.data_connection_failed')).length, 1);
  assert.equal(edge.notes.length, 1, edge.notes.join('\n'));
  const rows = await server.asOwner(`
    SELECT sum(greatest(packed, 1))::int AS blocks, (array_agg(encode(b.hash, 'hex') ORDER BY first_sequence DESC))[1] AS last
    FROM recorder.blocks b JOIN recorder.chains c USING (tenant, chain) WHERE c.source = 'r1'`);
  assert.deepEqual(rows, [{ blocks: blocks.length, last: hexOfBytes(blocks.at(-1)?.hash ?? new Uint8Array()) }]);
});
