import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { BrokenRuleSchema, type Fork, ForkService, Role } from '@sigma/proto';
import { SlowDesk } from '../../testing/slow-desk.ts';
import { roleOf } from '../door/authorise.ts';
import { PRINCIPAL, type Principal } from '../identity/principal.ts';
import type { ForkDesk } from './fork-desk.ts';
import { forkQueries } from './forks.ts';

const NOW_US = 1_700_000_000_000_000;

const ADA: Principal = { kind: 'person', id: 'p1', email: 'ada@x', holder: 'person:ada@x', role: Role.ENGINEER };

function clientOf(forks: ForkDesk | null) {
  const clock = { nowUs: () => NOW_US } as never;
  const transport = createRouterTransport(
    ({ service }) => service(ForkService, forkQueries({ tenant: 'acme', clock, forks })),
    {
      router: {
        interceptors: [
          (next) => (request) => {
            request.contextValues.set(PRINCIPAL, ADA);
            return next(request);
          },
        ],
      },
    },
  );
  return createClient(ForkService, transport);
}

const refuses = async (asked: Promise<unknown>, code: Code, words: RegExp): Promise<ConnectError> => {
  const error = await asked.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => ConnectError.from(thrown),
  );
  assert.equal(error.code, code, error.message);
  assert.match(error.rawMessage, words);
  return error;
};

test('whoever only looks may look at forks; making, ending and trying need an engineer', () => {
  const needs = (role: Role) =>
    ForkService.methods.filter((one) => roleOf(one) === role).map(({ localName }) => localName);
  assert.deepEqual(needs(Role.ENGINEER), ['makeFork', 'cancelFork', 'removeFork', 'tryRule', 'cancelTrial']);
  assert.equal(needs(Role.VIEWER).length, ForkService.methods.length - 5);
});

test('a hub without a desk says plainly that it runs no forks, and what does it offline', async () => {
  const client = clientOf(null);
  const { available, reason, forks } = await client.listForks({});
  assert.deepEqual([available, forks], [false, []]);
  assert.match(reason, /runs no forks.*sigma fork.*sigma whatif/);
  await refuses(client.makeFork({ start: { case: 'atTimeUs', value: 1n } }), Code.FailedPrecondition, /runs no forks/);
  await refuses(client.tryRule({ rule: 'x' }), Code.FailedPrecondition, /sigma whatif/);
});

test('who asked for a fork stands on it; what cannot be is refused, a broken rule with its line', async () => {
  const client = clientOf(new SlowDesk());
  const { fork } = await client.makeFork({ start: { case: 'atTimeUs', value: 1n } });
  assert.deepEqual([fork?.by, fork?.createdTimeUs], ['person:ada@x', BigInt(NOW_US)]);
  const broken = await refuses(client.makeFork({ rule: 'broken' }), Code.InvalidArgument, /line 2/);
  assert.equal(broken.findDetails(BrokenRuleSchema)[0]?.line, 2);
  await refuses(client.makeFork({ seconds: 1e6 }), Code.InvalidArgument, /1 to 600 seconds/);
  await refuses(client.makeFork({ seconds: Number.NaN }), Code.InvalidArgument, /1 to 600 seconds/);
  await refuses(client.makeFork({ rule: 'x'.repeat(200_000) }), Code.InvalidArgument, /at most 100000/);
  await refuses(client.compareFork({ forkId: 'fork-9' }), Code.NotFound, /no fork 'fork-9'/);
  await refuses(client.removeFork({ forkId: 'fork-1' }), Code.FailedPrecondition, /forked from it/);
  const { decisions, decisionsLeftOut } = await client.compareFork({ forkId: 'fork-1', limit: 2 });
  assert.deepEqual([decisions.length, decisionsLeftOut], [2, 1]);
});

test('a fork is watched from waiting to its end, and then nobody is told of it any more', async () => {
  const desk = new SlowDesk();
  const client = clientOf(desk);
  await client.makeFork({});
  const seen: string[] = [];
  for await (const { fork } of client.watchFork({ forkId: 'fork-1' })) {
    seen.push(`${fork?.state} ${fork?.progress}`);
    const known = desk.all.get('fork-1') as Fork;
    if (seen.length === 1) desk.put({ ...known, state: 'running', progress: 0.5 });
    else if (seen.length === 2) desk.put({ ...known, state: 'done', progress: 1 });
  }
  assert.deepEqual(seen, ['waiting 0', 'running 0.5', 'done 1']);
  assert.equal(desk.watchers, 0);
  const { trial } = await client.tryRule({ rule: 'x' });
  const states: string[] = [];
  for await (const { trial: told } of client.watchTrial({ trialId: trial?.id ?? '' })) {
    states.push(told?.state ?? '');
    if (states.length === 1) await client.cancelTrial({ trialId: 'trial-1' });
  }
  assert.deepEqual(states, ['running', 'cancelled']);
});

test('[L7] of a fork that holds chains of another tenant, only the own ones are read', async () => {
  const desk = new SlowDesk();
  const client = clientOf(desk);
  await client.makeFork({});
  const shared = { source: 'r1', epoch: 0, sequence: 1, atUs: 1, blocks: 1, hash: new Uint8Array(32) };
  desk.heads.push({ ...shared, tenant: 'other' });
  assert.deepEqual((await client.locateForkMoment({ forkId: 'fork-1', timeUs: 1n })).chains, []);
  const stretches = [{ source: 'r1', epoch: 0, fromSequence: 1n, toSequence: 1n }];
  const read = async () => {
    for await (const _ of client.readForkStretches({ forkId: 'fork-1', stretches })) assert.fail('it was read');
  };
  await refuses(read(), Code.NotFound, /nothing is recorded of 'r1'/);
});
