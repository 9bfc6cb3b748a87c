import { type Agent, type Command, commandEnd, type Restriction, sameCommand, type TerrainModel } from '@sigma/kernel';

/** What the actuators must hold, and until when (agent time, inclusive). After that it is the model's rest command. */
export interface Standing {
  readonly command: Command;
  readonly untilUs: number;
}

/** A command that waits for its block. It is prolonged while it waits as it would be at the actuators. */
export interface Waiting {
  readonly command: Command;
  untilUs: number;
  readonly sinceUs: number;
}

/** What becomes of the kernel's word after a cycle. */
export type Word =
  /** It holds already, prolonged or not. `early`: it was lowered before that is recorded. */
  | { readonly type: 'stands'; readonly early: boolean }
  /** It leaves at once, recorded after. */
  | { readonly type: 'leaves'; readonly command: Waiting }
  /** It waits for its block; what stands meanwhile was lowered to the restriction if `early`. */
  | { readonly type: 'waits'; readonly command: Waiting; readonly early: boolean };

const FOR_EVER = Number.MAX_SAFE_INTEGER;

/**
 * What stands at one agent's actuators. A command that could do harm leaves only through the commit gate (recorder SPEC
 * R50). Stopping never waits, and neither does any tightening of the restriction: it lowers whatever stands at the
 * actuators meanwhile, for good, since raising it again would be a new command.
 *
 * A set-point ends at the actuator by itself, whatever becomes of the agent above it.
 */
export class Actuators<World> {
  readonly #model: TerrainModel<World>;
  readonly #rest: Standing;
  #standing: Standing;

  constructor(model: TerrainModel<World>) {
    this.#model = model;
    this.#rest = { command: model.rest, untilUs: FOR_EVER };
    this.#standing = this.#rest;
  }

  /** What the actuators must hold at `atUs`. */
  at(atUs: number): Standing {
    if (atUs > this.#standing.untilUs) this.#standing = this.#rest;
    return this.#standing;
  }

  /**
   * Weighs the kernel's command after a cycle.
   *
   * @param renew false when a command that moves the body may not be prolonged any more (the record has been out of
   * reach for too long): it ends at its own time.
   */
  weigh(agent: Agent<World>, atUs: number, renew: boolean): Word {
    const { command, restriction } = agent;
    const untilUs = endOf(agent, this.#model, atUs);
    const atOnce = this.#leavesAtOnce(agent);
    if (!sameCommand(this.at(atUs).command, command)) {
      if (atOnce) return { type: 'leaves', command: { command, untilUs, sinceUs: atUs } };
      const early = this.#lower(restriction, agent.world);
      if (!sameCommand(this.#standing.command, command)) {
        return { type: 'waits', command: { command, untilUs, sinceUs: atUs }, early };
      }
      if (renew) this.#standing = { command, untilUs };
      return { type: 'stands', early };
    }
    if (renew || atOnce) this.#standing = { command, untilUs };
    return { type: 'stands', early: false };
  }

  /** The command takes effect, unless its time is over; the restriction of the present lowers what is older than it. */
  apply({ command, untilUs }: Waiting, agent: Agent<World>, atUs: number): void {
    this.#standing = atUs > untilUs ? this.#rest : { command, untilUs };
    if (!sameCommand(command, agent.command)) this.#lower(agent.restriction, agent.world);
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
}

/** The moment, inclusive, at which a command ends by itself: reckoned from when its proposer chose it, not from now. */
function endOf<World>(agent: Agent<World>, model: TerrainModel<World>, atUs: number): number {
  const { command, decision, operator, plan } = agent;
  if (command === model.rest) return FOR_EVER;
  if (decision?.authority === 'operator' && operator !== null) return operator.untilUs;
  if (decision?.authority === 'mission' && plan !== null) return commandEnd(command, plan.commandSinceUs);
  return commandEnd(command, atUs);
}
