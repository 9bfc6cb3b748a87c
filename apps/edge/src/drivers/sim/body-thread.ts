import { type MessagePort, workerData } from 'node:worker_threads';
import type { Command, Json, Stimulus } from '@sigma/kernel';
import { type BodyFault, WATCHDOG_US } from '../../hal/driver.ts';
import { Board } from '../../live/board.ts';
import { monotonicUs } from '../../live/clock.ts';
import type { Bodies, OpenBodies } from './bodies.ts';

/** What the thread of the simulated bodies is started with. */
export interface BodyThreadData {
  readonly module: string;
  readonly settings: Json;
  readonly agents: readonly { readonly id: string; readonly config: Json }[];
  readonly baseUs: number;
  /** Rung when frames are out. */
  readonly doorbell: SharedArrayBuffer | null;
  /** Int32: [calls of `read`, closing]. */
  readonly pulse: SharedArrayBuffer;
  readonly port: MessagePort;
}

export type ToBody =
  | { readonly type: 'command'; readonly agentId: string; readonly command: Command; readonly untilUs: number }
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
    };

interface HeldCommand {
  readonly command: Command;
  readonly untilUs: number;
}

/** Steps behind real time that are caught up one by one; what is older is lost, as it would be on a real body. */
const MOST_BEHIND = 20;

/**
 * The bodies' own thread: physics does not wait for programs. It holds what it was told last, lets set-points expire,
 * and brakes mechanically when the loop above has not asked for frames for WATCHDOG_US.
 */
class BodyThread {
  readonly #data: BodyThreadData;
  readonly #bodies: Bodies;
  readonly #pulse: Int32Array;
  readonly #board: Board | null;
  readonly #held = new Map<string, HeldCommand>();
  #faults: BodyFault[] = [];
  #answers: { readonly agentId: string; readonly stimulus: Stimulus }[] = [];
  #pulseSeen = 0;
  #pulseAtUs: number;
  #braked = false;
  #step: number;

  constructor(data: BodyThreadData, bodies: Bodies) {
    this.#data = data;
    this.#bodies = bodies;
    this.#pulse = new Int32Array(data.pulse);
    this.#board = data.doorbell === null ? null : new Board(data.doorbell);
    // The first step is the next one on the grid of agent time: the bodies did not move before anybody looked.
    this.#step = Math.max(0, Math.floor((monotonicUs() - data.baseUs) / bodies.stepUs));
    this.#pulseAtUs = monotonicUs();
  }

  hear(message: ToBody): void {
    if (message.type === 'fault') this.#faults.push(message.fault);
    else if (message.type === 'command') {
      const { agentId, command, untilUs } = message;
      this.#held.set(agentId, { command, untilUs });
    } else {
      const { agentId, actionId } = message;
      const stimulus = this.#bodies.actionStatus(agentId, actionId);
      const none = { kind: 'result', actionId, status: 'failed', detail: 'the body never heard of it' } as const;
      this.#answers.push({ agentId, stimulus: stimulus ?? none });
    }
  }

  /** Runs every step that is due. @returns microseconds to the next one */
  run(): number {
    const { baseUs } = this.#data;
    const { stepUs } = this.#bodies;
    const due = Math.floor((monotonicUs() - baseUs) / stepUs);
    if (due - this.#step > MOST_BEHIND) this.#step = due - MOST_BEHIND;
    while (this.#step < due) this.#advance((this.#step + 1) * stepUs);
    return baseUs + (this.#step + 1) * stepUs - monotonicUs();
  }

  #advance(atUs: number): void {
    this.#step++;
    this.#watch();
    const commands = new Map<string, Command>();
    for (const { id } of this.#data.agents) commands.set(id, this.#commandAt(id, atUs));
    const faults = this.#faults.splice(0);
    const inputs = new Map(this.#bodies.step(atUs, commands, faults));
    for (const { agentId, stimulus } of this.#answers.splice(0)) {
      inputs.set(agentId, [...(inputs.get(agentId) ?? []), stimulus]);
    }
    say({ type: 'frames', atUs, inputs, outside: this.#bodies.outside(), braked: this.#braked });
    this.#board?.ring();
  }

  /** Silence engages the brakes and forgets every command; only commands written after it move a body again. */
  #watch(): void {
    const pulse = Atomics.load(this.#pulse, 0);
    const nowUs = monotonicUs();
    if (pulse !== this.#pulseSeen) {
      this.#pulseSeen = pulse;
      this.#pulseAtUs = nowUs;
      this.#braked = false;
    } else if (nowUs - this.#pulseAtUs > WATCHDOG_US && !this.#braked) {
      this.#braked = true;
      this.#held.clear();
    }
  }

  #commandAt(agentId: string, atUs: number): Command {
    if (this.#braked) return this.#bodies.mechanical;
    const held = this.#held.get(agentId);
    return held === undefined || atUs > held.untilUs ? this.#bodies.rest : held.command;
  }

  get closing(): boolean {
    return Atomics.load(this.#pulse, 1) === 1;
  }

  sleep(forUs: number): void {
    if (forUs > 0) Atomics.wait(this.#pulse, 1, 0, forUs / 1000);
  }
}

const data = workerData as BodyThreadData;
const say = (message: FromBody): void => data.port.postMessage(message);
const { openBodies } = (await import(data.module)) as { readonly openBodies: OpenBodies };
const bodies = openBodies(data.settings, data.agents);
const thread = new BodyThread(data, bodies);
data.port.on('message', (message: ToBody) => thread.hear(message));
say({ type: 'open', capabilities: new Map(data.agents.map(({ id }) => [id, bodies.capabilities(id)])) });

/** Sleeps to the next step, then lets the commands that arrived meanwhile in before it. */
function loop(): void {
  if (thread.closing) {
    data.port.close();
    return;
  }
  thread.sleep(thread.run());
  setImmediate(loop);
}
loop();
