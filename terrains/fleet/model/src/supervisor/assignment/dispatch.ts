import { type Board, handedOver, isOpen, passStop, TRAFFIC, UPKEEP } from '../board.ts';
import type { AgentMemory, Errand, MissionView, TaskView } from '../port.ts';
import { nextStop } from '../traffic/traffic-desk.ts';
import { assignTasks, type Offer } from './assign.ts';

/** A mission that found nobody is auctioned again after this long, or as soon as other robots are free. */
const AUCTION_AGAIN_US = 1_000_000;
/** Of those that are auctioned again only because time has passed, so many at once: nobody who asks waits for them all. */
const AGAIN_AT_ONCE = 4;

/**
 * Gives waiting tasks to free robots, the most urgent missions first. Where none is free that could do it, a robot is taken
 * from less urgent work, the least urgent first, if it has not picked up anything for it yet. [F98]
 */
export function dispatch(board: Board): void {
  const urgent = [...board.missions.values()].filter(
    (mission) => isOpen(mission) && mission.tasks.some(({ status }) => status === 'waiting'),
  );
  if (urgent.length === 0) return;
  urgent.sort((a, b) => b.priority - a.priority);
  let bidders = biddersOn(board);
  const again = new Set(longestWaiting(board, urgent, bidders));
  for (const mission of urgent) {
    if (board.auctions[mission.id]?.bidders === bidders && !again.has(mission)) continue;
    board.auctions[mission.id] = { bidders, atUs: board.atUs };
    let taken = take(board, mission.id, assignTasks(board.desk, mission, board.agents));
    for (const level of lessUrgent(board, mission)) {
      const present = board.missions.get(mission.id) as MissionView;
      if (!present.tasks.some(({ status }) => status === 'waiting')) break;
      const spared = (memory: AgentMemory): boolean => worksBelow(board, memory, mission) === level;
      const found = assignTasks(board.desk, present, board.agents, spared).filter(({ agentId }) => agentId !== null);
      taken = take(board, mission.id, found) || taken;
    }
    if (taken) bidders = biddersOn(board);
  }
}

/** Missions that found nobody a while ago and are due again although the same robots are free, the longest ago first. */
function longestWaiting(board: Board, urgent: readonly MissionView[], bidders: string): readonly MissionView[] {
  const due: { readonly mission: MissionView; readonly atUs: number }[] = [];
  for (const mission of urgent) {
    const last = board.auctions[mission.id];
    if (last?.bidders !== bidders || board.atUs - last.atUs < AUCTION_AGAIN_US) continue;
    due.push({ mission, atUs: last.atUs });
  }
  due.sort((a, b) => a.atUs - b.atUs);
  return due.slice(0, AGAIN_AT_ONCE).map(({ mission }) => mission);
}

/** Puts what an auction came to in force. @returns true when a robot got a task */
function take(board: Board, missionId: string, offers: readonly Offer[]): boolean {
  let taken = false;
  for (const { view, agentId, errand, detail } of offers) {
    if (agentId === null || errand === null) {
      const why = view.gaveWay === undefined ? detail : `${view.gaveWay}; ${detail}`;
      if (view.detail !== why) board.putTask(missionId, { ...view, detail: why });
      continue;
    }
    send(board, agentId, view, errand);
    const { gaveWay: _, ...rest } = view;
    board.putTask(missionId, { ...rest, agentId, status: 'queued', detail, sinceUs: board.atUs });
    taken = true;
  }
  return taken;
}

/** Who could take a task now: while they are the same, an auction held a moment ago would end the same. */
function biddersOn(board: Board): string {
  let bidders = '';
  for (const { report, errand } of board.agents.values()) {
    const able = report.linked && !report.halted && report.mode === 'automatic';
    if (able && (errand === null || errand.missionId === TRAFFIC)) bidders += `${report.agentId} `;
  }
  return bidders;
}

/** Priorities under that of the mission at which robots work that could be spared, the least first. */
function lessUrgent(board: Board, mission: MissionView): readonly number[] {
  const found = new Set<number>();
  for (const memory of board.agents.values()) {
    const priority = worksBelow(board, memory, mission);
    if (priority !== null) found.add(priority);
  }
  return [...found].sort((a, b) => a - b);
}

/**
 * The priority of what the robot does now, if it is less urgent than the mission and could begin anew elsewhere: nothing
 * was loaded for it, nor is about to be. Null for a robot that is free, charges or cannot be spared.
 */
function worksBelow(board: Board, memory: AgentMemory, mission: MissionView): number | null {
  const { errand, told } = memory;
  if (errand === null || errand.missionId === TRAFFIC) return null;
  const present = board.missions.get(errand.missionId);
  if (present === undefined || present.createdBy === UPKEEP || !(present.priority < mission.priority)) return null;
  const begun = present.goal.kind === 'deliver' && errand.next > 0;
  const acts = told?.action != null || (nextStop(memory)?.action != null && nextStop(memory)?.cell === memory.cell);
  return begun || acts ? null : present.priority;
}

/** Gives a robot its task. What it was at is dropped: making way for good, less urgent work to be given out again. */
function send(board: Board, agentId: string, view: TaskView, errand: Errand): void {
  const present = board.agents.get(agentId)?.errand ?? null;
  if (present !== null) release(board, agentId, present, errand.missionId);
  const memory = board.agents.get(agentId);
  if (memory === undefined) return;
  board.remember(passStop({ ...memory, errand, told: null, asked: null, cellSinceUs: board.atUs }));
  board.outputs.push({ type: 'assign', agentId, task: view.task });
}

function release(board: Board, agentId: string, errand: Errand, forMissionId: string): void {
  const view = board.taskOf(errand);
  const name = board.missions.get(forMissionId)?.name ?? forMissionId;
  board.recall(agentId, errand.taskId, view === undefined ? 'work to do' : `'${name}' is more urgent`);
  const mission = board.missions.get(errand.missionId);
  if (view === undefined || mission === undefined) return;
  const bound = 'agentId' in mission.goal ? mission.goal.agentId : null;
  const gaveWay = `${agentId} was taken for '${name}', which is more urgent`;
  const left = handedOver(view, { agentId, reason: `'${name}' was more urgent`, gaveWay: true }, board.atUs);
  board.putTask(mission.id, { ...left, agentId: bound, status: 'waiting', progress: 0, detail: gaveWay, gaveWay });
}
