import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CartStory, roll, STAND, TICK_US } from '../testing/cart.ts';
import { BrokenModelError, createAgent } from './create.ts';
import { step, TimeRunsBackwardsError } from './cycle.ts';
import { checkFlags, UnknownFlagError } from './flags.ts';
import { population, stepMany, UnknownRecipientError } from './population.ts';
import type { Rule } from './rule.ts';
import { decodeState, encodeState, UnencodableStateError } from './state.ts';

const working = (options = {}): CartStory => new CartStory(options).assign('t1', 50).advance('t1', 50).run(0.2);

test('[K44] a cart with a task and a plan rolls, arrives, and the task is done by what was sensed', () => {
  const story = new CartStory().assign('t1', 3);
  assert.deepEqual(
    story.outputs.asks.map(({ of, reason }) => [of, reason]),
    [['primary', 'the task needs a plan']],
  );
  story.advance('t1', 3);
  assert.equal(story.speedMps, 1);
  assert.equal(story.outputs.decision?.planner, 'primary');
  assert.deepEqual(story.outputs.decision?.planBasis?.epoch, 1);
  story.run(3.3);
  assert.equal(story.status('t1'), 'done');
  assert.equal(story.outputs.command, STAND);
});

test('[K2] a step into the past, or between microseconds, is refused', () => {
  const story = new CartStory().run(0.1);
  for (const atUs of [story.atUs - 1, story.atUs + 0.5, Number.NaN]) {
    assert.throws(() => step(story.model, story.agent, [], atUs), TimeRunsBackwardsError);
  }
  assert.ok(step(story.model, story.agent, [], story.atUs), 'the same instant again is no step back');
});

test('[K3] every stimulus is counted once, in order', () => {
  const story = new CartStory();
  story.planners = [];
  story.run(0.05);
  assert.equal(story.agent.inputSequence, 5);
});

test('[K20] one decision for a stretch of driving, a new one when something is near, none while it stays near', () => {
  const story = working();
  const decisions = story.agent.decisionSequence;
  story.run(1);
  assert.equal(story.agent.decisionSequence, decisions);
  story.obstacleM = 1.5;
  story.tick();
  assert.equal(story.agent.decisionSequence, decisions + 1);
  assert.equal(story.outputs.decision?.restrictions[0]?.source, 'reflex:near');
  assert.deepEqual(story.outputs.decision?.clamped, [{ param: 'speedMps', from: 1, to: 0.3 }]);
  assert.equal(story.outputs.urgent, true);
  story.run(0.5);
  assert.equal(story.agent.decisionSequence, decisions + 1);
  assert.equal(story.outputs.urgent, false);
});

test('[K20] a plan with the very intents of the one before and another reason is another decision, and says its own reason', () => {
  const intents = [{ name: 'advance', args: { toM: 9 } }];
  const story = new CartStory().assign('t1', 9);
  for (const rationale of ['as ordered', 'the way is free', 'as ordered']) {
    story.plan('t1', intents, { rationale }).run(0.2);
    assert.equal(story.agent.decision?.rationale, `advance (1 of 1): ${rationale}`);
  }
});

test('[K21] a decision names its context: epoch, last input, policy', () => {
  const story = working();
  story.obstacleM = 1.5;
  story.tick();
  assert.deepEqual(story.outputs.decision?.context, {
    epoch: 1,
    inputSequence: story.agent.inputSequence,
    policyHash: 'policy-1',
  });
  assert.equal(story.outputs.decision?.taskId, 't1');
  assert.equal(story.outputs.decision?.planRevision, 1);
});

test('[K22] starting to roll can wait for the recorder, standing cannot', () => {
  const story = new CartStory().assign('t1', 50).advance('t1', 50);
  assert.equal(story.outputs.commandChanged, true);
  assert.equal(story.outputs.urgent, false);
  story.order({ type: 'cancel', taskId: 't1', reason: 'enough' });
  assert.equal(story.outputs.command, STAND);
  assert.equal(story.outputs.urgent, true);
});

test('[K23] an operator who falls silent: the set-point holds for its duration and the cart stands', () => {
  const story = new CartStory().order({ type: 'lease', leaseId: 'l1', holder: 'ann', expiresAtUs: 1e9 });
  story.order({ type: 'command', leaseId: 'l1', command: roll(0.5, 200_000), rationale: 'nudge' });
  assert.equal(story.speedMps, 0.5);
  story.run(0.2);
  assert.equal(story.speedMps, 0.5, 'the end is inclusive');
  story.tick();
  assert.equal(story.outputs.command, STAND);
});

test('[K30] [L11] replayed, out of order and expired orders are refused and recorded; issuers count apart', () => {
  const story = new CartStory();
  const stop = { type: 'stop', stop: 'normal', by: 'ann' } as const;
  story.order(stop, { sequence: 5 }).order(stop, { sequence: 5 }).order(stop, { sequence: 4 });
  story.order(stop, { sequence: 1, issuer: 'operator:bob' });
  story.order(stop, { sequence: 6, expiresAtUs: story.atUs + TICK_US - 1 });
  story.order({ type: 'stop', stop: 'none', by: 'ann' }, { sequence: 7, expiresAtUs: story.atUs + TICK_US });
  const answers = story.events.flatMap((event) =>
    event.type === 'order_refused'
      ? [event.reason.split(':')[0]?.split(' ')[0]]
      : event.type === 'order_accepted'
        ? ['ok']
        : [],
  );
  assert.deepEqual(answers, ['ok', 'replayed', 'replayed', 'ok', 'expired', 'ok']);
  assert.equal(story.agent.stop, 'none');
});

test('[K31] commanding needs the lease; another operator takes it over and the first is silenced', () => {
  const story = new CartStory();
  story.order({ type: 'command', leaseId: 'l1', command: roll(1), rationale: '' });
  assert.match(story.take('order_refused')[0]?.reason ?? '', /take it first/);
  story.order({ type: 'lease', leaseId: 'l1', holder: 'ann', expiresAtUs: 1e9 });
  story.order({ type: 'command', leaseId: 'l1', command: roll(1, 9e6), rationale: '' });
  assert.equal(story.outputs.decision?.chosen?.source, 'operator:ann');
  story.order({ type: 'lease', leaseId: 'l2', holder: 'bob', expiresAtUs: 1e9 });
  assert.deepEqual(
    story.take('lease').map(({ holder, change }) => [holder, change]),
    [
      ['ann', 'taken'],
      ['bob', 'taken_over'],
    ],
  );
  assert.equal(story.outputs.command, STAND);
  story.order({ type: 'release', leaseId: 'l1' });
  assert.match(story.take('order_refused')[0]?.reason ?? '', /not in force/);
  story.order({ type: 'release', leaseId: 'l2' });
  assert.equal(story.agent.lease, null);
});

test('[K31] a lease that expires takes the command with it', () => {
  const story = new CartStory().order({ type: 'lease', leaseId: 'l1', holder: 'ann', expiresAtUs: 100_000 });
  story.order({ type: 'command', leaseId: 'l1', command: roll(1, 9e6), rationale: '' });
  while (story.atUs < 100_000) story.tick();
  assert.equal(story.speedMps, 1);
  story.tick();
  assert.equal(story.outputs.command, STAND);
  assert.deepEqual(
    story.take('lease').map(({ change }) => change),
    ['taken', 'expired'],
  );
});

test('[K32] a stop is made harder by anyone and ended by `none`, an emergency stop by reset only', () => {
  const story = working();
  story.order({ type: 'stop', stop: 'normal', by: 'ann' });
  assert.equal(story.outputs.command, STAND);
  story.order({ type: 'stop', stop: 'protective', by: 'bob' }).order({ type: 'stop', stop: 'normal', by: 'ann' });
  assert.match(story.take('order_refused')[0]?.reason ?? '', /protective stop is in force/);
  story.order({ type: 'stop', stop: 'none', by: 'ann' }).run(0.1);
  assert.equal(story.speedMps, 1, 'work goes on');
  story.order({ type: 'stop', stop: 'emergency', by: 'ann' }).order({ type: 'stop', stop: 'none', by: 'ann' });
  assert.match(story.take('order_refused')[0]?.reason ?? '', /acknowledge and reset/);
  assert.equal(story.outputs.command, STAND);
});

test('[K33] [K68] after an emergency stop: reset alone is refused, acknowledge alone moves nothing, both do', () => {
  const story = working().order({ type: 'stop', stop: 'emergency', by: 'ann' });
  story.order({ type: 'reset', by: 'ann' });
  assert.match(story.take('order_refused')[0]?.reason ?? '', /acknowledge 'stopped' first/);
  story.order({ type: 'acknowledge', by: 'ann' }).run(2);
  assert.equal(story.outputs.command, STAND);
  story.order({ type: 'reset', by: 'ann' }).run(0.1);
  assert.equal(story.agent.stop, 'none');
  assert.equal(story.agent.failsafe.selected, null);
  story.order({ type: 'acknowledge', by: 'ann' });
  assert.match(story.take('order_refused')[0]?.reason ?? '', /nothing to acknowledge/);
});

test('[K34] manual mode: the mission is silent, the operator is not, safety neither', () => {
  const story = working().order({ type: 'mode', mode: 'manual', by: 'ann' });
  assert.equal(story.outputs.command, STAND);
  story.order({ type: 'lease', leaseId: 'l1', holder: 'ann', expiresAtUs: 1e9 });
  story.order({ type: 'command', leaseId: 'l1', command: roll(0.8, 9e6), rationale: '' });
  story.obstacleM = 1.5;
  story.tick();
  assert.equal(story.speedMps, 0.3);
  story.order({ type: 'mode', mode: 'automatic', by: 'ann' });
  assert.equal(story.agent.operator, null);
});

test('[K10] the swarm overrules the mission, the operator the swarm', () => {
  const story = working();
  story.obstacleM = 0.5;
  story.run(0.2);
  assert.equal(story.agent.decision?.chosen?.source, 'peer:r07');
  assert.deepEqual(
    story.agent.decision?.rejected.map(({ proposal, reason }) => [proposal.source, reason]),
    [['plan:primary', 'lower_authority']],
  );
  story.order({ type: 'lease', leaseId: 'l1', holder: 'ann', expiresAtUs: 1e9 });
  story.order({ type: 'command', leaseId: 'l1', command: roll(0.1, 9e6), rationale: '' });
  assert.equal(story.agent.decision?.chosen?.source, 'operator:ann');
  assert.equal(story.agent.decision?.rejected.length, 2);
});

test('[K40] tasks: refused with a reason, doubled ones ignored, the most urgent next, the oldest among equals', () => {
  const story = new CartStory().assign('t0', 1, 1, 'fly');
  assert.deepEqual(
    story.take('task').map(({ status, reason }) => [status, reason]),
    [['refused', "a cart cannot 'fly'"]],
  );
  story.assign('t1', 2, 1).assign('t2', 3, 1).assign('t3', 4, 1).assign('t4', 5, 7).assign('t2', 9, 9);
  assert.match(story.take('order_refused')[0]?.reason ?? '', /here already/);
  assert.equal(story.status('t1'), 'active');
  story.order({ type: 'cancel', taskId: 't1', reason: '' });
  assert.equal(story.status('t4'), 'active');
  story.order({ type: 'cancel', taskId: 't4', reason: '' });
  assert.equal(story.status('t2'), 'active');
  story.order({ type: 'cancel', taskId: 't4', reason: '' }).order({ type: 'cancel', taskId: 'x', reason: '' });
  assert.deepEqual(
    story.take('order_refused').map(({ reason }) => reason),
    ['task t4 is cancelled', 'task x is not here'],
  );
});

test('[K40] ended tasks are forgotten in the end, open ones never', () => {
  const story = new CartStory().assign('open', 99);
  for (let i = 0; i < 40; i++) story.assign(`t${i}`, 99).order({ type: 'cancel', taskId: `t${i}`, reason: '' });
  assert.equal(story.agent.tasks.length, 17);
  assert.equal(story.status('open'), 'active');
  assert.equal(story.status('t39'), 'cancelled');
});

test('[K41] a planner that does not answer is asked again after a second, not before', () => {
  const story = new CartStory().assign('t1', 9);
  let asks = 0;
  for (let i = 0; i < 250; i++) asks += story.tick().outputs.asks.length;
  assert.equal(asks, 2);
});

test('[K42] [L9] plans that are old, for another task, from the wrong planner or too sure of themselves are refused', () => {
  const story = working();
  story.advance('t1', 9, { revision: 1 });
  story.advance('t2', 9);
  story.advance('t1', 9, { from: 'secondary' });
  story.advance('t1', 9, { confidence: 1.5 });
  story.advance('t1', 9, { confidence: Number.NaN });
  assert.deepEqual(
    story.take('plan_refused').map(({ reason }) => reason),
    [
      'an older or repeated revision',
      'task t2 is not active',
      'the primary link plans now',
      'confidence 1.5 is outside 0 to 1',
      'confidence NaN is outside 0 to 1',
    ],
  );
  assert.equal(story.agent.plan?.revision, 1);
});

test('[K43] intents in order; a failed one asks for a new plan, so does a plan that ends before its task', () => {
  const story = new CartStory().assign('t1', 9).plan('t1', [
    { name: 'advance', args: { toM: 0.5 } },
    { name: 'advance', args: { toM: 1 } },
  ]);
  story.run(0.7);
  assert.equal(story.agent.plan?.cursor, 1);
  story.run(0.5);
  assert.equal(story.agent.asked?.reason, 'the plan is finished');
  story.plan('t1', [{ name: 'crash', args: {} }]);
  assert.equal(story.agent.asked?.reason, "'crash' failed");
});

test('[K44] a task that cannot be done any more fails, and the next begins', () => {
  const story = new CartStory().assign('t1', -1).assign('t2', 5).run(1);
  assert.equal(story.status('t1'), 'failed');
  assert.equal(story.status('t2'), 'active');
});

test('[K45] an action is launched once; done moves the plan on, failed asks anew, silence makes it unknown', () => {
  const begin = () =>
    new CartStory().assign('t1', 9).plan('t1', [
      { name: 'tip', args: {} },
      { name: 'advance', args: { toM: 9 } },
    ]);
  const done = begin();
  assert.equal(done.outputs.command.name, 'tip');
  assert.equal(done.outputs.commandChanged, true);
  done.run(0.3);
  assert.equal(done.agent.actions.length, 1);
  assert.equal(done.outputs.commandChanged, false);
  const actionId = done.agent.actions[0]?.action.id ?? '';
  done
    .tick({ kind: 'result', actionId, status: 'running', detail: null })
    .tick({ kind: 'result', actionId, status: 'done', detail: null });
  assert.equal(done.speedMps, 1);
  done.tick({ kind: 'result', actionId, status: 'failed', detail: null });
  assert.equal(done.agent.actions[0]?.status, 'done', 'what is done stays done');
  const failed = begin();
  failed.tick({ kind: 'result', actionId, status: 'failed', detail: null });
  assert.equal(failed.agent.asked?.reason, "'tip' failed");
  const silent = begin().run(1.98);
  assert.equal(silent.agent.actions[0]?.status, 'accepted');
  silent.run(0.1);
  assert.equal(silent.agent.actions[0]?.status, 'unknown');
  assert.deepEqual(
    silent.take('reconcile').map((event) => event.actionId),
    [actionId],
  );
  assert.equal(silent.outputs.command, STAND, 'it waits for its world');
});

test('[K45] after a restart what was under way is unknown', () => {
  const story = new CartStory().assign('t1', 9).plan('t1', [{ name: 'tip', args: {} }]);
  story.tick({ kind: 'signal', name: 'restarted', value: 1 });
  assert.equal(story.agent.actions[0]?.status, 'unknown');
  assert.equal(story.take('reconcile').length, 1);
});

test('[K50] [K51] wheels that slip: the expectation fails, the violation is recorded and a new plan asked for', () => {
  const story = new CartStory().assign('t1', 50).advance('t1', 50);
  story.grip = 0.5;
  story.run(1.1);
  const [violation] = story.take('violation');
  assert.ok(violation?.violation.kind === 'physical');
  assert.equal(violation.violation.quantity, 'xM');
  assert.ok(Math.abs(violation.violation.expected - violation.violation.observed - 0.5) < 0.02);
  assert.equal(violation.violation.planner, 'primary');
  assert.equal(story.agent.plan, null);
  assert.match(story.agent.asked?.reason ?? '', /differs from what was expected/);
});

test('[K50] as expected is no violation, and a new decision drops the expectation of the old', () => {
  const story = working().run(3);
  assert.equal(story.take('violation').length, 0);
  const clamped = working().run(0.5);
  clamped.obstacleM = 1.5;
  clamped.run(3);
  assert.equal(clamped.take('violation').length, 0, 'the slowed cart did what the slowed command said');
});

test('[K54] [L9] a planner that drives the cart into harm is on record although the failsafe decided first', () => {
  const story = new CartStory({ staysWhole: true }).assign('t1', 50).advance('t1', 50).run(0.55);
  story.broken = true;
  story.tick();
  assert.equal(story.outputs.command, STAND, 'the failsafe has decided, long before anything is due');
  const [violation] = story.take('violation');
  assert.ok(violation?.violation.kind === 'physical');
  const { quantity, observed, planner, command, decisionSequence } = violation.violation;
  assert.deepEqual([quantity, observed, planner, command], ['broken', 1, 'primary', 'roll']);
  assert.ok(decisionSequence < story.agent.decisionSequence, 'it names the decision that led there');
  assert.equal(story.take('violation').length, 0, 'once');
});

test('[K54] whoever is interrupted by a person, a bound or a new plan has broken nothing', () => {
  const interruptions: readonly ((story: CartStory) => CartStory)[] = [
    (story) => story.order({ type: 'stop', stop: 'emergency', by: 'ann' }),
    (story) => story.order({ type: 'stop', stop: 'normal', by: 'ann' }),
    (story) => {
      story.obstacleM = 1.5;
      return story.tick();
    },
    (story) => story.advance('t1', 60),
    (story) => story.order({ type: 'mode', mode: 'manual', by: 'ann' }),
  ];
  for (const interrupt of interruptions) {
    const story = new CartStory({ staysWhole: true, optimism: 3 }).assign('t1', 50).advance('t1', 50).run(0.55);
    const before = story.agent.decisionSequence;
    interrupt(story);
    assert.ok(story.agent.decisionSequence > before);
    assert.equal(story.take('violation').length, 0);
  }
});

test('[K54] a decision between two situations is expected of from its own moment on', () => {
  const story = new CartStory({ staysWhole: true }).assign('t1', 50).advance('t1', 50).run(0.55);
  story.obstacleM = 1.5;
  story.tick();
  story.broken = true;
  story.tick();
  assert.equal(story.take('violation').length, 1, 'one tick was enough');
});

test('[K55] what the model excuses is compared neither when it is due nor when it is interrupted', () => {
  for (const broken of [false, true]) {
    const story = new CartStory({ staysWhole: true, optimism: 3, excuses: ({ xM }) => xM > 0.2 });
    story.assign('t1', 50).advance('t1', 50).run(0.55);
    story.broken = broken;
    story.run(1);
    assert.equal(story.take('violation').length, 0);
  }
});

test('[K52] [L9] a planner that lies three times is suspended and the secondary plans', () => {
  const story = new CartStory({ optimism: 2 }).assign('t1', 90);
  for (let i = 0; i < 3; i++) story.advance('t1', 90).run(1.1);
  assert.equal(story.agent.chain.active, 'secondary');
  assert.deepEqual(
    story.take('chain').map(({ from, to, reason }) => [from, to, reason]),
    [['primary', 'secondary', 'primary suspended']],
  );
  assert.equal(story.agent.asked?.of, 'secondary');
  story.run(4.5);
  assert.equal(story.agent.chain.active, 'secondary');
  story.run(3);
  assert.equal(story.agent.chain.active, 'primary', 'suspension over, steady for the recovery time');
});

test('[K70] [K71] primary silent: secondary at once, back only when it has been steady', () => {
  const story = working();
  story.planners = ['secondary'];
  story.run(1);
  assert.equal(story.agent.chain.active, 'primary');
  story.run(0.05);
  assert.equal(story.agent.chain.active, 'secondary');
  assert.equal(story.agent.plan, null);
  story.advance('t1', 50, { from: 'secondary' }).run(0.1);
  assert.equal(story.speedMps, 1);
  story.planners = ['primary', 'secondary'];
  story.run(1.9);
  assert.equal(story.agent.chain.active, 'secondary');
  story.run(0.2);
  assert.equal(story.agent.chain.active, 'primary');
});

test('[K70] both silent: brakes, and nothing moves until one is steady again', () => {
  const story = working();
  story.planners = [];
  story.run(1.1);
  assert.equal(story.agent.chain.active, 'mechanical');
  assert.equal(story.agent.failsafe.selected, 'brakes');
  assert.deepEqual(story.outputs.asks, []);
  story.planners = ['secondary'];
  story.run(1.9);
  assert.equal(story.agent.chain.active, 'mechanical');
  story.run(0.2);
  assert.equal(story.agent.chain.active, 'secondary');
});

test('[K72] planners without timeout are not watched', () => {
  const story = new CartStory({ chain: { primaryTimeoutUs: null, secondaryTimeoutUs: null } });
  story.planners = [];
  story.run(60);
  assert.equal(story.agent.chain.active, 'primary');
});

const rule = (more: Partial<Rule<never>>): Rule<never> => ({
  id: 'aisle',
  hash: 'h1',
  rate: 'reflex',
  rationale: 'slow in the aisle',
  effect: { type: 'restrict', restriction: { atMost: { speedMps: 0.5 }, forbid: [] } },
  evaluate: () => 'fires',
  ...more,
});

test('[K80] a written rule restricts at its rate and stands in the decision with its hash', () => {
  for (const rate of ['reflex', 'situation'] as const) {
    const story = working({ rules: [rule({ rate })] });
    assert.equal(story.speedMps, 0.5);
    const bound = story.agent.decision?.restrictions[0];
    assert.deepEqual([bound?.source, bound?.ruleHash], ['rule:aisle', 'h1']);
  }
});

test('[K67] [K80] a written rule raises a failsafe action', () => {
  for (const rate of ['reflex', 'situation'] as const) {
    const story = working({ rules: [rule({ rate, effect: { type: 'failsafe', action: 'stop' } })] }).run(0.2);
    assert.equal(story.agent.failsafe.selected, 'stop');
    assert.equal(story.outputs.command, STAND);
  }
});

test('[K81] [L1] a rule that cannot be evaluated acts as if it had fired, and says so; a quiet one does not act', () => {
  const story = working({ rules: [rule({ evaluate: () => 'error' })] });
  assert.equal(story.speedMps, 0.5);
  assert.ok(story.take('rule_error').length > 0);
  assert.equal(working({ rules: [rule({ evaluate: () => 'quiet' })] }).speedMps, 1);
});

test('[K60] a failure is told to everyone once', () => {
  const story = working();
  story.broken = true;
  story.tick();
  assert.deepEqual(
    story.outputs.messages.map(({ to, topic }) => [to, topic]),
    [['*', 'failsafe']],
  );
  assert.equal(story.outputs.urgent, true);
  story.tick();
  assert.deepEqual(story.outputs.messages, []);
});

test('[K65] a deferral order: once, with a time, and it is recorded when refused', () => {
  const story = new CartStory()
    .order({ type: 'defer', forUs: 0, by: 'ann' })
    .order({ type: 'defer', forUs: 9, by: 'ann' });
  story.order({ type: 'defer', forUs: 1e6, by: 'ann' }).order({ type: 'defer', forUs: 1e6, by: 'ann' });
  assert.equal(story.take('order_refused').length, 2);
});

test('[K7] stepMany: only who is due or spoken to runs, and a stranger is refused by name', () => {
  const story = new CartStory().run(0.1);
  const other = { ...story.agent, id: 'a9' };
  const crowd = population([story.agent, other]);
  assert.deepEqual(
    crowd.map(({ id }) => id),
    ['a9', 'c1'],
  );
  const early = stepMany(story.model, crowd, new Map([['c1', []]]), story.atUs + 1);
  assert.deepEqual([...early.outputs.keys()], ['c1']);
  const due = stepMany(story.model, crowd, new Map(), story.atUs + TICK_US);
  assert.deepEqual([...due.outputs.keys()], ['a9', 'c1']);
  assert.throws(
    () => stepMany(story.model, crowd, new Map([['ghost', []]]), story.atUs + 1),
    (error) => error instanceof UnknownRecipientError && error.agent === 'ghost',
  );
  assert.throws(() => population([other, other]), /Two agents are called 'a9'/);
});

test('[K91] flags are known, or the recording is from a newer version', () => {
  const known = [
    { number: 1, meaning: 'x' },
    { number: 3, meaning: 'y' },
  ];
  assert.deepEqual(checkFlags([3, 1, 3], known), [1, 3]);
  assert.throws(
    () => checkFlags([3, 2], known),
    (error) => error instanceof UnknownFlagError && error.flag === 2,
  );
});

test('[K60] an agent of a broken terrain is never created', () => {
  const { model } = new CartStory();
  const broken = { ...model, failsafe: { ...model.failsafe, hold: 'nowhere' } };
  const options = { id: 'c', tenant: 't', role: 'r', seed: 1, epoch: 1, flags: [], config: { xM: 0 }, atUs: 0 };
  assert.throws(
    () => createAgent(broken, options),
    (error) => error instanceof BrokenModelError && error.faults.length === 1,
  );
});

test('[K90] state survives encoding bit for bit, and what is no plain data is refused by path', () => {
  const odd = {
    b: [1, -0, Number.NaN, Number.NEGATIVE_INFINITY, 1e-320, 0.1],
    a: Int32Array.of(-1, 2),
    f: Float64Array.of(-0, 0.3),
    u: Uint8Array.of(7),
    '': 'ö\u2028',
    none: undefined,
  };
  const text = encodeState(odd);
  const back = decodeState(text) as typeof odd;
  assert.equal(encodeState(back), text);
  assert.ok(Object.is(back.b[1], -0) && Number.isNaN(back.b[2]) && back.b[4] === 1e-320);
  assert.ok(
    back.a instanceof Int32Array &&
      back.f instanceof Float64Array &&
      Object.is(back.f[0], -0) &&
      back.u instanceof Uint8Array,
  );
  assert.ok(text.indexOf('"a"') < text.indexOf('"b"'));
  for (const value of [{ deep: [new Map()] }, { deep: [() => 0] }, { deep: [{ $n: 1 }] }, { deep: [1n] }]) {
    assert.throws(
      () => encodeState(value),
      (error) => error instanceof UnencodableStateError && error.path.startsWith('/deep/0'),
    );
  }
  assert.throws(() => decodeState('{"$x":1}'), SyntaxError);
  const hostile = decodeState('{"__proto__":{"polluted":true}}') as Record<string, unknown>;
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.ok(Object.hasOwn(hostile, '__proto__'));
});
