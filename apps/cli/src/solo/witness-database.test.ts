import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Edge, startEdge } from '@sigma/edge';
import { deriveSite, fleetSupervisor, parseMovingAiMap, siteToJson } from '@sigma/fleet-model';
import { type Hub, openRecordingAt, type Supervisor, startHub } from '@sigma/hub';
import {
  decodeSignal,
  EVENT_TYPE,
  eventsOf,
  openCheckpoint,
  parseNoteKey,
  type Recording,
  verify,
} from '@sigma/recorder';
import { ed25519Verify } from '@sigma/recorder/keys';
import { startTestServer, type TestServer } from '@sigma/recorder/postgres/testing';
import { openProofShelf } from '@sigma/recorder/proof-shelf';
import { sha256 } from '@sigma/recorder/sqlite';
import { until } from '../testing/until.ts';
import { soloEdge } from './fleet-parts.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
const home = mkdtempSync(join(tmpdir(), 'sigma-witness-database-'));

let server: TestServer;
let hub: Hub | null = null;
let edge: Edge | null = null;
before(async () => {
  server = await startTestServer();
});
after(async () => {
  await edge?.close();
  await hub?.close();
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

const open = (port: number): Promise<Hub> =>
  startHub({
    tenant: 'acme',
    dataDir: join(home, 'hub'),
    databaseUrl: server.ownerUrl,
    port,
    site: { json: JSON.stringify(siteToJson(site)), digest: site.digest },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
    headsEveryMs: 100,
  });

async function reading<T>(use: (recording: Recording) => Promise<T>): Promise<T> {
  const { store, close } = await openRecordingAt((hub as Hub).recordingPath, join(home, 'hub'));
  try {
    return await use(store);
  } finally {
    await close();
  }
}

/** The newest head of the hub's first life that the edge cosigned, with its signed text; null before there is one. */
async function cosignedByEdge(): Promise<{ readonly note: string; readonly size: number } | null> {
  const shelf = openProofShelf(join(home, 'hub', 'hub.sqlite'));
  try {
    const note = (await shelf.checkpoints({ tenant: 'acme', source: 'hub', epoch: 0 })).at(-1);
    if (note === undefined) return null;
    const key = parseNoteKey(readFileSync(join(home, 'edge-1', 'witness.pub'), 'utf8').trim(), sha256);
    const { size, signers } = openCheckpoint(note, { keys: [key], ed25519: ed25519Verify, sha256 });
    assert.equal(signers[0]?.key.role, 'witness');
    return { note, size };
  } finally {
    await shelf.close();
  }
}

test("[R95] [R143] [L4] an administrator of the database, whom no policy binds, cannot shorten the hub's record unseen: the edge that witnessed it names what is gone, and so does verify", async () => {
  hub = await open(0);
  const link = { url: hub.url, joinToken: hub.joinToken, backoff: { firstMs: 20, mostMs: 100 } };
  const recordingPath = join(home, 'edge.sqlite');
  const parts = { tenant: 'acme', site, robots: 1, people: 0, seed: 7, recordingPath, hub: link, pace: null };
  edge = await startEdge({ ...soloEdge(parts), headsEveryMs: 100 });
  const seen = await until('the edge cosigned a head of the hub', cosignedByEdge);
  const { port } = hub;
  await hub.close();

  const [chain] = await server.asOwner("SELECT chain FROM recorder.chains WHERE source = 'hub' AND epoch = 0");
  await server.asOwner('DELETE FROM recorder.blocks WHERE chain = $1 AND ordinal > 1', [chain?.chain]);
  await server.asOwner(
    `UPDATE recorder.chains SET blocks = 1, sequence = b.first_sequence + b.count - 1, hash = b.hash, at_us = b.last_at_us
     FROM recorder.blocks b WHERE b.chain = chains.chain AND b.tenant = chains.tenant AND chains.chain = $1`,
    [chain?.chain],
  );
  hub = await open(port);

  const found = await until('the hub put on record what the edge saw', () =>
    reading(async (recording) => {
      for (const head of await recording.heads()) {
        if (head.source !== 'hub') continue;
        for await (const event of eventsOf(recording, head, 1, head.sequence)) {
          if (event.type !== EVENT_TYPE.signal) continue;
          const { name, body } = decodeSignal(event.data);
          if (name === 'hub.head_refused') return body as Record<string, unknown>;
        }
      }
      return null;
    }),
  );
  assert.deepEqual([found.kind, found.origin, found.seenBy], ['rollback', 'hub/0', 'edge edge-1']);

  const key = parseNoteKey(readFileSync(join(home, 'edge-1', 'witness.pub'), 'utf8').trim(), sha256);
  const checkpoints = { notes: [seen.note], trust: { keys: [key], ed25519: ed25519Verify } };
  const report = await reading((recording) => verify(recording, { sha256, reexecutors: {}, checkpoints }));
  assert.equal(report.ok, false);
  assert.equal(report.firstFailure?.kind, 'cut_short');
  assert.equal(report.firstFailure?.toSequence, seen.size);
});
