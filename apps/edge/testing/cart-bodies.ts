import { appendFileSync } from 'node:fs';
import type { Command, Json, ResultStimulus, Stimulus } from '@sigma/kernel';
import type { Bodies, BodiesSetup } from '../src/drivers/sim/bodies.ts';
import { railFrame } from './cart.ts';

const STEP_S = 0.01;

/** Simulated carts. What each was made to do is written to `logPath`, one line a change: `agent atUs command`. */
export function openBodies(settings: Json, { agents }: BodiesSetup): Bodies {
  const { logPath } = settings as { readonly logPath: string };
  const carts = new Map(
    agents.map(({ id }) => [id, { xM: 0, rangeM: 100, last: '', done: new Map<string, ResultStimulus>() }]),
  );
  const outside = new Map<string, Record<string, number>>();

  function move(id: string, command: Command, atUs: number): Stimulus[] {
    const cart = carts.get(id);
    if (cart === undefined) return [];
    cart.xM += Number(command.params.speedMps ?? 0) * STEP_S;
    if (command.name !== cart.last) appendFileSync(logPath, `${id} ${atUs} ${command.name}\n`);
    cart.last = command.name;
    const stimuli: Stimulus[] = [railFrame(cart.xM, cart.rangeM)];
    if (command.kind !== 'action' || cart.done.has(command.idempotencyKey)) return stimuli;
    const result: ResultStimulus = { kind: 'result', actionId: command.id, status: 'done', detail: null };
    cart.done.set(command.idempotencyKey, result);
    return [...stimuli, result];
  }

  return {
    stepUs: 10_000,
    capabilities: () => ['drive'],
    rest: { kind: 'setpoint', name: 'stop', params: {}, durationUs: 1_000_000 },
    mechanical: { kind: 'setpoint', name: 'brakes', params: {}, durationUs: 1_000_000 },
    step: (atUs, commands, faults) => {
      for (const { agentId, fault, clear, value } of faults) {
        const present = { ...outside.get(agentId) };
        if (clear) delete present[fault];
        else present[fault] = value === 0 ? 1 : value;
        outside.set(agentId, present);
        const cart = carts.get(agentId);
        if (cart !== undefined && fault === 'obstacle') cart.rangeM = clear ? 100 : 0.2;
      }
      return new Map([...commands].map(([id, { command }]) => [id, move(id, command, atUs)]));
    },
    outside: () => outside,
    seal: () => null,
    actionStatus: (id, actionId) =>
      [...(carts.get(id)?.done.values() ?? [])].find((result) => result.actionId === actionId) ?? null,
  };
}
