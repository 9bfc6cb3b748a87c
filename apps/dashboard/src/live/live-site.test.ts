import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape, ScalarType } from '@bufbuild/protobuf';
import { AgentStatusSchema, WatchSiteResponseSchema } from '@sigma/proto';
import { LiveSite } from './live-site.ts';
import { emptyPoses, interpolatePoses, turn } from './poses.ts';
import { STALE_MS } from './site-view.ts';

const said = (message: MessageInitShape<typeof WatchSiteResponseSchema>) => create(WatchSiteResponseSchema, message);

/** A live site whose notifications run when the test says so. */
function liveSite() {
  const due: (() => void)[] = [];
  const live = new LiveSite((run) => due.push(run));
  const publish = () => {
    for (const run of due.splice(0)) run();
  };
  return { live, publish, due };
}

const two = {
  roster: 1,
  agentIds: ['r1', 'r2'],
  xM: [0, 5],
  yM: [0, 5],
  headingRad: [0, 0],
  speedMps: [0, 0],
  battery: [0.5, 0.9],
  ageMs: [10, 10],
};

test('positions glide from the last message to the newest and never beyond it', () => {
  const { live } = liveSite();
  live.fold(said(two), 1_000);
  live.fold(said({ ...two, agentIds: [], xM: [1, 5] }), 1_100);
  assert.equal(live.sample(1_100).xM[0], 0);
  assert.equal(live.sample(1_150).xM[0], 0.5);
  assert.equal(live.sample(1_200).xM[0], 1);
  assert.equal(live.sample(9_000).xM[0], 1);
});

test('a robot that was carried across the site appears there instead of flying over the shelves', () => {
  const { live } = liveSite();
  live.fold(said(two), 1_000);
  live.fold(said({ ...two, agentIds: [], xM: [30, 5] }), 1_100);
  assert.equal(live.sample(1_101).xM[0], 30);
});

test('a heading turns the shorter way through north-west', () => {
  assert.ok(Math.abs(turn(3, -3, 0.5) - Math.PI) < 1e-9);
  assert.ok(Math.abs(turn(-3, 3, 0.5) + Math.PI) < 1e-9);
  const [from, to, out] = [emptyPoses(1), emptyPoses(1), emptyPoses(1)];
  for (const pose of [from, to]) pose.xM[0] = pose.yM[0] = 1;
  from.headingRad[0] = 0;
  to.headingRad[0] = 1;
  interpolatePoses(from, to, 0.25, out);
  assert.equal(out.headingRad[0], 0.25);
});

test('columns of an unknown roster are refused, because they would move the wrong robots', () => {
  const { live } = liveSite();
  assert.equal(live.fold(said({ ...two, agentIds: [] }), 0), 'unknown_roster');
  assert.equal(live.fold(said(two), 0), 'folded');
  assert.equal(live.fold(said({ ...two, roster: 2, agentIds: [] }), 100), 'unknown_roster');
});

test('a site without any robot is live, and the first robot that comes is seen', () => {
  const { live } = liveSite();
  assert.equal(live.fold(said({ roster: 0 }), 0), 'folded');
  assert.equal(live.fold(said({ roster: 0 }), 100), 'folded');
  assert.equal(live.fold(said(two), 200), 'folded');
  assert.deepEqual(live.ids, ['r1', 'r2']);
});

test('a robot that joins keeps the others where they are, and one that leaves is forgotten', () => {
  const { live } = liveSite();
  live.fold(said(two), 0);
  live.fold(said({ ...two, roster: 2, agentIds: ['r0', 'r2'], xM: [9, 6] }), 100);
  assert.deepEqual(
    [...live.agents()].map((agent) => agent.id),
    ['r2', 'r0'],
  );
  assert.equal(live.row('r1'), -1);
  assert.equal(live.sample(100).xM[1], 5, 'r2 glides from its own last place');
});

test('a hundred messages without news reach the lists once, and positions not at all', () => {
  const { live, publish, due } = liveSite();
  let told = 0;
  live.subscribe('agents', () => told++);
  for (let k = 0; k < 100; k++)
    live.fold(said({ ...two, agentIds: k === 0 ? two.agentIds : [], xM: [k / 100, 5] }), k * 100);
  assert.equal(due.length, 1);
  publish();
  assert.equal(told, 1);
  live.fold(said({ ...two, agentIds: [] }), 10_000);
  assert.equal(due.length, 0);
  live.fold(said({ ...two, agentIds: [], battery: [0.49, 0.9] }), 10_100);
  publish();
  assert.equal(told, 2, 'a whole percent less is news');
});

test('a stream opened anew tells every state again: lists hear only of those that changed, in whichever field', () => {
  const { live } = liveSite();
  const told = (stop: string, advice: string) =>
    live.fold(said({ ...two, statuses: [{ agentId: 'r1', stop, failsafeEntries: [{ advice }] }] }), 0);
  const versionAfter = (tell: () => void): number => {
    tell();
    return live.agent('r1')?.version ?? 0;
  };
  const first = versionAfter(() => told('none', 'wait'));
  assert.equal(
    versionAfter(() => told('none', 'wait')),
    first,
  );
  assert.equal(
    versionAfter(() => told('protective', 'wait')),
    first + 1,
  );
  assert.equal(
    versionAfter(() => told('protective', 'reset it')),
    first + 2,
  );
  for (const { localName, fieldKind, scalar } of AgentStatusSchema.fields) {
    if (localName === 'agentId' || fieldKind !== 'scalar') continue;
    const value = scalar === ScalarType.STRING ? 'new' : scalar === ScalarType.UINT64 ? 1n : 1;
    const version = versionAfter(() => live.fold(said({ ...two, statuses: [{ agentId: 'r1' }] }), 0));
    const status = { agentId: 'r1', [localName]: value };
    const next = versionAfter(() => live.fold(said({ ...two, statuses: [status] }), 0));
    assert.equal(next, version + 1, localName);
  }
});

test('ages count from the hub and go on while the stream is silent, whatever the wall clock says', () => {
  const { live } = liveSite();
  live.fold(said({ ...two, ageMs: [300, STALE_MS + 1] }), 50_000);
  assert.equal(live.ageMs(0, 50_000), 300);
  assert.equal(live.ageMs(0, 53_000), 3_300);
  assert.equal(live.ageMs(7, 53_000), Number.POSITIVE_INFINITY);
});

test('decisions come live and from history, each once, newest first, a new life of the agent before the old', () => {
  const { live } = liveSite();
  live.fold(said(two), 0);
  const one = (epoch: number, sequence: bigint) => ({ agentId: 'r1', decision: { sequence, context: { epoch } } });
  live.fold(said({ ...two, agentIds: [], decisions: [one(1, 3n), one(2, 1n)] }), 100);
  const history = said({ decisions: [one(1, 1n), one(1, 2n), one(1, 3n)] }).decisions;
  live.putDecisions('r1', history);
  const kept = live.decisions('r1').map(({ decision }) => `${decision?.context?.epoch}:${decision?.sequence}`);
  assert.deepEqual(kept, ['2:1', '1:3', '1:2', '1:1']);
});

test('what is not a number is no position and breaks nothing', () => {
  const { live } = liveSite();
  live.fold(said({ ...two, xM: [Number.NaN], yM: [] }), 0);
  live.fold(said({ ...two, agentIds: [] }), 100);
  assert.equal(live.sample(150).xM[0], 0);
  assert.ok(Number.isNaN(live.sample(150).yM[9] ?? Number.NaN));
});
