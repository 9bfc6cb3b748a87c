import type { Agent } from './agent.ts';
import { initialChain } from './chain.ts';
import { NO_RESTRICTION } from './command.ts';
import { catalogueFaults, initialFailsafe } from './failsafe-framework.ts';
import { checkFlags, KERNEL_FLAGS } from './flags.ts';
import type { Json } from './json.ts';
import type { TerrainModel } from './model.ts';

export interface AgentOptions {
  readonly id: string;
  readonly tenant: string;
  readonly role: string;
  /** uint32. */
  readonly seed: number;
  /** Counts the agent's lives: a restart that lost its state begins a new epoch. */
  readonly epoch: number;
  readonly flags: readonly number[];
  /** The terrain's own configuration of this agent. */
  readonly config: Json;
  readonly atUs: number;
}

export class BrokenModelError extends Error {
  readonly faults: readonly string[];

  constructor(model: string, faults: readonly string[]) {
    super(`Terrain model '${model}' is broken: ${faults.join('; ')}`);
    this.name = 'BrokenModelError';
    this.faults = faults;
  }
}

/** @throws BrokenModelError, UnknownFlagError */
export function createAgent<World>(model: TerrainModel<World>, options: AgentOptions): Agent<World> {
  const faults = catalogueFaults(model.failsafe);
  if (faults.length > 0) throw new BrokenModelError(model.name, faults);
  const { id, tenant, role, seed, epoch, config, atUs } = options;
  const flags = checkFlags(options.flags, [...KERNEL_FLAGS, ...(model.flags ?? [])]);
  return {
    id,
    tenant,
    role,
    seed: seed >>> 0,
    epoch,
    flags,
    world: model.initial(config, atUs, flags),
    wakes: 0,
    wokeUs: atUs,
    nextWakeUs: atUs,
    inputSequence: 0,
    decisionSequence: 0,
    mode: 'automatic',
    stop: 'none',
    stopBy: '',
    lease: null,
    operator: null,
    orderSequences: {},
    tasks: [],
    plan: null,
    planRevisions: { primary: 0, secondary: 0 },
    asked: null,
    actions: [],
    swarm: [],
    ruled: [],
    ruledActions: [],
    failsafe: initialFailsafe(atUs),
    chain: initialChain(atUs),
    signals: {},
    linkHeardUs: null,
    command: model.rest,
    commandSinceUs: atUs,
    commandUntilUs: Number.MAX_SAFE_INTEGER,
    restriction: NO_RESTRICTION,
    decision: null,
    expectation: null,
    promises: [],
    violations: [],
  };
}
