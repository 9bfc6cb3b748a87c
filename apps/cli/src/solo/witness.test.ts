import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Edge, startEdge } from '@sigma/edge';
import { deriveSite, fleetSupervisor, parseMovingAiMap, siteToJson } from '@sigma/fleet-model';
import { type Hub, type Supervisor, startHub } from '@sigma/hub';
import { layDatabase } from '@sigma/hub/testing';
import { decodeSignal, EVENT_TYPE, eventsOf, openCheckpoint, parseNoteKey } from '@sigma/recorder';
import { ed25519Verify } from '@sigma/recorder/keys';
import { openProofShelf } from '@sigma/recorder/proof-shelf';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { until } from '../testing/until.ts';
import { soloEdge } from './fleet-parts.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
const home = mkdtempSync(join(tmpdir(), 'sigma-witness-'));
const edgePath = join(home, 'edge.sqlite');
const hubPath = join(home, 'hub', 'hub.sqlite');

let hub: Hub | null = null;
let edge: Edge | null = null;
after(async () => {
  await edge?.close();
  await hub?.close();
  rmSync(home, { recursive: true, force: true });
});

const open = async (port: number): Promise<Hub> =>
  startHub({
    tenant: 'acme',
    dataDir: await layDatabase(join(home, 'hub')),
    port,
    site: { json: JSON.stringify(siteToJson(site)), digest: site.digest },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
    headsEveryMs: 100,
  });

const work = ({ url, joinToken }: Hub): Promise<Edge> => {
  const link = { url, joinToken, backoff: { firstMs: 20, mostMs: 100 } };
  const parts = { tenant: 'acme', site, robots: 2, people: 0, seed: 7, recordingPath: edgePath, hub: link, pace: null };
  return startEdge({ ...soloEdge(parts), headsEveryMs: 100 });
};

/** Signals of one name in the chains of a source, as far as they are on disk. */
async function signals(path: string, source: string, name: string): Promise<readonly Record<string, unknown>[]> {
  const recording = openSqliteRecording(path);
  const found: Record<string, unknown>[] = [];
  try {
    for (const head of await recording.heads()) {
      if (head.source !== source) continue;
      for await (const event of eventsOf(recording, head, 1, head.sequence)) {
        if (event.type !== EVENT_TYPE.signal) continue;
        const said = decodeSignal(event.data);
        if (said.name === name) found.push(said.body as Record<string, unknown>);
      }
    }
    return found;
  } finally {
    await recording.close();
  }
}

/** Size of the newest head of a chain that is kept with a cosignature which this key of a witness made. */
async function cosigned(recordingPath: string, source: string, epoch: number, keyPath: string): Promise<number> {
  const shelf = openProofShelf(recordingPath);
  try {
    const notes = await shelf.checkpoints({ tenant: 'acme', source, epoch });
    const last = notes.at(-1);
    if (last === undefined) return 0;
    const key = parseNoteKey(readFileSync(keyPath, 'utf8').trim(), sha256);
    const { size, signers } = openCheckpoint(last, { keys: [key], ed25519: ed25519Verify, sha256 });
    assert.equal(signers[0]?.key.role, 'witness');
    return size;
  } finally {
    await shelf.close();
  }
}

async function sizeOf(path: string, source: string, epoch: number): Promise<number> {
  const recording = openSqliteRecording(path);
  const head = (await recording.heads()).find((one) => one.source === source && one.epoch === epoch);
  await recording.close();
  return head?.sequence ?? 0;
}

/** How many events the log had, as a checkpoint says on its second line. */
const sizeIn = (checkpoint: unknown): number => Number(String(checkpoint).split('\n')[1]);

/** Puts back what lay there at an earlier time, as people do with a backup: the one file and nothing else. */
function restore(backup: string, path: string): void {
  for (const part of ['-wal', '-shm', '-landing']) rmSync(`${path}${part}`, { force: true });
  copyFileSync(backup, path);
}

test('a hub and an edge witness each other: restored backups of either are named by the other [R140] [R143] [L4]', async (t) => {
  const hubKey = join(home, 'hub', 'witness.pub');

  await t.test('heads of robots and world are cosigned by the hub, those of the hub by the edge', async () => {
    hub = await open(0);
    edge = await work(hub);
    await until('the hub cosigned all three', async () => {
      for (const source of ['r01', 'r02', 'world-edge-1']) {
        if ((await cosigned(edgePath, source, 0, hubKey)) === 0) return null;
      }
      return true;
    });
    await edge.close();
    assert.equal(await cosigned(edgePath, 'r01', 0, hubKey), await sizeOf(edgePath, 'r01', 0), 'up to the last event');
    assert.equal(statSync(join(home, 'edge-1', 'heads.seed')).mode & 0o777, 0o600);
    assert.equal(statSync(join(home, 'hub', 'keys', 'heads')).mode & 0o777, 0o600);
    assert.equal(readFileSync(join(home, 'edge-1', 'hub.key'), 'utf8'), readFileSync(hubKey, 'utf8'));
    copyFileSync(edgePath, join(home, 'edge.backup'));
    const { port } = hub;
    await hub.close();
    copyFileSync(hubPath, join(home, 'hub.backup'));
    hub = await open(port);
  });

  await t.test('an edge whose recording was put back is found by the hub, and goes on working', async () => {
    edge = await work(hub as Hub);
    await until('epoch 1 is cosigned', async () => ((await cosigned(edgePath, 'r01', 1, hubKey)) > 0 ? true : null));
    await edge.close();
    const lost = await sizeOf(edgePath, 'r01', 1);
    assert.ok(lost > 0);
    restore(join(home, 'edge.backup'), edgePath);
    edge = await work(hub as Hub);
    const found = await until('the hub put it on record', async () => {
      const all = await signals(hubPath, 'hub', 'hub.head_refused');
      return all.find(({ origin }) => origin === 'r01/1') ?? null;
    });
    const { kind, fromSequence, toSequence, seen, offered, edgeId } = found;
    assert.deepEqual([kind, fromSequence, toSequence, edgeId], ['rollback', 1, lost, 'edge-1']);
    assert.match(String(seen), /^sigma\/acme\/r01\/1\n/);
    assert.match(String(offered), /^sigma\/acme\/r01\/1\n0\n/);
    await until('the edge has it on its own record', async () => {
      const [note] = await signals(edgePath, 'r01', 'edge.head_refused');
      return note ?? null;
    });
    await until('its new life is cosigned', async () =>
      (await cosigned(edgePath, 'r01', 2, hubKey)) > 0 ? true : null,
    );
  });

  await t.test('a hub whose recording was put back is found by the edge that saw it', async () => {
    const { port } = hub as Hub;
    await hub?.close();
    hub = null;
    const lost = await sizeOf(hubPath, 'hub', 1);
    restore(join(home, 'hub.backup'), hubPath);
    hub = await open(port);
    const found = await until('the hub put on record what the edge saw', async () => {
      const all = await signals(hubPath, 'hub', 'hub.head_refused');
      return all.find(({ origin }) => origin === 'hub/1') ?? null;
    });
    // It goes on writing, and may have come further than it was before the edge is back.
    const [seen, offered] = [sizeIn(found.seen), sizeIn(found.offered)];
    const kind = offered < seen ? 'rollback' : offered > seen ? 'inconsistent' : 'fork';
    assert.deepEqual([found.kind, found.seenBy], [kind, 'edge edge-1']);
    // What the hub wrote while its links ended nobody saw any more.
    assert.ok(Number(found.toSequence) > 1 && Number(found.toSequence) <= lost);
    const [noted] = await signals(edgePath, 'r02', 'edge.hub_head_refused');
    assert.equal(noted?.kind, kind);
  });
});
