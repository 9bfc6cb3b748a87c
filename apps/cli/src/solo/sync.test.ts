import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Edge, startEdge } from '@sigma/edge';
import { deriveSite, fleetSupervisor, parseMovingAiMap, siteToJson } from '@sigma/fleet-model';
import { type Hub, type Supervisor, startHub } from '@sigma/hub';
import { layDatabase } from '@sigma/hub/testing';
import { chainName, type Recording, sameBytes, verify } from '@sigma/recorder';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { fleetReexecutors } from '@sigma/sim';
import { until } from '../testing/until.ts';
import { soloEdge } from './fleet-parts.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
const home = mkdtempSync(join(tmpdir(), 'sigma-sync-'));
const edgePath = join(home, 'edge.sqlite');
const hubPath = join(home, 'hub', 'hub.sqlite');

/** The cable between edge and hub: it can be cut, and put in again. */
class Cable {
  readonly #server: Server;
  readonly #ends = new Set<Socket>();
  #hubPort = 0;
  whole = true;

  constructor() {
    this.#server = createServer((near) => {
      if (!this.whole) {
        near.destroy();
        return;
      }
      const far = connect(this.#hubPort, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#ends.add(one);
        one
          .on('error', () => undefined)
          .on('close', () => {
            this.#ends.delete(one);
            other.destroy();
          });
        one.pipe(other);
      }
    });
  }

  async open(hubPort: number): Promise<string> {
    this.#hubPort = hubPort;
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.whole = false;
    for (const end of this.#ends) end.destroy();
  }

  heal(): void {
    this.whole = true;
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

const cable = new Cable();
let hub: Hub | null = null;
let edge: Edge | null = null;
after(async () => {
  await edge?.close();
  await hub?.close();
  cable.close();
  rmSync(home, { recursive: true, force: true });
});

async function reading<T>(path: string, look: (recording: Recording) => Promise<T>): Promise<T> {
  const recording = openSqliteRecording(path);
  try {
    return await look(recording);
  } finally {
    await recording.close();
  }
}

/** Events of all chains but the hub's own. */
const events = (path: string): Promise<number> =>
  reading(path, async (recording) =>
    (await recording.heads()).reduce((sum, { source, sequence }) => sum + (source === 'hub' ? 0 : sequence), 0),
  );

test('[R120] [R121] [L3] [L6] a fleet links to a hub, the link is cut and healed: the hub holds every block byte for byte, verifies, and shows the robots', async () => {
  hub = await startHub({
    tenant: 'acme',
    dataDir: await layDatabase(join(home, 'hub')),
    port: 0,
    site: { json: JSON.stringify(siteToJson(site)), digest: site.digest },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
  });
  const url = await cable.open(hub.port);
  const link = { url, joinToken: hub.joinToken, backoff: { firstMs: 20, mostMs: 100 } };
  const parts = { tenant: 'acme', site, robots: 2, people: 0, seed: 7, recordingPath: edgePath, hub: link, pace: null };
  edge = await startEdge(soloEdge(parts));
  await until('blocks arrive', async () => (await events(hubPath)) > 20 || null);
  cable.cut();
  await until('the link is seen to be lost', async () => edge?.stats().link?.connected === false || null);
  const recorded = await events(edgePath);
  await until('more is recorded while nobody hears it', async () => (await events(edgePath)) > recorded + 40 || null);
  // What was on its way may still have been stored; of what was recorded since, nothing.
  assert.ok((await events(hubPath)) <= recorded, 'nothing comes through a cut cable');
  cable.heal();
  await until('what was recorded meanwhile arrives', async () => (await events(hubPath)) > recorded + 40 || null);
  await edge.close();
  edge = null;
  await hub.close();
  hub = null;

  await reading(edgePath, (ofEdge) =>
    reading(hubPath, async (ofHub) => {
      const heads = new Map((await ofHub.heads()).map((head) => [chainName(head), head]));
      let compared = 0;
      for (const head of await ofEdge.heads()) {
        assert.deepEqual(heads.get(chainName(head)), head, 'an edge that ends leaves nothing behind');
        const theirs = ofHub.blocks(head, 1, head.sequence)[Symbol.asyncIterator]();
        for await (const block of ofEdge.blocks(head, 1, head.sequence)) {
          const { value } = await theirs.next();
          assert.equal(value?.firstSequence, block.firstSequence);
          assert.ok(sameBytes(value.bytes, block.bytes) && sameBytes(value.hash, block.hash));
        }
        assert.equal((await theirs.next()).done, true);
        compared += head.sequence;
      }
      assert.ok(compared > recorded + 40, `${compared} events`);
      const report = await verify(ofHub, { sha256, reexecutors: await fleetReexecutors(ofHub) });
      assert.equal(report.firstFailure, null);
      const robots = report.chains.filter(({ model }) => model === 'fleet');
      assert.equal(robots.length, 2);
      assert.ok(robots.every(({ reexecuted, stretches }) => reexecuted > 0 && stretches.length > 0));
    }),
  );
});
