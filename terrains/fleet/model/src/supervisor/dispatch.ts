import { assignTasks } from './assign.ts';
import { type Board, isOpen, passStop, TRAFFIC } from './board.ts';
import type { Errand, PlannedTask } from './port.ts';

/** A mission that found nobody is auctioned again after this long, or as soon as other robots are free. */
const AUCTION_AGAIN_US = 1_000_000;

/** Gives waiting tasks to free robots, the most urgent missions first. */
export function dispatch(board: Board): void {
  const urgent = [...board.missions.values()].filter(
    (mission) => isOpen(mission) && mission.tasks.some(({ status }) => status === 'waiting'),
  );
  if (urgent.length === 0) return;
  urgent.sort((a, b) => b.priority - a.priority);
  let bidders = biddersOn(board);
  for (const mission of urgent) {
    const last = board.auctions[mission.id];
    if (last !== undefined && last.bidders === bidders && board.atUs - last.atUs < AUCTION_AGAIN_US) continue;
    board.auctions[mission.id] = { bidders, atUs: board.atUs };
    for (const { view, agentId, errand, detail } of assignTasks(board.desk, mission, board.agents)) {
      if (agentId === null || errand === null) {
        if (view.detail !== detail) board.putTask(mission.id, { ...view, detail });
        continue;
      }
      send(board, agentId, view.task, errand);
      board.putTask(mission.id, { ...view, agentId, status: 'queued', detail });
      bidders = biddersOn(board);
    }
  }
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

/** Gives a robot its task; one that was only making way drops that. */
function send(board: Board, agentId: string, task: PlannedTask, errand: Errand): void {
  const present = board.agents.get(agentId)?.errand ?? null;
  if (present !== null) board.recall(agentId, present.taskId, 'work to do');
  const memory = board.agents.get(agentId);
  if (memory === undefined) return;
  board.remember(passStop({ ...memory, errand, told: null, asked: null, cellSinceUs: board.atUs }));
  board.outputs.push({ type: 'assign', agentId, task });
}
