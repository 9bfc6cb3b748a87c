import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { deriveSite, fleetSupervisor, parseMovingAiMap, siteToJson } from '@sigma/fleet-model';
import { RecordService } from '@sigma/proto';
import { sentFrame, shownFrame } from '@sigma/recorder';
import { startTestServer } from '@sigma/recorder/postgres/testing';
import { FakeEdge } from '../../../testing/fake-edge.ts';
import { handsOf, signIn, until } from '../../../testing/hub-people.ts';
import { RobotLife, VIOLATION } from '../../../testing/robot-life.ts';
import { type Supervisor, startHub } from '../../index.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
const BEGAN_US = (Date.now() - 3_600_000) * 1000;

test('[R125] [R192] a hub over PostgreSQL takes in a backlog by its thread, reads what came home, and ends with it', async (t) => {
  const threads: Worker[] = [];
  const born = (message: unknown): void => void threads.push((message as { readonly worker: Worker }).worker);
  subscribe('worker_threads', born);
  t.after(() => unsubscribe('worker_threads', born));
  const server = await startTestServer();
  t.after(() => server.stop());
  const dataDir = mkdtempSync(join(tmpdir(), 'sigma-backlogs-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const hub = await startHub({
    tenant: 'acme',
    dataDir,
    databaseUrl: server.ownerUrl,
    port: 0,
    site: { json: JSON.stringify(siteToJson(site)), digest: site.digest },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
  });
  t.after(() => hub.close());
  const { url, joinToken, operator } = hub;
  const life = new RobotLife('r1', 3, { beganUs: BEGAN_US });
  life.lives({ atUs: 1_000_000, signals: [{ name: 'violation', body: VIOLATION }], decision: 1 });
  const edge = new FakeEdge({ url, joinToken, agentIds: ['r1'], epoch: 4, epochTimeUs: BEGAN_US + 100_000_000 });
  await edge.linked();
  const time = { us: 0, count: 0 };
  edge.send({ case: 'chainsShown', value: shownFrame([], time) });
  edge.send({ case: 'blocksSent', value: sentFrame(life.batch()) });
  await edge.syncedUpTo(2);
  const answer = edge.synced.find((word) => word.case === 'blocksAnswered');
  assert.deepEqual(answer?.case === 'blocksAnswered' ? answer.value.refusal : 'none', '');
  assert.equal(threads.length, 1);
  const hands = handsOf(url, await signIn(url, 'operator@sigma.local', operator.password as string));
  const marks = async () => (await hands(RecordService).listMarks({ agentId: 'r1', kinds: ['violation'] })).marks;
  await until(marks, (found) => found.length === 1);
  const ended = once(threads[0] as Worker, 'exit');
  await edge.cut();
  await hub.close();
  assert.deepEqual(await ended, [0], 'of itself, and not because it was ended');
});
