import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { deriveSite, fleetSupervisor, parseMovingAiMap } from '@sigma/fleet-model';
import { type Hub, type Supervisor, startHub } from '@sigma/hub';
import { layDatabase } from '@sigma/hub/testing';
import { FleetService } from '@sigma/proto';
import { decodeSignal, EVENT_TYPE, eventsOf } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { signIn } from '../hub-access.ts';
import { runSigma } from '../testing/run-sigma.ts';

const MAP = ['type octile', 'height 4', 'width 6', 'map', ...Array.from({ length: 4 }, () => '.'.repeat(6)), ''];
const folder = mkdtempSync(join(tmpdir(), 'sigma-orders-'));
let hub: Hub;
let token = '';

before(async () => {
  const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
  hub = await startHub({
    tenant: 'acme',
    dataDir: await layDatabase(join(folder, 'hub')),
    port: 0,
    site: { json: '{}', digest: site.digest },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
  });
  token = await signIn(hub.url, hub.operator.email, hub.operator.password ?? '');
});
after(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

const sigma = (...args: readonly string[]) =>
  runSigma(args, { SIGMA_DATA: join(folder, 'data'), SIGMA_HUB: hub.url, SIGMA_TOKEN: token });

async function queued(): Promise<string> {
  const made = await sigma('mission', 'create', 'patrol', '--point', '2,2', '--priority', '5', '--json');
  assert.equal(made.code, 0, made.error);
  return (JSON.parse(made.out) as { mission: string; id: string }).id;
}

/** What orders on record as rejected took to be so, with the reason. */
async function rejected(target: string): Promise<readonly { expects: unknown; reason: string }[]> {
  const recording = openSqliteRecording(hub.recordingPath);
  const found: { expects: unknown; reason: string }[] = [];
  for (const head of await recording.heads()) {
    for await (const event of eventsOf(recording, head, 1, head.sequence)) {
      if (event.type !== EVENT_TYPE.signal || event.subject !== target) continue;
      const { name, body } = decodeSignal(event.data);
      const { expects, reason } = body as { expects: unknown; reason: string };
      if (name === 'hub.command_rejected') found.push({ expects, reason });
    }
  }
  await recording.close();
  return found;
}

test('[R129] a mission is moved only from the priority that was seen, and a refusal says which holds now', async () => {
  const id = await queued();
  const moved = await sigma('mission', 'priority', id, '20', '--if-priority', '5');
  assert.equal(moved.code, 0, moved.error);
  const late = await sigma('mission', 'priority', id, '30', '--if-priority', '5');
  assert.equal(late.code, 4);
  assert.match(late.error, /its priority was 5 when the order was given; it is 20 now/);
  assert.match(late.error, /sigma mission list/);
  const looked = await sigma('mission', 'priority', id, '30', '--json');
  assert.equal(JSON.parse(looked.out).priority, 30, 'without it, from the one that it has when asked');
  assert.deepEqual(await rejected(`mission/${id}`), [
    { expects: { priority: 5 }, reason: 'its priority was 5 when the order was given; it is 20 now' },
  ]);
});

test('[R129] a mission is called off only as it was seen to stand, and one that ended says so', async () => {
  const id = await queued();
  const late = await sigma('mission', 'cancel', id, '--if-status', 'active');
  assert.equal(late.code, 4);
  assert.match(late.error, /it was active when the order was given; it is queued now/);
  const other = await sigma('mission', 'cancel', id, '--if-robots', 'r7');
  assert.match(other.error, /r7 had it when the order was given; nobody has it now/);
  const done = await sigma('mission', 'cancel', id, '--if-status', 'queued', '--if-robots', 'none', '--reason', 'rain');
  assert.equal(done.code, 0, done.error);
  const again = await sigma('mission', 'cancel', id);
  assert.equal(again.code, 4);
  assert.match(again.error, /is cancelled already/);
  assert.match((await sigma('mission', 'cancel', 'm-none')).error, /there is no mission 'm-none'/);
  const expects = (await rejected(`mission/${id}`)).map((one) => one.expects);
  assert.deepEqual(expects, [
    { status: 'active', agentIds: [] },
    { status: 'queued', agentIds: ['r7'] },
  ]);
});

/** A hub of which only one hot robot is there, and which keeps what was ordered. */
async function hotRobot(use: (url: string, ordered: string[]) => Promise<void>): Promise<void> {
  const ordered: string[] = [];
  const take = (command: string, { conditions = [] }: { conditions?: readonly string[] } = {}) => {
    ordered.push(`${command} ${conditions.join(' ')}`);
    if (!conditions.includes('motor_hot'))
      throw new ConnectError(
        'motor_hot has come up since the order was given; look at it first',
        Code.FailedPrecondition,
      );
    return { receipt: { agentId: 'r1', outcome: 'accepted' } };
  };
  const handler = connectNodeAdapter({
    routes: (router) =>
      router.service(FleetService, {
        getAgent: () => ({ agent: { status: { agentId: 'r1', failsafeEntries: [{ condition: 'motor_hot' }] } } }),
        acknowledgeAgent: ({ seen }) => take('ack', seen),
        resetAgent: ({ seen }) => take('reset', seen),
      }),
  });
  const server: Server = createServer(handler).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, ordered);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('[R129] acknowledging and resetting say what was seen of the robot; what came up since is not passed over', async () => {
  await hotRobot(async (url, ordered) => {
    const at = (...args: readonly string[]) => sigma('robot', ...args, '--hub', url);
    assert.equal((await at('ack', 'r1')).code, 0);
    assert.equal((await at('reset', 'r1', '--seen', 'motor_hot,tilted')).code, 0);
    const late = await at('reset', 'r1', '--seen', 'none');
    assert.equal(late.code, 4);
    assert.match(late.error, /motor_hot has come up since the order was given/);
    assert.match(late.error, /sigma robot show r1/);
    assert.deepEqual(ordered, ['ack motor_hot', 'reset motor_hot tilted', 'reset ']);
  });
});
