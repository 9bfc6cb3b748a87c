import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import {
  BlockSchema,
  EnvelopeSchema,
  FleetService,
  IngestService,
  MissionService,
  RecordService,
  SimulationService,
  SiteService,
} from '@sigma/proto';
import { FakeEdge, STATE_SCHEMA } from '../testing/fake-edge.ts';
import { until } from '../testing/hub-people.ts';
import { oneAtATime } from '../testing/one-at-a-time.ts';
import { SlowDesk } from '../testing/slow-desk.ts';
import { type Hub, type HubOptions, PortInUseError, startHub } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'sigma-hub-'));
const slowDesk = new SlowDesk();
const options: HubOptions = {
  tenant: 'acme',
  dataDir: directory,
  port: 0,
  site: { json: '{"name":"yard"}', digest: 'd1' },
  supervisor: oneAtATime,
  faults: ['overheating'],
  onPace: () => undefined,
  forks: () => slowDesk,
  questions: () => ({
    ask: async () => ({ columns: [], rows: [[1]], cut: false, objects: 0, objectsLeftOut: 0, hotEvents: 0 }),
  }),
};
let hub: Hub;
let password = '';
let bearer = '';

const carrying =
  (token: string): Interceptor =>
  (next) =>
  (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
const grpc = (token: string) => createGrpcTransport({ baseUrl: hub.url, interceptors: [carrying(token)] });
const refusedWith = (code: Code, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ConnectError);
  assert.equal(Code[error.code], Code[code], error.message);
  assert.match(error.message, text);
  return true;
};
const rest = (verb: string, path: string, body?: unknown, token = bearer) =>
  fetch(`${hub.url}${path}`, {
    method: verb,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
async function signIn(secret: string): Promise<Response> {
  const body = JSON.stringify({ email: 'operator@sigma.local', password: secret });
  return fetch(`${hub.url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
}
before(async () => {
  hub = await startHub(options);
  password = hub.operator.password ?? '';
  const answer = await signIn(password);
  assert.equal(answer.status, 200);
  bearer = answer.headers.get('set-auth-token') ?? '';
});
after(async () => {
  await hub.close();
  rmSync(directory, { recursive: true, force: true });
});

test('the first start makes one account, says its password once and keeps it nowhere', async () => {
  assert.ok(password.length >= 20);
  assert.equal(hub.operator.email, 'operator@sigma.local');
  assert.equal((await signIn('not the password')).status, 401);
  const signUp = await fetch(`${hub.url}/api/auth/sign-up/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'eve@example.org', name: 'Eve', password: 'a-long-password-of-eve' }),
  });
  assert.equal(signUp.status, 400);
  for (const file of readdirSync(join(directory, 'keys'))) {
    assert.ok(!readFileSync(join(directory, 'keys', file), 'utf8').includes(password));
  }
});

test('gRPC, gRPC-Web and Connect JSON answer on one port, over HTTP/2 and HTTP/1.1', async () => {
  const interceptors = [carrying(bearer)];
  const transports = [
    createGrpcTransport({ baseUrl: hub.url, interceptors }),
    createGrpcWebTransport({ baseUrl: hub.url, httpVersion: '1.1', interceptors }),
    createConnectTransport({ baseUrl: hub.url, httpVersion: '1.1', useBinaryFormat: false, interceptors }),
    createConnectTransport({ baseUrl: hub.url, httpVersion: '2', interceptors }),
  ];
  for (const transport of transports) {
    const site = await createClient(SiteService, transport).getSite({});
    assert.deepEqual(
      { json: site.siteJson, simulated: site.simulated, tenant: site.tenant },
      { json: '{"name":"yard"}', simulated: true, tenant: 'acme' },
    );
  }
});

test('an edge with a wrong token, tenant or agent is turned away with the reason', async () => {
  const wrong = new FakeEdge({ url: hub.url, joinToken: 'guess', agentIds: ['r9'] });
  await wrong.ended;
  assert.match(String(wrong.failure), /unauthenticated/);
  const foreign = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, tenant: 'other', agentIds: ['r9'] });
  await foreign.ended;
  assert.match(foreign.refusal, /tenant 'other' is not served here/);
  const odd = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['R 9'] });
  await odd.ended;
  assert.match(odd.refusal, /no agent id/);
  await assert.rejects(
    createClient(FleetService, grpc(hub.joinToken)).listAgents({}),
    refusedWith(Code.PermissionDenied, /needs the role viewer/),
  );
});

test('[L11] a mission becomes signed orders: assigned, planned when asked, done when the robot says so', async () => {
  const edge = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r1'] });
  await edge.linked();
  edge.telemetry('r1', 'state', [1, 2, 0, 0.5, 0.9, 40]);
  edge.status('r1');
  const fleet = createClient(FleetService, grpc(bearer));
  await until(
    () => fleet.listAgents({}),
    ({ agents }) => agents[0]?.state !== undefined && agents[0].linked,
  );
  const missions = createClient(MissionService, grpc(bearer));
  const goal = { goal: { case: 'patrol' as const, value: { points: [{ xM: 1, yM: 2 }] } } };
  const preview = await missions.previewMission({ goal });
  assert.equal(preview.detail, 'r1 does it');
  const sent = await missions.createMission({ name: 'round', goal, priority: 3, idempotencyKey: 'k1' });
  const again = await missions.createMission({ name: 'round', goal, priority: 3, idempotencyKey: 'k1' });
  assert.equal(again.mission?.id, sent.mission?.id);
  const assign = await edge.order((order) => order.order.case === 'assign');
  const taskId = assign.order.case === 'assign' ? (assign.order.value.task?.id ?? '') : '';
  assert.equal(taskId, `${sent.mission?.id}.1`);
  edge.send({
    case: 'ask',
    value: { agentId: 'r1', task: { id: taskId }, reason: 'new task', basis: { epoch: 1, inputSequence: 7n } },
  });
  const plan = await edge.order((order) => order.order.case === 'plan');
  assert.equal(plan.issuer, 'core');
  assert.ok(plan.sequence > assign.sequence);
  assert.ok(plan.expiresTimeUs > plan.issuedTimeUs);
  assert.equal(plan.order.case === 'plan' ? plan.order.value.basis?.inputSequence : 0n, 7n);
  edge.send({
    case: 'event',
    value: {
      agentId: 'r1',
      atUs: 1n,
      signal: { name: 'task', bodyJson: JSON.stringify({ taskId, status: 'done', reason: 'all points seen' }) },
    },
  });
  const ended = await until(
    () => missions.listMissions({}),
    (list) => list.missions[0]?.finishedTimeUs !== 0n,
  );
  assert.equal(ended.missions[0]?.detail, 'all points seen');
  assert.equal(edge.forged, 0);
  await edge.cut();
});

test('an operator takes the lease, commands, and hears what the robot said; others see who holds it', async () => {
  const edge = new FakeEdge({
    url: hub.url,
    joinToken: hub.joinToken,
    agentIds: ['r2'],
    edgeId: 'edge-2',
    answers: ({ order }) =>
      order.case === 'reset' ? { accepted: false, reason: 'not acknowledged' } : { accepted: true, reason: '' },
  });
  await edge.linked();
  edge.status('r2');
  const fleet = createClient(FleetService, grpc(bearer));
  await until(
    () => fleet.listAgents({}),
    ({ agents }) => agents.some(({ status, linked }) => status?.agentId === 'r2' && linked),
  );
  const command = { name: 'hold', kind: { case: 'setPoint' as const, value: { durationUs: 1_000_000n } } };
  await assert.rejects(
    fleet.commandAgent({ agentId: 'r2', command }),
    refusedWith(Code.FailedPrecondition, /take the control lease of 'r2' first/),
  );
  const lease = await fleet.takeLease({ agentId: 'r2', seconds: 60 });
  assert.equal(lease.holder, 'operator:operator@sigma.local');
  assert.equal((await fleet.getAgent({ agentId: 'r2' })).agent?.status?.leaseHolder, lease.holder);
  assert.equal((await fleet.commandAgent({ agentId: 'r2', command, rationale: 'look' })).receipt?.outcome, 'accepted');
  const reset = await fleet.resetAgent({ agentId: 'r2' });
  assert.deepEqual([reset.receipt?.outcome, reset.receipt?.reason], ['refused', 'not acknowledged']);
  const stop = await fleet.stopAgents({ agentIds: ['r2', 'r1'], stop: 'protective' });
  assert.deepEqual(
    stop.receipts.map(({ agentId, outcome }) => `${agentId} ${outcome}`),
    ['r2 accepted', 'r1 unreachable'],
  );
  const fault = await createClient(SimulationService, grpc(bearer)).injectFault({
    agentId: 'r2',
    fault: 'overheating',
    value: 1,
  });
  assert.equal(fault.receipt?.outcome, 'accepted');
  await fleet.returnLease({ agentId: 'r2' });
  const sequences = edge.orders.map(({ sequence }) => sequence);
  assert.deepEqual(
    sequences,
    [...sequences].sort((a, b) => (a < b ? -1 : 1)),
  );
  await assert.rejects(fleet.getAgent({ agentId: 'r404' }), refusedWith(Code.NotFound, /no robot 'r404'/));
  await edge.cut();
});

test('a newer link of the same edge takes the place of the older, which is told so', async () => {
  const older = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r3'], edgeId: 'edge-3' });
  await older.linked();
  const newer = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r3'], edgeId: 'edge-3' });
  await newer.linked();
  await older.ended;
  assert.match(older.refusal, /newer link of the same edge/);
  const thief = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r3'], edgeId: 'edge-4' });
  await thief.ended;
  assert.match(thief.refusal, /served by edge 'edge-3'/);
  const fleet = createClient(FleetService, grpc(bearer));
  await until(
    () => fleet.listAgents({}),
    ({ agents }) => agents.some(({ status, linked }) => status?.agentId === 'r3' && linked),
  );
  assert.equal((await fleet.stopAgents({ agentIds: ['r3'], stop: 'normal' })).receipts[0]?.outcome, 'accepted');
  await newer.cut();
});

test('bad telemetry is refused with its reason and its first example, and the good beside it is kept', async () => {
  const ingest: Client<typeof IngestService> = createClient(IngestService, grpc(hub.joinToken));
  const nowUs = BigInt(Date.now()) * 1000n;
  const frame = (sequence: number, values: number[], over: object = {}) => ({
    agentId: 'feed-1',
    channel: 'state',
    sequence: BigInt(sequence),
    timeUs: nowUs + BigInt(sequence) * 1000n,
    values,
    ...over,
  });
  const good = [0, 0, 0, 0, 0.5, 20];
  const answer = await ingest.ingestBatch({
    schemas: [STATE_SCHEMA],
    frames: [
      frame(1, good),
      frame(2, [Number.NaN, 0, 0, 0, 0.5, 20]),
      frame(3, [Number.POSITIVE_INFINITY, 0, 0, 0, 0.5, 20]),
      frame(4, [0, 0, 0, 0, 0.5, -400]),
      frame(5, [0, 0]),
      frame(6, good, { timeUs: nowUs + 3_600_000_000n }),
      frame(2, good),
      frame(1, good),
      frame(7, good, { channel: 'smell' }),
      frame(8, good),
    ],
  });
  const { frames } = await createClient(FleetService, grpc(bearer)).getAgent({ agentId: 'feed-1' });
  assert.equal(frames[0]?.sequence, 8n);
  assert.equal(answer.accepted, 3n);
  const reasons = Object.fromEntries(answer.reasons.map(({ reason, count, first }) => [reason, `${count} ${first}`]));
  assert.deepEqual(Object.keys(reasons).sort(), [
    'duplicate',
    'future',
    'not_a_number',
    'out_of_order',
    'out_of_range',
    'unknown_channel',
    'wrong_length',
  ]);
  assert.match(reasons['out_of_range'] ?? '', /^1 feed-1\/state sequence 4: motorC is -400 degC, beyond -273.15/);
  assert.match(reasons['wrong_length'] ?? '', /2 values for 6 fields/);
  const foreign = await ingest.ingestBatch({ frames: [frame(1, good, { agentId: 'stranger' })] });
  assert.deepEqual(
    foreign.reasons.map(({ reason }) => reason),
    ['unknown_agent'],
  );
});

test('a watcher gets the roster once, positions in its order, and only what changed', async () => {
  const edge = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r5', 'r6'], edgeId: 'edge-5' });
  await edge.linked();
  edge.telemetry('r5', 'state', [5, 50, 0.1, 1, 0.8, 30]);
  edge.telemetry('r6', 'state', [6, 60, 0.2, 1, 0.7, 30]);
  edge.telemetry('r5', 'tracks', [1, 0, 7, 8, 2, 1, 9, 9]);
  edge.status('r5', {
    failsafe: 'protective_stop',
    failsafeEntries: [
      { condition: 'overheated', action: 'protective_stop', cause: 'motor at 95 degC', advice: 'let it cool' },
    ],
  } as object);
  const site = createClient(SiteService, grpc(bearer));
  let roster: string[] = [];
  let alerts = 0;
  for await (const view of site.watchSite({ rate: 20, follow: ['r5'] })) {
    if (view.agentIds.length > 0) roster = view.agentIds;
    alerts += view.alerts.filter(({ agentId, cause }) => agentId === 'r5' && cause === 'failsafe:overheated').length;
    const at = roster.indexOf('r5');
    if (view.xM[at] === 5 && view.yM[roster.indexOf('r6')] === 60 && view.peopleM.length === 2 && alerts > 0) break;
  }
  assert.equal(alerts, 1);
  const standing = (await (await rest('GET', '/api/v1/alerts')).json()) as {
    alerts: { id: string; text: string; agentId: string; level: string; advice: string }[];
  };
  assert.equal(standing.alerts[0]?.level, 'ALERT_LEVEL_CRITICAL');
  assert.equal(standing.alerts[0]?.advice, 'let it cool');
  await edge.cut();
});

test('each REST route answers once, as the OpenAPI document says', async () => {
  const edge = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r7'], edgeId: 'edge-7' });
  await edge.linked();
  edge.telemetry('r7', 'state', [1, 2, 0, 0.5, 0.9, 40]);
  edge.status('r7', {
    failsafe: 'x',
    failsafeEntries: [{ condition: 'c', action: 'x', cause: 'why', advice: 'do' }],
  } as object);
  const fleet = createClient(FleetService, grpc(bearer));
  await until(
    () => fleet.listAgents({}),
    ({ agents }) =>
      agents.some(({ status, linked, state }) => status?.agentId === 'r7' && linked && state !== undefined),
  );
  const mission = { name: 'm', goal: { patrol: { points: [{ xM: 1, yM: 1 }] } } };
  const created = (await (await rest('POST', '/api/v1/missions', mission)).json()) as { mission: { id: string } };
  const alerts = await until(
    async () => (await (await rest('GET', '/api/v1/alerts')).json()) as { alerts: { id: string }[] },
    (found) => found.alerts.length > 0,
  );
  const triangle = [1, 2, 3].map((k) => ({ xM: k, yM: k * k }));
  const fence = { kind: 'slow', speedMps: 0.5, polygon: { points: triangle } };
  const silence = { cause: 'band:state.motorC', seconds: 60 };
  const made = async (path: string, body: unknown) => (await (await rest('POST', path, body)).json()) as Made;
  interface Made {
    readonly fence: { id: string };
    readonly silence: { id: string };
    readonly account: { id: string };
    readonly fork: { id: string };
    readonly trial: { id: string };
    readonly import: { id: string };
  }
  const line = '{"specversion":"1.0","id":"a","source":"s","type":"t"}';
  const file = { name: 'f', bytes: String(line.length) };
  const piece = { offset: '0', data: Buffer.from(line).toString('base64') };
  // Of the first of this desk another is forked, so that it cannot be removed.
  await made('/api/v1/forks', {});
  const parts: Record<string, string> = {
    agent_id: 'r7',
    mission_id: created.mission.id,
    alert_id: alerts.alerts[0]?.id ?? '',
    fence_id: (await made('/api/v1/fences', fence)).fence.id,
    silence_id: (await made('/api/v1/silences', silence)).silence.id,
    account_id: (await made('/api/v1/accounts', { email: 'ann@example.org', role: 'viewer' })).account.id,
    time_us: '1',
    source: 'hub',
    epoch: '0',
    sequence: '1',
    fork_id: (await made('/api/v1/forks', {})).fork.id,
    trial_id: (await made('/api/v1/trials', {})).trial.id,
    import_id: (await made('/api/v1/imports', file)).import.id,
  };
  await made(`/api/v1/imports/${parts['import_id']}/pieces`, piece);
  await until(
    async () => JSON.stringify(await (await rest('GET', `/api/v1/imports/${parts['import_id']}`)).json()),
    (said) => said.includes('"state":"done"'),
  );
  const bodies: Record<string, unknown> = {
    FleetService_StopAgents: { agentIds: ['r7'], stop: 'normal' },
    FleetService_CommandAgent: { command: { name: 'hold', setPoint: { durationUs: '1000' } } },
    FleetService_SetAgentMode: { mode: 'manual' },
    MissionService_CreateMission: mission,
    MissionService_PreviewMission: { goal: mission.goal },
    MissionService_SetMissionPriority: { priority: 4 },
    SimulationService_InjectFault: { agentId: 'r7', fault: 'overheating' },
    SimulationService_PlacePerson: { xM: 1, yM: 1, seconds: 5 },
    SimulationService_SetSpeed: { speed: 1 },
    SiteService_PutFence: fence,
    SiteService_ReviseFence: { version: 1, note: 'until noon' },
    AlertService_SilenceAlerts: silence,
    AccountService_CreateAccount: { email: 'bob@example.org', role: 'operator' },
    AccountService_SetAccountRole: { role: 'engineer' },
    ArchiveService_QueryEvents: { sql: 'SELECT 1' },
    ImportService_BeginImport: file,
    ImportService_SendImportPiece: piece,
  };
  const document = (await (await fetch(`${hub.url}/api/openapi.json`)).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { operationId: string; description: string }>>;
  };
  assert.equal(document.openapi, '3.1.0');
  const operations = Object.entries(document.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => ({ path, verb, ...operation })),
  );
  assert.ok(operations.length >= 20);
  const last = (id: string): number =>
    /_(ReturnLease|CancelMission|RemoveAccount|RemoveFork|RemoveFence|RemoveImport)$/.test(id)
      ? 2
      : id.endsWith('TakeLease')
        ? 0
        : 1;
  for (const { path, verb, operationId, description } of operations.sort(
    (a, b) => last(a.operationId) - last(b.operationId),
  )) {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => parts[name] as string);
    const body = verb === 'post' ? (bodies[operationId] ?? {}) : undefined;
    const token = description.includes('role edge') ? hub.joinToken : bearer;
    const answer = await rest(verb.toUpperCase(), filled, body, token);
    assert.equal(answer.status, 200, `${operationId}: ${await answer.clone().text()}`);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    const closed = await fetch(`${hub.url}${filled}`, {
      method: verb.toUpperCase(),
      ...(body === undefined ? {} : { body: '{}', headers: { 'content-type': 'application/json' } }),
    });
    assert.equal(closed.status, 401, operationId);
  }
  await edge.cut();
});

test('a wrong REST request is told what is wrong with it', async () => {
  const wrong = async (verb: string, path: string, body?: unknown): Promise<string> => {
    const answer = await rest(verb, path, body);
    return `${answer.status} ${((await answer.json()) as { message: string }).message}`;
  };
  assert.match(await wrong('GET', '/api/v1/agents/nobody'), /^404 there is no robot 'nobody'/);
  assert.match(await wrong('GET', '/api/v1/nothing'), /^404 there is no \/api\/v1\/nothing/);
  assert.match(await wrong('DELETE', '/api/v1/missions'), /^405 .* answers POST and GET/);
  assert.match(await wrong('GET', '/api/v1/alerts?colour=red'), /^400 there is no parameter 'colour'/);
  assert.match(await wrong('GET', '/api/v1/alerts?include_cleared=maybe'), /^400 'include_cleared' is true or false/);
  assert.match(await wrong('POST', '/api/v1/missions', { name: 'x' }), /^400 a mission has a goal/);
  assert.match(
    await wrong('POST', '/api/v1/missions', { goal: { cover: { polygon: { points: [{ xM: 1, yM: 1 }] } } } }),
    /^400 a polygon has at least three points/,
  );
  assert.match(await wrong('POST', '/api/v1/missions', { gaol: 1 }), /^400 .*gaol/);
  assert.match(await wrong('POST', '/api/v1/stop', { stop: 'please' }), /^400 stop is/);
});

test('pages are guarded: policy headers, a page for people, and no foreign page acts with our cookie', async () => {
  const page = await fetch(`${hub.url}/api`);
  assert.match(await page.text(), /SigmaPrompt hub API/);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'.*frame-ancestors 'none'/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.equal((await fetch(`${hub.url}/healthz`)).status, 200);
  const cookie = (await signIn(password)).headers.get('set-cookie')?.split(';')[0] ?? '';
  const call = (origin: string) =>
    fetch(`${hub.url}/api/v1/stop`, {
      method: 'POST',
      headers: { cookie, origin, 'content-type': 'application/json' },
      body: '{"stop":"normal"}',
    });
  assert.equal((await call('http://evil.example')).status, 403);
  assert.equal((await call(hub.url)).status, 200);
});

test('what the hub did stands in its own chain, and anyone with the right can read the blocks', async () => {
  const records = createClient(RecordService, grpc(bearer));
  const { heads } = await records.listChains({});
  assert.deepEqual(
    heads.map(({ tenant, source, epoch }) => ({ tenant, source, epoch })),
    [{ tenant: 'acme', source: 'hub', epoch: 0 }],
  );
  const types = new Map<string, number>();
  let next = 1n;
  for await (const { block } of records.readBlocks({ source: 'hub', epoch: 0 })) {
    const { events, firstSequence } = fromBinary(BlockSchema, block);
    assert.equal(firstSequence, next);
    next += BigInt(events.length);
    for (const event of events) {
      const { type } = fromBinary(EnvelopeSchema, event);
      types.set(type, (types.get(type) ?? 0) + 1);
    }
  }
  assert.equal(types.get('sigma.opening.v1'), 1);
  for (const type of ['sigma.order.v1', 'sigma.state_change.v1', 'sigma.signal.v1'])
    assert.ok((types.get(type) ?? 0) > 3, type);
});

test('a port in use is named with the way out, and a start that fails leaves nothing behind', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await new Promise((listening) => blocker.once('listening', listening));
  const { port } = blocker.address() as { port: number };
  const elsewhere = mkdtempSync(join(tmpdir(), 'sigma-hub-'));
  await assert.rejects(
    startHub({ ...options, dataDir: elsewhere, port }),
    (error: Error) => error instanceof PortInUseError && error.message.includes(`port ${port} is in use`),
  );
  assert.deepEqual(readdirSync(elsewhere), []);
  await assert.rejects(startHub(options), /is in use by process/);
  blocker.close();
  rmSync(elsewhere, { recursive: true });
});

test('[L7] a file of another program is brought over REST: read apart from the hub, an act on record, and gone when deleted', async () => {
  const event = { specversion: '1.0', id: 'a', source: '/shop', type: 'sold', time: '2026-03-01T12:00:00Z', data: 3 };
  const file = Buffer.from(JSON.stringify(event));
  const name = 'shop of <b>Eve</b>.jsonl';
  type Answer = { import: { id: string; name: string; state: string; events: string } };
  const answered = async (answer: Promise<Response>) => (await (await answer).json()) as Answer;
  const begun = await answered(rest('POST', '/api/v1/imports', { name, bytes: String(file.length) }));
  assert.equal(begun.import.name, name);
  const path = `/api/v1/imports/${begun.import.id}`;
  await rest('POST', `${path}/pieces`, { offset: '0', data: file.toString('base64') });
  const made = await until(
    () => answered(rest('GET', path)),
    (one) => one.import.state === 'done',
  );
  assert.deepEqual([made.import.events, made.import.name], ['1', name]);
  const timeUs = Date.UTC(2026, 2, 1, 12) * 1000;
  const moment = await (await rest('GET', `${path}/moments/${timeUs}`)).json();
  assert.equal((moment as { values: { text: string }[] }).values[0]?.text, '3');
  assert.equal((await rest('POST', `${path}/pieces`, { offset: '0', data: '' }, 'nobody')).status, 401);
  const folder = join(directory, 'imports', begun.import.id);
  const kept =
    readFileSync(join(folder, 'import.json'), 'utf8') + readFileSync(join(folder, 'recording.sqlite'), 'latin1');
  assert.doesNotMatch(kept, /Eve/, 'what a person wrote lies sealed on the hub, not here');
  assert.equal((await rest('DELETE', path)).status, 200);
  assert.equal((await rest('GET', path)).status, 404);
  const acts = (await (await rest('GET', '/api/v1/acts')).json()) as { acts: { act: string; summary: string }[] };
  const brought = acts.acts.filter(({ act }) => /Import/.test(act)).map(({ act, summary }) => `${act} ${summary}`);
  assert.deepEqual(brought.slice(0, 2), [
    'RemoveImport deleted the imported timeline',
    `BeginImport brought the file '${name}' of ${file.length} bytes as a timeline`,
  ]);
});

test('[L11] after a restart: same key, sequences go on above, the account stays, the mission that ran runs again', async () => {
  const before = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r8'], edgeId: 'edge-8' });
  const welcome = await before.linked();
  before.telemetry('r8', 'state', [1, 2, 0, 0.5, 0.9, 40]);
  before.status('r8');
  const fleet = createClient(FleetService, grpc(bearer));
  await until(
    () => fleet.listAgents({}),
    ({ agents }) => agents.some(({ status, state }) => status?.agentId === 'r8' && state !== undefined),
  );
  await fleet.stopAgents({ agentIds: ['r8'], stop: 'normal' });
  const last = before.orders.at(-1)?.sequence ?? 0n;
  await hub.close();
  hub = await startHub(options);
  assert.equal(hub.operator.password, null);
  const edge = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r8'], edgeId: 'edge-8', epoch: 2 });
  assert.deepEqual((await edge.linked()).orderKey, welcome.orderKey);
  edge.status('r8');
  const later = createClient(FleetService, grpc(bearer));
  await until(
    () => later.listAgents({}),
    ({ agents }) => agents.some(({ status, linked }) => status?.agentId === 'r8' && linked),
  );
  await later.stopAgents({ agentIds: ['r8'], stop: 'normal' });
  assert.ok((edge.orders.at(-1)?.sequence ?? 0n) > last);
  const { missions } = await createClient(MissionService, grpc(bearer)).listMissions({});
  assert.ok(missions.length >= 3);
  const chains = await createClient(RecordService, grpc(bearer)).listChains({});
  assert.deepEqual(
    chains.heads.map(({ epoch }) => epoch),
    [0, 1],
  );
  await edge.cut();
});

test('too many sign-ins in a minute are refused', async () => {
  const answers: number[] = [];
  for (let k = 0; k < 14; k++) answers.push((await signIn('wrong wrong wrong')).status);
  assert.ok(answers.includes(429), answers.join(' '));
});
