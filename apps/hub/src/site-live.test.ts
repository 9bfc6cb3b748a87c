import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  AlertLevel,
  AlertService,
  FleetService,
  type Mark,
  RecordService,
  SimulationService,
  SiteService,
  type WatchSiteResponse,
} from '@sigma/proto';
import { FakeEdge } from '../testing/fake-edge.ts';
import { codeOf, handsOf, signIn, until } from '../testing/hub-people.ts';
import { layDatabase } from '../testing/laid-database.ts';
import { oneAtATime } from '../testing/one-at-a-time.ts';
import { type Hub, startHub } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'sigma-live-'));
let hub: Hub;
let edge: FakeEdge;
let hands: ReturnType<typeof handsOf>;

before(async () => {
  const site = { json: '{}', digest: 'd1' };
  hub = await startHub({
    tenant: 'acme',
    dataDir: await layDatabase(directory),
    port: 0,
    site,
    supervisor: oneAtATime,
    faults: ['heat'],
  });
  hands = handsOf(hub.url, await signIn(hub.url, hub.operator.email, hub.operator.password ?? ''));
  edge = new FakeEdge({
    url: hub.url,
    joinToken: hub.joinToken,
    agentIds: ['r1', 'r2'],
    capabilities: ['drive', 'load'],
    answers: ({ agentId, order }) =>
      order.case === 'fences' && agentId === 'r2'
        ? { accepted: false, reason: 'older than mine' }
        : { accepted: true, reason: '' },
  });
  await edge.linked();
  for (const agentId of ['r1', 'r2']) {
    edge.telemetry(agentId, 'state', [agentId === 'r1' ? 1 : 9, 2, 0, 0, 0.9, 40]);
    edge.status(agentId);
  }
  await until(
    () => hands(FleetService).listAgents({}),
    ({ agents }) =>
      agents.filter(({ state, status }) => status?.mode === 'automatic' && state !== undefined).length === 2,
  );
});
after(async () => {
  await edge.cut();
  await hub.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Reads a watcher's updates until the test has seen enough. */
async function watch<T>(request: object, look: (update: WatchSiteResponse) => T | undefined): Promise<T> {
  for await (const update of hands(SiteService).watchSite({ rate: 20, ...request })) {
    const found = look(update);
    if (found !== undefined) return found;
  }
  throw new Error('the stream has ended');
}
const square = [
  { xM: 1, yM: 1 },
  { xM: 4, yM: 1 },
  { xM: 4, yM: 4 },
];

test('a robot says which program drives it, and what it can do', async () => {
  const { agent, channels, bands } = await hands(FleetService).getAgent({ agentId: 'r1' });
  assert.deepEqual(
    [agent?.edgeId, agent?.software, agent?.capabilities, agent?.leaseExpiresTimeUs],
    ['edge-1', 'fake-edge', ['drive', 'load'], 0n],
  );
  assert.deepEqual(
    channels.map(({ channel }) => channel),
    ['state', 'tracks'],
  );
  assert.deepEqual(bands, [], 'nothing was asked to be learned');
});

test('a fence is sent to every robot, answers come back one by one, watchers see it, and it can be taken away', async () => {
  const site = hands(SiteService);
  const request = { name: 'spill', kind: 'slow', speedMps: 0.3, polygon: { points: square }, idempotencyKey: 'k' };
  const drawn = await site.putFence(request);
  assert.deepEqual(
    drawn.receipts.map(({ agentId, outcome, reason }) => `${agentId} ${outcome} ${reason}`.trim()),
    ['r1 accepted', 'r2 refused older than mine'],
  );
  assert.equal((await site.putFence(request)).fence?.id, drawn.fence?.id);
  const order = await edge.order((one) => one.order.case === 'fences' && one.agentId === 'r1');
  const sent = order.order.case === 'fences' ? order.order.value : undefined;
  assert.deepEqual([sent?.fences[0]?.id, sent?.fences[0]?.speedMps], [drawn.fence?.id, 0.3]);
  assert.match(order.issuer, /^operator:[0-9a-f]{32}$/, 'robots, and what they record, know people by an alias');
  const seen = await watch({}, ({ fences }) => fences?.fences);
  assert.deepEqual(
    seen.map(({ id, createdBy }) => [id, createdBy]),
    [[drawn.fence?.id, 'operator:operator@sigma.local']],
  );
  const refusal = await until(
    () => hands(AlertService).listAlerts({}),
    ({ alerts }) => alerts.some(({ cause }) => cause === 'fences:refused'),
  );
  assert.match(refusal.alerts[0]?.text ?? '', /does not obey .*older than mine/);
  let updates = 0;
  const gone = watch({}, ({ fences }) => {
    if (updates++ === 0) void site.removeFence({ fenceId: drawn.fence?.id ?? '' });
    return updates > 1 ? fences?.fences : undefined;
  });
  assert.deepEqual(await gone, []);
  assert.equal(await codeOf(site.removeFence({ fenceId: drawn.fence?.id ?? '' })), 'NotFound');
  assert.deepEqual((await site.listFences({})).fences, []);
});

test('a fence that cannot be is refused with what is wrong', async () => {
  const put = (over: object) =>
    codeOf(hands(SiteService).putFence({ kind: 'restricted', polygon: { points: square }, ...over }));
  for (const over of [
    { kind: 'wall' },
    { kind: 'slow', speedMps: 0 },
    { kind: 'slow', speedMps: Number.NaN },
    { polygon: { points: square.slice(1) } },
    { polygon: { points: [...square, { xM: Number.NaN, yM: 0 }] } },
    { polygon: { points: [...square, { xM: -1, yM: 0 }] } },
    { seconds: 4_000_000_000 },
    { name: 'x'.repeat(300) },
  ])
    assert.equal(await put(over), 'InvalidArgument', JSON.stringify(over));
});

test('faults in force are listed until they are cleared or the robot begins another life, and people stand where they were put', async () => {
  const bench = hands(SimulationService);
  await bench.injectFault({ agentId: 'r1', fault: 'heat', seconds: 600 });
  const { receipt } = await bench.placePerson({ xM: 8, yM: 2, seconds: 30 });
  assert.equal(receipt?.agentId, 'r2', 'the nearest places it');
  const order = await edge.order(({ agentId, order: body }) => agentId === 'r2' && body.case === 'fault');
  const fault = order.order.case === 'fault' ? order.order.value : undefined;
  assert.deepEqual([fault?.fault, fault?.at?.xM, fault?.forUs], ['person_at', 8, 30_000_000n]);
  const active = async () => (await bench.listFaults({})).active.map((one) => `${one.agentId} ${one.fault}`).sort();
  assert.deepEqual(await active(), ['r1 heat', 'r2 person_at']);
  await bench.injectFault({ agentId: 'r1', fault: 'heat', clear: true });
  assert.deepEqual(await active(), ['r2 person_at']);
  for (const over of [{ xM: Number.NaN }, { seconds: 0 }, { seconds: 601 }])
    assert.equal(await codeOf(bench.placePerson({ xM: 1, yM: 1, seconds: 5, ...over })), 'InvalidArgument');
});

test('what happens is marked with its decision, streamed at once, and found again by time', async () => {
  const decided = (atUs: bigint, sequence: bigint) =>
    edge.send({
      case: 'decision',
      value: { agentId: 'r1', atUs, decision: { sequence, rationale: 'slow down', context: { epoch: 1 } } },
    });
  const violation = {
    kind: 'physical',
    decisionSequence: 1,
    command: 'drive',
    quantity: 'xM',
    expected: 1,
    observed: 2,
  };
  const body = { type: 'violation', violation };
  const marks: Mark[] = [];
  const decisions: string[] = [];
  let told = false;
  await watch({ allDecisions: true }, (update) => {
    if (!told) {
      decided(10n, 1n);
      edge.send({
        case: 'event',
        value: { agentId: 'r1', atUs: 20n, signal: { name: 'violation', bodyJson: JSON.stringify(body) } },
      });
      decided(20n, 2n);
      told = true;
    }
    decisions.push(...update.decisions.map(({ agentId, decision }) => `${agentId} ${decision?.sequence}`));
    marks.push(...update.marks.filter(({ kind }) => kind === 'violation'));
    return marks.length > 0 && decisions.length === 2 ? true : undefined;
  });
  assert.deepEqual(decisions, ['r1 1', 'r1 2']);
  assert.deepEqual([marks[0]?.decisionSequence, marks[0]?.decisionEpoch, marks[0]?.agentId], [2n, 1, 'r1']);
  const records = hands(RecordService);
  const found = await records.listMarks({ kinds: ['violation'] });
  assert.equal(found.marks.length, 1);
  const acts = await records.listMarks({ kinds: ['act', 'fault'], newestFirst: true, limit: 1 });
  assert.deepEqual([acts.marks.length, acts.more], [1, true]);
  const steps = await records.listMarks({ kinds: ['decision'], agentId: 'r1', oldestFirst: true, limit: 1 });
  assert.deepEqual(
    steps.marks.map(({ kind, decisionSequence }) => [kind, decisionSequence]),
    [['decision', 1n]],
  );
  assert.equal(await codeOf(records.listMarks({ kinds: ['weather'] })), 'InvalidArgument');
  assert.equal(await codeOf(records.listMarks({ limit: 10_001 })), 'InvalidArgument');
  const site = await hands(FleetService).listSiteDecisions({ text: 'slow', limit: 1 });
  assert.equal(site.decisions.length, 1);
  assert.equal(await codeOf(hands(FleetService).listSiteDecisions({ authorities: ['king'] })), 'InvalidArgument');
});

test('alerts are silenced for a time but never a critical one, and how often each came is counted', async () => {
  const alerts = hands(AlertService);
  const entry = (condition: string, clear: string) => ({ condition, action: 'stop', cause: 'why', clear });
  const say = (...entries: object[]) =>
    edge.status('r1', { failsafe: entries.length > 0 ? 'stop' : '', failsafeEntries: entries } as object);
  say(entry('bumped', 'on_acknowledge'), entry('motor_overload', 'on_reset'));
  const standing = await until(
    () => alerts.listAlerts({}),
    (list) => list.alerts.filter(({ agentId }) => agentId === 'r1').length === 2,
  );
  assert.equal(standing.alerts[0]?.level, AlertLevel.CRITICAL);
  assert.equal(
    await codeOf(alerts.silenceAlerts({ cause: 'failsafe:motor_overload', seconds: 600 })),
    'FailedPrecondition',
  );
  assert.equal(await codeOf(alerts.silenceAlerts({ cause: 'failsafe:bumped', seconds: 59 })), 'InvalidArgument');
  const { silence } = await alerts.silenceAlerts({ cause: 'failsafe:bumped', seconds: 600, reason: 'known' });
  const bumped = async () => (await alerts.listAlerts({})).alerts.find(({ cause }) => cause === 'failsafe:bumped');
  assert.equal((await bumped())?.silencedUntilTimeUs, silence?.untilTimeUs);
  assert.deepEqual(
    (await alerts.listSilences({})).silences.map(({ by, reason }) => [by, reason]),
    [['operator:operator@sigma.local', 'known']],
  );
  await alerts.endSilence({ silenceId: silence?.id ?? '' });
  assert.equal((await bumped())?.silencedUntilTimeUs, 0n);
  say();
  const rates = await until(
    () => alerts.listAlertRates({}),
    (list) => list.rates.some(({ cause, stoodS }) => cause === 'failsafe:bumped' && stoodS > 0),
  );
  const rate = rates.rates.find(({ cause }) => cause === 'failsafe:bumped');
  assert.deepEqual([rate?.lastHour, rate?.lastDay, rate?.lastWeek, rate?.agentIds, rate?.level], [1, 1, 1, ['r1'], 3]);
});

test('stopping everything is one alert of the site, which explains what the robots say', async () => {
  const stopping = hands(FleetService).stopAgents({ stop: 'emergency' });
  const entry = { condition: 'operator_emergency_stop', action: 'emergency_stop', cause: 'ordered', clear: 'on_reset' };
  for (const agentId of ['r1', 'r2'])
    edge.status(agentId, { stop: 'emergency', failsafe: 'emergency_stop', failsafeEntries: [entry] } as object);
  await stopping;
  const { alerts } = await until(
    () => hands(AlertService).listAlerts({}),
    (list) =>
      list.alerts.filter(({ cause, rootId }) => cause === 'failsafe:operator_emergency_stop' && rootId !== '')
        .length === 2,
  );
  const root = alerts.find(({ cause }) => cause === 'stop:emergency');
  assert.deepEqual(new Set(alerts.map(({ rootId }) => rootId).filter((id) => id !== '')), new Set([root?.id]));
  const acknowledged = await hands(AlertService).acknowledgeAlert({ alertId: root?.id ?? '' });
  assert.equal(acknowledged.alert?.acknowledgedBy, 'operator:operator@sigma.local');
  const after = await hands(AlertService).listAlerts({});
  const acknowledgedNow = after.alerts.filter(({ acknowledgedBy }) => acknowledgedBy !== '').map(({ cause }) => cause);
  assert.deepEqual(acknowledgedNow.sort(), [
    'failsafe:operator_emergency_stop',
    'failsafe:operator_emergency_stop',
    'stop:emergency',
  ]);
});
