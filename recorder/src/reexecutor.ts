import {
  type Agent,
  checkFlags,
  createAgent,
  decodeState,
  encodeState,
  KERNEL_FLAGS,
  type KernelFlag,
  type Stimulus,
  step,
  type TerrainModel,
  UnknownFlagError,
} from '@sigma/kernel';
import type { EventDraft } from './event.ts';
import { BrokenChangeError, type Change, changedModel } from './fork/change.ts';
import { agentEvents } from './payload/agent-events.ts';
import type { Opening } from './payload/opening.ts';
import type { Snapshot } from './payload/snapshot.ts';

/** Runs a chain's inputs again. One for each chain that is verified or replayed. */
export interface Execution {
  /** What the writer must have put on record at this wake, in order. */
  wake(atUs: number, inbox: readonly Stimulus[]): readonly EventDraft[];
  /** Whole state after the last wake, in the bytes that a snapshot holds. */
  state(): Uint8Array;
}

/** Knows how to re-execute the chains of one kind of writer: an agent, a computed world. */
export interface Reexecutor {
  /**
   * @param restored start from this state instead of the beginning
   * @throws CannotReexecuteError
   */
  open(opening: Opening, restored?: Snapshot): Execution;
}

/** Re-executors by the name of the model in the opening. Terrains come in here; the recorder imports none. */
export type Reexecutors = Readonly<Record<string, (opening: Opening) => Reexecutor>>;

/** This program cannot run that chain again (another version of the model, another policy): it stays chain-only. */
export class CannotReexecuteError extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'CannotReexecuteError';
  }
}

/** Re-executes agents of the kernel under `terrain`; those of a fork under what it changed (SPEC R113). */
export function agentReexecutor<World>(terrain: TerrainModel<World>): Reexecutor {
  return {
    open(opening, restored) {
      const model = opening.lineage === undefined ? terrain : changed(terrain, opening.lineage.change);
      requireSame('model version', model.version, opening.modelVersion);
      requireSame('policy', model.policy.hash, opening.policyHash);
      requireKnown(opening.flags, [...KERNEL_FLAGS, ...(model.flags ?? [])]);
      const { source, tenant, role, seed, epoch, flags, config, atUs } = opening;
      let agent: Agent<World> =
        restored === undefined
          ? createAgent(model, { id: source, tenant, role, seed, epoch, flags, config, atUs })
          : (decodeState(UTF8_READ.decode(restored.state)) as Agent<World>);
      return {
        wake(wakeAtUs, inbox) {
          const { agent: next, outputs } = step(model, agent, inbox, wakeAtUs);
          agent = next;
          const { decision, events, messages } = outputs;
          if (decision === null && events.length === 0 && messages.length === 0) return NOTHING;
          const said: EventDraft[] = [];
          agentEvents(source, wakeAtUs, 0, outputs, said);
          return said;
        },
        state: () => UTF8.encode(encodeState(agent)),
      };
    },
  };
}

function changed<World>(model: TerrainModel<World>, change: Change): TerrainModel<World> {
  try {
    return changedModel(model, change);
  } catch (error) {
    if (error instanceof BrokenChangeError) throw new CannotReexecuteError(error.message);
    throw error;
  }
}

function requireSame(what: string, ours: number | string, recorded: number | string): void {
  if (ours !== recorded)
    throw new CannotReexecuteError(`the recording was made with ${what} ${recorded}, here is ${ours}`);
}

/** A snapshot brings its flags along unseen; a program that does not know one of them must not guess. */
function requireKnown(flags: readonly number[], known: readonly KernelFlag[]): void {
  try {
    checkFlags(flags, known);
  } catch (error) {
    if (error instanceof UnknownFlagError) throw new CannotReexecuteError(error.message);
    throw error;
  }
}

const NOTHING: readonly EventDraft[] = [];
const UTF8 = new TextEncoder();
const UTF8_READ = new TextDecoder();
