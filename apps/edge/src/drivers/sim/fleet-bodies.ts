import {
  BODIES,
  CUTOFF,
  cellAt,
  FAULTS,
  type FaultName,
  HOLD,
  type RobotConfig,
  type SiteRecord,
  siteFromJson,
} from '@sigma/fleet-model';
import { createWorld, type Injection, resolve, STEP_US, type World } from '@sigma/fleet-world';
import type { Command, Json, ResultStimulus, Stimulus } from '@sigma/kernel';
import type { BodyFault } from '../../hal/driver.ts';
import type { Bodies } from './bodies.ts';

/** Settings of the fleet's simulated bodies. Where each robot starts stands in its own configuration. */
export interface FleetBodiesSettings {
  readonly site: SiteRecord;
  /** uint32. */
  readonly seed: number;
  /** People who walk the site from the start. */
  readonly people: number;
}

/** Faults that the world only keeps time of; link and planners carry them out. */
const OUTSIDE: ReadonlySet<string> = new Set(['link_loss', 'planner_hang', 'planner_lies']);
/** Results remembered for a body that is asked what became of an action. */
const RESULTS_KEPT = 64;

const setPoint = (name: string): Command => ({ kind: 'setpoint', name, params: {}, durationUs: 1_000_000 });

/** The computed world of the fleet behind the simulated driver: the same `resolve` that a replay runs. */
class FleetBodies implements Bodies {
  readonly stepUs = STEP_US;
  readonly rest = setPoint(HOLD);
  readonly mechanical = setPoint(CUTOFF);
  readonly #ids: readonly string[];
  readonly #last = new Map<string, Command>();
  readonly #results = new Map<string, Map<string, ResultStimulus>>();
  #world: World;
  #outside = new Map<string, Record<string, number>>();

  constructor(world: World) {
    this.#world = world;
    this.#ids = world.layout.robots.map(({ id }) => id);
  }

  capabilities(agentId: string): readonly string[] {
    const robot = this.#world.layout.robots.find(({ id }) => id === agentId);
    if (robot === undefined) return [];
    return ['drive', 'scan', 'load', 'unload', 'dock', robot.body, `payload:${BODIES[robot.body].payloadKg}`];
  }

  step(
    _atUs: number,
    commands: ReadonlyMap<string, Command>,
    faults: readonly BodyFault[],
  ): ReadonlyMap<string, readonly Stimulus[]> {
    const { atUs } = this.#world;
    const { world, outcomes } = resolve(this.#world, {
      atUs,
      commands: this.#ids.map((id) => this.#changed(id, commands.get(id) ?? this.rest)),
      injections: faults.flatMap((fault) => injectionOf(fault, atUs) ?? []),
    });
    this.#world = world;
    const inputs = new Map<string, Stimulus[]>();
    outcomes.frames.forEach((frames, robot) => {
      const id = this.#ids[robot] as string;
      inputs.set(
        id,
        frames.map(({ channel, values }) => ({ kind: 'percept', channel, values })),
      );
    });
    for (const { robot, actionId, status, detail } of outcomes.results) {
      const id = this.#ids[robot] as string;
      const result: ResultStimulus = { kind: 'result', actionId, status, detail };
      inputs.get(id)?.push(result);
      this.#remember(id, result);
    }
    this.#outside = new Map();
    for (const { robot, fault, value } of outcomes.faults) {
      if (!OUTSIDE.has(fault)) continue;
      const id = this.#ids[robot] as string;
      this.#outside.set(id, { ...this.#outside.get(id), [fault]: value });
    }
    return inputs;
  }

  outside(): ReadonlyMap<string, Readonly<Record<string, number>>> {
    return this.#outside;
  }

  actionStatus(agentId: string, actionId: string): Stimulus | null {
    const running = this.#world.actions[this.#ids.indexOf(agentId)];
    if (running?.id === actionId) return { kind: 'result', actionId, status: 'running', detail: null };
    return this.#results.get(agentId)?.get(actionId) ?? null;
  }

  /** The world wants to hear only what is new. */
  #changed(id: string, command: Command): Command | null {
    if (this.#last.get(id) === command) return null;
    this.#last.set(id, command);
    return command;
  }

  #remember(id: string, result: ResultStimulus): void {
    const results = this.#results.get(id) ?? new Map<string, ResultStimulus>();
    this.#results.set(id, results.set(result.actionId, result));
    const [oldest] = results.keys();
    if (results.size > RESULTS_KEPT && oldest !== undefined) results.delete(oldest);
  }
}

function injectionOf({ agentId, fault, clear, value, forUs }: BodyFault, atUs: number): Injection | null {
  const name = FAULTS.find((known): known is FaultName => known === fault);
  if (name === undefined) return null;
  if (clear) return { type: 'clear_fault', robot: agentId, fault: name };
  const strength = value === 0 ? {} : { value };
  return { type: 'fault', robot: agentId, fault: name, ...strength, ...(forUs === 0 ? {} : { untilUs: atUs + forUs }) };
}

/** @throws WorldSetupError, BrokenSiteRecordError */
export function openBodies(settings: Json, agents: readonly { readonly id: string; readonly config: Json }[]): Bodies {
  const { site: record, seed, people } = settings as unknown as FleetBodiesSettings;
  const site = siteFromJson(record);
  const robots = agents.map(({ id, config }) => {
    const { body, start } = config as unknown as RobotConfig;
    return { id, body, cell: cellAt(site, start.xM, start.yM) };
  });
  return new FleetBodies(createWorld({ site, seed, robots, people }));
}
