import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveSite, parseMovingAiMap } from '../site/index.ts';
import type { AgentReport, MissionView, SupervisorInput } from './port.ts';
import { fleetSupervisor } from './supervise.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const yard = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));

const report = (halted: boolean): AgentReport => ({
  type: 'agent',
  agentId: 'r1',
  body: 'carrier',
  linked: true,
  xM: 0.5,
  yM: 0.5,
  headingRad: 0,
  speedMps: 0,
  battery: 0.9,
  halted,
  mode: 'automatic',
  capabilities: ['drive', 'load', 'unload', 'dock'],
  taskId: null,
  taskStatus: null,
  planRevision: 0,
  planCursor: 0,
  basis: null,
});
const patrol = (id: string, priority: number): SupervisorInput => ({
  type: 'mission',
  mission: {
    id,
    name: id,
    goal: { kind: 'patrol', points: [{ xM: 9.5, yM: 5.5 }], rounds: 1, agentId: null },
    priority,
    createdBy: 'ann',
  },
});

/** One robot that cannot work until it is let, and missions that wait for it. */
function queue() {
  const supervisor = fleetSupervisor(yard);
  const missions = new Map<string, MissionView>();
  let state = supervisor.initial();
  let atUs = 0;
  const tell = (...inputs: SupervisorInput[]): string[] => {
    atUs += 1_000_000;
    const after = supervisor.supervise(state, inputs, atUs);
    state = after.state;
    for (const output of after.outputs) if (output.type === 'mission') missions.set(output.mission.id, output.mission);
    return after.outputs.flatMap((output) => (output.type === 'assign' ? [output.task.missionId] : []));
  };
  return { tell, missions, supervisor };
}

test('what is moved up in the queue is given out first, with its new priority', () => {
  const { tell, missions } = queue();
  assert.deepEqual(tell(report(true), patrol('first', 5), patrol('second', 1)), []);
  assert.deepEqual(tell({ type: 'priority', missionId: 'second', priority: 9 }), []);
  assert.equal(missions.get('second')?.priority, 9);
  assert.equal(missions.get('second')?.tasks[0]?.task.priority, 9);
  assert.deepEqual(tell(report(false)), ['second']);
});

test('a mission that has ended, or that nobody knows, is not moved', () => {
  const { tell, missions } = queue();
  tell(report(true), patrol('m', 5));
  tell({ type: 'cancel', missionId: 'm', reason: 'changed my mind' });
  tell({ type: 'priority', missionId: 'm', priority: 9 }, { type: 'priority', missionId: 'nobody', priority: 9 });
  assert.equal(missions.get('m')?.priority, 5);
  assert.equal(missions.has('nobody'), false);
});

test('an area is judged by the rules of zones, and the point to blame is named', () => {
  const { supervisor } = queue();
  const area = (...points: [number, number][]) => supervisor.areaFault(points.map(([xM, yM]) => ({ xM, yM })));
  assert.equal(area([1, 1], [4, 1], [4, 4]), null);
  assert.match(area([1, 1], [4, 1], [400, 4]) ?? '', /point 2 .*outside the site/);
  assert.match(area([1, 1], [4, 1]) ?? '', /3 to 1000 points/);
});
