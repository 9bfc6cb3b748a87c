import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENT_TYPE } from '@sigma/recorder';
import { CartStory, STORY_EPOCH_US } from '../../testing/cart-story.ts';
import { orderSigner } from '../../testing/signed-orders.ts';

const speedOf = (command: { readonly params: { readonly speedMps?: unknown } }) => command.params.speedMps ?? 0;

/** A cart under way at 1 m/s, everything on record. */
function underWay(): CartStory {
  const story = new CartStory();
  story.assign();
  story.tick();
  story.tick(story.plan(1));
  assert.equal(speedOf(story.run(2)), 1);
  return story;
}

test('[R50] a mission command does not reach the actuators before the block with its decision is on disk', () => {
  const story = new CartStory();
  story.assign();
  story.tick();
  story.diskUs = null;
  story.tick(story.plan(1));
  assert.equal(story.run(5).name, 'stop', 'the kernel drives, the actuators wait');
  assert.equal(story.runtime.agent.command.name, 'drive');
  story.diskUs = 0;
  assert.equal(speedOf(story.tick()), 1);
});

test('[R51] a stop reaches the actuators in the same tick and its block is cut in it, although the disk is silent', () => {
  const story = underWay();
  story.diskUs = null;
  const blocks = story.blocks.length;
  story.rangeM = 0.2;
  assert.equal(story.tick().name, 'stop');
  const block = story.blocks[blocks];
  assert.equal(block?.atUs, story.atUs, 'handed to the recorder at once, well within 50 ms');
  assert.ok(block?.events.some(({ type }) => type === EVENT_TYPE.decision));
});

test('a tightened restriction lowers the older command that still stands at the actuators', () => {
  const story = underWay();
  story.diskUs = null;
  story.tick(story.plan(0.8));
  assert.equal(speedOf(story.tick()), 1, 'the new plan is held back');
  story.rangeM = 0.7;
  assert.equal(speedOf(story.tick()), 0.3, 'the restriction is not');
});

test('[R50] a restriction that is lifted does not speed the body up before that is on record', () => {
  const story = underWay();
  story.rangeM = 0.7;
  story.tick();
  story.diskUs = null;
  story.rangeM = 100;
  assert.equal(speedOf(story.run(3)), 0.3);
  story.diskUs = 0;
  assert.equal(speedOf(story.tick()), 1);
});

test('[R51] a command that was overtaken by a stop never comes back when its block reaches the disk', () => {
  const story = underWay();
  story.diskUs = null;
  story.tick(story.plan(0.8));
  const held = story.runtime.recorded.cut;
  story.rangeM = 0.2;
  story.tick();
  story.runtime.durable(held, story.atUs);
  assert.equal(story.runtime.actuatorsAt(story.atUs).command.name, 'stop');
});

test('a set-point that expires at the actuators becomes the rest command, although nobody wakes the agent [L5]', () => {
  const story = underWay();
  const { untilUs } = story.runtime.actuatorsAt(story.atUs);
  assert.ok(untilUs < story.atUs + 500_000);
  assert.equal(story.runtime.actuatorsAt(untilUs).command.name, 'drive');
  assert.equal(story.runtime.actuatorsAt(untilUs + 1).command.name, 'stop');
});

test('[R52] [R53] with the recorder down the agent is told, a moving command ends after a set time, a stop still works', () => {
  const story = underWay();
  story.diskUs = null;
  story.run(130);
  assert.equal(story.runtime.agent.signals.recorder_down, 1, 'no block was acknowledged for more than a second');
  assert.equal(speedOf(story.tick()), 1, 'what is already on record may go on for a while');
  assert.equal(story.run(700).name, 'stop');
  story.rangeM = 0.2;
  assert.equal(story.tick().name, 'stop');
  assert.ok(story.frames('status').length > 0, 'the hub still hears how the agent is');
  story.diskUs = 0;
  story.run(3);
  assert.equal(story.runtime.agent.signals.recorder_down, 0);
});

test('[R53] a command that was decided while the recorder was down never takes effect; reports of it arrive late and whole', () => {
  const story = underWay();
  story.diskUs = null;
  story.run(130);
  story.tick(story.plan(0.4));
  const sequence = story.runtime.recorded.cut;
  story.run(2);
  story.tick(story.plan(0.6));
  const reported = () => story.frames('decision').map((frame) => Number(frame.decision?.sequence));
  const before = reported().length;
  story.runtime.durable(sequence, story.atUs);
  assert.notEqual(speedOf(story.tick()), 0.4, 'its moment is gone');
  story.diskUs = 0;
  assert.equal(speedOf(story.run(3)), 0.6);
  const numbers = reported();
  assert.ok(numbers.length > before);
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => i + 1),
    'every decision, none missing, none twice',
  );
});

test('an agent hears when its command waits for the recorder, and when it has left', () => {
  const story = underWay();
  story.diskUs = null;
  story.tick(story.plan(0.8));
  story.run(5);
  assert.equal(story.runtime.agent.signals.command_held ?? 0, 0);
  story.run(2);
  assert.equal(story.runtime.agent.signals.command_held, 1);
  story.diskUs = 0;
  story.run(2);
  assert.equal(story.runtime.agent.signals.command_held, 0);
});

test('[R50] frames that state a decision leave when it is on disk; telemetry does not wait', () => {
  const story = new CartStory();
  story.diskUs = null;
  story.assign();
  story.tick();
  story.tick(story.plan(1));
  story.run(20);
  assert.deepEqual(story.frames('decision'), []);
  assert.deepEqual(story.answers(), []);
  assert.ok(story.frames('telemetry').length >= 2);
  story.diskUs = 0;
  story.tick();
  assert.ok(story.frames('decision').length >= 2);
  assert.deepEqual(story.answers(), ['accepted']);
  const sequences = story.frames('telemetry').map(({ sequence }) => Number(sequence));
  assert.deepEqual(
    sequences,
    [...sequences].sort((a, b) => a - b),
  );
});

test('failsafe changes are told at once, although the disk is silent', () => {
  const story = underWay();
  story.diskUs = null;
  story.rangeM = 0.2;
  story.tick();
  assert.ok(story.frames('event').some(({ signal }) => signal?.name === 'failsafe'));
  assert.equal(story.runtime.counts.failsafe.halt, 1);
});

test('a forged order changes nothing, is recorded and counted, and is not answered [L11]', () => {
  const story = underWay();
  const forger = orderSigner();
  const order = forger.sign({ tenant: 'acme', agentId: 'cart-1', issuer: 'core', sequence: 99n });
  story.runtime.receiveOrder(order, story.atUs);
  story.runtime.receiveOrder(Uint8Array.of(1, 2, 3), story.atUs);
  const answers = story.answers().length;
  story.run(2);
  assert.equal(story.runtime.counts.ordersForged, 2);
  assert.equal(story.answers().length, answers);
  assert.equal(refusalsOnRecord(story).filter((reason) => reason.startsWith('forged')).length, 2);
});

test('an order for another tenant or another agent is refused with the reason [L7] [L11]', () => {
  const story = underWay();
  story.send({ case: 'stop', value: { stop: 'emergency', by: 'eve' } }, { tenant: 'other' });
  story.send({ case: 'stop', value: { stop: 'emergency', by: 'eve' } }, { agentId: 'cart-2' });
  assert.equal(story.tick().name, 'drive');
  story.tick();
  assert.deepEqual(story.answers().slice(-2), [
    "foreign: the order is for tenant 'other'",
    "foreign: the order is for agent 'cart-2'",
  ]);
});

test('an order acts once: the same bytes again are a replay, and a late one has expired [L11]', () => {
  const story = underWay();
  const stop = story.order({ case: 'stop', value: { stop: 'normal', by: 'ann' } });
  const late = story.order(
    { case: 'stop', value: { stop: 'none', by: 'ann' } },
    { expiresTimeUs: BigInt(STORY_EPOCH_US) },
  );
  story.runtime.receiveOrder(stop, story.atUs);
  story.tick();
  story.runtime.receiveOrder(stop, story.atUs);
  story.tick();
  story.runtime.receiveOrder(late, story.atUs);
  story.run(2);
  const [first, second, third] = story.answers().slice(-3);
  assert.equal(first, 'accepted');
  assert.match(second ?? '', /^replayed/);
  assert.match(third ?? '', /^expired/);
  assert.equal(story.runtime.agent.stop, 'normal');
});

test('an order issued before the agent restarted is a replay, although the new epoch never saw it [L11]', () => {
  const story = new CartStory();
  story.send({ case: 'stop', value: { stop: 'normal', by: 'ann' } }, { issuedTimeUs: BigInt(STORY_EPOCH_US - 1) });
  story.run(2);
  assert.match(story.answers()[0] ?? '', /^replayed/);
  assert.equal(story.runtime.agent.stop, 'none');
});

test('a plan from the hub is answered: accepted, repeated, expired, malformed [L9] [L11]', () => {
  const story = new CartStory();
  story.assign();
  story.tick();
  const plan = (revision: bigint) => ({
    case: 'plan' as const,
    value: {
      taskId: 't1',
      revision,
      intents: [{ name: 'advance', args: [{ name: 'xM', value: { case: 'number' as const, value: 9 } }] }],
      confidence: 1,
      rationale: 'go',
    },
  });
  story.send(plan(1n));
  story.tick();
  story.send(plan(1n));
  story.tick();
  story.send(plan(2n), { expiresTimeUs: BigInt(STORY_EPOCH_US) });
  story.send({
    case: 'plan',
    value: { taskId: 't1', revision: 3n, intents: [{ name: 'advance', args: [{ name: 'xM' }] }] },
  });
  story.run(2);
  const [assigned, taken, repeated, expired, malformed] = story.answers();
  assert.deepEqual([assigned, taken], ['accepted', 'accepted']);
  assert.match(repeated ?? '', /older or repeated/);
  assert.match([expired, malformed].join(' '), /expired/);
  assert.match([expired, malformed].join(' '), /malformed: parameter 'xM'/);
});

test('a flood of forged orders fills neither the record nor the link; what was left out is counted [L8]', () => {
  const story = underWay();
  const before = refusalsOnRecord(story).length;
  for (let i = 0; i < 500; i++) story.runtime.receiveOrder(Uint8Array.of(i & 0xff), story.atUs);
  story.run(101);
  story.runtime.receiveOrder(Uint8Array.of(0), story.atUs);
  story.run(2);
  assert.equal(refusalsOnRecord(story).length - before, 11);
  assert.ok(story.frames('event').some(({ signal }) => signal?.bodyJson.includes('"alsoRefused":490')));
  assert.equal(story.runtime.counts.ordersForged, 501);
});

test('a fault order reaches a simulated body and no other', () => {
  const faults = (simulated: boolean) => {
    const story = new CartStory({ simulated });
    story.tick();
    story.send({ case: 'fault', value: { fault: 'overheating' } });
    story.run(2);
    return [story.faults.length, story.answers()[0]];
  };
  assert.deepEqual(faults(true), [1, 'accepted']);
  assert.deepEqual(faults(false), [0, 'faults are for simulated bodies only']);
});

test('[R50] an action leaves only recorded, although it moves nothing: nobody may do it twice after a crash [L3]', () => {
  const story = underWay();
  story.diskUs = null;
  const grab = { ...story.plan(1), intents: [{ name: 'grab', args: {} }] };
  assert.equal(story.tick(grab).name, 'drive');
  assert.notEqual(story.tick().name, 'grab');
  story.diskUs = 0;
  assert.equal(story.tick().name, 'grab');
});

test('after a crash the new epoch begins with `restarted` and says which actions are unknown', () => {
  const agent = { id: 'cart-1', tenant: 'acme', role: 'carrier', seed: 7, epoch: 3, flags: [], config: null, atUs: 0 };
  const story = new CartStory({ agent, inFlight: [{ id: 'a1', name: 'grab' }] });
  story.run(2);
  assert.equal(story.runtime.agent.signals.restarted, 3);
  assert.ok(story.frames('event').some(({ signal }) => signal?.name === 'edge.action_lost'));
});

function refusalsOnRecord(story: CartStory): string[] {
  return story.blocks.flatMap(({ events }) =>
    events.flatMap(({ type, data }) => {
      const text = new TextDecoder().decode(data);
      const refused = type === EVENT_TYPE.signal && text.includes('edge.order_refused');
      return refused ? [/"reason":"([^"]*)"/.exec(text)?.[1] ?? ''] : [];
    }),
  );
}
