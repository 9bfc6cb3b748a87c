import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Ask, PlanStimulus } from '@sigma/kernel';
import { Board } from './board.ts';
import { AgentClock } from './clock.ts';
import { threadPriority } from './priority.ts';
import { openTerrain, type Part } from './terrain.ts';

export interface PlannerThreadData {
  readonly terrain: Part;
  readonly board: SharedArrayBuffer;
  /** Memory of the `AgentClock`. */
  readonly clock: SharedArrayBuffer;
  readonly port: MessagePort;
}

export interface Question {
  readonly agentId: string;
  readonly world: unknown;
  readonly ask: Ask;
  readonly atUs: number;
  readonly revision: number;
  /** The planner is to lie about this one (fault injection). */
  readonly lie: boolean;
}

export type ToPlanner = { readonly type: 'question'; readonly question: Question };

/** From the main thread, for tests: spin for that long and answer nothing meanwhile; 0: until the end. */
export type PlannerSwitch = { readonly type: 'hang'; readonly forMs: number };

export type FromPlanner = { readonly agentId: string; readonly plan: PlanStimulus };

/** Agent time. */
const BEAT_US = 100_000;

/** The thread of the secondary planner. It beats between two answers, so a planner that hangs is soon missed. */
const { terrain: part, board: memory, clock: clockMemory, port } = workerData as PlannerThreadData;
threadPriority('last');
const board = new Board(memory);
const clock = new AgentClock(clockMemory);
const { planner } = await openTerrain(part);

port.on('message', (message: ToPlanner) => {
  const { lie, ...question } = message.question;
  const plan = planner.plan(question);
  if (plan === null) return;
  const answer: FromPlanner = { agentId: question.agentId, plan: lie ? planner.lie(plan) : plan };
  port.postMessage(answer);
  board.ring();
});

parentPort?.on('message', ({ forMs }: PlannerSwitch) => {
  const end = forMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + forMs;
  while (performance.now() < end && !board.closing);
});

function beat(): void {
  if (board.closing) {
    port.close();
    return;
  }
  board.plannerBeat();
  setTimeout(beat, clock.lasts(BEAT_US) / 1000);
}
beat();
