import { type Board, givenBack, passStop } from './board.ts';
import type { AgentMemory, AgentReport, Errand, SupervisorInput, TaskView } from './port.ts';
import { cellOnWay, nextStop } from './traffic/traffic-desk.ts';

/** An action that failed is tried again after this long, and so many times at one stop. */
const RETRY_US = 3_000_000;
const MOST_FAILURES = 3;

/** A robot that asks for another plan after standing for so long before a cell it may enter has found it blocked. */
const BLOCKED_US = 8_000_000;
/** So long the others are led around; then somebody looks again. */
const AROUND_US = 30_000_000;

/** What the kernel says when the steps it was given are done. */
const FINISHED = 'the plan is finished';

type TaskReport = Extract<SupervisorInput, { type: 'task' }>;

/** Writes on the board what came in. What follows from it is for the other rooms. */
export function hear(board: Board, input: SupervisorInput): void {
  switch (input.type) {
    case 'agent':
      hearAgent(board, input);
      break;
    case 'task':
      hearTask(board, input);
      break;
    case 'asked':
      hearAsked(board, input);
      break;
    case 'mission':
      if (!board.missions.has(input.mission.id)) board.open(input.mission);
      break;
    case 'cancel':
      cancelMission(board, input.missionId, input.reason);
      break;
    case 'priority':
      setPriority(board, input.missionId, input.priority);
      break;
    case 'fences':
      board.fences = input.fences;
      break;
    case 'tick':
      break;
  }
}

function hearAgent(board: Board, report: AgentReport): void {
  const { agentId } = report;
  const { atUs } = board;
  const before = board.agents.get(agentId);
  const memory: AgentMemory = {
    errand: null,
    planRevision: 0,
    told: null,
    asked: null,
    waitsFor: null,
    cell: -1,
    cellSinceUs: atUs,
    failures: 0,
    retryUs: 0,
    withdrawn: null,
    ...before,
    report,
    haltedUs: report.halted ? (before?.haltedUs ?? atUs) : null,
    unlinkedUs: report.linked ? null : (before?.unlinkedUs ?? atUs),
  };
  const cell = cellOnWay(board.desk, memory, board.pathOf(agentId));
  const moved = cell !== memory.cell;
  const planRevision = Math.max(memory.planRevision, report.planRevision);
  const next = { ...memory, planRevision, cell, cellSinceUs: moved || report.halted ? atUs : memory.cellSinceUs };
  board.remember(passStop(next));
}

function hearAsked(board: Board, input: Extract<SupervisorInput, { type: 'asked' }>): void {
  const { agentId, taskId, reason, planRevision } = input;
  const memory = board.agents.get(agentId);
  if (memory === undefined) return;
  const { errand, told } = memory;
  if (errand?.taskId !== taskId) {
    board.outputs.push({ type: 'cancel_task', agentId, taskId, reason: 'the supervisor does not know this task' });
    return;
  }
  const stop = nextStop(memory);
  const acted = told !== null && told.action !== null && told.revision === planRevision;
  const finished = reason === FINISHED && acted && stop?.action?.name === told.action;
  if (finished) {
    const next = { ...errand, next: errand.next + 1 };
    board.remember({ ...memory, errand: next, asked: reason, failures: 0 });
  } else if (acted) {
    hearFailure(board, memory, errand, reason);
  } else {
    if (reason !== FINISHED) findObstacle(board, memory);
    board.remember({ ...memory, asked: reason });
  }
}

/** Reality was not as expected: if the robot has stood before the next cell all the while, that cell is blocked. */
function findObstacle(board: Board, { report, cell, cellSinceUs }: AgentMemory): void {
  const cells = board.pathOf(report.agentId);
  const next = cells[cells.indexOf(cell) + 1];
  const stands = Math.abs(report.speedMps) < 0.05 && board.atUs - cellSinceUs > BLOCKED_US;
  if (next === undefined || !stands || report.halted) return;
  const others = board.obstacles.filter((known) => known.cell !== next);
  board.obstacles = [...others, { cell: next, foundBy: report.agentId, untilUs: board.atUs + AROUND_US }];
}

/** An action failed: it is tried again after a while, and after some tries the task goes to another robot. */
function hearFailure(board: Board, memory: AgentMemory, errand: Errand, reason: string): void {
  const failures = memory.failures + 1;
  if (failures >= MOST_FAILURES) board.giveBack(memory.report.agentId, errand, reason);
  else board.remember({ ...memory, failures, retryUs: board.atUs + RETRY_US, told: null, asked: reason });
}

function hearTask(board: Board, input: TaskReport): void {
  const memory = board.agents.get(input.agentId);
  const over = input.status !== 'queued' && input.status !== 'active';
  if (memory !== undefined && over && memory.errand?.taskId === input.taskId) {
    board.remember({ ...memory, errand: null, told: null, asked: null, failures: 0 });
  }
  for (const mission of board.missions.values()) {
    const view = mission.tasks.find(({ task, agentId }) => task.id === input.taskId && agentId === input.agentId);
    // What waits is nobody's: a robot that it was taken from says that it has dropped it.
    if (view === undefined || view.status === 'done' || view.status === 'cancelled' || view.status === 'waiting')
      continue;
    board.putTask(mission.id, afterReport(view, input, board.atUs));
  }
}

/** A task that was refused or failed goes back to be given to another, until too many have tried. */
function afterReport(view: TaskView, { status, detail, agentId, progress }: TaskReport, atUs: number): TaskView {
  if (status === 'done') return { ...view, status, progress: 1, detail, untilUs: atUs };
  if (status === 'queued' || status === 'active') {
    return { ...view, status, progress: Math.max(view.progress, progress), detail };
  }
  return givenBack(view, agentId, detail === '' ? status : detail, atUs);
}

function cancelMission(board: Board, missionId: string, reason: string): void {
  const mission = board.missions.get(missionId);
  if (mission === undefined || (mission.status !== 'queued' && mission.status !== 'active')) return;
  for (const view of mission.tasks) if (view.agentId !== null) board.recall(view.agentId, view.task.id, reason);
  const tasks = mission.tasks.map((view) =>
    view.status === 'done'
      ? view
      : { ...view, status: 'cancelled' as const, ...(view.sinceUs === undefined ? {} : { untilUs: board.atUs }) },
  );
  board.put({ ...mission, tasks, status: 'cancelled', detail: reason });
}

/** Moves a mission in the queue: what still waits is given out by it. What is under way stays with who has it. */
function setPriority(board: Board, missionId: string, priority: number): void {
  const mission = board.missions.get(missionId);
  if (mission === undefined || (mission.status !== 'queued' && mission.status !== 'active')) return;
  const tasks = mission.tasks.map((view) =>
    view.status === 'waiting' ? { ...view, task: { ...view.task, priority } } : view,
  );
  board.put({ ...mission, priority, tasks });
}
