// What a cycle does in which order, and how often each of its layers runs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cart, CartStory, TICK_US } from '../testing/cart.ts';
import type { Agent } from './agent.ts';
import { step } from './cycle.ts';
import type { PendingExpectation } from './expectation.ts';
import type { Situation, TerrainModel } from './model.ts';
import type { Rule } from './rule.ts';
import { encodeState } from './state.ts';
import type { Stimulus } from './stimulus.ts';

const rule = (rate: 'reflex' | 'situation'): Rule<Situation<Cart>> => ({
  id: `slow-${rate}`,
  hash: 'h1',
  rate,
  rationale: 'slow in the aisle',
  effect: { type: 'restrict', restriction: { atMost: { speedMps: 0.5 }, forbid: [] } },
  evaluate: () => 'fires',
});

const place = (obstacleMm: number, broken = 0): Stimulus => ({
  kind: 'percept',
  channel: 'place',
  values: Int32Array.of(0, obstacleMm, broken),
});

const promised = (dueUs: number): Stimulus => ({
  kind: 'message',
  from: 'r07',
  topic: 'way',
  body: null,
  promise: { id: 'p1', what: 'make way', args: null, dueUs },
});

/** What is due now: the cart expected itself to be elsewhere, or not. */
const due = (story: CartStory, xM: number): PendingExpectation => ({
  quantities: [{ name: 'xM', value: xM, tolerance: 1 }],
  dueUs: story.atUs,
  decisionSequence: 1,
  planner: null,
  command: 'roll',
  madeUs: 0,
});

/** Its one action, a second from its end, is under way. */
const tipping = (): CartStory =>
  new CartStory()
    .assign('t1', 50)
    .plan('t1', [{ name: 'tip', args: {} }])
    .run(0.2);

const unheard = ({ agent: { chain } }: CartStory) => ({ ...chain, primary: { ...chain.primary, heardUs: -9_000_000 } });

/** The same model, which also says whom of it the kernel asks, in order; the same one again at once is said once. */
function overheard(model: TerrainModel<Cart>, heard: string[]): TerrainModel<Cart> {
  const on =
    <Given extends readonly unknown[], Answer>(name: string, ask: (...given: Given) => Answer) =>
    (...given: Given): Answer => {
      if (heard.at(-1) !== name) heard.push(name);
      return ask(...given);
    };
  const { failsafe, policy } = model;
  return {
    ...model,
    fold: on('fold', model.fold),
    observe: on('expectation', model.observe),
    promise: on('promises', model.promise),
    reflexes: model.reflexes.map((reflex) => ({ ...reflex, propose: on('reflexes', reflex.propose) })),
    policy: {
      ...policy,
      rules: policy.rules.map((one) => ({ ...one, evaluate: on(`${one.rate} rules`, one.evaluate) })),
    },
    failsafe: {
      ...failsafe,
      conditions: failsafe.conditions.map((one) => ({ ...one, holds: on('failsafe', one.holds) })),
    },
    intentProgress: on('plan', model.intentProgress),
    parametrize: on('intent', model.parametrize),
    swarm: on('swarm', model.swarm),
    taskProgress: on('tasks', model.taskProgress),
    clamp: on('arbiter', model.clamp),
    expect: on('expectation of what was chosen', model.expect),
  };
}

test('[K4] one cycle: what was sensed, what it says of what was expected, the layers, the arbiter, and what is expected of that', () => {
  const story = new CartStory({ rules: [rule('reflex'), rule('situation')] })
    .assign('t1', 50)
    .advance('t1', 50)
    .run(0.2);
  const agent = { ...story.agent, wakes: 99, expectation: due(story, 0) };
  const heard: string[] = [];
  const all = step(overheard(story.model, heard), agent, [promised(9_000_000), place(1500)], story.atUs);
  assert.deepEqual(heard, [
    'fold',
    'expectation',
    'promises',
    'reflexes',
    'reflex rules',
    'failsafe',
    'plan',
    'tasks',
    'intent',
    'swarm',
    'situation rules',
    'arbiter',
    'expectation of what was chosen',
  ]);
  assert.equal(all.outputs.decision?.sequence, agent.decisionSequence + 1);
  assert.equal(all.agent.expectation?.decisionSequence, all.outputs.decision?.sequence, 'of the decision just made');
});

test('[K4] what a cycle finds is told in its order: planners, late actions, expectation, promises, failsafe', () => {
  const story = tipping();
  const actions = story.agent.actions.map((flight) => ({
    ...flight,
    action: { ...flight.action, deadlineUs: story.atUs - 1 },
  }));
  const agent = { ...story.agent, actions, expectation: due(story, 9), chain: unheard(story) };
  const { outputs } = step(story.model, agent, [promised(story.atUs - 1), place(99_000, 1)], story.atUs);
  assert.deepEqual(
    [...new Set(outputs.events.map((event) => (event.type === 'violation' ? event.violation.kind : event.type)))],
    ['chain', 'action', 'reconcile', 'physical', 'social', 'failsafe'],
  );
});

/** Which layers run at a wake, by what the model is asked there. */
function layersAt(
  { agent, model, atUs }: Pick<CartStory, 'agent' | 'model' | 'atUs'>,
  wake: number,
  inbox: readonly Stimulus[] = [],
): readonly string[] {
  const heard: string[] = [];
  step(overheard(model, heard), { ...agent, wakes: wake - 1 }, inbox, atUs);
  return ['reflexes', 'swarm', 'tasks'].filter((name) => heard.includes(name));
}

test('[K5] reflexes at every wake, the situation at every tenth, supervision at every hundredth: the rates are data', () => {
  const { agent, model, atUs } = new CartStory().assign('t1', 50).run(0.2);
  for (let wake = 1; wake <= 200; wake++) {
    const more = wake % 100 === 0 ? ['swarm', 'tasks'] : wake % 10 === 0 ? ['swarm'] : [];
    assert.deepEqual(layersAt({ agent, model, atUs }, wake), ['reflexes', ...more], `wake ${wake}`);
  }
  const other = { ...model, rates: { reflexUs: TICK_US, situationEvery: 3, supervisionEvery: 7 } };
  assert.deepEqual(
    [3, 7, 10].map((wake) => layersAt({ agent, model: other, atUs }, wake)),
    [['reflexes', 'swarm'], ['reflexes', 'swarm', 'tasks'], ['reflexes']],
  );
});

test('[K5] whatever changes what is to be done runs both layers at once, and what is merely sensed or heard does not', () => {
  const story = tipping();
  const { agent, model, atUs } = story;
  const told: readonly Stimulus[] = [
    {
      kind: 'order',
      issuer: 'core',
      sequence: 99,
      expiresAtUs: atUs,
      order: { type: 'lease', leaseId: 'l1', holder: 'ann', expiresAtUs: 9_000_000 },
    },
    {
      kind: 'plan',
      from: 'primary',
      taskId: 't1',
      revision: 9,
      intents: [{ name: 'tip', args: {} }],
      confidence: 1,
      rationale: 'again',
      basis: null,
      alternatives: [],
    },
    { kind: 'result', actionId: agent.actions[0]?.action.id ?? '', status: 'running', detail: null },
    { kind: 'signal', name: 'door', value: 1 },
  ];
  const both = ['reflexes', 'swarm', 'tasks'];
  for (const stimulus of told) assert.deepEqual(layersAt(story, 1, [stimulus]), both, stimulus.kind);
  const changed: Readonly<Record<string, Partial<Agent<Cart>>>> = {
    violation: { expectation: due(story, 9) },
    chain: { chain: unheard(story) },
    failsafe: { world: { ...agent.world, broken: true } },
  };
  for (const [name, change] of Object.entries(changed)) {
    assert.deepEqual(layersAt({ agent: { ...agent, ...change }, model, atUs }, 1), both, name);
  }
  const merely: readonly Stimulus[] = [
    place(99_000),
    { kind: 'beat', from: 'primary' },
    { kind: 'message', from: 'r07', topic: 'pose', body: null },
    { kind: 'observation', channel: 'door', data: null },
  ];
  for (const stimulus of merely) assert.deepEqual(layersAt(story, 1, [stimulus]), ['reflexes'], stimulus.kind);
});

test('[K8] whatever the seed, an agent of a terrain that draws nothing does the same: the kernel draws nothing itself', () => {
  const life = (seed: number): string => {
    const story = new CartStory({ rules: [rule('situation')] });
    story.agent = { ...story.agent, seed };
    const lived: unknown[] = [];
    story.assign('t1', 3);
    for (let n = 0; n < 250; n++) {
      if (n === 10) story.advance('t1', 3);
      lived.push(story.tick().outputs, { ...story.agent, seed: 0 });
    }
    return encodeState(lived);
  };
  assert.equal(life(1), life(0xfffffffe));
});
