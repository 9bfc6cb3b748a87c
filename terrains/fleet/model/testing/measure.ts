import { type Situation, type Stimulus, step, type TerrainModel } from '@sigma/kernel';
import { DEFAULT_POLICY } from '../policies/default.ts';
import type { FleetBelief } from '../src/belief/belief.ts';
import { foldBelief } from '../src/belief/fold.ts';
import { groundOf } from '../src/ground.ts';
import { compilePolicy } from '../src/policy/policy.ts';
import { advance, drawnSite, goTo, HALL, Stage } from './stage.ts';

/** One hot path and what one pass of it cost, in microseconds. */
export interface Cost {
  readonly name: string;
  readonly us: number;
}

/** Runs the model's hot paths on frames of a robot that drives past a person. */
export function measureModel(share = 1): readonly Cost[] {
  const site = drawnSite(HALL);
  const ground = groundOf(site);
  const stage = new Stage({ site, policy: DEFAULT_POLICY, start: { xM: 1.5, yM: 4.5, headingRad: 0 } });
  const { model } = stage;
  const frames = new Map<string, Int32Array[]>();
  const listening: TerrainModel<FleetBelief> = {
    ...model,
    fold: (world, stimulus, atUs) => {
      if (stimulus.kind === 'percept') {
        const known = frames.get(stimulus.channel) ?? [];
        known.push(stimulus.values);
        frames.set(stimulus.channel, known);
      }
      return model.fold(world, stimulus, atUs);
    },
  };
  (stage as { model: typeof model }).model = listening;
  stage.assign(goTo(17.5, 4.5)).tick();
  stage.plan(advance([17.5, 4.5]));
  stage.person(12, 6, -0.3, 0);
  stage.run(5);

  const costs: Cost[] = [];
  const time = (name: string, passes: number, each: (k: number) => void): void => {
    const runs = Math.ceil(passes * share);
    for (let k = 0; k < runs / 4; k++) each(k);
    const from = performance.now();
    for (let k = 0; k < runs; k++) each(k);
    costs.push({ name, us: ((performance.now() - from) / runs) * 1000 });
  };

  let world = stage.belief;
  let atUs = stage.atUs;
  for (const [channel, values] of frames) {
    const periodUs = channel === 'motion' ? 10_000 : 100_000;
    time(`fold ${channel}`, channel === 'motion' ? 200_000 : 20_000, (k) => {
      atUs += periodUs;
      const frame = values[k % values.length] as Int32Array;
      world = foldBelief(world, ground, { kind: 'percept', channel, values: frame }, atUs);
    });
  }
  const heard = inboxes(frames);
  const cycles = (name: string, ours: TerrainModel<FleetBelief>): void => {
    let agent = stage.agent;
    let now = stage.atUs;
    time(name, 100_000, (k) => {
      now += 10_000;
      agent = step(ours, agent, heard(k), now).agent;
    });
  };
  cycles('reflex cycle', { ...model, rates: { ...model.rates, situationEvery: 1e9, supervisionEvery: 1e9 } });
  cycles('cycle at all rates', model);
  const policy = compilePolicy(DEFAULT_POLICY, ground);
  const { mode, plan, command } = stage.agent;
  const situation: Situation<FleetBelief> = {
    atUs,
    world: stage.belief,
    mode,
    task: null,
    plan,
    command,
    commandSinceUs: 0,
    operator: null,
    chain: 'primary',
    linkSilentUs: 0,
    primarySilentUs: 0,
    secondarySilentUs: 0,
    stop: 'none',
    confidence: 1,
    recentViolations: 0,
    signals: {},
  };
  time('policy', 20_000, () => {
    for (const rule of policy.rules) rule.evaluate(situation);
  });
  return costs;
}

/** What a robot hears in one tick: motion always, scan and signs of life at every tenth. */
function inboxes(frames: ReadonlyMap<string, readonly Int32Array[]>): (k: number) => Stimulus[] {
  const motions = frames.get('motion') ?? [];
  const scans = frames.get('scan') ?? [];
  return (k) => {
    const inbox: Stimulus[] = [
      { kind: 'percept', channel: 'motion', values: motions[k % motions.length] as Int32Array },
    ];
    if (k % 10 !== 0) return inbox;
    inbox.push({ kind: 'percept', channel: 'scan', values: scans[(k / 10) % scans.length] as Int32Array });
    inbox.push({ kind: 'beat', from: 'link' }, { kind: 'beat', from: 'primary' }, { kind: 'beat', from: 'secondary' });
    return inbox;
  };
}
