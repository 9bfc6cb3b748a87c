import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { MemoryBus } from '@sigma/bus';
import {
  AgentStatusSchema,
  ChannelSchemaSchema,
  DecisionMadeSchema,
  TelemetryFrameSchema,
  WatchSiteResponseSchema,
} from '@sigma/proto';
import { STATE_SCHEMA, TRACKS_SCHEMA } from '../../../testing/fake-edge.ts';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { LiveFleet, packedSchemas } from '../../live/live-fleet.ts';
import { about, packed } from '../../subjects.ts';
import type { Roles } from '../context.ts';
import { ChangeLog } from './change-log.ts';
import { PositionDesk } from './positions.ts';
import { Watch } from './watch.ts';

let hubs = 0;
const nobody = { onChange: () => () => undefined };

/** A fleet of so many robots that say what robots say, and who watches it. */
async function fleetOf(count: number) {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  const fleet = new LiveFleet(bus, 't', 'test');
  const channels = packedSchemas([STATE_SCHEMA, TRACKS_SCHEMA].map((schema) => create(ChannelSchemaSchema, schema)));
  const ids = Array.from({ length: count }, (_, k) => `r${k}`);
  const body = { edgeId: 'e', epoch: 1, role: 'carrier', body: 'carrier', epochTimeUs: 0, capabilities: [], channels };
  const link = (agentId: string, over: object = {}) =>
    bus.publish(about('t', 'link', agentId), packed({ agentId, linked: true, ...body, ...over }), 'command');
  for (const agentId of ids) await link(agentId);
  await clock.settle();
  let sequence = 0n;
  const frame = (agentId: string, channel: string, values: number[]) => {
    const timeUs = BigInt(clock.nowUs());
    const made = create(TelemetryFrameSchema, { agentId, channel, sequence: ++sequence, timeUs, values });
    return bus.publish(about('t', 'telemetry', agentId), toBinary(TelemetryFrameSchema, made), 'telemetry');
  };
  const say = async (agentId: string, rationale: string) => {
    const status = create(AgentStatusSchema, { agentId, mode: 'automatic', command: 'drive', rationale });
    await bus.publish(about('t', 'status', agentId), toBinary(AgentStatusSchema, status), 'command');
  };
  const speak = async (withStatus: boolean): Promise<void> => {
    for (const [k, agentId] of ids.entries()) {
      await frame(agentId, 'state', [k, 2 * k, 0, 1, 0.9, 40]);
      await frame(agentId, 'tracks', [1, 0, (k * 7) % 50, (k * 13) % 40, 2, 1, 4, 4]);
      if (withStatus) await say(agentId, 'on its way');
    }
    await clock.settle();
  };
  const decide = (agentId: string, count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, k) => {
        const made = create(DecisionMadeSchema, { agentId, atUs: BigInt(k), decision: { sequence: BigInt(k + 1) } });
        return bus.publish(about('t', 'decision', agentId), toBinary(DecisionMadeSchema, made), 'telemetry');
      }),
    );
  const roles = {
    fleet,
    clock,
    leases: { of: () => null, ...nobody },
    missions: { entries: new Map(), ...nobody },
    alerts: { known: new Map(), ...nobody },
    fences: { list: () => [], ...nobody },
    marks: { onMark: () => () => undefined },
    newId: () => `hub-${++hubs}`,
  } as unknown as Roles;
  const positions = new PositionDesk(fleet, clock);
  let log = new ChangeLog(roles);
  const restarted = () => {
    log = new ChangeLog(roles);
  };
  const watch = (allDecisions = false, resume = '', follow: readonly string[] = []) =>
    new Watch(roles, positions, log, { follow: new Set(follow), allDecisions, resume });
  return { clock, speak, say, watch, decide, frame, link, restarted };
}

test('two robots that see one person show one, and one that was a feed joins the roster', async () => {
  const { clock, watch, frame, link } = await fleetOf(2);
  await link('feed', { role: 'feed', linked: false });
  await frame('r0', 'tracks', [1, 0, 0.59, 5, 2, 0, 30, 5]);
  await frame('r1', 'tracks', [9, 0, 0.61, 5.3]);
  await clock.settle();
  const watcher = watch();
  const first = watcher.next();
  assert.deepEqual(
    first.peopleM.map((at) => Math.round(at * 100)),
    [59, 500, 3000, 500],
  );
  assert.deepEqual(first.agentIds, ['r0', 'r1']);
  assert.deepEqual(watcher.next().agentIds, [], 'the roster is told once');
  await link('feed');
  await clock.settle();
  assert.deepEqual(watcher.next().agentIds, ['r0', 'r1', 'feed']);
  await clock.turn(2_000_000);
  assert.deepEqual(watcher.next().peopleM, [], 'tracks that are old show nobody');
});

test('a robot that others do not know yet is not counted as a person; who stands before a robot that sees him is', async () => {
  const { clock, watch, frame } = await fleetOf(2);
  await frame('r0', 'state', [10, 5, 0, 0, 0.9, 40]);
  await frame('r1', 'state', [14, 5, 0, 0, 0.9, 40]);
  await frame('r0', 'tracks', [1, 0, 13.6, 5, 2, 0, 10.4, 5, 3, 0, 12, 5]);
  await clock.settle();
  const people = () =>
    watch()
      .next()
      .peopleM.map((at) => Math.round(at * 10) / 10);
  assert.deepEqual(people(), [10.4, 5, 12, 5], 'r1 is r1; the others are people');
  await clock.turn(1_000_000);
  await frame('r0', 'tracks', [1, 0, 13.6, 5]);
  await clock.turn(700_000);
  assert.deepEqual(people(), [13.6, 5], 'of r1 nothing was heard for 1.7 s: whoever stands there may be anybody');
});

test('a watcher of everything gets every decision once, and is told how many were too many', async () => {
  const { clock, watch, decide } = await fleetOf(1);
  const watcher = watch(true);
  await decide('r0', 2_005);
  await clock.settle();
  const first = watcher.next();
  assert.deepEqual([first.decisions.length, first.decisionsLeftOut], [2_000, 5]);
  const second = watcher.next();
  assert.deepEqual([second.decisions.length, second.decisionsLeftOut], [0, 0]);
});

test('following another robot costs what changed since, in bytes, and not every status and name again', async (t) => {
  const { clock, speak, say, watch, decide } = await fleetOf(1_000);
  await speak(true);
  const begun = watch(true);
  const first = begun.next();
  await decide('r7', 2);
  await clock.settle();
  const heard = begun.next();
  begun.end();
  assert.deepEqual([first.statuses.length, first.agentIds.length, heard.decisions.length], [1_000, 1_000, 2]);
  // While no stream is open.
  await say('r3', 'waits for r4');
  await decide('r9', 3);
  await clock.settle();
  const next = watch(true, heard.resume, ['r7']).next();
  assert.deepEqual(
    next.statuses.map(({ agentId, rationale }) => [agentId, rationale]),
    [['r3', 'waits for r4']],
  );
  assert.deepEqual([next.agentIds, next.roster, next.fences], [[], heard.roster, undefined]);
  assert.deepEqual(
    next.decisions.map(({ agentId, decision }) => `${agentId} ${decision?.sequence}`),
    ['r9 1', 'r9 2', 'r9 3', 'r7 1', 'r7 2'],
    'what was decided in between, and what the followed robot had decided before',
  );
  const bytes = (message: typeof next) => toBinary(WatchSiteResponseSchema, message).length;
  t.diagnostic(`${bytes(first)} bytes to begin, ${bytes(next)} to follow another robot, ${bytes(heard)} an update`);
  assert.ok(bytes(next) < bytes(heard) + 1_000);
});

test('who heard another hub, an older one of its own or nothing that makes sense is told everything', async () => {
  const { speak, watch, restarted } = await fleetOf(3);
  await speak(true);
  const { resume } = watch().next();
  for (const place of [
    '',
    'hub-0 1 1 1 1',
    `${resume} 1`,
    resume.replace(/ \d+ /, ' -1 '),
    resume.replace(/ \d+ /, ' x '),
  ]) {
    const { statuses, agentIds } = watch(false, place).next();
    assert.deepEqual([statuses.length, agentIds.length], [3, 3], place);
  }
  assert.equal(watch(false, resume).next().statuses.length, 0);
  restarted();
  assert.equal(watch(false, resume).next().statuses.length, 3);
});

test('a watcher who was away for more decisions than are kept is told how many he missed', async () => {
  const { clock, watch, decide } = await fleetOf(1);
  const { resume } = watch(true).next();
  await decide('r0', 2_005);
  await clock.settle();
  const { decisions, decisionsLeftOut } = watch(true, resume).next();
  assert.deepEqual([decisions.length, decisionsLeftOut, decisions[0]?.decision?.sequence], [2_000, 5, 6n]);
});

test('a thousand robots ten times a second cost a watcher a small part of one core', async (t) => {
  const { clock, speak, watch } = await fleetOf(1_000);
  const watchers = [watch(), watch()];
  const spentUs = { first: 0, second: 0 };
  const rounds = 20;
  for (let round = -10; round < rounds; round++) {
    await speak(round % 10 === 0);
    await clock.turn(100_000);
    for (const [k, watcher] of watchers.entries()) {
      const before = process.cpuUsage();
      toBinary(WatchSiteResponseSchema, watcher.next());
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) spentUs[k === 0 ? 'first' : 'second'] += (user + system) / rounds;
    }
  }
  t.diagnostic(
    `${Math.round(spentUs.first)} us CPU per update for the first watcher, ${Math.round(spentUs.second)} us for another`,
  );
  assert.ok(spentUs.first < 10_000, `${spentUs.first} us: more than a tenth of a core`);
});
