import {
  ADVANCE,
  centreXM,
  centreYM,
  DEFAULT_POLICY,
  type FleetBelief,
  fleetModel,
  NEW_ROBOT_FLAGS,
  type Site,
} from '@sigma/fleet-model';
import { createWorld, resolve, STEP_US, type World } from '@sigma/fleet-world';
import {
  type Agent,
  type Command,
  createAgent,
  type Json,
  type Stimulus,
  step,
  type TerrainModel,
} from '@sigma/kernel';
import { absolute, type BenchLine, beside } from './line.ts';

const FRAMES = 600;
const ROUNDS = 8;

/** Cycles of one core: reflex-only (a motion frame) and full (every layer at every wake) of the fleet model. */
export function benchKernel(site: Site): readonly BenchLine[] {
  const model = fleetModel({ site, policy: DEFAULT_POLICY });
  const frames = recordFrames(site);
  const motion = frames.map((inbox) => inbox.filter((one) => one.kind === 'percept' && one.channel === 'motion'));
  const idle: TerrainModel<FleetBelief> = {
    ...model,
    rates: { ...model.rates, situationEvery: 1e9, supervisionEvery: 1e9 },
  };
  const full: TerrainModel<FleetBelief> = {
    ...model,
    rates: { ...model.rates, situationEvery: 1, supervisionEvery: 1 },
  };
  const begin = (of: TerrainModel<FleetBelief>): Agent<FleetBelief> => agentOn(of, site);
  const reflex = cyclesPerSecond(() => cycles(idle, begin(idle), motion));
  const whole = cyclesPerSecond(() => cycles(full, begin(full), frames));
  const usual = cyclesPerSecond(() => cycles(model, begin(model), frames));
  const fold = cyclesPerSecond(() => folds(model, begin(model), motion));
  const row = cyclesPerSecond(() => rows(motion));
  return [
    beside(absolute('kernel.reflexCycles', reflex, 'cycles/s', '>=', 200_000), 'fold of the model alone', fold),
    beside(absolute('kernel.fullCycles', whole, 'cycles/s', '>=', 20_000), 'fold of the model alone', fold),
    beside(absolute('kernel.usualCycles', usual, 'cycles/s', '>=', 20_000), 'sum over the same rows of numbers', row),
  ];
}

/** What one robot senses while it drives through the warehouse. */
function recordFrames(site: Site): readonly (readonly Stimulus[])[] {
  const dock = site.docks[0] as Site['docks'][number];
  let world: World = createWorld({
    site,
    seed: 1,
    robots: [{ id: 'r01', body: 'carrier', cell: dock.cell }],
    people: 8,
  });
  const drive: Command = {
    kind: 'setpoint',
    name: 'drive',
    params: { speedMps: 0.8, turnRadps: 0 },
    durationUs: 1_000_000,
  };
  const frames: Stimulus[][] = [];
  for (let i = 0; i < FRAMES; i++) {
    const next = resolve(world, { atUs: world.atUs, commands: [i % 100 === 0 ? drive : null], injections: [] });
    world = next.world;
    const inbox = (next.outcomes.frames[0] ?? []).map(
      ({ channel, values }): Stimulus => ({ kind: 'percept', channel, values }),
    );
    const work = i === 0 ? errand(site, dock.cell) : [];
    frames.push([...work, ...inbox, { kind: 'beat', from: 'link' }, { kind: 'beat', from: 'primary' }]);
  }
  return frames;
}

/** A task and a plan for it, so that a full cycle has an intent to give parameters to. */
function errand(site: Site, cell: number): readonly Stimulus[] {
  const at = (ahead: number) => ({ xM: centreXM(site, cell) + ahead, yM: centreYM(site, cell) });
  const task = { id: 't1', missionId: 'm1', kind: 'goto', args: at(12), priority: 1 };
  const intents = [3, 6, 9, 12].map((ahead) => ({ name: ADVANCE, args: at(ahead) }));
  return [
    { kind: 'order', issuer: 'core', sequence: 1, expiresAtUs: 1e12, order: { type: 'assign', task } },
    {
      kind: 'plan',
      from: 'primary',
      taskId: 't1',
      revision: 1,
      intents,
      confidence: 0.95,
      rationale: 'bench',
      basis: null,
      alternatives: [],
    },
  ];
}

function agentOn(model: TerrainModel<FleetBelief>, site: Site): Agent<FleetBelief> {
  const dock = site.docks[0] as Site['docks'][number];
  const start = { xM: centreXM(site, dock.cell), yM: centreYM(site, dock.cell), headingRad: 0 };
  const config: Json = { site: { digest: site.digest }, body: 'carrier', name: 'r01', start };
  return createAgent(model, {
    id: 'r01',
    tenant: 'bench',
    role: 'robot',
    seed: 1,
    epoch: 0,
    flags: NEW_ROBOT_FLAGS,
    config,
    atUs: 0,
  });
}

function cycles(
  model: TerrainModel<FleetBelief>,
  from: Agent<FleetBelief>,
  frames: readonly (readonly Stimulus[])[],
): number {
  let agent = from;
  for (let i = 0; i < frames.length; i++)
    agent = step(model, agent, frames[i] as readonly Stimulus[], (i + 1) * STEP_US).agent;
  return agent.wakes;
}

function folds(
  model: TerrainModel<FleetBelief>,
  from: Agent<FleetBelief>,
  frames: readonly (readonly Stimulus[])[],
): number {
  let { world } = from;
  for (let i = 0; i < frames.length; i++) {
    for (const stimulus of frames[i] as readonly Stimulus[]) world = model.fold(world, stimulus, (i + 1) * STEP_US);
  }
  return world.motion.frames;
}

/** The least that anybody could do with the same numbers: add them up. */
function rows(frames: readonly (readonly Stimulus[])[]): number {
  let sum = 0;
  for (const inbox of frames) {
    for (const stimulus of inbox) if (stimulus.kind === 'percept') for (const value of stimulus.values) sum += value;
  }
  return sum;
}

/** Best of some rounds after as many to warm up: what the machine can do when nobody disturbs it. */
function cyclesPerSecond(run: () => number): number {
  let kept = 0;
  let best = 0;
  for (let round = -ROUNDS; round < ROUNDS; round++) {
    const startedMs = performance.now();
    kept += run();
    const tookMs = performance.now() - startedMs;
    if (round >= 0) best = Math.max(best, FRAMES / (tookMs / 1000));
  }
  return Number.isNaN(kept) ? 0 : best;
}
