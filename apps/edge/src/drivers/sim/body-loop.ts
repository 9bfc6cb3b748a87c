import type { Stimulus } from '@sigma/kernel';
import { type BodyFault, WATCHDOG_US } from '../../hal/driver.ts';
import type { Bodies, HeldCommand } from './bodies.ts';
import type { Pulse } from './pulse.ts';

export type ToBody =
  | ({ readonly type: 'command'; readonly agentId: string; readonly atUs: number } & HeldCommand)
  | { readonly type: 'fault'; readonly fault: BodyFault }
  | { readonly type: 'reconcile'; readonly agentId: string; readonly actionId: string };

export type FromBody =
  | { readonly type: 'open'; readonly capabilities: ReadonlyMap<string, readonly string[]> }
  | {
      readonly type: 'frames';
      readonly atUs: number;
      readonly inputs: ReadonlyMap<string, readonly Stimulus[]>;
      readonly outside: ReadonlyMap<string, Readonly<Record<string, number>>>;
      /** True while the brakes hold because the loop above was silent. */
      readonly braked: boolean;
      /** Time that the bodies stood out of time before these frames: this machine was too slow to compute them. */
      readonly lostUs: number;
    };

/** The loop's surroundings: a clock, and the ways to the driver and the recorder. */
export interface BodyPorts {
  /** Agent time. */
  readonly nowUs: () => number;
  /** The next message of the driver, or null. */
  readonly receive: () => ToBody | null;
  readonly say: (message: FromBody) => void;
  /** The bodies have come to the beginning of that step. */
  readonly stepped: (step: number) => void;
}

/**
 * Steps behind real time that are caught up one by one. Longer than any pause of a busy machine; what is older, after a
 * suspended one, is lost, and the agents are told.
 */
const MOST_BEHIND = 200;

/**
 * What the bodies' own thread does. Physics does not wait for programs, and not for this thread either: what was told, what
 * expires and who is silent is judged in agent time, so that a step that is computed late comes out as one that is
 * computed in time. It holds what it was told last, lets set-points end, and brakes mechanically when the loop above
 * has not asked for frames for WATCHDOG_US.
 */
export class BodyLoop {
  readonly #ports: BodyPorts;
  readonly #agents: readonly string[];
  readonly #bodies: Bodies;
  readonly #pulse: Pulse;
  readonly #held = new Map<string, HeldCommand>();
  readonly #rest: HeldCommand;
  readonly #mechanical: HeldCommand;
  /** Commands that were told and whose moment, in the bodies' time, has not come. */
  #told: Extract<ToBody, { type: 'command' }>[] = [];
  #faults: BodyFault[] = [];
  #answers: { readonly agentId: string; readonly stimulus: Stimulus }[] = [];
  #braked = false;
  #step: number;
  #lostUs = 0;

  /** @param agents ids of the bodies */
  constructor(agents: readonly string[], bodies: Bodies, pulse: Pulse, ports: BodyPorts) {
    this.#ports = ports;
    this.#agents = agents;
    this.#bodies = bodies;
    this.#pulse = pulse;
    this.#rest = { command: bodies.rest, untilUs: Number.MAX_SAFE_INTEGER };
    this.#mechanical = { command: bodies.mechanical, untilUs: Number.MAX_SAFE_INTEGER };
    // The first step is the next one on the grid of agent time: the bodies did not move before anybody looked.
    this.#step = Math.ceil(ports.nowUs() / bodies.stepUs);
    pulse.beat(this.#step * bodies.stepUs);
  }

  /** Steps computed so far, counted from agent time 0. */
  get step(): number {
    return this.#step;
  }

  /** Runs every step that is due. @returns microseconds to the next one */
  run(): number {
    const { nowUs } = this.#ports;
    const { stepUs } = this.#bodies;
    const due = Math.floor(nowUs() / stepUs);
    const lost = due - this.#step - MOST_BEHIND;
    if (lost > 0) {
      this.#step += lost;
      this.#lostUs += lost * stepUs;
    }
    while (this.#step < due && !this.#pulse.closing) this.#advance();
    return (this.#step + 1) * stepUs - nowUs();
  }

  #advance(): void {
    const { stepUs } = this.#bodies;
    const fromUs = this.#step * stepUs;
    const atUs = fromUs + stepUs;
    this.#listen();
    this.#watch(atUs);
    this.#obey(atUs);
    const commands = new Map<string, HeldCommand>();
    for (const id of this.#agents) commands.set(id, this.#commandAt(id, atUs));
    const inputs = new Map(this.#bodies.step(fromUs, commands, this.#faults.splice(0)));
    this.#step++;
    for (const { agentId, stimulus } of this.#answers.splice(0)) {
      inputs.set(agentId, [...(inputs.get(agentId) ?? []), stimulus]);
    }
    const lostUs = this.#lostUs;
    this.#lostUs = 0;
    const outside = this.#bodies.outside();
    this.#ports.say({ type: 'frames', atUs, inputs, outside, braked: this.#braked, lostUs });
    this.#ports.stepped(this.#step);
  }

  #listen(): void {
    const { receive } = this.#ports;
    for (let message = receive(); message !== null; message = receive()) {
      if (message.type === 'fault') this.#faults.push(message.fault);
      else if (message.type === 'command') this.#told.push(message);
      else {
        const { agentId, actionId } = message;
        const stimulus = this.#bodies.actionStatus(agentId, actionId);
        const none = { kind: 'result', actionId, status: 'failed', detail: 'the body never heard of it' } as const;
        this.#answers.push({ agentId, stimulus: stimulus ?? none });
      }
    }
  }

  /** Silence engages the brakes and forgets every command; only commands written after it move a body again. */
  #watch(atUs: number): void {
    const silent = atUs - this.#pulse.lastUs > WATCHDOG_US;
    if (silent && !this.#braked) this.#held.clear();
    this.#braked = silent;
  }

  /** Takes what was told by now, in agent time: a step that is computed late must not know of the future. */
  #obey(atUs: number): void {
    let taken = 0;
    for (const { agentId, command, untilUs, atUs: toldUs } of this.#told) {
      if (toldUs >= atUs) break;
      this.#held.set(agentId, { command, untilUs });
      taken++;
    }
    if (taken > 0) this.#told.splice(0, taken);
  }

  #commandAt(agentId: string, atUs: number): HeldCommand {
    if (this.#braked) return this.#mechanical;
    const held = this.#held.get(agentId);
    return held === undefined || atUs > held.untilUs ? this.#rest : held;
  }
}
