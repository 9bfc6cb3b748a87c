import { type Stimulus, step } from '@sigma/kernel';
import { DEFAULT_POLICY } from '../policies/default.ts';
import { foldBelief } from '../src/belief/fold.ts';
import { groundOf } from '../src/ground.ts';
import { compilePolicy } from '../src/policy/policy.ts';
import { advance, drawnSite, goTo, HALL, Stage } from './stage.ts';

/** Prints what the hot paths cost, in microseconds. Run by hand: `node terrains/fleet/model/testing/measure.ts`. */
const site = drawnSite(HALL);
const ground = groundOf(site);
const stage = new Stage({ site, policy: DEFAULT_POLICY, start: { xM: 1.5, yM: 4.5, headingRad: 0 } });
const percepts = new Map<string, Int32Array[]>();
stage.assign(goTo(17.5, 4.5)).tick();
stage.plan(advance([17.5, 4.5]));
stage.person(12, 6, -0.3, 0);
const { model } = stage;
const recorded: (typeof model)['fold'] = model.fold;
const spy = stage as unknown as { model: typeof model };
spy.model = {
  ...model,
  fold: (world, stimulus, atUs) => {
    if (stimulus.kind === 'percept')
      percepts.set(stimulus.channel, [...(percepts.get(stimulus.channel) ?? []), stimulus.values]);
    return recorded(world, stimulus, atUs);
  },
};
stage.run(5);

const time = (name: string, runs: number, each: (k: number) => void): void => {
  for (let k = 0; k < runs / 4; k++) each(k);
  const from = process.hrtime.bigint();
  for (let k = 0; k < runs; k++) each(k);
  console.log(name.padEnd(28), (Number(process.hrtime.bigint() - from) / runs / 1000).toFixed(2), 'us');
};

let world = stage.belief;
let atUs = stage.atUs;
for (const [channel, frames] of percepts) {
  const period = channel === 'motion' ? 10_000 : 100_000;
  time(`fold ${channel}`, channel === 'motion' ? 400_000 : 20_000, (k) => {
    atUs += period;
    world = foldBelief(
      world,
      ground,
      { kind: 'percept', channel, values: frames[k % frames.length] as Int32Array },
      atUs,
    );
  });
}
const motions = percepts.get('motion') as Int32Array[];
const scans = percepts.get('scan') as Int32Array[];
/** What a robot hears in one tick: motion always, scan and signs of life at every tenth. */
const heard = (k: number): Stimulus[] => {
  const inbox: Stimulus[] = [{ kind: 'percept', channel: 'motion', values: motions[k % motions.length] as Int32Array }];
  if (k % 10 !== 0) return inbox;
  inbox.push({ kind: 'percept', channel: 'scan', values: scans[(k / 10) % scans.length] as Int32Array });
  inbox.push({ kind: 'beat', from: 'link' }, { kind: 'beat', from: 'primary' }, { kind: 'beat', from: 'secondary' });
  return inbox;
};
let agent = stage.agent;
let now = stage.atUs;
const reflexOnly = { ...model, rates: { ...model.rates, situationEvery: 1e9, supervisionEvery: 1e9 } };
time('reflex cycle', 200_000, (k) => {
  now += 10_000;
  agent = step(reflexOnly, agent, heard(k), now).agent;
});
let mixed = stage.agent;
now = stage.atUs;
time('cycle, all rates', 200_000, (k) => {
  now += 10_000;
  mixed = step(model, mixed, heard(k), now).agent;
});
const policy = compilePolicy(DEFAULT_POLICY, ground);
const situation = {
  atUs,
  world: stage.belief,
  mode: 'automatic',
  task: null,
  plan: null,
  command: model.rest,
  chain: 'primary',
  linkSilentUs: 0,
  primarySilentUs: 0,
  secondarySilentUs: 0,
  stop: 'none',
  confidence: 1,
  recentViolations: 0,
  signals: {},
} as Parameters<(typeof policy.rules)[number]['evaluate']>[0];
time(`policy of ${policy.rules.length} rules`, 50_000, () => {
  for (const rule of policy.rules) rule.evaluate(situation);
});
console.log(
  'state',
  agent.failsafe.selected,
  agent.failsafe.entries.map(({ condition }) => condition).join(' '),
  agent.command.name,
);
