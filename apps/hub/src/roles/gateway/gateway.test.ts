import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type BusMessage, MemoryBus } from '@sigma/bus';
import {
  ChannelSchemaSchema,
  type Order,
  OrderAnswerSchema,
  OrderSchema,
  PlanAskedSchema,
  SignedOrderSchema,
  TelemetryFrameSchema,
} from '@sigma/proto';
import { STATE_SCHEMA } from '../../../testing/fake-edge.ts';
import { oneAtATime } from '../../../testing/one-at-a-time.ts';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { packedSchemas } from '../../live/live-fleet.ts';
import { about, all, packed } from '../../subjects.ts';
import type { HubEvent, HubRecord } from '../arbitration/hub-record.ts';
import { Core } from '../core/core.ts';
import { noHistory } from '../ingest/history.ts';
import { Ingest, newTally } from '../ingest/ingest.ts';
import { Gateway } from './gateway.ts';
import { LeaseDesk, memoryLeases } from './leases.ts';
import { isSignedBy, seededOrderKey } from './order-key.ts';
import { type HighWater, memoryHighWater, Sequences } from './sequences.ts';

/** A recorder that says when an event is durable only when the test lets it. */
class SlowRecord implements HubRecord {
  readonly events: HubEvent[] = [];
  slow = false;
  readonly #waiting: (() => void)[] = [];

  append(event: HubEvent): Promise<void> {
    this.events.push(event);
    return this.slow ? new Promise((done) => this.#waiting.push(done)) : Promise.resolve();
  }

  finish(): void {
    for (let done = this.#waiting.shift(); done !== undefined; done = this.#waiting.shift()) done();
  }
}

/** Ingest, core and gateway over a drained bus and a turned clock, as the simulator runs them. */
async function site() {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  const record = new SlowRecord();
  const key = seededOrderKey(new Uint8Array(32).fill(7));
  const tenant = 'acme';
  const sequences = await Sequences.open(memoryHighWater());
  const gateway = new Gateway({ bus, clock, tenant, record, key, sequences });
  const core = new Core({ bus, clock, tenant, supervisor: oneAtATime });
  const ingest = new Ingest({ bus, clock, tenant, history: noHistory });
  const leases = new LeaseDesk({ clock, record, gateway, store: memoryLeases(), newId: () => '1' });
  const sent: { readonly order: Order; readonly atUs: number; readonly bytes: Uint8Array }[] = [];
  bus.subscribe(
    all(tenant, 'edge'),
    (message: BusMessage) => {
      const { order, signature } = fromBinary(SignedOrderSchema, message.data);
      assert.ok(isSignedBy(key.publicKey, order, signature));
      sent.push({ order: fromBinary(OrderSchema, order), atUs: clock.nowUs(), bytes: message.data });
    },
    { name: 'edge' },
  );
  const link = (linked: boolean) => {
    const schemas = [create(ChannelSchemaSchema, STATE_SCHEMA)];
    const agent = {
      agentId: 'r1',
      linked,
      edgeId: 'e1',
      epoch: 1,
      role: 'carrier',
      body: 'carrier',
      epochTimeUs: 0,
      capabilities: [],
      channels: packedSchemas(schemas),
    };
    ingest.serve(agent, schemas);
    return bus.publish(about(tenant, 'link', 'r1'), packed(agent), 'command');
  };
  await link(true);
  const ask = () =>
    bus.publish(
      about(tenant, 'asked', 'r1'),
      toBinary(
        PlanAskedSchema,
        create(PlanAskedSchema, { agentId: 'r1', task: { id: 't1' }, basis: { epoch: 1, inputSequence: 3n } }),
      ),
      'command',
    );
  const frame = (sequence: bigint) =>
    ingest.take(
      create(TelemetryFrameSchema, {
        agentId: 'r1',
        channel: 'state',
        sequence,
        timeUs: BigInt(clock.nowUs()),
        values: [1, 2, 0, 0, 1, 20],
        epoch: 1,
      }),
      newTally(),
    );
  await clock.settle();
  return { clock, bus, record, gateway, core, leases, sent, link, ask, frame };
}

const stop = { case: 'stop' as const, value: { stop: 'protective', by: 'test' } };

test('[L3] a plan leaves only when its record is durable', async () => {
  const { clock, record, sent, ask } = await site();
  record.slow = true;
  await ask();
  await clock.settle();
  assert.equal(record.events.length, 1);
  assert.equal(sent.length, 0);
  record.finish();
  await clock.settle();
  assert.deepEqual(
    sent.map(({ order }) => order.order.case),
    ['plan'],
  );
});

test('a stop leaves first, even while the recorder hangs, and is recorded after', async () => {
  const { clock, record, gateway, sent } = await site();
  record.slow = true;
  void gateway.ask('r1', 'operator:a', stop);
  await clock.settle();
  assert.deepEqual(
    sent.map(({ order }) => order.order.case),
    ['stop'],
  );
  assert.equal(record.events.length, 1);
});

test('a plan that is asked for is answered at once, not at the next tick', async () => {
  const { clock, sent, ask } = await site();
  const askedUs = clock.nowUs();
  await ask();
  await clock.settle();
  assert.equal(sent[0]?.atUs, askedUs);
});

test('what an edge does not answer is called sent, what it refuses refused, what has no edge unreachable', async () => {
  const { clock, bus, gateway, sent, link } = await site();
  const silent = gateway.ask('r1', 'operator:a', stop);
  await clock.turn(2_000_000);
  assert.equal((await silent).outcome, 'sent');
  const refused = gateway.ask('r1', 'operator:a', { case: 'reset', value: { by: 'a' } });
  await clock.settle();
  const { agentId, issuer, sequence } = (sent.at(-1) as (typeof sent)[number]).order;
  const answer = create(OrderAnswerSchema, { agentId, issuer, sequence, accepted: false, reason: 'no' });
  await bus.publish(about('acme', 'answer', 'r1'), toBinary(OrderAnswerSchema, answer), 'command');
  await clock.settle();
  assert.deepEqual([(await refused).outcome, (await refused).reason], ['refused', 'no']);
  await link(false);
  await clock.settle();
  assert.equal((await gateway.ask('r1', 'operator:a', stop)).outcome, 'unreachable');
});

test('a lease belongs to one, can be taken over, ends by itself, and every change is recorded', async () => {
  const { clock, record, leases } = await site();
  const changes = () =>
    record.events.filter(({ type, subject }) => type === 'sigma.state_change.v1' && subject === 'lease/r1').length;
  const mine = leases.take('r1', 'alice', false, 10);
  await clock.turn(2_000_000);
  assert.ok((await mine).taken);
  const theirs = await leases.take('r1', 'bob', false, 10);
  assert.deepEqual([theirs.taken, theirs.lease.holder], [false, 'alice']);
  const over = leases.take('r1', 'bob', true, 10);
  await clock.turn(2_000_000);
  assert.ok((await over).taken);
  assert.equal((await leases.giveBack('r1', 'alice'))?.holder, 'bob');
  assert.equal(changes(), 2);
  await clock.turn(9_000_000);
  assert.equal(leases.of('r1'), null);
  assert.equal(changes(), 3);
});

test('[L11] sequences only rise, also over a restart in the middle of a block; stops outlive the database', async () => {
  let kept = 0;
  let down = false;
  const store: HighWater = {
    load: async () => kept,
    store: async (reserved) => {
      if (down) throw new Error('away');
      kept = reserved;
    },
  };
  const first = await Sequences.open(store);
  let last = 0;
  for (let k = 0; k < 12_345; k++) {
    const next = await first.next();
    assert.ok(next > last && next <= kept);
    last = next;
  }
  const second = await Sequences.open(store);
  assert.ok((await second.next()) > last);
  down = true;
  await assert.rejects(async () => {
    for (;;) await second.next();
  }, /away/);
  for (let k = 0; k < 1_000; k++) second.nextStop();
  assert.throws(() => second.nextStop(), /stop the robots by hand/);
});

test('[L12] the same inputs on the same clock give the same orders, byte for byte', async () => {
  const run = async (): Promise<string> => {
    const { clock, sent, ask, frame } = await site();
    for (let k = 1n; k <= 20n; k++) {
      frame(k);
      if (k % 5n === 0n) await ask();
      await clock.turn(37_000);
    }
    assert.equal(sent.length, 4);
    return sent.map(({ bytes }) => Buffer.from(bytes).toString('hex')).join('\n');
  };
  assert.equal(await run(), await run());
});
