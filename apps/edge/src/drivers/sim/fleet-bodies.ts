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
import { actuatorStimulus, type Injection, injectionStimulus, RecordedWorld, STEP_US } from '@sigma/fleet-world';
import type { Command, Json, ResultStimulus, Stimulus } from '@sigma/kernel';
import type { SealedBlock } from '@sigma/recorder';
import type { BodyFault } from '../../hal/driver.ts';
import type { Bodies, BodiesSetup, HeldCommand } from './bodies.ts';

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

/** The computed world of the fleet behind the simulated driver, with its chain: what a replay computes again. */
class FleetBodies implements Bodies {
  readonly stepUs = STEP_US;
  readonly rest = setPoint(HOLD);
  readonly mechanical = setPoint(CUTOFF);
  readonly #ids: readonly string[];
  readonly #last = new Map<string, HeldCommand>();
  readonly #results = new Map<string, Map<string, ResultStimulus>>();
  readonly #world: RecordedWorld;
  readonly #epochTimeUs: number;
  #outside = new Map<string, Record<string, number>>();

  constructor(world: RecordedWorld, epochTimeUs: number) {
    this.#world = world;
    this.#ids = world.world.layout.robots.map(({ id }) => id);
    this.#epochTimeUs = epochTimeUs;
  }

  capabilities(agentId: string): readonly string[] {
    const robot = this.#world.world.layout.robots.find(({ id }) => id === agentId);
    if (robot === undefined) return [];
    return ['drive', 'scan', 'load', 'unload', 'dock', robot.body, `payload:${BODIES[robot.body].payloadKg}`];
  }

  step(
    atUs: number,
    commands: ReadonlyMap<string, HeldCommand>,
    faults: readonly BodyFault[],
  ): ReadonlyMap<string, readonly Stimulus[]> {
    const inbox: Stimulus[] = [];
    this.#ids.forEach((id, robot) => {
      const held = commands.get(id);
      if (held === undefined || this.#last.get(id) === held) return;
      this.#last.set(id, held);
      inbox.push(actuatorStimulus(robot, held.command, held.untilUs - atUs));
    });
    for (const fault of faults) {
      const injection = injectionOf(fault, this.#world.world.atUs);
      if (injection !== null) inbox.push(injectionStimulus(injection));
    }
    const outcomes = this.#world.step(inbox, atUs, this.#epochTimeUs + atUs);
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
    const running = this.#world.world.actions[this.#ids.indexOf(agentId)];
    if (running?.id === actionId) return { kind: 'result', actionId, status: 'running', detail: null };
    return this.#results.get(agentId)?.get(actionId) ?? null;
  }

  seal(withState: boolean, timeUs: number): SealedBlock | null {
    return this.#world.seal(withState, timeUs);
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

/** @throws WorldSetupError, BrokenSiteRecordError, Error when there is nowhere to record what happens */
export function openBodies(settings: Json, { agents, record, sha256, atUs }: BodiesSetup): Bodies {
  const { site: siteRecord, seed, people } = settings as unknown as FleetBodiesSettings;
  const site = siteFromJson(siteRecord);
  const robots = agents.map(({ id, config }) => {
    const { body, start } = config as unknown as RobotConfig;
    return { id, body, cell: cellAt(site, start.xM, start.yM) };
  });
  if (record === null) throw new Error('a computed world keeps a chain of its own: open it with a record');
  const { chain, previousEpochHash, software, epochTimeUs } = record;
  const timeUs = epochTimeUs + atUs;
  const who = { chain, previousEpochHash, software, sha256, atUs, timeUs };
  return new FleetBodies(new RecordedWorld({ config: { site, robots, people }, seed, ...who }), epochTimeUs);
}
