import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportAt } from '../../../testing/reports.ts';
import { parseMovingAiMap, parseSiteFile } from '../../site/index.ts';
import type { AgentReport, MissionView, NewMission, SupervisorInput } from '../port.ts';
import { fleetSupervisor } from '../supervise.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const stations = [
  { id: 's1', cell: [2, 2] },
  { id: 's2', cell: [9, 5] },
];
const file = { metresPerCell: 1, docks: [{ id: 'd1', cell: [0, 7] }], chargers: [], stations };
const yard = parseSiteFile(JSON.stringify(file), parseMovingAiMap(MAP.join('\n'), 'yard'));

/** Robots that stand where they are put and report once a second, and everything the supervisor says to them. */
function floor(...cells: number[]) {
  const supervisor = fleetSupervisor(yard);
  const missions = new Map<string, MissionView>();
  const said: string[] = [];
  const robots = new Map<string, AgentReport>();
  let state = supervisor.initial();
  let atUs = 0;
  const put = (agentId: string, cell: number, fields: Partial<AgentReport> = {}): void => {
    robots.set(agentId, reportAt(yard, agentId, cell, fields));
  };
  const tell = (...inputs: SupervisorInput[]): void => {
    atUs += 1_100_000;
    const after = supervisor.supervise(state, [...robots.values(), ...inputs], atUs);
    state = after.state;
    for (const output of after.outputs) {
      if (output.type === 'mission') missions.set(output.mission.id, output.mission);
      if (output.type === 'assign') said.push(`${output.agentId} gets ${output.task.id}`);
      if (output.type === 'cancel_task') said.push(`${output.agentId} drops ${output.taskId}: ${output.reason}`);
    }
  };
  cells.forEach((cell, i) => {
    put(`r${i + 1}`, cell);
  });
  const task = (id: string) => {
    const view = missions.get(id)?.tasks[0];
    return `${view?.status} ${view?.agentId ?? 'nobody'}`;
  };
  const detail = (id: string): string => missions.get(id)?.tasks[0]?.detail ?? '';
  return { put, tell, said, task, detail, missions };
}

const mission = (id: string, priority: number, goal: NewMission['goal']): SupervisorInput => ({
  type: 'mission',
  mission: { id, name: id, goal, priority, createdBy: 'ann' },
});
const patrol = (id: string, priority: number, agentId: string | null = null): SupervisorInput =>
  mission(id, priority, { kind: 'patrol', points: [{ xM: 9.5, yM: 5.5 }], rounds: 9, agentId });
const deliver = (id: string, priority: number): SupervisorInput =>
  mission(id, priority, { kind: 'deliver', from: 's1', to: 's2', item: 'box', agentId: null });

test('[F98] more urgent work takes a robot from less urgent work, which waits again and says why', () => {
  const { tell, said, task, detail, put, missions } = floor(3);
  tell(patrol('round', 1));
  assert.equal(task('round'), 'queued r1');
  tell(deliver('parcel', 5));
  assert.deepEqual(said.slice(1), ["r1 drops round.1: 'parcel' is more urgent", 'r1 gets parcel.1']);
  assert.deepEqual([task('parcel'), task('round')], ['queued r1', 'waiting nobody']);
  assert.match(detail('round'), /^r1 was taken for 'parcel', which is more urgent/);
  // That the robot has dropped it is no failure of its own: it may have it again.
  tell({ type: 'task', agentId: 'r1', taskId: 'round.1', status: 'cancelled', detail: '', progress: 0 });
  tell({ type: 'tick' });
  assert.match(detail('round'), /^r1 was taken for 'parcel', which is more urgent; 1 busy/);
  tell({ type: 'task', agentId: 'r1', taskId: 'parcel.1', status: 'done', detail: '', progress: 1 });
  put('r1', 3);
  tell({ type: 'tick' });
  assert.equal(task('round'), 'queued r1');
  const { history, sinceUs = 0 } = missions.get('round')?.tasks[0] ?? { history: [] };
  assert.deepEqual(history, [
    { agentId: 'r1', reason: "'parcel' was more urgent", gaveWay: true, sinceUs: 1_100_000, untilUs: 2_200_000 },
  ]);
  assert.ok(sinceUs > 2_200_000, 'r1 has it again from when it was given out again');
});

test('[F98] who gave way four times has not tried and failed four times: the task stays to be done', () => {
  const { tell, task, missions } = floor(3);
  tell(patrol('round', 1));
  for (const k of [1, 2, 3, 4]) {
    tell(deliver(`parcel${k}`, 5));
    assert.equal(task('round'), 'waiting nobody');
    tell({ type: 'task', agentId: 'r1', taskId: `parcel${k}.1`, status: 'done', detail: '', progress: 1 });
    tell({ type: 'tick' });
  }
  assert.equal(task('round'), 'queued r1');
  assert.equal(missions.get('round')?.tasks[0]?.history.length, 4);
});

test('[F98] a free robot is sent before one is taken, and the least urgent work gives way first', () => {
  const { tell, task } = floor(3, 8, 40);
  tell(patrol('low', 1), patrol('middle', 3));
  tell(deliver('first', 5));
  assert.deepEqual([task('first').split(' ')[0], task('low').split(' ')[0]], ['queued', 'queued']);
  tell(deliver('second', 5));
  assert.deepEqual(
    [task('second').split(' ')[0], task('low'), task('middle').split(' ')[0]],
    ['queued', 'waiting nobody', 'queued'],
  );
  tell(deliver('third', 3));
  assert.equal(task('third'), 'waiting nobody', 'equals do not take from each other');
});

test('[F98] a robot that has loaded, or is about to, is let finish; one bound to its mission returns to it alone', () => {
  const { tell, task, put, said } = floor(2 + 2 * 12);
  tell(deliver('parcel', 1));
  tell(patrol('urgent', 9));
  assert.deepEqual([task('parcel'), task('urgent')], ['queued r1', 'waiting nobody'], 'it stands there to load');
  tell({ type: 'cancel', missionId: 'parcel', reason: 'changed my mind' });
  assert.equal(task('urgent'), 'queued r1');
  tell({ type: 'cancel', missionId: 'urgent', reason: 'changed my mind' });

  put('r2', 40);
  tell(patrol('mine', 1, 'r2'));
  tell(patrol('other', 2, 'r1'));
  tell(patrol('both', 7, 'r2'));
  assert.deepEqual([task('mine'), task('both')], ['waiting r2', 'queued r2']);
  assert.equal(said.at(-1), 'r2 gets both.1');
  tell({ type: 'task', agentId: 'r2', taskId: 'mine.1', status: 'cancelled', detail: '', progress: 0 });
  assert.equal(task('mine'), 'waiting r2');
});

test('[F83] [F98] a robot on its way to a charger is not taken from it', () => {
  const { tell, missions, task, put } = floor(3);
  put('r1', 3, { battery: 0.3 });
  tell();
  const charge = [...missions.keys()][0] ?? '';
  assert.match(charge, /^charge-r1/);
  tell(deliver('parcel', 500));
  assert.deepEqual([task(charge), task('parcel')], ['queued r1', 'waiting nobody']);
});
