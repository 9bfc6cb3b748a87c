import { type Agent, type Command, commandEnd, type Restriction, sameCommand, type TerrainModel } from '@sigma/kernel';

/** What the actuators must hold, and until when (agent time, inclusive). After that it is the model's rest command. */
export interface Standing {
  readonly command: Command;
  readonly untilUs: number;
}

/** A command that waits for its block to be on disk. */
interface Held {
  readonly command: Command;
  readonly untilUs: number;
  /** Sequence of the last event of the block that holds its decision and inputs; null until that block is cut. */
  readonly mark: number | null;
}

const FOR_EVER = Number.MAX_SAFE_INTEGER;

/**
 * Output commit at the actuator (after Strom and Yemini 1985, "Optimistic recovery in distributed systems"): a command
 * that could do harm leaves only after the block with its decision and inputs is durable. Stopping never waits, and
 * neither does any tightening of the restriction: it lowers whatever stands at the actuator meanwhile, for good, since
 * raising it again would be a new command.
 *
 * A set-point ends at the actuator by itself, whatever becomes of the agent above it.
 */
export class ActuatorHold<World> {
  readonly #model: TerrainModel<World>;
  readonly #rest: Standing;
  #standing: Standing;
  #held: Held[] = [];

  constructor(model: TerrainModel<World>) {
    this.#model = model;
    this.#rest = { command: model.rest, untilUs: FOR_EVER };
    this.#standing = this.#rest;
  }

  /** True while a command waits for its block. */
  get waits(): boolean {
    return this.#held.length > 0;
  }

  /** True while a command waits that no block covers yet. */
  get uncut(): boolean {
    return this.#held.at(-1)?.mark === null;
  }

  /** What the actuators must hold at `atUs`. */
  at(atUs: number): Standing {
    if (atUs > this.#standing.untilUs) this.#standing = this.#rest;
    return this.#standing;
  }

  /**
   * The kernel's word after a cycle.
   *
   * @param renew false when a command that moves the body may not be prolonged any more (the record has been out of
   * reach for too long): it ends at its own time.
   * @returns true when something reached the actuators before it is recorded
   */
  offer(agent: Agent<World>, atUs: number, renew: boolean): boolean {
    const { command, restriction } = agent;
    const untilUs = endOf(agent, this.#model, atUs);
    const before = this.at(atUs);
    if (sameCommand(before.command, command)) return this.#prolong(agent, untilUs, renew);
    if (this.#leavesAtOnce(agent)) {
      this.#standing = { command, untilUs };
      this.#held = [];
      return true;
    }
    const lowered = this.#lower(restriction, agent.world);
    if (sameCommand(this.#standing.command, command)) return this.#prolong(agent, untilUs, renew) || lowered;
    this.#hold(command, untilUs);
    return lowered;
  }

  /** Everything held so far is covered by the block that ends with event `sequence`. */
  cut(sequence: number): void {
    const last = this.#held.at(-1);
    if (last?.mark === null) this.#held[this.#held.length - 1] = { ...last, mark: sequence };
  }

  /** Events up to `sequence` are on disk: the newest command they cover takes effect. */
  release(sequence: number, agent: Agent<World>, atUs: number): void {
    let newest: Held | null = null;
    while (this.#held.length > 0) {
      const first = this.#held[0] as Held;
      if (first.mark === null || first.mark > sequence) break;
      newest = first;
      this.#held.shift();
    }
    if (newest === null) return;
    const { command, untilUs } = newest;
    this.#standing = atUs > untilUs ? this.#rest : { command, untilUs };
    if (!sameCommand(command, agent.command)) this.#lower(agent.restriction, agent.world);
  }

  /** The kernel still wants what stands. Whatever waited behind it was overtaken. */
  #prolong(agent: Agent<World>, untilUs: number, renew: boolean): boolean {
    this.#held = [];
    if (renew || this.#leavesAtOnce(agent)) this.#standing = { command: agent.command, untilUs };
    return false;
  }

  /** Stopping and safety. An action is done once, so it never leaves unrecorded unless safety wants it. */
  #leavesAtOnce({ command, decision }: Agent<World>): boolean {
    if (decision?.authority === 'safety') return true;
    return command.kind === 'setpoint' && this.#model.hazard(command) === 0;
  }

  #lower(restriction: Restriction, world: World): boolean {
    const { command, untilUs } = this.#standing;
    if (command === this.#model.rest) return false;
    const lowered = this.#model.clamp(command, restriction, world).command;
    if (lowered !== null && sameCommand(lowered, command)) return false;
    this.#standing = lowered === null ? this.#rest : { command: lowered, untilUs };
    return true;
  }

  /** Commands of one block reach the disk together, so only the newest of them can ever take effect. */
  #hold(command: Command, untilUs: number): void {
    const last = this.#held.at(-1);
    if (last !== undefined && sameCommand(last.command, command)) {
      this.#held[this.#held.length - 1] = { command, untilUs, mark: last.mark };
    } else if (last?.mark === null) {
      this.#held[this.#held.length - 1] = { command, untilUs, mark: null };
    } else {
      this.#held.push({ command, untilUs, mark: null });
    }
  }
}

/** The moment, inclusive, at which a command ends by itself: reckoned from when its proposer chose it, not from now. */
function endOf<World>(agent: Agent<World>, model: TerrainModel<World>, atUs: number): number {
  const { command, decision, operator, plan } = agent;
  if (command === model.rest) return FOR_EVER;
  if (decision?.authority === 'operator' && operator !== null) return operator.untilUs;
  if (decision?.authority === 'mission' && plan !== null) return commandEnd(command, plan.commandSinceUs);
  return commandEnd(command, atUs);
}
