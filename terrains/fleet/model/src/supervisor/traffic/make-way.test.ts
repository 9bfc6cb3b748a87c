import assert from 'node:assert/strict';
import { test } from 'node:test';
import { centreXM, centreYM, deriveSite, parseMovingAiMap } from '../../site/index.ts';
import type { AgentReport, Errand, SupervisorState } from '../port.ts';
import { fleetSupervisor } from '../supervise.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const yard = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
const CELL = 42;
const WAY: Errand = { taskId: 'way-r1-1', missionId: 'traffic', stops: [], next: 0 };

const report = (speedMps: number): AgentReport => ({
  type: 'agent',
  agentId: 'r1',
  body: 'humanoid',
  linked: true,
  xM: centreXM(yard, CELL),
  yM: centreYM(yard, CELL),
  headingRad: 0,
  speedMps,
  battery: 0.9,
  halted: false,
  mode: 'automatic',
  capabilities: ['drive'],
  taskId: WAY.taskId,
  taskStatus: 'active',
  planRevision: 0,
  planCursor: 0,
  basis: null,
});

/** A robot that was told to make way and is in nobody's way any more: what the supervisor says, second by second. */
function aside(speedMps: number, seconds: number) {
  const supervisor = fleetSupervisor(yard);
  let state: SupervisorState = supervisor.supervise(supervisor.initial(), [report(speedMps)], 0).state;
  const r1 = state.agents.r1 ?? assert.fail('no r1');
  state = { ...state, agents: { r1: { ...r1, errand: WAY } } };
  const ends: { readonly atS: number; readonly reason: string }[] = [];
  for (let atS = 1; atS <= seconds; atS++) {
    const next = supervisor.supervise(state, [report(speedMps)], atS * 1_000_000);
    state = next.state;
    for (const output of next.outputs) {
      if (output.type === 'cancel_task') ends.push({ atS, reason: output.reason });
    }
  }
  return { ends, errand: state.agents.r1?.errand };
}

test('[F99] a robot that made way and stands in nobody’s way is told after 2 s that it is over, once, and why', () => {
  const { ends, errand } = aside(0, 6);
  assert.deepEqual(ends, [{ atS: 3, reason: 'nobody needs the way any more' }]);
  assert.equal(errand, null);
});

test('[F99] as long as it moves it is still making way', () => {
  const { ends, errand } = aside(0.3, 6);
  assert.deepEqual(ends, []);
  assert.equal(errand?.taskId, WAY.taskId);
});
