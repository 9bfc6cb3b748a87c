import { once } from 'node:events';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { type Command, type Json, type Stimulus, sameCommand } from '@sigma/kernel';
import type { BodyFault, BodyInput, Driver, DriverSetup } from '../../hal/driver.ts';
import { AgentClock } from '../../live/clock.ts';
import type { FromBody, ToBody } from './body-loop.ts';
import type { BodyThreadData } from './body-thread.ts';
import { Pulse } from './pulse.ts';

/** Settings of the simulated driver: the module that exports `openBodies`, and what that is given. */
export interface SimSettings {
  readonly module: string;
  readonly bodies: Json;
}

interface Written {
  readonly command: Command;
  readonly untilUs: number;
}

/** A command that is prolonged is told to the body again when what it knows ends sooner than this. */
const RENEW_BEFORE_US = 200_000;

const NO_FAULTS: Readonly<Record<string, number>> = {};

/** The way to simulated bodies, wherever they are computed. */
export interface BodyWay {
  readonly capabilities: ReadonlyMap<string, readonly string[]>;
  readonly pulse: Pulse;
  /** Agent time. */
  readonly nowUs: () => number;
  /** The next message of the bodies, or null. */
  readonly receive: () => FromBody | null;
  readonly say: (message: ToBody) => void;
  readonly close: () => Promise<void>;
}

/** Simulated bodies as a driver. See `Driver` for what each call promises. */
export class SimDriver implements Driver {
  readonly #way: BodyWay;
  readonly #written = new Map<string, Written>();
  /** Frames of a moment that the loop has not come to yet. */
  #ahead: FromBody | null = null;
  #outside: ReadonlyMap<string, Readonly<Record<string, number>>> = new Map();
  #braked = false;

  constructor(way: BodyWay) {
    this.#way = way;
  }

  capabilities(agentId: string): readonly string[] {
    return this.#way.capabilities.get(agentId) ?? [];
  }

  read(untilUs: number): readonly BodyInput[] {
    const { pulse, nowUs, capabilities } = this.#way;
    pulse.beat(nowUs());
    const inputs = new Map<string, { stimuli: Stimulus[]; atUs: number }>();
    const add = (agentId: string, atUs: number, stimuli: readonly Stimulus[]) => {
      const input = inputs.get(agentId);
      if (input === undefined) inputs.set(agentId, { stimuli: [...stimuli], atUs });
      else input.stimuli.push(...stimuli);
    };
    const tell = (atUs: number, signal: Stimulus) => {
      for (const agentId of capabilities.keys()) add(agentId, atUs, [signal]);
    };
    for (let message = this.#next(); message !== null; message = this.#next()) {
      if (message.type !== 'frames') continue;
      // A loop that was held up between looking at its clock and coming here must not see the future.
      if (message.atUs > untilUs) {
        this.#ahead = message;
        break;
      }
      if (message.lostUs > 0) tell(message.atUs, { kind: 'signal', name: 'body_time_lost', value: message.lostUs });
      for (const [agentId, stimuli] of message.inputs) add(agentId, message.atUs, stimuli);
      this.#outside = message.outside;
      if (message.braked === this.#braked) continue;
      this.#braked = message.braked;
      this.#written.clear();
      tell(message.atUs, { kind: 'signal', name: 'mechanical_stop', value: message.braked ? 1 : 0 });
    }
    return [...inputs].map(([agentId, { stimuli, atUs }]) => ({ agentId, stimuli, atUs }));
  }

  write(agentId: string, command: Command, untilUs: number): void {
    const { nowUs, say } = this.#way;
    const last = this.#written.get(agentId);
    if (last !== undefined && sameCommand(last.command, command)) {
      const endsSoon = last.untilUs < untilUs && last.untilUs - nowUs() < RENEW_BEFORE_US;
      if (!endsSoon && untilUs >= last.untilUs) return;
    }
    this.#written.set(agentId, { command, untilUs });
    say({ type: 'command', agentId, command, untilUs, atUs: nowUs() });
  }

  reconcile(agentId: string, actionId: string): void {
    this.#way.say({ type: 'reconcile', agentId, actionId });
  }

  inject(fault: BodyFault): void {
    this.#way.say({ type: 'fault', fault });
  }

  outside(agentId: string): Readonly<Record<string, number>> {
    return this.#outside.get(agentId) ?? NO_FAULTS;
  }

  close(): Promise<void> {
    return this.#way.close();
  }

  #next(): FromBody | null {
    const next = this.#ahead ?? this.#way.receive();
    this.#ahead = null;
    return next;
  }
}

/**
 * Bodies computed in a thread of their own, in real time.
 *
 * @throws Error when the bodies cannot be set up
 */
export async function openDriver(setup: DriverSetup): Promise<Driver> {
  const { module, bodies } = setup.settings as unknown as SimSettings;
  const { agents, doorbell, record } = setup;
  const clock = new AgentClock(setup.clock);
  const pulse = new Pulse();
  const { port1, port2 } = new MessageChannel();
  const data: BodyThreadData = {
    module,
    settings: bodies,
    agents,
    clock: clock.memory,
    doorbell,
    pulse: pulse.memory,
    port: port2,
    record,
  };
  const worker = new Worker(new URL('./body-thread.ts', import.meta.url), {
    workerData: data,
    transferList: record === null ? [port2] : [port2, record.port],
  });
  const [open] = (await Promise.race([
    once(port1, 'message'),
    once(worker, 'error').then(([error]) => Promise.reject(error as Error)),
  ])) as [FromBody];
  // From here on the loop reads the port itself, in its own time.
  port1.removeAllListeners('message');
  return new SimDriver({
    capabilities: open.type === 'open' ? open.capabilities : new Map(),
    pulse,
    nowUs: () => clock.nowUs(),
    receive: () => (receiveMessageOnPort(port1)?.message as FromBody | undefined) ?? null,
    say: (message) => port1.postMessage(message),
    close: async () => {
      const ended = once(worker, 'exit');
      pulse.close();
      await ended;
      port1.close();
    },
  });
}
