import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Agent, createAgent, type KernelEvent, type Outputs, type Stimulus, step } from '../../src/index.ts';
import { terrainContract } from '../terrain-contract.ts';
import { kilnModel, openWorkshop, type Pottery, workshop } from './kiln.ts';

const MINUTE_US = 60_000_000;
const skill = fc.constantFrom('throw', 'fire', 'fetch', 'juggle');

terrainContract({
  name: 'kiln',
  model: kilnModel,
  config: { clay: 2 },
  paceUs: MINUTE_US,
  stimulus: fc.oneof(
    fc.record({
      kind: fc.constant('observation' as const),
      channel: fc.constantFrom('kiln', 'street'),
      data: fc.record({ tempC: fc.integer({ min: 0, max: 1700 }), open: fc.boolean() }),
    }),
    fc.record({
      kind: fc.constant('order' as const),
      issuer: fc.constantFrom('core', 'operator:ann'),
      sequence: fc.nat({ max: 40 }),
      expiresAtUs: fc.integer({ min: 0, max: 200 * MINUTE_US }),
      order: fc.oneof(
        fc.record({
          type: fc.constant('assign' as const),
          task: fc.record({
            id: fc.constantFrom('t1', 't2'),
            missionId: fc.constant('m1'),
            kind: fc.constantFrom('pots', 'songs'),
            args: fc.record({ pots: fc.integer({ min: 0, max: 3 }) }),
            priority: fc.nat({ max: 3 }),
          }),
        }),
        fc.record({
          type: fc.constant('stop' as const),
          stop: fc.constantFrom('none' as const, 'normal' as const, 'emergency' as const),
          by: fc.constant('ann'),
        }),
        fc.record({ type: fc.constant('acknowledge' as const), by: fc.constant('ann') }),
        fc.record({ type: fc.constant('reset' as const), by: fc.constant('ann') }),
        fc.record({
          type: fc.constant('defer' as const),
          forUs: fc.integer({ min: -1, max: 20 * MINUTE_US }),
          by: fc.constant('ann'),
        }),
      ),
    }),
    fc.record({
      kind: fc.constant('plan' as const),
      from: fc.constantFrom('primary' as const, 'secondary' as const),
      taskId: fc.constantFrom('t1', 't2'),
      revision: fc.nat({ max: 20 }),
      intents: fc.array(fc.record({ name: skill, args: fc.constant({}) }), { maxLength: 4 }),
      confidence: fc.constantFrom(0, 0.5, 1, 2, Number.NaN),
      rationale: fc.constant('as always'),
      basis: fc.constant(null),
      alternatives: fc.constant([]),
    }),
    fc.record({
      kind: fc.constant('result' as const),
      actionId: fc.constantFrom('1/t1/primary/1/0', '1/t1/primary/2/0', 'x'),
      status: fc.constantFrom('running' as const, 'done' as const, 'failed' as const, 'unknown' as const),
      detail: fc.record({ skill }),
    }),
    fc.record({
      kind: fc.constant('message' as const),
      from: fc.constant('bob'),
      topic: fc.constantFrom('brought', 'gossip'),
      body: fc.constant('clay'),
      promise: fc.record({
        id: fc.constantFrom('clay', 'water'),
        what: fc.constant('bring'),
        args: fc.constant(null),
        dueUs: fc.nat({ max: 100 * MINUTE_US }),
      }),
    }),
    fc.record({
      kind: fc.constant('signal' as const),
      name: fc.constantFrom('restarted', 'recorder_down'),
      value: fc.nat({ max: 1 }),
    }),
  ),
  command: fc.record({
    kind: fc.constant('action' as const),
    name: skill,
    params: fc.record({ kg: fc.oneof(fc.double(), fc.integer({ min: -20, max: 20 })) }),
    id: fc.constant('x'),
    idempotencyKey: fc.constant('x'),
    deadlineUs: fc.constant(1),
  }),
  restriction: fc.record({
    atMost: fc.dictionary(fc.constantFrom('kg', 'speed'), fc.integer({ min: 0, max: 20 })),
    forbid: fc.array(fc.constantFrom('kiln', 'name:throw', 'name:fetch')),
  }),
});

/** A workshop day on a virtual clock: potters wake only when something happens. */
class Day {
  readonly potters = new Map<string, Agent<Pottery>>();
  readonly events: { readonly potter: string; readonly atUs: number; readonly event: KernelEvent }[] = [];
  wakes = 0;
  #world = openWorkshop(5);
  #atUs = 0;
  #inbox = new Map<string, Stimulus[]>();
  #revision = 0;

  hire(id: string, clay: number): void {
    this.potters.set(
      id,
      createAgent(kilnModel, {
        id,
        tenant: 't',
        role: 'potter',
        seed: 1,
        epoch: 1,
        flags: [],
        config: { clay },
        atUs: 0,
      }),
    );
  }

  tell(id: string, stimulus: Stimulus): void {
    this.#inbox.set(id, [...(this.#inbox.get(id) ?? []), stimulus]);
  }

  order(id: string, sequence: number, pots: number): void {
    const task = { id: 't1', missionId: 'm1', kind: 'pots', args: { pots }, priority: 1 };
    this.tell(id, { kind: 'order', issuer: 'core', sequence, expiresAtUs: 1e12, order: { type: 'assign', task } });
  }

  /** Runs until nothing is due before `minutes`. Asked planners answer at once: throw, throw, fire. */
  until(minutes: number): void {
    for (;;) {
      const due = Math.min(
        ...[...this.potters].map(([id, { nextWakeUs }]) => (this.#inbox.has(id) ? this.#atUs : nextWakeUs)),
        this.#nextWork(),
      );
      if (due > minutes * MINUTE_US) return;
      this.#atUs = Math.max(this.#atUs, due);
      this.#instant();
    }
  }

  #nextWork(): number {
    return this.#world.work.reduce((next, { endsUs }) => Math.min(next, endsUs), Number.POSITIVE_INFINITY);
  }

  #instant(): void {
    const inbox = this.#inbox;
    this.#inbox = new Map();
    const begin: { potter: string; actionId: string; skill: string }[] = [];
    for (const [id, potter] of this.potters) {
      const stimuli = inbox.get(id);
      if (stimuli === undefined && potter.nextWakeUs > this.#atUs) continue;
      this.wakes++;
      const { agent, outputs } = step(kilnModel, potter, stimuli ?? [], this.#atUs);
      this.potters.set(id, agent);
      this.#hear(id, outputs);
      if (outputs.commandChanged && outputs.command.kind === 'action') {
        begin.push({ potter: id, actionId: outputs.command.id, skill: outputs.command.name });
      }
    }
    const { world, outcomes } = workshop.resolve(this.#world, { atUs: this.#atUs, begin });
    this.#world = world;
    for (const { potter, actionId, status, skill } of outcomes.results) {
      this.tell(potter, { kind: 'result', actionId, status, detail: { skill } });
    }
  }

  #hear(id: string, outputs: Outputs): void {
    for (const event of outputs.events) this.events.push({ potter: id, atUs: this.#atUs, event });
    for (const ask of outputs.asks) {
      this.tell(id, {
        kind: 'plan',
        from: ask.of,
        taskId: ask.task.id,
        revision: ++this.#revision,
        intents: ['throw', 'throw', 'fire'].map((name) => ({ name, args: {} })),
        confidence: 0.8,
        rationale: 'two pots, then the kiln',
        basis: ask.basis,
        alternatives: [],
      });
    }
  }

  count(type: KernelEvent['type'], test: (event: never) => boolean = () => true): number {
    return this.events.filter(({ event }) => event.type === type && test(event as never)).length;
  }
}

test('kiln: [K6] a potter without work sleeps for ever and costs nothing', () => {
  const day = new Day();
  day.hire('ann', 2);
  day.until(0);
  const wakes = day.wakes;
  day.until(10_000);
  assert.equal(day.wakes, wakes);
});

test('kiln: [K43] [K44] [K45] a potter throws two pots, fires them and is done, in minutes and a handful of wakes', () => {
  const day = new Day();
  day.hire('ann', 2);
  day.order('ann', 1, 2);
  day.until(47);
  assert.equal(day.potters.get('ann')?.world.pots.fired, 0, 'fired before the kiln was done');
  day.until(600);
  const ann = day.potters.get('ann');
  assert.equal(ann?.world.pots.fired, 2);
  assert.equal(ann?.tasks[0]?.status, 'done');
  assert.ok(day.wakes < 40, `${day.wakes} wakes for a day of pottery`);
  assert.equal(
    day.count('action', (event: { status: string }) => event.status === 'accepted'),
    3,
  );
});

test('kiln: two potters want the one kiln: the loser learns it, replans and fires later', () => {
  const day = new Day();
  day.hire('ann', 6);
  day.hire('bob', 6);
  day.order('ann', 1, 2);
  day.order('bob', 1, 2);
  day.until(900);
  assert.equal(day.potters.get('ann')?.tasks[0]?.status, 'done');
  assert.equal(day.potters.get('bob')?.tasks[0]?.status, 'done');
  const failed = day.events.filter(({ event }) => event.type === 'action' && event.status === 'failed');
  assert.ok(failed.length > 0 && failed.every(({ potter }) => potter === 'bob'), 'the smaller id gets the kiln');
});

test('kiln: [K45] a firing whose end nobody saw is unknown at its deadline, and its world is asked', () => {
  const day = new Day();
  day.hire('ann', 2);
  day.potters.set('ann', { ...(day.potters.get('ann') as Agent<Pottery>) });
  const task = { id: 't1', missionId: 'm1', kind: 'pots', args: { pots: 1 }, priority: 1 };
  let ann = day.potters.get('ann') as Agent<Pottery>;
  const wake = (atMinutes: number, ...inbox: Stimulus[]) => {
    const result = step(kilnModel, ann, inbox, atMinutes * MINUTE_US);
    ann = result.agent;
    return result.outputs;
  };
  wake(0, { kind: 'order', issuer: 'core', sequence: 1, expiresAtUs: 1e12, order: { type: 'assign', task } });
  const fire = wake(1, {
    kind: 'plan',
    from: 'primary',
    taskId: 't1',
    revision: 1,
    intents: [{ name: 'fire', args: {} }],
    confidence: 1,
    rationale: '',
    basis: null,
    alternatives: [],
  });
  assert.equal(fire.command.name, 'fire');
  assert.equal(fire.wakeAtUs, 2 * 40 * MINUTE_US + MINUTE_US + 1, 'sleeps until the deadline has passed');
  const late = wake(82);
  assert.deepEqual(
    late.events.map(({ type }) => type),
    ['action', 'reconcile'],
  );
  assert.equal(ann.actions[0]?.status, 'unknown');
  wake(90, {
    kind: 'result',
    actionId: fire.command.kind === 'action' ? fire.command.id : '',
    status: 'done',
    detail: { skill: 'fire' },
  });
  assert.equal(ann.actions[0]?.status, 'done', 'its world reconciled it');
});

test('kiln: [K53] a peer who promised clay and did not bring it breaks a promise; one who did does not', () => {
  const day = new Day();
  day.hire('ann', 0);
  const promise = (id: string) => ({
    kind: 'message' as const,
    from: 'bob',
    topic: 'talk',
    body: null,
    promise: { id, what: 'bring clay', args: null, dueUs: 10 * MINUTE_US },
  });
  day.tell('ann', promise('clay'));
  day.tell('ann', promise('water'));
  day.until(5);
  day.tell('ann', { kind: 'message', from: 'bob', topic: 'brought', body: 'clay' });
  day.until(20);
  const broken = day.events.flatMap(({ event }) => (event.type === 'violation' ? [event.violation] : []));
  assert.deepEqual(
    broken.map((violation) => violation.kind === 'social' && violation.promiseId),
    ['water'],
  );
});
