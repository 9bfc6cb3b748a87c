import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type ClientRequest, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { deriveSite, fleetSupervisor, parseMovingAiMap, siteToJson } from '@sigma/fleet-model';
import { type DataPortOffered, RecordService } from '@sigma/proto';
import { type BlockBatch, batchBytes, packHead, sentFrame, shownFrame, WireWriter } from '@sigma/recorder';
import { zstandard } from '@sigma/recorder/packing';
import { startTestServer, type TestServer } from '@sigma/recorder/postgres/testing';
import { FakeEdge } from '../../../testing/fake-edge.ts';
import { handsOf, signIn, until } from '../../../testing/hub-people.ts';
import { RobotLife, VIOLATION } from '../../../testing/robot-life.ts';
import { type Hub, type Supervisor, startHub } from '../../index.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
const BEGAN_US = (Date.now() - 3_600_000) * 1000;

const threads: Worker[] = [];
const born = (message: unknown): void => void threads.push((message as { readonly worker: Worker }).worker);
const dataDir = mkdtempSync(join(tmpdir(), 'sigma-backlogs-'));
let server: TestServer;
let hub: Hub;
before(async () => {
  subscribe('worker_threads', born);
  server = await startTestServer();
  hub = await startHub({
    tenant: 'acme',
    dataDir,
    databaseUrl: server.ownerUrl,
    port: 0,
    site: { json: JSON.stringify(siteToJson(site)), digest: site.digest },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
  });
});
after(async () => {
  await hub.close();
  await server.stop();
  unsubscribe('worker_threads', born);
  rmSync(dataDir, { recursive: true, force: true });
});

/** An edge of one robot that has shown that it has nothing yet. */
async function linkedEdge(agentId: string): Promise<FakeEdge> {
  const { url, joinToken } = hub;
  const epochTimeUs = BEGAN_US + 100_000_000;
  const edge = new FakeEdge({ url, joinToken, edgeId: `edge-${agentId}`, agentIds: [agentId], epoch: 4, epochTimeUs });
  await edge.linked();
  edge.send({ case: 'chainsShown', value: shownFrame([], { us: 0, count: 0 }) });
  return edge;
}

/** The data connection of an edge. */
async function connected(t: TestContext, { port, key }: DataPortOffered): Promise<ClientRequest> {
  const headers = { authorization: `Bearer ${Buffer.from(key).toString('hex')}`, expect: '100-continue' };
  const data = request({ host: '127.0.0.1', port, path: '/packs', method: 'POST', headers, agent: false });
  data.on('error', () => undefined);
  t.after(() => data.destroy());
  data.flushHeaders();
  await once(data, 'continue');
  return data;
}

/** A batch whose blocks come as that pack of the data connection, and these. */
function outOfBand(batch: BlockBatch, number: number) {
  const content = new WireWriter();
  for (const block of batch.blocks) content.bytesPresent(7, block);
  const pack = zstandard.pack(content.take());
  const told = { connection: '', number, bytes: pack.length, unpackedBytes: batchBytes(batch) };
  return { batch: { ...batch, blocks: [], outOfBand: told }, pack };
}

function bring(data: ClientRequest, number: number, pack: Uint8Array): void {
  data.write(packHead(number, pack.length));
  data.write(pack);
}

/** What the hub answered to each batch of an edge, in order. */
const answersOf = (edge: FakeEdge): readonly (readonly [bigint, string])[] =>
  edge.synced.flatMap(({ case: word, value }) =>
    word === 'blocksAnswered' ? [[value.firstSequence, value.refusal] as const] : [],
  );

/** A life of so many blocks of two events each. */
function lifeOf(agentId: string, blocks: number): RobotLife {
  const life = new RobotLife(agentId, 3, { beganUs: BEGAN_US });
  for (let i = 1; i < blocks; i++) life.lives({ atUs: i * 1_000_000, decision: i, padding: 200 });
  return life;
}

test('[R197] [R120] packs of a backlog come in beside the link, before and behind what tells of them, and order within a chain stands', async (t) => {
  const life = lifeOf('r1', 30);
  const edge = await linkedEdge('r1');
  assert.deepEqual([edge.dataPorts, threads.length], [[], 0], 'nothing listens before there is a backlog');
  edge.send({ case: 'blocksSent', value: sentFrame(life.batch(0, 1)) });
  const offer = await edge.offered(1);
  assert.deepEqual([offer.url, offer.key.length], ['', 32]);
  const data = await connected(t, offer);
  const first = outOfBand(life.batch(1, 10), 1);
  const second = outOfBand(life.batch(10, 20), 2);
  // The second is there before it is told of; what comes on the link behind the first waits for that.
  edge.send({ case: 'blocksSent', value: sentFrame(first.batch) });
  edge.send({ case: 'blocksSent', value: sentFrame(second.batch) });
  edge.send({ case: 'blocksSent', value: sentFrame(life.batch(20, 30)) });
  bring(data, 1, first.pack);
  bring(data, 2, second.pack);
  await edge.syncedUpTo(5);
  const starts = [0, 1, 10, 20].map((i) => BigInt(life.blocks[i]?.firstSequence as number));
  assert.deepEqual(
    answersOf(edge),
    starts.map((start) => [start, '']),
  );
  const rows = await server.asOwner(
    'SELECT packed, first_sequence::int AS first FROM recorder.blocks WHERE packed > 1 ORDER BY first_sequence',
  );
  assert.deepEqual(
    rows.filter(({ packed }) => Number(packed) > 0).map(({ packed, first: from }) => [packed, from]),
    [
      [9, Number(starts[1])],
      [10, Number(starts[2])],
    ],
  );
  await edge.cut();
});

test('[R197] [R122] [L3] what a data connection that breaks does not bring is asked for again, and comes on the link', async (t) => {
  const life = lifeOf('r2', 20);
  const edge = await linkedEdge('r2');
  edge.send({ case: 'blocksSent', value: sentFrame(life.batch(0, 1)) });
  const data = await connected(t, await edge.offered(1));
  await edge.syncedUpTo(2);
  const { batch, pack } = outOfBand(life.batch(1, 10), 1);
  edge.send({ case: 'blocksSent', value: sentFrame(batch) });
  data.write(packHead(1, pack.length));
  await new Promise((resolve) => data.write(pack.subarray(0, 100), resolve));
  data.destroy();
  await edge.syncedUpTo(3);
  assert.deepEqual(answersOf(edge).at(-1), [2n, 'later']);
  // Half a pack is nothing, and so is the word of one without a connection.
  edge.send({ case: 'blocksSent', value: sentFrame(batch) });
  await edge.syncedUpTo(4);
  assert.deepEqual(answersOf(edge).at(-1), [2n, 'later']);
  edge.send({ case: 'blocksSent', value: sentFrame(life.batch(1)) });
  await edge.syncedUpTo(5);
  assert.deepEqual(answersOf(edge).at(-1), [2n, '']);
  await edge.cut();
});

test('[R197] [L7] what one link brings is not for the other, and a thread that is gone takes its port along', async (t) => {
  const lives = { r3: lifeOf('r3', 12), r4: lifeOf('r4', 12) };
  const [one, other] = [await linkedEdge('r3'), await linkedEdge('r4')];
  one.send({ case: 'blocksSent', value: sentFrame(lives.r3.batch(0, 1)) });
  other.send({ case: 'blocksSent', value: sentFrame(lives.r4.batch(0, 1)) });
  await Promise.all([one.syncedUpTo(2), other.syncedUpTo(2)]);
  const [offer, others] = [await one.offered(1), await other.offered(1)];
  assert.notDeepEqual(offer.key, others.key);
  const [data] = [await connected(t, offer), await connected(t, others)];
  const [mine, theirs] = [outOfBand(lives.r3.batch(1), 1), outOfBand(lives.r4.batch(1), 1)];
  bring(data, 1, mine.pack);
  other.send({ case: 'blocksSent', value: sentFrame(theirs.batch) });
  one.send({ case: 'blocksSent', value: sentFrame(mine.batch) });
  await one.syncedUpTo(3);
  assert.deepEqual(answersOf(one).at(-1), [2n, '']);
  assert.equal(answersOf(other).length, 1, 'the other one still waits for its own');
  const ended = new Promise((resolve) => data.once('close', resolve));
  await threads.at(-1)?.terminate();
  await Promise.all([ended, other.syncedUpTo(3)]);
  assert.deepEqual(answersOf(other).at(-1), [2n, 'later']);
  other.send({ case: 'blocksSent', value: sentFrame(lives.r4.batch(1, 4)) });
  const next = await other.offered(2);
  const again = await connected(t, next);
  const rest = outOfBand(lives.r4.batch(4), 1);
  other.send({ case: 'blocksSent', value: sentFrame(rest.batch) });
  bring(again, 1, rest.pack);
  await other.syncedUpTo(5);
  assert.deepEqual(
    answersOf(other)
      .slice(-2)
      .map(([, refusal]) => refusal),
    ['', ''],
  );
  assert.notDeepEqual(next.key, others.key);
  await one.cut();
  await other.cut();
});

test('[R125] [R192] a hub over PostgreSQL takes in a backlog by its thread, reads what came home, and ends with it', async () => {
  const { url, operator } = hub;
  const before = threads.length;
  const life = new RobotLife('r9', 3, { beganUs: BEGAN_US });
  life.lives({ atUs: 1_000_000, signals: [{ name: 'violation', body: VIOLATION }], decision: 1 });
  const edge = await linkedEdge('r9');
  edge.send({ case: 'blocksSent', value: sentFrame(life.batch()) });
  await edge.syncedUpTo(2);
  const answer = edge.synced.find((word) => word.case === 'blocksAnswered');
  assert.deepEqual(answer?.case === 'blocksAnswered' ? answer.value.refusal : 'none', '');
  assert.ok(threads.length - before <= 1);
  const hands = handsOf(url, await signIn(url, 'operator@sigma.local', operator.password as string));
  const marks = async () => (await hands(RecordService).listMarks({ agentId: 'r9', kinds: ['violation'] })).marks;
  await until(marks, (found) => found.length === 1);
  const ended = once(threads.at(-1) as Worker, 'exit');
  await edge.cut();
  await hub.close();
  assert.deepEqual(await ended, [0], 'of itself, and not because it was ended');
});
