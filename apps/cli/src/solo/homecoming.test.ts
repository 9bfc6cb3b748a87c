import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { type Edge, startEdge } from '@sigma/edge';
import { deriveSite, FAULTS, fleetSupervisor, parseMovingAiMap, siteToJson } from '@sigma/fleet-model';
import { type Hub, type Supervisor, startHub } from '@sigma/hub';
import { layDatabase } from '@sigma/hub/testing';
import { FleetService, RecordService, SimulationService } from '@sigma/proto';
import { decodeSignal, EVENT_TYPE, eventsOf } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { until } from '../testing/until.ts';
import { soloEdge } from './fleet-parts.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
const home = mkdtempSync(join(tmpdir(), 'sigma-homecoming-'));
const edgePath = join(home, 'edge.sqlite');

/** Edge and hub are apart while it is cut. */
const cable = { whole: true, hubPort: 0, ends: new Set<Socket>() };
const server = createServer((near) => {
  if (!cable.whole) {
    near.destroy();
    return;
  }
  const far = connect(cable.hubPort, '127.0.0.1');
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    cable.ends.add(one);
    one.on('error', () => undefined).on('close', () => other.destroy());
    one.pipe(other);
  }
});
let hub: Hub | null = null;
let edge: Edge | null = null;
after(async () => {
  for (const end of cable.ends) end.destroy();
  await edge?.close();
  await hub?.close();
  server.close();
  rmSync(home, { recursive: true, force: true });
});

async function hands({ url, operator }: Hub) {
  const answer = await fetch(`${url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: operator.email, password: operator.password }),
  });
  const token = answer.headers.get('set-auth-token') ?? '';
  const transport = createGrpcTransport({
    baseUrl: url,
    interceptors: [
      (next) => (request) => {
        request.header.set('authorization', `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  return {
    fleet: createClient(FleetService, transport),
    record: createClient(RecordService, transport),
    bench: createClient(SimulationService, transport),
  };
}

/** Failsafes that were raised on record at the edge: wall time in milliseconds. */
async function failsafesOnRecord(agentId: string): Promise<readonly number[]> {
  const recording = openSqliteRecording(edgePath);
  const found: number[] = [];
  try {
    for (const head of await recording.heads()) {
      if (head.source !== agentId) continue;
      for await (const { type, data, atUs, timeUs, sequence } of eventsOf(recording, head)) {
        if (sequence === 1) openedUs.set(head.epoch, timeUs - atUs);
        if (type !== EVENT_TYPE.signal) continue;
        const { name, body } = decodeSignal(data);
        if (name !== 'failsafe' || (body as { change: string }).change !== 'raised') continue;
        found.push((openedUs.get(head.epoch) ?? 0) + atUs);
      }
    }
  } finally {
    await recording.close();
  }
  return found;
}
const openedUs = new Map<number, number>();

test('[R192] [R193] [L6] a robot fails out of reach, its edge is started anew, and when it links people see that failsafe within seconds, as reported, and then proved: once, at its time, with its decision', async () => {
  hub = await startHub({
    tenant: 'acme',
    dataDir: await layDatabase(join(home, 'hub')),
    port: 0,
    site: { json: JSON.stringify(siteToJson(site)), digest: site.digest },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
    faults: FAULTS,
  });
  cable.hubPort = hub.port;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const link = { url, joinToken: hub.joinToken, backoff: { firstMs: 20, mostMs: 100 } };
  const parts = { tenant: 'acme', site, robots: 1, people: 0, seed: 7, recordingPath: edgePath, hub: link, pace: null };
  edge = await startEdge(soloEdge(parts));
  const { fleet, record, bench } = await hands(hub);
  const agentId = await until('the robot is linked', async () => {
    const { agents } = await fleet.listAgents({});
    return agents.find(({ status }) => status !== undefined)?.status?.agentId ?? null;
  });
  await bench.injectFault({ agentId, fault: 'overheating', value: 200, seconds: 60 });
  cable.whole = false;
  for (const end of cable.ends) end.destroy();
  const before = await failsafesOnRecord(agentId);
  await until('it fails out of reach', async () => (await failsafesOnRecord(agentId)).length > before.length || null);
  await edge.close();
  const raised = await failsafesOnRecord(agentId);
  const kinds = ['failsafe'];
  const marks = async () => (await record.listMarks({ agentId, kinds, oldestFirst: true })).marks;
  assert.equal((await marks()).length, before.length, 'nobody knows of it');
  await until('it is said that something may be missing', async () => {
    const { onTheWay } = await record.listMarks({ agentId, kinds });
    return onTheWay.some((life) => life.outOfReach && life.agentId === agentId) || null;
  });

  // Its blocks take their time: what people must know does not wait for them.
  cable.whole = true;
  edge = await startEdge({ ...soloEdge(parts), syncBytesPerS: 8_000 });
  const told = await until('it is told of', async () => {
    const found = await marks();
    return found.length >= raised.length ? found : null;
  });
  const epochs = new Set(told.map(({ decisionEpoch }) => decisionEpoch));
  assert.ok(
    told.some(({ reported }) => reported),
    'ahead of its record',
  );
  await edge.close();
  edge = await startEdge(soloEdge(parts));
  await until('its record has proved it', async () =>
    (await marks()).every(({ reported }) => !reported) ? true : null,
  );
  const proved = (await marks()).filter(({ timeUs }) => Number(timeUs) <= (raised.at(-1) ?? 0));
  assert.deepEqual(
    proved.map(({ timeUs }) => Number(timeUs)),
    [...raised].sort((a, b) => a - b),
  );
  assert.ok(proved.every(({ decisionSequence }) => decisionSequence > 0n));
  assert.deepEqual([...epochs], [0]);
  const { decisions } = await fleet.listDecisions({ agentId, limit: 1000 });
  const [last] = proved.slice(-1);
  const answer = decisions.find(
    ({ decision }) => decision?.sequence === last?.decisionSequence && decision?.context?.epoch === last?.decisionEpoch,
  );
  assert.equal(answer?.decision?.chosen?.authority, 4, 'what safety decided');
});
