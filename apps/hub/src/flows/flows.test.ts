import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import type { Client } from '@connectrpc/connect';
import {
  AlertService,
  BlockSchema,
  type Envelope,
  EnvelopeSchema,
  FleetService,
  MissionService,
  OrderIssuedSchema,
  OrderSchema,
  RecordService,
  SignedOrderSchema,
  SiteService,
  StateChangeSchema,
} from '@sigma/proto';
import { sentFrame, shownFrame, verify } from '@sigma/recorder';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { testChain } from '@sigma/recorder/testing';
import { FakeEdge } from '../../testing/fake-edge.ts';
import { handsOf, signIn, until } from '../../testing/hub-people.ts';
import { layDatabase } from '../../testing/laid-database.ts';
import { oneAtATime } from '../../testing/one-at-a-time.ts';
import { type Hub, startHub } from '../index.ts';
import { FLOWS } from './flows.ts';
import { alertTrace, inputTrace, missionTrace, orderTrace, traceparent } from './trace.ts';

const directory = mkdtempSync(join(tmpdir(), 'sigma-flows-'));
let hub: Hub;
let edge: FakeEdge;
let fleet: Client<typeof FleetService>;
let missions: Client<typeof MissionService>;
let alerts: Client<typeof AlertService>;
let records: Client<typeof RecordService>;
let site: Client<typeof SiteService>;

before(async () => {
  const yard = { json: '{}', digest: 'd1' };
  hub = await startHub({
    tenant: 'acme',
    dataDir: await layDatabase(directory),
    port: 0,
    site: yard,
    supervisor: oneAtATime,
  });
  const hands = handsOf(hub.url, await signIn(hub.url, hub.operator.email, hub.operator.password ?? ''));
  fleet = hands(FleetService);
  missions = hands(MissionService);
  alerts = hands(AlertService);
  records = hands(RecordService);
  site = hands(SiteService);
  edge = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r1'] });
  await edge.linked();
  edge.status('r1');
});
after(async () => {
  await edge?.cut();
  await hub.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Everything on the hub's chain. */
async function recorded(): Promise<readonly Envelope[]> {
  const events: Envelope[] = [];
  for await (const { block } of records.readBlocks({ source: 'hub', epoch: 0 }))
    for (const bytes of fromBinary(BlockSchema, block).events) events.push(fromBinary(EnvelopeSchema, bytes));
  return events;
}
const changes = (events: readonly Envelope[], target: string, parent: string): readonly string[] =>
  events
    .filter(({ type, traceparent: of }) => type === 'sigma.state_change.v1' && of === parent)
    .map(({ data }) => fromBinary(StateChangeSchema, data))
    .filter((change) => change.target === target)
    .map(({ patchJson }) => patchJson);

const STATE = (motorC: number): readonly number[] => [1, 2, 0, 0.5, 0.9, motorC];
const title = (id: keyof typeof FLOWS): string => `${id} ${FLOWS[id].name} (${FLOWS[id].span})`;

test(title('F1'), async () => {
  edge.telemetry('r1', 'state', STATE(40));
  const { frames } = await until(
    () => fleet.getAgent({ agentId: 'r1' }),
    (found) => found.frames.length === 1,
  );
  assert.deepEqual([frames[0]?.values, frames[0]?.inputSequence], [STATE(40), 1n]);
});

test(`${title('F2')}, on to ${title('F11')} as far as people see it`, async () => {
  // Far hotter than its schema allows: a matter for now.
  edge.telemetry('r1', 'state', STATE(130));
  const found = await until(
    () => alerts.listAlerts({}),
    (list) => list.alerts.length > 0,
  );
  const alert = found.alerts[0];
  assert.equal(alert?.cause, 'band:state.motorC');
  await alerts.acknowledgeAlert({ alertId: alert?.id ?? '' });
  const parent = traceparent(alertTrace('acme', alert?.id ?? ''), 'F11');
  const patches = changes(await recorded(), `alert/${alert?.id}`, parent);
  assert.ok(patches.length >= 2, 'raised and acknowledged on one trace');
  assert.match(patches.at(-1) ?? '', /acknowledgedBy/);
});

test(`${title('F3')}, ${title('F4')}, ${title('F5')}: one frame, one trace, from the robot's question to the order in its hand and on record`, async () => {
  edge.telemetry('r1', 'state', STATE(41), { sequence: 100n });
  const basis = { epoch: 1, inputSequence: 100n };
  edge.send({ case: 'ask', value: { agentId: 'r1', task: { id: 't1' }, reason: 'new task', basis } });
  const plan = await edge.order(({ order }) => order.case === 'plan');
  // Whoever has the frame knows the trace: nobody had to carry it.
  const parent = traceparent(inputTrace('acme', 'r1', 1, 100), 'F5');
  assert.match(parent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  assert.equal(plan.traceparent, parent);
  const events = (await recorded()).filter((event) => event.traceparent === parent);
  assert.equal(events.length, 1);
  const issued = fromBinary(OrderIssuedSchema, (events[0] as Envelope).data);
  const signed = fromBinary(SignedOrderSchema, issued.signedOrder);
  assert.deepEqual(fromBinary(OrderSchema, signed.order), plan, 'the very order, as it was signed');

  // What the robot decided on it names the same basis, so its decision is on the same trace.
  const decision = { sequence: 1n, context: { epoch: 1, inputSequence: 101n }, planBasis: basis };
  edge.send({ case: 'decision', value: { agentId: 'r1', atUs: 5n, decision } });
  const { decisions } = await until(
    () => fleet.listDecisions({ agentId: 'r1' }),
    (list) => list.decisions.length === 1,
  );
  const named = decisions[0]?.decision?.planBasis;
  assert.equal(
    traceparent(inputTrace('acme', 'r1', named?.epoch ?? 0, Number(named?.inputSequence)), 'F5'),
    plan.traceparent,
  );
});

test(`${title('F6')}, as far as PostgreSQL`, async () => {
  const { components } = await until(
    () => site.getHealth({}),
    (health) => health.components.some(({ name, detail }) => name === 'history' && !detail.startsWith('0 ')),
  );
  assert.ok(components.every(({ ok }) => ok));
});

test(title('F8'), async () => {
  const goal = { goal: { case: 'patrol' as const, value: { points: [{ xM: 1, yM: 1 }] } } };
  const { mission } = await missions.createMission({ name: 'round', goal });
  const id = mission?.id ?? '';
  const assign = await edge.order(({ order }) => order.case === 'assign');
  assert.equal(assign.traceparent, traceparent(missionTrace('acme', id), 'F5'));
  const done = JSON.stringify({ taskId: `${id}.1`, status: 'done', reason: 'seen' });
  edge.send({ case: 'event', value: { agentId: 'r1', atUs: 9n, signal: { name: 'task', bodyJson: done } } });
  await until(
    () => missions.listMissions({}),
    (list) => list.missions[0]?.finishedTimeUs !== 0n,
  );
  const events = await recorded();
  assert.equal(changes(events, `mission/${id}`, traceparent(missionTrace('acme', id), 'F8')).length, 1, 'the wish');
  const planned = changes(events, `mission/${id}`, traceparent(missionTrace('acme', id), 'F4'));
  assert.match(planned.at(-1) ?? '', /"status":"done"/);
});

test(`${title('F10')}: a failsafe is told at once, and a person's stop leaves on a trace of its own`, async () => {
  const entry = {
    condition: 'overheated',
    action: 'thermal_shutdown',
    cause: 'motor at 95 degC',
    advice: 'let it cool',
  };
  edge.status('r1', { failsafe: 'thermal_shutdown', failsafeEntries: [entry] } as object);
  await until(
    () => alerts.listAlerts({}),
    (list) => list.alerts.some(({ cause }) => cause === 'failsafe:overheated'),
  );
  const { receipts } = await fleet.stopAgents({ agentIds: ['r1'], stop: 'emergency' });
  const stop = await edge.order(({ order }) => order.case === 'stop');
  const { issuer, sequence } = stop;
  assert.equal(receipts[0]?.outcome, 'accepted');
  assert.equal(stop.traceparent, traceparent(orderTrace('acme', 'r1', issuer, Number(sequence)), 'F5'));
  await until(recorded, (events) => events.some((event) => event.traceparent === stop.traceparent));
});

test(`${title('F12')}: what an edge recorded stands beside the hub's own record, whole, and open to whoever checks it`, async () => {
  const chain = testChain('r1', sha256);
  const sent = [chain.begin(), chain.notes(5), chain.notes(7)];
  const { tenant, source, epoch, sequence, hash } = chain.writer.head;
  const time = { us: 0, count: 0 };
  edge.send({ case: 'chainsShown', value: shownFrame([{ source, epoch, sequence, hash, acknowledged: 0 }], time) });
  const place = { tenant, source, epoch, firstSequence: 1, previousHash: new Uint8Array(32), hash, time };
  edge.send({ case: 'blocksSent', value: sentFrame({ ...place, blocks: sent.map(({ bytes }) => bytes) }) });
  const { path } = await until(
    () => records.listChains({}),
    ({ heads }) => heads.some((head) => head.source === 'r1' && head.sequence === BigInt(sequence)),
  );
  const recording = openSqliteRecording(path);
  const report = await verify(recording, { sha256, reexecutors: {} });
  await recording.close();
  assert.equal(report.firstFailure, null);
  assert.deepEqual(
    report.chains.map((one) => one.source),
    ['hub', 'r1'],
  );
  assert.ok(report.events > 10 + sequence);
});
