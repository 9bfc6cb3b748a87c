import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ConnectError } from '@connectrpc/connect';
import {
  AccountService,
  FleetService,
  LeaseHeldSchema,
  MissionService,
  SiteService,
  type WatchSiteResponse,
} from '@sigma/proto';
import { FakeEdge } from '../testing/fake-edge.ts';
import { codeOf, handsOf, signIn, until } from '../testing/hub-people.ts';
import { layDatabase } from '../testing/laid-database.ts';
import { oneAtATime } from '../testing/one-at-a-time.ts';
import { type Hub, startHub } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'sigma-people-'));
let hub: Hub;
let edge: FakeEdge;
let boss: ReturnType<typeof handsOf>;

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
  boss = handsOf(hub.url, await signIn(hub.url, hub.operator.email, hub.operator.password ?? ''));
  edge = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r1', 'r2'] });
  await edge.linked();
  for (const agentId of ['r1', 'r2']) {
    edge.telemetry(agentId, 'state', [1, 2, 0, 0, 0.9, 40]);
    edge.status(agentId);
  }
  await until(
    () => boss(FleetService).listAgents({}),
    ({ agents }) =>
      agents.filter(({ status, state }) => status?.mode === 'automatic' && state !== undefined).length === 2,
  );
});
after(async () => {
  await edge.cut();
  await hub.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Somebody with an account of that role, signed in. */
async function somebody(name: string, role: string) {
  const email = `${name}@example.org`;
  const { account, password } = await boss(AccountService).createAccount({ email, name, role });
  return { id: account?.id ?? '', email, password, hands: handsOf(hub.url, await signIn(hub.url, email, password)) };
}

test('a new account can sign in with the password that was told once, and is what it was made', async () => {
  const ann = await somebody('ann', 'operator');
  const me = await ann.hands(AccountService).whoAmI({});
  assert.deepEqual(
    [me.accountId, me.email, me.role, me.holder],
    [ann.id, 'ann@example.org', 'operator', 'operator:ann@example.org'],
  );
  assert.ok(ann.password.length >= 20);
  assert.equal(await codeOf(somebody('ann', 'viewer')), 'AlreadyExists');
  assert.equal(
    await codeOf(boss(AccountService).createAccount({ email: 'nobody', role: 'viewer' })),
    'InvalidArgument',
  );
  assert.equal(await codeOf(boss(AccountService).createAccount({ email: 'x@y.z', role: 'king' })), 'InvalidArgument');
  const { accounts } = await until(
    () => boss(AccountService).listAccounts({}),
    (list) => list.accounts.some(({ id, seenTimeUs }) => id === ann.id && seenTimeUs > 0n),
  );
  assert.deepEqual(
    accounts.map(({ email, role }) => `${email} ${role}`),
    ['operator@sigma.local administrator', 'ann@example.org operator'],
  );
});

test('the last administrator stays one, and two cannot remove each other', async () => {
  const accounts = boss(AccountService);
  const { accountId } = await accounts.whoAmI({});
  assert.equal(await codeOf(accounts.setAccountRole({ accountId, role: 'viewer' })), 'FailedPrecondition');
  assert.equal(await codeOf(accounts.removeAccount({ accountId })), 'FailedPrecondition');
  assert.equal(await codeOf(accounts.setAccountRole({ accountId, role: 'administrator' })), 'answered');
  const eve = await somebody('eve', 'administrator');
  const codes = await Promise.all([
    codeOf(eve.hands(AccountService).setAccountRole({ accountId, role: 'viewer' })),
    codeOf(accounts.setAccountRole({ accountId: eve.id, role: 'viewer' })),
  ]);
  assert.equal(codes.filter((code) => code === 'answered').length, 1, codes.join(' '));
  const { accounts: all } = await eve
    .hands(AccountService)
    .listAccounts({})
    .catch(() => accounts.listAccounts({}));
  const left = all.filter(({ role }) => role === 'administrator');
  assert.equal(left.length, 1);
  // Whoever is left gives the first one its role back.
  if (left[0]?.id === eve.id) await eve.hands(AccountService).setAccountRole({ accountId, role: 'administrator' });
  await accounts.removeAccount({ accountId: eve.id });
});

test('a role that is taken counts at the next call, the stream goes on, and leases are returned and recorded', async () => {
  const bob = await somebody('bob', 'operator');
  await bob.hands(FleetService).takeLease({ agentId: 'r1', seconds: 600 });
  const stream = bob.hands(SiteService).watchSite({ rate: 20 })[Symbol.asyncIterator]();
  await stream.next();
  await boss(AccountService).setAccountRole({ accountId: bob.id, role: 'viewer' });
  assert.equal(
    await codeOf(bob.hands(FleetService).stopAgents({ agentIds: ['r2'], stop: 'normal' })),
    'PermissionDenied',
  );
  assert.equal((await bob.hands(AccountService).whoAmI({})).role, 'viewer');
  for (let k = 0; k < 5; k++) assert.equal((await stream.next()).done, false);
  await stream.return?.();
  await edge.order(({ agentId, order }) => agentId === 'r1' && order.case === 'release');
  assert.equal((await boss(FleetService).getAgent({ agentId: 'r1' })).agent?.leaseExpiresTimeUs, 0n);
});

test('whoever is removed is nobody at once: his calls and his open stream end', async () => {
  const carl = await somebody('carl', 'engineer');
  // Before the hub looks again by itself, fifteen seconds after a stream was opened.
  const signal = AbortSignal.timeout(14_000);
  const stream = carl.hands(SiteService).watchSite({ rate: 1 }, { signal })[Symbol.asyncIterator]();
  await stream.next();
  const ended = codeOf(
    (async () => {
      while ((await stream.next()).done !== true);
    })(),
  );
  await boss(AccountService).removeAccount({ accountId: carl.id });
  assert.equal(await ended, 'Unauthenticated');
  assert.equal(await codeOf(carl.hands(FleetService).listAgents({})), 'Unauthenticated');
  await assert.rejects(signIn(hub.url, carl.email, carl.password), /401/);
});

test('what people do is written down with whom, on what and what came of it, refusals included, and no secret', async () => {
  const dora = await somebody('dora', 'operator');
  const acts = boss(AccountService);
  await dora
    .hands(FleetService)
    .stopAgents({ agentIds: ['r1', 'ghost'], stop: 'normal' })
    .catch(() => undefined);
  await dora.hands(FleetService).stopAgents({ stop: 'protective' });
  await codeOf(dora.hands(AccountService).removeAccount({ accountId: 'x' }));
  await codeOf(dora.hands(AccountService).removeAccount({ accountId: 'x' }));
  const { acts: hers } = await until(
    () => acts.listActs({ actor: 'operator:dora@example.org' }),
    (list) => list.acts.length >= 3,
  );
  assert.deepEqual(
    hers.map(({ act, targets, summary, outcome }) => [act, targets.join(' '), summary, outcome]),
    [
      ['RemoveAccount', 'x', 'removed the account', 'refused'],
      ['StopAgents', '*', 'protective stop of every robot', 'accepted'],
      ['StopAgents', 'r1 ghost', 'normal stop of 2 robots', 'refused'],
    ],
  );
  assert.match(hers[0]?.reason ?? '', /needs the role administrator/);
  const onR2 = await acts.listActs({ target: 'r2' });
  assert.ok(onR2.acts.some(({ summary }) => summary === 'protective stop of every robot'));
  const first = await acts.listActs({ limit: 2 });
  const second = await acts.listActs({ limit: 2, beforeTimeUs: first.acts[1]?.timeUs ?? 0n });
  const times = [...first.acts, ...second.acts].map(({ timeUs }) => timeUs);
  assert.equal(new Set(times).size, 4);
  assert.deepEqual(
    times,
    [...times].sort((a, b) => (a > b ? -1 : 1)),
  );
  const everything = JSON.stringify((await acts.listActs({ limit: 1000 })).acts.map((act) => ({ ...act, timeUs: 0 })));
  assert.ok(!everything.includes(dora.password));
});

test('two operators on one robot: the second is told who holds it and until when, and taking over shows at once', async () => {
  const [fay, gus] = [await somebody('fay', 'operator'), await somebody('gus', 'operator')];
  const lease = await fay.hands(FleetService).takeLease({ agentId: 'r2', seconds: 60 });
  const refused = await gus
    .hands(FleetService)
    .takeLease({ agentId: 'r2' })
    .catch((error: unknown) => ConnectError.from(error));
  assert.ok(refused instanceof ConnectError);
  const [held] = refused.findDetails(LeaseHeldSchema);
  assert.deepEqual(
    [held?.agentId, held?.holder, held?.expiresTimeUs],
    ['r2', 'operator:fay@example.org', lease.expiresTimeUs],
  );
  const stream = fay.hands(SiteService).watchSite({ rate: 20 })[Symbol.asyncIterator]();
  await stream.next();
  await gus.hands(FleetService).takeLease({ agentId: 'r2', takeOver: true });
  for (let holder = ''; holder !== 'operator:gus@example.org'; ) {
    const { value }: { value?: WatchSiteResponse } = await stream.next();
    holder = value?.statuses.find(({ agentId }) => agentId === 'r2')?.leaseHolder ?? holder;
  }
  await stream.return?.();
  const command = { name: 'hold', kind: { case: 'setPoint' as const, value: { durationUs: 1_000n } } };
  assert.equal(await codeOf(fay.hands(FleetService).commandAgent({ agentId: 'r2', command })), 'FailedPrecondition');
  await gus.hands(FleetService).returnLease({ agentId: 'r2' });
});

test('missions are listed by status and page, and moved in the queue', async () => {
  const missions = boss(MissionService);
  const goal = { goal: { case: 'patrol' as const, value: { points: [{ xM: 1, yM: 2 }] } } };
  const ids: string[] = [];
  for (const name of ['a', 'b', 'c']) ids.unshift((await missions.createMission({ name, goal })).mission?.id ?? '');
  await missions.cancelMission({ missionId: ids[1] as string });
  const page = await missions.listMissions({ limit: 2 });
  const last = page.missions.at(-1)?.createdTimeUs ?? 0n;
  const rest = await missions.listMissions({ limit: 2, beforeTimeUs: last });
  assert.deepEqual(
    [...page.missions, ...rest.missions].map(({ id }) => id),
    ids,
  );
  const cancelled = await missions.listMissions({ statuses: [5] });
  assert.deepEqual(
    cancelled.missions.map(({ id }) => id),
    [ids[1]],
  );
  const moved = await missions.setMissionPriority({ missionId: ids[0] as string, priority: 9 });
  assert.equal(moved.mission?.priority, 9);
  assert.equal(await codeOf(missions.setMissionPriority({ missionId: ids[1] as string })), 'FailedPrecondition');
  assert.equal(await codeOf(missions.setMissionPriority({ missionId: 'none' })), 'NotFound');
  assert.equal(
    await codeOf(missions.setMissionPriority({ missionId: ids[0] as string, priority: 5_000 })),
    'InvalidArgument',
  );
});
