import { type Board, isOpen, TRAFFIC, UPKEEP } from '../board.ts';
import type { AgentMemory } from '../port.ts';
import { freePlace } from './missions.ts';

/** A robot that cannot work for this long loses its task to another. */
const REASSIGN_HALTED_US = 20_000_000;
const REASSIGN_UNLINKED_US = 10_000_000;
/** Below this charge a robot gives its task up and goes to charge; below the other it charges when it has nothing to do. */
const BATTERY_GIVES_UP = 0.15;
const BATTERY_CHARGES = 0.4;

/** Takes the task from every robot that dropped out, and sends empty ones to charge. */
export function keepUp(board: Board): void {
  for (const id of board.agents.keys()) watch(board, id);
}

function watch(board: Board, id: string): void {
  const memory = board.agents.get(id);
  if (memory === undefined) return;
  const { report, errand } = memory;
  const reason = dropOut(board, memory);
  if (errand !== null && reason !== null) board.giveBack(id, errand, reason);
  const tired = report.battery < BATTERY_CHARGES && report.linked && !report.halted;
  if (tired && (board.agents.get(id)?.errand ?? null) === null && !atCharger(board, memory)) sendToCharge(board, id);
}

function dropOut(board: Board, { report, haltedUs, unlinkedUs, errand }: AgentMemory): string | null {
  const { atUs } = board;
  if (unlinkedUs !== null && atUs - unlinkedUs > REASSIGN_UNLINKED_US) return `${report.agentId} is out of reach`;
  if (haltedUs !== null && atUs - haltedUs > REASSIGN_HALTED_US) return `${report.agentId} cannot move`;
  if (report.battery >= BATTERY_GIVES_UP) return null;
  const charging = errand !== null && board.missions.get(errand.missionId)?.createdBy === UPKEEP;
  return charging || errand?.missionId === TRAFFIC ? null : `the battery of ${report.agentId} will not last`;
}

function atCharger(board: Board, { cell }: AgentMemory): boolean {
  const { chargers, docks } = board.desk.ground.site;
  return chargers.some((place) => place.cell === cell) || docks.some((place) => place.cell === cell);
}

function sendToCharge(board: Board, agentId: string): void {
  const dockId = freePlace(board.desk.ground, board.agents, agentId);
  const waiting = [...board.missions.values()].some(
    (mission) =>
      mission.createdBy === UPKEEP &&
      mission.goal.kind === 'dock' &&
      mission.goal.agentId === agentId &&
      isOpen(mission),
  );
  if (dockId === null || waiting) return;
  board.open({
    id: `charge-${agentId}-${board.newNumber()}`,
    name: `Charge ${agentId}`,
    goal: { kind: 'dock', agentId, dockId },
    priority: 100,
    createdBy: UPKEEP,
  });
}
