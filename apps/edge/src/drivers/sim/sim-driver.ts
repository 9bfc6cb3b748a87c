import { once } from 'node:events';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { type Command, type Json, type Stimulus, sameCommand } from '@sigma/kernel';
import type { BodyFault, BodyInput, Driver, DriverSetup } from '../../hal/driver.ts';
import { monotonicUs } from '../../live/clock.ts';
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

/** Bodies computed in a thread of their own, in real time. See `Driver` for what each call promises. */
export class SimDriver implements Driver {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #pulse: Pulse;
  readonly #baseUs: number;
  readonly #capabilities: ReadonlyMap<string, readonly string[]>;
  readonly #written = new Map<string, Written>();
  /** Frames of a moment that the loop has not come to yet. */
  #ahead: FromBody | null = null;
  #outside: ReadonlyMap<string, Readonly<Record<string, number>>> = new Map();
  #braked = false;

  private constructor(worker: Worker, port: MessagePort, pulse: Pulse, setup: DriverSetup, open: FromBody) {
    this.#worker = worker;
    this.#port = port;
    this.#pulse = pulse;
    this.#baseUs = setup.baseUs;
    this.#capabilities = open.type === 'open' ? open.capabilities : new Map();
  }

  /** @throws Error when the bodies cannot be set up */
  static async open(setup: DriverSetup): Promise<SimDriver> {
    const { module, bodies } = setup.settings as unknown as SimSettings;
    const pulse = new Pulse();
    const { port1, port2 } = new MessageChannel();
    const data: BodyThreadData = {
      module,
      settings: bodies,
      agents: setup.agents,
      baseUs: setup.baseUs,
      doorbell: setup.doorbell,
      pulse: pulse.memory,
      port: port2,
      record: setup.record,
    };
    const worker = new Worker(new URL('./body-thread.ts', import.meta.url), {
      workerData: data,
      transferList: setup.record === null ? [port2] : [port2, setup.record.port],
    });
    const [open] = (await Promise.race([
      once(port1, 'message'),
      once(worker, 'error').then(([error]) => Promise.reject(error as Error)),
    ])) as [FromBody];
    // From here on the loop reads the port itself, in its own time.
    port1.removeAllListeners('message');
    return new SimDriver(worker, port1, pulse, setup, open);
  }

  capabilities(agentId: string): readonly string[] {
    return this.#capabilities.get(agentId) ?? [];
  }

  read(untilUs: number): readonly BodyInput[] {
    this.#pulse.beat(this.#nowUs());
    const inputs = new Map<string, { stimuli: Stimulus[]; atUs: number }>();
    const add = (agentId: string, atUs: number, stimuli: readonly Stimulus[]) => {
      const input = inputs.get(agentId);
      if (input === undefined) inputs.set(agentId, { stimuli: [...stimuli], atUs });
      else input.stimuli.push(...stimuli);
    };
    const tell = (atUs: number, signal: Stimulus) => {
      for (const agentId of this.#capabilities.keys()) add(agentId, atUs, [signal]);
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
    const last = this.#written.get(agentId);
    if (last !== undefined && sameCommand(last.command, command)) {
      const endsSoon = last.untilUs < untilUs && last.untilUs - this.#nowUs() < RENEW_BEFORE_US;
      if (!endsSoon && untilUs >= last.untilUs) return;
    }
    this.#written.set(agentId, { command, untilUs });
    this.#say({ type: 'command', agentId, command, untilUs, atUs: this.#nowUs() });
  }

  reconcile(agentId: string, actionId: string): void {
    this.#say({ type: 'reconcile', agentId, actionId });
  }

  inject(fault: BodyFault): void {
    this.#say({ type: 'fault', fault });
  }

  outside(agentId: string): Readonly<Record<string, number>> {
    return this.#outside.get(agentId) ?? NO_FAULTS;
  }

  async close(): Promise<void> {
    const ended = once(this.#worker, 'exit');
    this.#pulse.close();
    await ended;
    this.#port.close();
  }

  #next(): FromBody | null {
    const next = this.#ahead ?? (receiveMessageOnPort(this.#port)?.message as FromBody | undefined) ?? null;
    this.#ahead = null;
    return next;
  }

  #nowUs(): number {
    return monotonicUs() - this.#baseUs;
  }

  #say(message: ToBody): void {
    this.#port.postMessage(message);
  }
}

export const openDriver = (setup: DriverSetup): Promise<Driver> => SimDriver.open(setup);
