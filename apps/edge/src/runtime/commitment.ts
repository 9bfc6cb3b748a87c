import {
  type Agent,
  type Command,
  type OutgoingMessage,
  type Signal,
  sameCommand,
  type TerrainModel,
} from '@sigma/kernel';
import type { Fault } from '@sigma/proto';
import { CommitGate } from '@sigma/recorder';
import { Actuators, type Standing, type Waiting } from './actuators.ts';
import type { Free, RuntimeLimits } from './runtime-words.ts';
import type { Uplink } from './uplink.ts';

type Output =
  | { readonly type: 'command'; readonly command: Waiting }
  | { readonly type: 'uplink'; readonly uplink: Uplink }
  | { readonly type: 'message'; readonly message: OutgoingMessage }
  | { readonly type: 'fault'; readonly fault: Fault };

const COMMAND = 'command';
/** Longer than this a command is not only late: the agent is told that nothing came of it yet. */
const HELD_US = 50_000;
const NOTHING: readonly never[] = [];

/**
 * Output commit for one agent (recorder SPEC R50 to R54): everything it says passes the gate, and what passes is put at
 * the actuators or collected for the link and the peers. Decides by what it is told; waits for nothing.
 */
export class Commitment<World> {
  readonly #actuators: Actuators<World>;
  readonly #gate: CommitGate<Output>;
  readonly #unrecordedUs: number;
  #free: { uplink: Uplink[]; messages: OutgoingMessage[]; faults: Fault[] } = nothingYet();
  /** The newest command in the gate. */
  #waiting: Waiting | null = null;
  /** The newest command that a recorder that is down kept from waiting. */
  #refused: Command | null = null;
  #heldTold = false;
  #downUs: number | null = null;
  #early = false;

  constructor(model: TerrainModel<World>, limits: RuntimeLimits) {
    this.#actuators = new Actuators(model);
    this.#gate = new CommitGate({ downAfterUs: limits.recorderTimeoutUs });
    this.#unrecordedUs = limits.unrecordedUs;
  }

  /** What the actuators must hold at `atUs`. */
  at(atUs: number): Standing {
    return this.#actuators.at(atUs);
  }

  /** True when something waits that no block covers yet, or left before it was recorded. */
  get wantsCut(): boolean {
    return this.#early || this.#gate.unsealed;
  }

  /** Call before each cycle. @returns what the agent must hear of recorder and held commands */
  watch(atUs: number): readonly Signal[] {
    const signals: Signal[] = [];
    const turn = this.#gate.check(atUs);
    if (turn !== null) {
      this.#downUs = turn.value === 1 ? atUs : null;
      this.#waiting = null;
      this.#refused = null;
      signals.push(turn);
    }
    const held = this.#waiting !== null && atUs - this.#waiting.sinceUs > HELD_US;
    if (held !== this.#heldTold) {
      this.#heldTold = held;
      signals.push({ kind: 'signal', name: 'command_held', value: held ? 1 : 0 });
    }
    return signals.length === 0 ? NOTHING : signals;
  }

  /** The recorder said that it cannot write. */
  recorderFailed(): void {
    this.#gate.failed();
  }

  /** The agent's command after a cycle. `urgent`: something of that cycle must be recorded soon. */
  command(agent: Agent<World>, atUs: number, urgent: boolean): void {
    this.#gate.woke(atUs);
    if (urgent) this.#early = true;
    const renew = this.#downUs === null || atUs - this.#downUs <= this.#unrecordedUs;
    const word = this.#actuators.weigh(agent, atUs, renew);
    if (word.type === 'waits') {
      if (word.early) this.#early = true;
      this.#wait(word.command, atUs);
      return;
    }
    // What waits was overtaken: an older command never follows.
    this.#gate.overtake(COMMAND);
    this.#waiting = null;
    if (word.type === 'stands') {
      if (word.early) this.#early = true;
      return;
    }
    this.#early = true;
    const leaving = this.#gate.offer({ type: 'command', command: word.command }, { urgent: true, lane: COMMAND }, atUs);
    this.#pass(leaving, agent, atUs);
  }

  /** A report of what the record holds or will hold: it waits for its block. */
  report(uplink: Uplink, atUs: number): void {
    this.#gate.offer({ type: 'uplink', uplink }, { urgent: false, lane: null, report: true }, atUs);
  }

  /** What was decided and is asked of others: it waits for its block, and is nothing any more when the recorder was down. */
  ask(uplink: Uplink, atUs: number): void {
    this.#gate.offer({ type: 'uplink', uplink }, { urgent: false, lane: null }, atUs);
  }

  /** A fault for the simulated body: it follows the answer to its order. */
  fault(fault: Fault, atUs: number): void {
    this.#gate.offer({ type: 'fault', fault }, { urgent: false, lane: null, report: true }, atUs);
  }

  /** How the agent is: recorded first, but a recorder that is down keeps nobody from hearing it. */
  status(uplink: Uplink, atUs: number): void {
    if (this.#gate.down) this.tell(uplink);
    else this.report(uplink, atUs);
  }

  /** Leaves at once: telemetry, and what safety has to say. */
  tell(uplink: Uplink): void {
    this.#free.uplink.push(uplink);
  }

  /** To peers. `urgent`: what safety, or nobody's decision, says. */
  message(message: OutgoingMessage, urgent: boolean, atUs: number): void {
    if (urgent) this.#free.messages.push(message);
    else this.#gate.offer({ type: 'message', message }, { urgent, lane: null }, atUs);
  }

  /** Everything so far stands in blocks up to `sequence`. */
  sealed(sequence: number): void {
    this.#early = false;
    this.#gate.sealed(sequence);
  }

  /** A cut found nothing to seal. */
  nothingToSeal(): void {
    this.#early = false;
  }

  /** Events up to `sequence` are on disk. */
  durable(sequence: number, agent: Agent<World>, atUs: number): void {
    this.#pass(this.#gate.durable(sequence), agent, atUs);
  }

  collect(): Free {
    const free = this.#free;
    if (free.uplink.length + free.messages.length + free.faults.length === 0) return NOTHING_FREE;
    this.#free = nothingYet();
    return free;
  }

  #wait(command: Waiting, atUs: number): void {
    const waiting = this.#waiting;
    if (waiting !== null && sameCommand(waiting.command, command.command)) {
      waiting.untilUs = command.untilUs;
      return;
    }
    if (this.#gate.down) {
      // Offered once, so that what is discarded is counted once; when the recorder is back it is offered anew.
      if (sameCommand(this.#refused, command.command)) return;
      this.#refused = command.command;
    } else this.#waiting = command;
    this.#gate.offer({ type: 'command', command }, { urgent: false, lane: COMMAND }, atUs);
  }

  #pass(outputs: readonly Output[], agent: Agent<World>, atUs: number): void {
    for (const output of outputs) {
      if (output.type === 'uplink') this.#free.uplink.push(output.uplink);
      else if (output.type === 'message') this.#free.messages.push(output.message);
      else if (output.type === 'fault') this.#free.faults.push(output.fault);
      else {
        this.#actuators.apply(output.command, agent, atUs);
        if (output.command === this.#waiting) this.#waiting = null;
      }
    }
  }
}

const nothingYet = () => ({ uplink: [], messages: [], faults: [] });

const NOTHING_FREE: Free = { uplink: NOTHING, messages: NOTHING, faults: NOTHING };
