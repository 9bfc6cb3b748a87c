import type { Agent, Draft, KernelEvent, TaskState } from './agent.ts';
import { type Command, isFinal } from './command.ts';
import type { Json } from './json.ts';
import type { Task } from './mission.ts';
import type { Situation, TerrainModel } from './model.ts';

/** Most tasks that have ended which an agent remembers, so that an order delivered twice is recognised. */
const ENDED_TASKS_KEPT = 16;

/** An unanswered question is asked again after this long, in microseconds. */
export const ASK_AGAIN_US = 1_000_000;

export function activeTask<World>(agent: Agent<World> | Draft<World>): TaskState | null {
  for (const state of agent.tasks) if (state.status === 'active') return state;
  return null;
}

/** Begins the most urgent queued task, the oldest among equals, when none is active. */
function activateNext<World>(agent: Draft<World>, events: KernelEvent[], atUs: number): void {
  if (activeTask(agent) !== null) return;
  let next: TaskState | null = null;
  for (const state of agent.tasks) {
    if (state.status === 'queued' && (next === null || state.task.priority > next.task.priority)) next = state;
  }
  if (next === null) return;
  const { task } = next;
  agent.tasks = agent.tasks.map((state) =>
    state.task.id === task.id ? { task, status: 'active', sinceUs: atUs } : state,
  );
  events.push({ type: 'task', taskId: task.id, missionId: task.missionId, status: 'active', reason: '' });
}

/** Takes the task, or refuses it with the terrain's reason. Begins it at once when the agent is free. */
export function assignTask<World>(
  model: TerrainModel<World>,
  agent: Draft<World>,
  task: Task,
  events: KernelEvent[],
  atUs: number,
): string | null {
  if (agent.tasks.some((state) => state.task.id === task.id)) return 'this task is here already';
  const refusal = model.refuses(agent.world, task);
  const status = refusal === null ? 'queued' : 'refused';
  agent.tasks = trim([...agent.tasks, { task, status, sinceUs: atUs }]);
  events.push({ type: 'task', taskId: task.id, missionId: task.missionId, status, reason: refusal ?? '' });
  activateNext(agent, events, atUs);
  return refusal;
}

/** Forgets the oldest ended tasks beyond the number kept. */
function trim(tasks: Agent<unknown>['tasks']): Agent<unknown>['tasks'] {
  let spare = tasks.filter(({ status }) => status !== 'queued' && status !== 'active').length - ENDED_TASKS_KEPT;
  if (spare <= 0) return tasks;
  return tasks.filter(({ status }) => status === 'queued' || status === 'active' || spare-- <= 0);
}

/** @returns why it cannot be cancelled, or null */
export function cancelTask<World>(
  agent: Draft<World>,
  taskId: string,
  reason: string,
  events: KernelEvent[],
  atUs: number,
): string | null {
  const state = agent.tasks.find(({ task }) => task.id === taskId);
  if (state === undefined) return `task ${taskId} is not here`;
  if (state.status !== 'queued' && state.status !== 'active') return `task ${taskId} is ${state.status}`;
  endTask(agent, taskId, 'cancelled', reason, events, atUs);
  return null;
}

/** Ends a task, and the plan and question that served it. */
function endTask<World>(
  agent: Draft<World>,
  taskId: string,
  status: 'done' | 'failed' | 'cancelled',
  reason: string,
  events: KernelEvent[],
  atUs: number,
): void {
  agent.tasks = trim(
    agent.tasks.map((state) => (state.task.id === taskId ? { ...state, status, sinceUs: atUs } : state)),
  );
  const ended = agent.tasks.find(({ task }) => task.id === taskId);
  if (agent.plan?.taskId === taskId) agent.plan = null;
  agent.asked = null;
  events.push({ type: 'task', taskId, missionId: ended?.task.missionId ?? '', status, reason });
  activateNext(agent, events, atUs);
}

/** Asks the planner of the chain's active link for steps, unless it was asked a moment ago. */
function askPlanner<World>(agent: Draft<World>, reason: string, atUs: number): boolean {
  if (agent.chain.active === 'mechanical') return false;
  const { asked } = agent;
  if (asked !== null && asked.of === agent.chain.active && atUs - asked.atUs < ASK_AGAIN_US) return false;
  agent.asked = { of: agent.chain.active, reason, atUs };
  return true;
}

/** Drops the plan in force and asks for another. @returns whether a question goes out */
export function replan<World>(agent: Draft<World>, reason: string, atUs: number): boolean {
  agent.plan = null;
  return activeTask(agent) !== null && askPlanner(agent, reason, atUs);
}

/** Supervision: ends the active task when it is done or failed by what was sensed. */
export function superviseTask<World>(
  model: TerrainModel<World>,
  agent: Draft<World>,
  events: KernelEvent[],
  atUs: number,
): void {
  const active = activeTask(agent);
  if (active === null) return;
  const progress = model.taskProgress(agent.world, active.task);
  if (progress === 'running') return;
  endTask(agent, active.task.id, progress, progress === 'done' ? 'as sensed' : 'cannot be done any more', events, atUs);
}

/**
 * Moves along the plan: past every intent that is done, to a new plan when one failed.
 *
 * @returns the reason for which a new plan is needed, or null
 */
export function followPlan<World>(model: TerrainModel<World>, agent: Draft<World>, atUs: number): string | null {
  let plan = agent.plan;
  while (plan !== null) {
    const intent = plan.intents[plan.cursor];
    if (intent === undefined) {
      agent.plan = plan;
      return 'the plan is finished';
    }
    const progress =
      plan.command?.kind === 'action'
        ? actionProgress(agent, plan.command.id)
        : model.intentProgress(agent.world, intent, plan.intentSinceUs, atUs);
    if (progress === 'failed') return `'${intent.name}' failed${whyFailed(agent, plan.command)}`;
    if (progress === 'running') break;
    plan = { ...plan, cursor: plan.cursor + 1, intentSinceUs: atUs, command: null, commandSinceUs: atUs };
  }
  agent.plan = plan;
  return null;
}

/** The reason that the world gave, where it gave one in words. */
function whyFailed<World>(agent: Draft<World>, command: Command | null): string {
  const flight = agent.actions.find(({ action }) => command?.kind === 'action' && action.id === command.id);
  const detail = flight?.detail;
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return '';
  const { reason } = detail as { readonly [key: string]: Json };
  return typeof reason === 'string' ? `: ${reason}` : '';
}

/** An action that is `unknown` keeps the plan waiting until its world has reconciled it. */
function actionProgress<World>(agent: Draft<World>, id: string): 'running' | 'done' | 'failed' {
  const flight = agent.actions.find(({ action }) => action.id === id);
  if (flight === undefined || !isFinal(flight.status)) return 'running';
  return flight.status === 'done' ? 'done' : 'failed';
}

/** Gives the present intent its parameters. The same action is proposed until its world has answered. */
export function parametrizeIntent<World>(
  model: TerrainModel<World>,
  agent: Draft<World>,
  situation: Situation<World>,
  atUs: number,
): void {
  const plan = agent.plan;
  const intent = plan?.intents[plan.cursor];
  if (plan === null || intent === undefined || plan.command?.kind === 'action') return;
  const key = `${plan.taskId}/${plan.from}/${plan.revision}/${plan.cursor}`;
  const command = model.parametrize(intent, situation, `${agent.epoch}/${key}`, key);
  agent.plan = { ...plan, command, commandSinceUs: atUs };
}
