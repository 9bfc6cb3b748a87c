import assert from 'node:assert/strict';
import { test } from 'node:test';
import { celEnv, parse, plan } from '@bufbuild/cel';
import fc from 'fast-check';
import { CONTEXT } from './context.ts';
import { checkCost } from './cost.ts';
import { FACTS, foresee, type KnownFacts } from './foresee.ts';
import { BrokenRuleError } from './policy.ts';

const CONDITIONS = [
  'person.distance_m < 3.0 && robot.speed_mps > 0.5',
  'person.distance_m < 3.0 || !(robot.speed_mps >= 1.0)',
  'robot.speed_mps * 2.0 - 1.0 > person.distance_m + robot.battery',
  '-robot.turn_radps * robot.speed_mps <= 0.25',
  "robot.body == 'humanoid' && robot.loaded",
  "robot.cargo.startsWith('crate') != zone.work",
  "'dock' in zone.ids || size(zone.ids) > 1",
  "zone.work ? robot.speed_mps > 1.0 : chain == 'secondary'",
  "task.kind in ['goto', 'cover'] && task.priority > 5.0",
  'robot.battery / robot.speed_mps > 2.0',
  "robot.name.matches('r[0-9]+') && robot.battery == robot.battery",
  'robot.loaded == zone.work || robot.loaded != robot.docked',
];

const number = fc.oneof(fc.constantFrom(0, 0.5, 1, 3, 1000), fc.double({ min: -10, max: 10, noNaN: false }));
const text = fc.constantFrom('', 'humanoid', 'carrier', 'crate-1', 'goto', 'secondary', 'r07');
const ids = fc.subarray(['dock', 'aisle', 'press']);
const situation = fc.record(
  Object.fromEntries(
    Object.entries(CONTEXT).map(([name, { type }]) => [
      name,
      type === 'double' ? number : type === 'string' ? text : type === 'bool' ? fc.boolean() : ids,
    ]),
  ) as Record<string, fc.Arbitrary<unknown>>,
);

/** What a stretch with these situations would keep. */
function factsOf(situations: readonly Record<string, unknown>[]): KnownFacts {
  return {
    bounds: (name) => {
      const values = situations.map((one) => one[name] as number);
      const [least, most] = [Math.min(...values), Math.max(...values)];
      return Number.isNaN(least) ? null : [least, most];
    },
    words: (name) => {
      const words = situations
        .map((one) => one[name])
        .map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
      return [...new Set(words)];
    },
  };
}

test('[R117] what is foreseen of a stretch is what the condition says of every situation in it', () => {
  let told = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...CONDITIONS),
      fc.array(situation, { minLength: 1, maxLength: 4 }),
      (when, situations) => {
        const foreseen = foresee(when)(factsOf(situations));
        if (foreseen === 'either') return;
        told++;
        const run = plan(celEnv(), parse(when));
        for (const one of situations)
          assert.equal(run(one as never), foreseen === 'fires', `${when} of ${JSON.stringify(one)}`);
      },
    ),
    { seed: 11, numRuns: 3000 },
  );
  assert.ok(told > 500, `only ${told} of 3000 stretches could be told`);
});

test('[R117] every name that a rule may read is a fact, and nothing is told of one that was no number', () => {
  assert.deepEqual(
    FACTS.map(({ name }) => name),
    Object.keys(CONTEXT),
  );
  const nowhere: KnownFacts = { bounds: () => null, words: () => null };
  for (const when of CONDITIONS) assert.equal(foresee(when)(nowhere), 'either');
});

test('a condition that would cost too much is refused before it is tried', () => {
  const rule = (when: string) =>
    ({ id: 'dear', rate: 'situation', when, rationale: '', effect: { type: 'failsafe', action: 'x' } }) as const;
  const many = Array.from({ length: 400 }, (_, k) => `robot.speed_mps>${k}.5`).join('||');
  assert.throws(
    () => checkCost(rule('x'.repeat(5000))),
    (error) => error instanceof BrokenRuleError && /5000 characters/.test(error.message),
  );
  assert.throws(
    () => checkCost(rule(many.slice(0, 3990).replace(/\|\|[^|]*$/, ''))),
    /names, constants and operators, more than 500/,
  );
  checkCost(rule('robot.speed_mps > 1.0'));
});
