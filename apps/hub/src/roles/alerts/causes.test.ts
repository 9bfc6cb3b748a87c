import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLEET_CAUSES } from '@sigma/fleet-model';
import fc from 'fast-check';
import type { Alert } from './board.ts';
import { explains, fold, HUB } from './causes.ts';

const S = 1_000_000;
let ids = 0;
const alert = (cause: string, over: Partial<Alert> = {}): Alert => ({
  id: `a-${++ids}`,
  level: 3,
  agentId: 'r1',
  cause,
  text: '',
  advice: '',
  raisedTimeUs: 0,
  clearedTimeUs: 0,
  acknowledgedBy: '',
  acknowledgedTimeUs: 0,
  count: 1,
  decisionSequence: 0,
  decisionEpoch: 0,
  rootId: '',
  ...over,
});

/** What stands after one fold, by id. */
function folded(standing: readonly Alert[], known: readonly Alert[] = [], nowUs = 0): ReadonlyMap<string, Alert> {
  const all = new Map([...known, ...standing].map((one) => [one.id, one]));
  for (const one of fold(standing, (id) => all.get(id), nowUs, FLEET_CAUSES)) all.set(one.id, one);
  return all;
}

test('an overheated motor is one alert, whichever of its five signs came first', () => {
  const signs = ['band:state.motorLeftC', 'rate:state.motorLeftC', 'band:state.currentLeftA', 'failsafe:needs_help'];
  const children = signs.map((cause) => alert(cause));
  const root = alert('failsafe:motor_hot');
  for (const standing of [
    [...children, root],
    [root, ...children],
  ]) {
    const after = folded(standing);
    assert.deepEqual(
      children.map(({ id }) => after.get(id)?.rootId),
      signs.map(() => root.id),
    );
    assert.equal(after.get(root.id)?.rootId, '');
  }
});

test('heat that shows in several parts is one alert from its first sign on, before and after the failsafe', () => {
  const signs = ['band:state.motorLeftC', 'band:state.boardC', 'band:state.motorRightC', 'failsafe:board_hot'];
  const [left, board, right, failsafe] = signs.map((cause, k) => alert(cause, { raisedTimeUs: k })) as Alert[];
  const before = folded([right, board, left] as Alert[]);
  assert.deepEqual(
    [left, board, right].map((one) => before.get(one?.id ?? '')?.rootId),
    ['', left?.id, left?.id],
  );
  const later = alert('failsafe:motor_hot', { raisedTimeUs: 9 });
  const after = folded([later, ...before.values(), failsafe as Alert]);
  assert.deepEqual(
    [left, board, right, failsafe, later].map((one) => after.get(one?.id ?? '')?.rootId),
    [failsafe?.id, failsafe?.id, failsafe?.id, '', failsafe?.id],
  );
});

test('another robot, another part and what is over explain nothing', () => {
  const hot = alert('failsafe:motor_hot');
  assert.equal(explains(hot, alert('band:state.motorLeftC', { agentId: 'r2' }), FLEET_CAUSES), false);
  assert.equal(explains(hot, alert('band:state.charge'), FLEET_CAUSES), false);
  assert.equal(explains({ ...hot, clearedTimeUs: 1 }, alert('band:state.motorLeftC'), FLEET_CAUSES), false);
  assert.equal(explains(hot, hot, FLEET_CAUSES), false);
});

test('explanations of explanations end at the first of them', () => {
  const chain = ['failsafe:voltage_collapsed', 'failsafe:battery_low', 'band:state.charge'].map((cause) =>
    alert(cause),
  );
  const after = folded(chain);
  assert.deepEqual(
    chain.map(({ id }) => after.get(id)?.rootId),
    ['', chain[0]?.id, chain[0]?.id],
  );
});

test('a stop of the whole site explains what every robot says of it', () => {
  const site = alert('stop:emergency', { agentId: HUB, level: 4 });
  const robots = ['r1', 'r2', 'r3'].map((agentId) => alert('failsafe:operator_emergency_stop', { agentId, level: 4 }));
  const other = alert('failsafe:operator_normal_stop');
  const after = folded([...robots, site, other]);
  assert.deepEqual(
    robots.map(({ id }) => after.get(id)?.rootId),
    robots.map(() => site.id),
  );
  assert.equal(after.get(other.id)?.rootId, '');
});

test('what outlives its explanation by ten seconds stands for itself again', () => {
  const root = alert('failsafe:motor_hot', { clearedTimeUs: 5 * S });
  const child = alert('band:state.motorLeftC', { rootId: root.id });
  assert.equal(folded([child], [root], 15 * S - 1).get(child.id)?.rootId, root.id);
  assert.equal(folded([child], [root], 15 * S).get(child.id)?.rootId, '');
});

test('a root is as grave as what it explains, and a graver one that comes later wakes an acknowledged root', () => {
  const root = alert('failsafe:battery_hot', { level: 3, acknowledgedBy: 'ann', acknowledgedTimeUs: 1 });
  const mild = alert('band:state.batteryC', { level: 3 });
  const first = folded([root, mild]);
  assert.equal(first.get(mild.id)?.acknowledgedBy, 'ann');
  const grave = alert('band:state.batteryA', { level: 4 });
  const second = folded([first.get(root.id) as Alert, first.get(mild.id) as Alert, grave]);
  assert.deepEqual([second.get(root.id)?.level, second.get(root.id)?.acknowledgedBy], [4, '']);
  assert.equal(second.get(grave.id)?.acknowledgedBy, '');
});

test('three thousand standing alerts of a thousand robots are tied quickly: each looks only among its own', (t) => {
  const causes = ['failsafe:motor_hot', 'band:state.motorLeftC', 'failsafe:operator_emergency_stop'];
  const standing = Array.from({ length: 1_000 }, (_, k) =>
    causes.map((cause) => alert(cause, { agentId: `r${k}` })),
  ).flat();
  const before = process.cpuUsage();
  const after = folded([...standing, alert('stop:emergency', { agentId: HUB })]);
  const { user, system } = process.cpuUsage(before);
  t.diagnostic(`${Math.round((user + system) / 1000)} ms CPU`);
  assert.equal([...after.values()].filter(({ rootId }) => rootId !== '').length, 2_000);
  assert.ok(user + system < 500_000);
});

test('whatever stands: no circles, no explanation of another robot, and a second fold changes nothing', () => {
  const causes = [
    ...[
      'motor_hot',
      'board_hot',
      'motor_overload',
      'battery_low',
      'battery_critical',
      'voltage_collapsed',
      'link_lost',
      'blind',
    ],
    ...['needs_help', 'odometry_disagrees', 'imu_drifts', 'moves_against_command', 'operator_emergency_stop'],
  ].map((condition) => `failsafe:${condition}`);
  const fields = ['motorLeftC', 'boardC', 'charge', 'batteryA', 'fixGapM', 'speedMps'].map(
    (field) => `band:state.${field}`,
  );
  const any = fc.constantFrom(...causes, ...fields, 'link:silent', 'frozen:scan', 'stop:emergency');
  const one = fc.record({
    raisedTimeUs: fc.integer({ min: 0, max: 5 }),
    cause: any,
    agentId: fc.constantFrom('r1', 'r2', HUB),
    level: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(one, { selector: (made) => `${made.agentId} ${made.cause}`, maxLength: 12 }), (made) => {
      const standing = made.map(({ cause, ...over }) => alert(cause, over));
      const once = folded(standing);
      for (const { rootId, agentId } of once.values()) {
        if (rootId === '') continue;
        const root = once.get(rootId) as Alert;
        assert.equal(root.rootId, '', 'a root stands for itself');
        assert.ok(root.agentId === agentId || root.agentId === HUB);
      }
      assert.deepEqual(
        fold([...once.values()], (id) => once.get(id), 0, FLEET_CAUSES),
        [],
      );
    }),
    { seed: 4, numRuns: 300 },
  );
});
