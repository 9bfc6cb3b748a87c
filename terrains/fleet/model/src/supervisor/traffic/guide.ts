import type { Json } from '@sigma/kernel';
import type { Wait } from '@sigma/swarm';
import { centreXM, centreYM } from '../../site/site.ts';
import { type Board, TRAFFIC } from '../board.ts';
import type { AgentMemory, Errand, PlannedTask } from '../port.ts';
import { directTraffic, hasReleased, isHaltedLong, isStuck, nextPlan, whyWait } from './traffic-desk.ts';

/** A round of right of way, and a plan for everyone to whom it brings something new. */
export function guide(board: Board): void {
  const { traffic, waits, after } = directTraffic(board.desk, board.traffic, board.agents, board.obstacles, board.atUs);
  board.traffic = traffic;
  for (const [id, before] of [...board.agents]) {
    const released = before.withdrawn !== null && hasReleased(before) && !before.report.halted;
    const memory = released ? board.remember({ ...before, withdrawn: null, cellSinceUs: board.atUs }) : before;
    tellWait(board, memory, waits.get(id));
    if (memory.report.linked) tellPlan(board, id, waits.get(id), after.get(id));
  }
}

function tellWait(board: Board, memory: AgentMemory, wait: Wait | undefined): void {
  const waitsFor = wait === undefined ? null : (wait.blockedBy ?? whyWait(wait));
  if (waitsFor === memory.waitsFor) return;
  board.remember({ ...memory, waitsFor });
  board.outputs.push({ type: 'waits', agentId: memory.report.agentId, blockedBy: waitsFor });
}

function tellPlan(board: Board, id: string, wait: Wait | undefined, after: string | undefined): void {
  const { atUs } = board;
  let memory = board.agents.get(id);
  if (memory === undefined) return;
  const path = board.pathOf(id);
  const ahead = path.slice(path.indexOf(memory.cell) + 1);
  if (memory.withdrawn !== null && memory.asked === null) return;
  if (ahead.length === 0 && memory.cellSinceUs !== atUs) memory = board.remember({ ...memory, cellSinceUs: atUs });
  memory = ahead.length > 0 ? stepAside(board, memory, ahead) : standAside(board, memory);
  if (memory.errand === null) return;
  const blocked = board.obstacles.some(({ cell }) => cell === ahead[0]);
  const stopped = isStuck(memory, ahead, atUs) || isHaltedLong(memory, atUs);
  const retract = blocked || stopped || memory.withdrawn !== null;
  const plan = nextPlan(board.desk, memory, plannedFor(board, memory.errand), retract ? [] : path, {
    wait,
    after,
    atUs,
  });
  if (plan === null) return;
  board.remember({ ...plan.memory, withdrawn: retract ? plan.memory.planRevision : null });
  board.outputs.push(plan.output);
}

const plannedFor = (board: Board, errand: Errand): Pick<PlannedTask, 'id' | 'kind'> =>
  board.taskOf(errand)?.task ?? { id: errand.taskId, kind: 'make way' };

/** How long a robot that made way stands before its errand is over: a push that goes on comes sooner. */
const ASIDE_US = 2_000_000;

/** Somebody comes: who is idle makes way, and who makes way already goes on. */
function stepAside(board: Board, memory: AgentMemory, ahead: readonly number[]): AgentMemory {
  const { errand } = memory;
  if (errand === null) return makeWay(board, memory, ahead);
  if (errand.asideSinceUs === undefined) return memory;
  const { asideSinceUs: _, ...goesOn } = errand;
  return board.remember({ ...memory, errand: goesOn });
}

/**
 * Nobody asks for more room: an errand to make way is over, wherever the robot came to stand. Where that is the place it
 * was sent to, the robot itself says so sooner. [F99]
 */
function standAside(board: Board, memory: AgentMemory): AgentMemory {
  const { errand, report } = memory;
  if (errand === null || errand.missionId !== TRAFFIC || Math.abs(report.speedMps) > 0.02) return memory;
  if (errand.asideSinceUs === undefined) {
    return board.remember({ ...memory, errand: { ...errand, asideSinceUs: board.atUs } });
  }
  if (board.atUs - errand.asideSinceUs < ASIDE_US) return memory;
  board.recall(report.agentId, errand.taskId, 'nobody needs the way any more');
  return board.agents.get(report.agentId) ?? memory;
}

/** An idle robot that stands in somebody's way is given the task to step aside. */
function makeWay(board: Board, memory: AgentMemory, ahead: readonly number[]): AgentMemory {
  const { site } = board.desk.ground;
  const { agentId } = memory.report;
  const cell = ahead.at(-1) as number;
  const args: Json = { xM: centreXM(site, cell), yM: centreYM(site, cell) };
  const taskId = `way-${agentId}-${board.newNumber()}`;
  board.outputs.push({
    type: 'assign',
    agentId,
    task: { id: taskId, missionId: TRAFFIC, kind: 'goto', args, priority: 0 },
  });
  const errand: Errand = { taskId, missionId: TRAFFIC, stops: [], next: 0 };
  return board.remember({ ...memory, errand, told: null, asked: null });
}
