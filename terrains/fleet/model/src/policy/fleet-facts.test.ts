import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, intersect, type Restriction, type Situation, type Stimulus } from '@sigma/kernel';
import fc from 'fast-check';
import { advance, drawnSite, goTo, HALL, NO_RULES, Stage } from '../../testing/stage.ts';
import type { FleetBelief } from '../belief/belief.ts';
import { fleetModel } from '../fleet-model.ts';
import { groundOf } from '../ground.ts';
import { fleetFacts } from './fleet-facts.ts';
import { FACTS } from './foresee.ts';

const SITE = drawnSite(HALL, [{ id: 'a', name: 'a', kind: 'area', cells: [65, 66], speedMps: null }]);
const MODEL = fleetModel({ site: SITE, policy: NO_RULES });
const { brief, channelsOf, facts, ofBelief, read, topicsOf } = fleetFacts(groundOf(SITE));
const STANDS = new Stage({ site: SITE, start: { xM: 4.4, yM: 4.5, headingRad: 0 } }).run(0.2).belief;
/** On the way east with a wall close to the right: the corridor bounds what turns there. */
const BESIDE_WALL = beside();

function beside(): FleetBelief {
  const stage = new Stage({ site: SITE, start: { xM: 1.5, yM: 1.45, headingRad: 0 } });
  stage.assign(goTo(17.5, 1.45)).tick();
  return stage.plan(advance([17.5, 1.45])).run(3).belief;
}

const speed = fc.integer({ min: -30, max: 30 }).map((n) => n / 10);
const drive: fc.Arbitrary<Command> = fc
  .record({ speedMps: speed, turnRadps: speed, cruiseMps: fc.option(fc.constant(1.2), { nil: undefined }) })
  .map(({ cruiseMps, ...params }) => ({
    ...{ kind: 'setpoint', name: 'drive', durationUs: 300_000 },
    params: cruiseMps === undefined ? params : { ...params, cruiseMps },
  }));
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: drive },
  fc.constantFrom<Command>(MODEL.rest, {
    ...{ kind: 'action', name: 'load', params: { station: 's', item: 'i' } },
    ...{ id: '1', idempotencyKey: '1', deadlineUs: 1 },
  }),
);
const atMost = fc.dictionary(
  fc.constantFrom('speedMps', 'turnRadps', 'cruiseMps'),
  fc.integer({ min: 0, max: 20 }).map((n) => n / 10),
  { noNullPrototype: true },
);
const held: fc.Arbitrary<Restriction> = fc.record({
  atMost,
  forbid: fc.subarray(['zone:a', 'name:load', 'name:drive']),
});
const belief: fc.Arbitrary<FleetBelief> = fc
  .record({ of: fc.constantFrom(STANDS, BESIDE_WALL), ledAway: fc.boolean() })
  .map(({ of, ledAway }) => (ledAway ? { ...of, ledAway: true } : of));

test('a brief of a belief clamps as the belief itself, under the bounds that held and all that are closer; where it cannot, there is none', () => {
  let briefed = 0;
  let none = 0;
  fc.assert(
    fc.property(belief, command, held, atMost, (world, asked, restriction, closer) => {
      const numbers = brief.of(asked, restriction, world);
      if (numbers === null) {
        none++;
        return;
      }
      briefed++;
      assert.equal(numbers.length, brief.width);
      const stand = brief.world(numbers);
      for (const bounds of [restriction, intersect(restriction, { atMost: closer, forbid: [] })])
        assert.deepEqual(MODEL.clamp(asked, bounds, stand), MODEL.clamp(asked, bounds, world));
    }),
    { seed: 12, numRuns: 3000 },
  );
  assert.ok(briefed > 600 && none > 600, `${briefed} briefs, ${none} times none`);
});

test('facts are told in the order of their names', () => {
  assert.deepEqual(facts, FACTS);
});

test('what a belief tells of a name is what the whole situation tells, and a name that takes more is not told by it', () => {
  const untold = facts.filter(({ name }) => ofBelief(name) === null).map(({ name }) => name);
  assert.deepEqual(
    untold.map((name) => name.split('.')[0]),
    ['task', 'task', 'plan', 'plan', 'intent', 'mode', 'chain', 'link', 'violations'],
  );
  for (const world of [STANDS, BESIDE_WALL]) {
    // Whoever reads anything else of this situation fails.
    const whole = read({
      ...{ world, task: null, plan: null, linkSilentUs: 0, confidence: 1, mode: '', chain: '', recentViolations: 0 },
    } as unknown as Situation<FleetBelief>);
    for (const [k, { name }] of facts.entries()) {
      const reader = ofBelief(name);
      if (reader !== null) assert.deepEqual(reader(world), whole[k], name);
    }
  }
  assert.equal(ofBelief('robot.constructor'), null);
});

/** Everything that a robot is told on its way past people and peers, with all that may go wrong on board. */
function told(seed: number): { readonly first: FleetBelief; readonly life: readonly (readonly [Stimulus, number])[] } {
  const stage = new Stage({ site: SITE, start: { xM: 1.5, yM: 1.45 + (seed % 3), headingRad: 0 } });
  const first: FleetBelief = { ...stage.belief, docked: 'dock' };
  const life: [Stimulus, number][] = [];
  const fold: typeof MODEL.fold = (belief, stimulus, atUs) => {
    life.push([stimulus, atUs]);
    return MODEL.fold(belief, stimulus, atUs);
  };
  Object.assign(stage, { model: { ...MODEL, fold } });
  stage.person(9.5, 3.5, -0.4, seed % 2 === 0 ? 0 : -0.2);
  stage.assign(goTo(17.5, 1.45)).tick();
  stage.plan(advance([17.5, 1.45])).run(1.5);
  const pose = { kind: 'message', from: 'r2', topic: 'pose', body: [9, 3.4, 0, 0, 0.3] } as const;
  stage.tell(pose).tell({ kind: 'signal', name: 'mechanical_stop', value: 1 });
  Object.assign(stage, { gyroDriftRadps: seed % 4 === 1 ? 0.3 : 0, stuckLeft: seed % 4 === 2 });
  Object.assign(stage, {
    charge: 0.3,
    batteryV: 44,
    motorC: 70,
    boardC: 50,
    pitchRad: 0.1,
    lidarFrozen: seed % 4 === 3,
  });
  stage.run(1.5).tell({ kind: 'signal', name: 'body_time_lost', value: 20_000 });
  stage.plan(advance([2.5, 1.45])).run(1.5);
  return { first, life };
}

test('[R117] percepts of channels and messages on topics that do not bear on a name change nothing of what it says, at any time', () => {
  const names = facts.flatMap(({ name }) => (ofBelief(name) === null ? [] : [name]));
  const said = new Map(names.map((name) => [name, new Set<number | string>()]));
  for (let seed = 0; seed < 8; seed++) {
    const { first, life } = told(seed);
    for (const name of names) {
      const [reader, channels, topics] = [ofBelief(name), channelsOf(name), topicsOf(name)];
      assert.ok(reader !== null && channels !== null && topics !== null, name);
      const bears = (stimulus: Stimulus): boolean =>
        stimulus.kind === 'percept'
          ? channels.includes(stimulus.channel)
          : stimulus.kind !== 'message' || topics.includes(stimulus.topic);
      let [whole, part] = [first, first];
      for (const [stimulus, atUs] of life) {
        whole = MODEL.fold(whole, stimulus, atUs);
        if (bears(stimulus)) part = MODEL.fold(part, stimulus, atUs);
        assert.ok(Object.is(reader(part), reader(whole)), `${name} at ${atUs} us of life ${seed}`);
        said.get(name)?.add(reader(whole));
      }
    }
  }
  for (const [name, { size }] of said)
    if (channelsOf(name)?.length !== 0) assert.ok(size > 1 || /^zone/.test(name), name);
  assert.deepEqual([channelsOf('robot.constructor'), topicsOf('robot.constructor')], [null, null]);
});
