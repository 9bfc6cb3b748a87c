import { once } from 'node:events';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { type Command, type Json, type Stimulus, sameCommand } from '@sigma/kernel';
import type { BodyFault, BodyInput, Driver, DriverSetup } from '../../hal/driver.ts';
import { monotonicUs } from '../../live/clock.ts';
import type { BodyThreadData, FromBody, ToBody } from './body-thread.ts';

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
  readonly #pulse: Int32Array;
  readonly #baseUs: number;
  readonly #capabilities: ReadonlyMap<string, readonly string[]>;
  readonly #written = new Map<string, Written>();
  #outside: ReadonlyMap<string, Readonly<Record<string, number>>> = new Map();
  #braked = false;

  private constructor(worker: Worker, port: MessagePort, pulse: Int32Array, setup: DriverSetup, open: FromBody) {
    this.#worker = worker;
    this.#port = port;
    this.#pulse = pulse;
    this.#baseUs = setup.baseUs;
    this.#capabilities = open.type === 'open' ? open.capabilities : new Map();
  }

  /** @throws Error when the bodies cannot be set up */
  static async open(setup: DriverSetup): Promise<SimDriver> {
    const { module, bodies } = setup.settings as unknown as SimSettings;
    const pulse = new SharedArrayBuffer(8);
    const { port1, port2 } = new MessageChannel();
    const data: BodyThreadData = {
      module,
      settings: bodies,
      agents: setup.agents,
      baseUs: setup.baseUs,
      doorbell: setup.doorbell,
      pulse,
      port: port2,
    };
    const worker = new Worker(new URL('./body-thread.ts', import.meta.url), {
      workerData: data,
      transferList: [port2],
    });
    const [open] = (await Promise.race([
      once(port1, 'message'),
      once(worker, 'error').then(([error]) => Promise.reject(error as Error)),
    ])) as [FromBody];
    // From here on the loop reads the port itself, in its own time.
    port1.removeAllListeners('message');
    return new SimDriver(worker, port1, new Int32Array(pulse), setup, open);
  }

  capabilities(agentId: string): readonly string[] {
    return this.#capabilities.get(agentId) ?? [];
  }

  read(_atUs: number): readonly BodyInput[] {
    Atomics.add(this.#pulse, 0, 1);
    const inputs = new Map<string, { stimuli: Stimulus[]; atUs: number }>();
    const add = (agentId: string, atUs: number, stimuli: readonly Stimulus[]) => {
      const input = inputs.get(agentId);
      if (input === undefined) inputs.set(agentId, { stimuli: [...stimuli], atUs });
      else input.stimuli.push(...stimuli);
    };
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
      const message = next.message as FromBody;
      if (message.type !== 'frames') continue;
      for (const [agentId, stimuli] of message.inputs) add(agentId, message.atUs, stimuli);
      this.#outside = message.outside;
      if (message.braked === this.#braked) continue;
      this.#braked = message.braked;
      this.#written.clear();
      const told: Stimulus = { kind: 'signal', name: 'mechanical_stop', value: message.braked ? 1 : 0 };
      for (const agentId of this.#capabilities.keys()) add(agentId, message.atUs, [told]);
    }
    return [...inputs].map(([agentId, { stimuli, atUs }]) => ({ agentId, stimuli, atUs }));
  }

  write(agentId: string, command: Command, untilUs: number): void {
    const last = this.#written.get(agentId);
    if (last !== undefined && sameCommand(last.command, command)) {
      const endsSoon = last.untilUs < untilUs && last.untilUs - (monotonicUs() - this.#baseUs) < RENEW_BEFORE_US;
      if (!endsSoon && untilUs >= last.untilUs) return;
    }
    this.#written.set(agentId, { command, untilUs });
    this.#say({ type: 'command', agentId, command, untilUs });
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
    Atomics.store(this.#pulse, 1, 1);
    Atomics.notify(this.#pulse, 1);
    await ended;
    this.#port.close();
  }

  #say(message: ToBody): void {
    this.#port.postMessage(message);
  }
}

export const openDriver = (setup: DriverSetup): Promise<Driver> => SimDriver.open(setup);
