import type { Command, Intent, Json, Order as KernelOrder, Observation, Params, PlanStimulus } from '@sigma/kernel';
import type { FencesInForce, Order, Param, Plan, Task, Command as WireCommand } from '@sigma/proto';

/** An order's content that no agent can understand; the message says which field is wrong. */
export class MalformedOrderError extends Error {
  constructor(what: string) {
    super(`malformed: ${what}`);
    this.name = 'MalformedOrderError';
  }
}

/** Whole numbers of the wire are 64 bits wide; agents count to 2^53 - 1. @throws MalformedOrderError */
export function wholeNumber(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new MalformedOrderError(`${what} ${value} is out of range`);
  return number;
}

/**
 * The order in the kernel's words, or null for what is no order to an agent (a plan, a fault, what people drew).
 *
 * @param agentTimeUs turns wall time into agent time, microseconds
 * @throws MalformedOrderError
 */
export function kernelOrder(
  order: Order['order'],
  agentTimeUs: (timeUs: bigint, what: string) => number,
): KernelOrder | null {
  switch (order.case) {
    case 'assign':
      return { type: 'assign', task: kernelTask(order.value.task) };
    case 'cancel':
      return { type: 'cancel', taskId: order.value.taskId, reason: order.value.reason };
    case 'lease': {
      const { leaseId, holder, expiresTimeUs } = order.value;
      return { type: 'lease', leaseId, holder, expiresAtUs: agentTimeUs(expiresTimeUs, 'the end of the lease') };
    }
    case 'release':
      return { type: 'release', leaseId: order.value.leaseId };
    case 'command': {
      const { leaseId, command, rationale } = order.value;
      return { type: 'command', leaseId, command: kernelCommand(command), rationale };
    }
    case 'takeover':
      return { type: 'takeover', leaseId: order.value.leaseId };
    case 'stop':
      return { type: 'stop', stop: oneOf(order.value.stop, STOPS, 'stop'), by: order.value.by };
    case 'acknowledge':
      return { type: 'acknowledge', by: order.value.by };
    case 'reset':
      return { type: 'reset', by: order.value.by };
    case 'mode':
      return { type: 'mode', mode: oneOf(order.value.mode, MODES, 'mode'), by: order.value.by };
    case 'defer':
      return { type: 'defer', forUs: wholeNumber(order.value.forUs, 'the deferral'), by: order.value.by };
    case 'plan':
    case 'fault':
    case 'fences':
      return null;
    case undefined:
      throw new MalformedOrderError('the order is empty, or of a kind this edge does not know');
  }
}

/** What people drew, as the terrain's model reads it: `{ version, fences: [{ id, kind, speedMps, points: [[x, y]] }] }`. */
export function fencesObservation({ version, fences }: FencesInForce): Observation {
  return {
    kind: 'observation',
    channel: 'fences',
    data: {
      version: wholeNumber(version, 'the version of the fences'),
      fences: fences.map(({ id, kind, speedMps, polygon }) => ({
        id,
        kind,
        speedMps: finite(speedMps, `the speed of fence '${id}'`),
        points: (polygon?.points ?? []).map(({ xM, yM }) => [finite(xM, 'a corner'), finite(yM, 'a corner')]),
      })),
    },
  };
}

function finite(value: number, what: string): number {
  if (!Number.isFinite(value)) throw new MalformedOrderError(`${what} is no finite number`);
  return value;
}

const STOPS = ['none', 'normal', 'protective', 'emergency'] as const;
const MODES = ['automatic', 'manual', 'service'] as const;

function oneOf<Word extends string>(word: string, words: readonly Word[], what: string): Word {
  const found = words.find((one) => one === word);
  if (found === undefined)
    throw new MalformedOrderError(`${what} '${word.slice(0, 40)}' is none of ${words.join(', ')}`);
  return found;
}

function kernelTask(task: Task | undefined): Extract<KernelOrder, { type: 'assign' }>['task'] {
  if (task === undefined || task.id === '') throw new MalformedOrderError('no task');
  let args: Json;
  try {
    args = JSON.parse(task.argsJson === '' ? 'null' : task.argsJson) as Json;
  } catch {
    throw new MalformedOrderError(`the arguments of task ${task.id} are no JSON`);
  }
  return { id: task.id, missionId: task.missionId, kind: task.kind, args, priority: task.priority };
}

function kernelParams(params: readonly Param[]): Params {
  const out: Record<string, number | string | boolean> = {};
  for (const { name, value } of params) {
    if (value.case === undefined || name === '') throw new MalformedOrderError(`parameter '${name}' has no value`);
    // A parameter called __proto__ must become an own property and nothing else.
    Object.defineProperty(out, name, { value: value.value, enumerable: true, writable: true, configurable: true });
  }
  return out;
}

/** @throws MalformedOrderError */
function kernelCommand(command: WireCommand | undefined): Command {
  if (command === undefined || command.name === '') throw new MalformedOrderError('no command');
  const { name, kind } = command;
  const params = kernelParams(command.params);
  if (kind.case === 'setPoint') {
    const durationUs = wholeNumber(kind.value.durationUs, 'the duration');
    if (durationUs === 0) throw new MalformedOrderError(`set-point '${name}' holds for no time`);
    return { kind: 'setpoint', name, params, durationUs };
  }
  if (kind.case === 'action') {
    const { id, idempotencyKey } = kind.value;
    if (id === '' || idempotencyKey === '') throw new MalformedOrderError(`action '${name}' has no id or key`);
    return {
      kind: 'action',
      name,
      params,
      id,
      idempotencyKey,
      deadlineUs: wholeNumber(kind.value.deadlineUs, 'the deadline'),
    };
  }
  throw new MalformedOrderError(`command '${name}' is neither set-point nor action`);
}

/** A plan of the hub's core. Everything in it is checked again by the kernel (L9). @throws MalformedOrderError */
export function primaryPlan(plan: Plan): PlanStimulus {
  const { taskId, confidence, rationale, basis } = plan;
  const intents: readonly Intent[] = plan.intents.map(({ name, args }) => ({ name, args: kernelParams(args) }));
  return {
    kind: 'plan',
    from: 'primary',
    taskId,
    revision: wholeNumber(plan.revision, 'the revision'),
    intents,
    confidence,
    rationale,
    basis:
      basis === undefined ? null : { epoch: basis.epoch, inputSequence: wholeNumber(basis.inputSequence, 'the basis') },
    alternatives: plan.alternatives.map(({ summary, reason }) => ({ summary, reason })),
  };
}
