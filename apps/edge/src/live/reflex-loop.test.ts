import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, Stimulus } from '@sigma/kernel';
import { decodeBlock, type SealedBlock } from '@sigma/recorder';
import { railFrame } from '../../testing/cart.ts';
import { STORY_EPOCH_US, sha256 } from '../../testing/cart-story.ts';
import { openTerrain } from '../../testing/cart-terrain.ts';
import { orderSigner } from '../../testing/signed-orders.ts';
import type { Driver } from '../hal/driver.ts';
import type { Uplink } from '../runtime/uplink.ts';
import type { Question } from './planner-thread.ts';
import { ReflexLoop } from './reflex-loop.ts';
import type { Terrain } from './terrain.ts';

const TICK_US = 10_000;

/** The loop over two carts with a driver and a disk that the test holds. */
class LoopStory {
  readonly hub = orderSigner();
  readonly outside = new Map<string, Record<string, number>>();
  readonly wheels = new Map<string, Command>();
  readonly sent: Uplink[] = [];
  readonly asked: Question[] = [];
  readonly stored: SealedBlock[] = [];
  readonly loop: ReflexLoop;
  atUs = 0;
  disk = true;
  hubAlive = true;
  #sequence = 0;

  constructor() {
    const ids = ['cart-1', 'cart-2'];
    const driver: Driver = {
      capabilities: () => ['drive'],
      read: (atUs) => ids.map((agentId) => ({ agentId, stimuli: [railFrame(0, 100)] as Stimulus[], atUs })),
      write: (agentId, command) => this.wheels.set(agentId, command),
      reconcile: () => {},
      inject: ({ agentId, fault, clear, value }) => {
        this.outside.set(agentId, clear ? {} : { [fault]: value === 0 ? 1 : value });
      },
      outside: (agentId) => this.outside.get(agentId) ?? {},
      close: async () => {},
    };
    this.loop = new ReflexLoop({
      terrain: openTerrain() as Terrain<unknown>,
      driver,
      bodies: ids.map((id) => ({
        agent: { id, tenant: 'acme', role: 'carrier', seed: 1, epoch: 0, flags: [], config: null, atUs: 0 },
        body: 'cart',
        previousEpochHash: new Uint8Array(),
        before: null,
        inFlight: [],
      })),
      simulated: true,
      software: 'test',
      epochTimeUs: STORY_EPOCH_US,
      verify: this.hub.verify,
      sha256,
      ports: {
        store: (blocks) => this.stored.push(...blocks),
        facts: () => {},
        ask: (question) => this.asked.push(question),
        uplink: (frames) => this.sent.push(...frames),
        wallUs: () => STORY_EPOCH_US + this.atUs,
        committed: () => {},
      },
    });
  }

  run(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      this.atUs += TICK_US;
      if (this.hubAlive) this.loop.hear({ type: 'heard' }, this.atUs);
      this.loop.plannerBeat();
      this.loop.tick(this.atUs);
      if (!this.disk) continue;
      const ends = this.stored.map(({ source, firstSequence, count }) => [source, firstSequence + count - 1] as const);
      this.loop.durable(new Map(ends), this.atUs);
    }
  }

  order(agentId: string, order: Parameters<typeof this.hub.sign>[0]['order'] & object): void {
    const nowUs = BigInt(STORY_EPOCH_US + this.atUs);
    const signedOrder = this.hub.sign({
      tenant: 'acme',
      agentId,
      issuer: 'core',
      sequence: BigInt(++this.#sequence),
      issuedTimeUs: nowUs,
      expiresTimeUs: nowUs + 1_000_000n,
      order,
    });
    this.loop.hear({ type: 'order', agentId, signedOrder }, this.atUs);
  }

  assign(agentId: string): void {
    const task = { id: 't1', missionId: 'm1', kind: 'reach', argsJson: '{"xM":50}' };
    this.order(agentId, { case: 'assign', value: { task } });
  }

  framesOf(agentId: string): Uplink['frame'][] {
    return this.sent.flatMap(({ frame }) =>
      'agentId' in frame.value && frame.value.agentId === agentId ? [frame] : [],
    );
  }
}

test('a body whose link is cut hears nothing, keeps what it says, and tells it once and in order when it heals [L6]', () => {
  const story = new LoopStory();
  story.run(20);
  story.order('cart-1', { case: 'fault', value: { fault: 'link_loss' } });
  story.run(2);
  const before = story.framesOf('cart-1').length;
  story.assign('cart-1');
  story.run(200);
  assert.equal(story.framesOf('cart-1').length, before, 'nothing left');
  assert.equal(story.loop.counts().get('cart-1')?.chain, 'secondary');
  assert.equal(story.loop.counts().get('cart-2')?.chain, 'primary', 'the other body is not concerned');
  story.outside.clear();
  story.run(5);
  const frames = story.framesOf('cart-1');
  const telemetry = frames.flatMap((frame) => (frame.case === 'telemetry' ? [Number(frame.value.sequence)] : []));
  assert.deepEqual(
    telemetry,
    telemetry.map((_, i) => i + 1),
    'every frame, none twice',
  );
  const chain = frames.some((frame) => frame.case === 'event' && frame.value.signal?.name === 'chain');
  assert.ok(chain, 'what happened meanwhile is told');
  const answers = frames.filter((frame) => frame.case === 'answer');
  assert.equal(answers.length, 1, 'the order that came while the link was cut never arrived');
});

test('what is done to a simulated body follows the answer to who asked for it, also where that cuts the link', () => {
  const story = new LoopStory();
  story.run(20);
  const answers = () => story.framesOf('cart-1').filter((frame) => frame.case === 'answer').length;
  story.disk = false;
  story.order('cart-1', { case: 'fault', value: { fault: 'link_loss' } });
  story.run(10);
  assert.deepEqual([story.outside.size, answers()], [0, 0], 'neither happens before the order is on disk');
  story.disk = true;
  story.run(1);
  assert.deepEqual([story.outside.get('cart-1'), answers()], [{ link_loss: 1 }, 1]);
});

test('a body that asks its own planner gets the steps as a proposal of the secondary', () => {
  const story = new LoopStory();
  story.run(2);
  story.hubAlive = false;
  story.run(150);
  story.assign('cart-1');
  story.run(2);
  const [question] = story.asked;
  assert.equal(question?.agentId, 'cart-1');
  const plan = openTerrain().planner.plan(question as never);
  assert.ok(plan !== null);
  story.loop.plan({ agentId: 'cart-1', plan });
  story.run(3);
  assert.equal(story.wheels.get('cart-1')?.params.speedMps, 0.5);
});

test('a planner in the hub that lies is seen through by what it makes the body do, and its word is on record [L9]', () => {
  const story = new LoopStory();
  story.assign('cart-1');
  story.run(2);
  story.order('cart-1', { case: 'fault', value: { fault: 'planner_lies' } });
  story.run(1);
  const args = [{ name: 'xM', value: { case: 'number' as const, value: 50 } }];
  const plan = { taskId: 't1', revision: 1n, intents: [{ name: 'advance', args }], confidence: 1, rationale: 'go' };
  story.order('cart-1', { case: 'plan', value: plan });
  story.run(2);
  const text = story.stored.map(({ bytes }) => new TextDecoder().decode(bytes)).join('');
  assert.ok(text.includes('"xM":-1'), 'the inputs on record hold what the agent was told, not what was signed');
});

test('an order for a body that is not here is refused and counted, not dropped in silence [L11]', () => {
  const story = new LoopStory();
  story.run(2);
  story.order('cart-9', { case: 'stop', value: { stop: 'emergency', by: 'ann' } });
  story.run(3);
  assert.equal(story.loop.counts().get('cart-1')?.ordersRefused, 1);
  const answer = story.sent.find(({ frame }) => frame.case === 'answer')?.frame;
  assert.match(answer?.case === 'answer' ? answer.value.reason : '', /^foreign: the order is for agent 'cart-9'/);
});

test('with the recorder lost the loop goes on, stops nothing that is safe, and stores no more', () => {
  const story = new LoopStory();
  story.assign('cart-1');
  story.run(10);
  story.loop.recorderLost();
  const blocks = story.stored.length;
  story.run(100);
  assert.equal(story.stored.length, blocks);
  assert.equal(story.wheels.get('cart-1')?.name, 'stop');
  const last = story.sent.findLast(({ frame }) => frame.case === 'status');
  assert.ok(last !== undefined, 'the hub still hears how the bodies are');
});

test('every block continues the chain of its own body, from the opening on [L4]', () => {
  const story = new LoopStory();
  story.run(100);
  story.stored.push(...story.loop.lastBlocks());
  for (const id of ['cart-1', 'cart-2']) {
    const blocks = story.stored.filter(({ source }) => source === id);
    let next = 1;
    for (const { bytes, firstSequence, count } of blocks) {
      assert.equal(firstSequence, next);
      assert.equal(decodeBlock(bytes).events.length, count);
      next += count;
    }
    assert.equal(story.loop.counts().get(id)?.cut, next - 1);
  }
});
