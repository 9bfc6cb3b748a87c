import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { MemoryBus } from '@sigma/bus';
import { type FencesInForce, type Order, OrderAnswerSchema, OrderSchema, SignedOrderSchema } from '@sigma/proto';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { about, all, packed, unpacked } from '../../subjects.ts';
import type { HubEvent } from '../arbitration/hub-record.ts';
import type { MissionWish } from '../core/core.ts';
import { Gateway } from '../gateway/gateway.ts';
import { seededOrderKey } from '../gateway/order-key.ts';
import { memoryHighWater, Sequences } from '../gateway/sequences.ts';
import { FenceDesk } from './fence-desk.ts';
import { type Fence, memoryFences } from './fence-store.ts';

const S = 1_000_000;

/** A desk whose robots answer when the test lets them. */
async function site() {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  const tenant = 't';
  const recorded: HubEvent[] = [];
  const record = {
    append: async (event: HubEvent) => {
      recorded.push(event);
    },
  };
  const key = seededOrderKey(new Uint8Array(32).fill(7));
  const gateway = new Gateway({ bus, clock, tenant, record, key, sequences: await Sequences.open(memoryHighWater()) });
  const desk = new FenceDesk({ bus, clock, tenant, record, gateway, store: memoryFences() });
  const sent: { readonly agentId: string; readonly version: bigint; readonly ids: string }[] = [];
  const wishes: string[] = [];
  const silent = new Set<string>();
  const refusing = new Set<string>();
  bus.subscribe(
    all(tenant, 'edge'),
    (message) => {
      const order: Order = fromBinary(OrderSchema, fromBinary(SignedOrderSchema, message.data).order);
      const { agentId, issuer, sequence } = order;
      const { version, fences } = order.order.value as FencesInForce;
      sent.push({ agentId, version, ids: fences.map(({ id }) => id).join(' ') });
      if (silent.has(agentId)) return;
      const answer = create(OrderAnswerSchema, {
        agentId,
        issuer,
        sequence,
        accepted: !refusing.has(agentId),
        reason: 'older than mine',
      });
      void bus.publish(about(tenant, 'answer', agentId), toBinary(OrderAnswerSchema, answer), 'command');
    },
    { name: 'edge' },
  );
  bus.subscribe(
    all(tenant, 'wish'),
    (message) => {
      const wish = unpacked<MissionWish>(message.data);
      if (wish.type === 'fences') wishes.push(wish.fences.map(({ id }) => id).join(' '));
    },
    { name: 'wish' },
  );
  const link = async (agentId: string, linked: boolean): Promise<void> => {
    const agent = { agentId, linked, edgeId: `edge-${agentId}`, epoch: 1, role: 'carrier', body: '', epochTimeUs: 0 };
    await bus.publish(about(tenant, 'link', agentId), packed({ ...agent, capabilities: [], channels: [] }), 'command');
    await clock.settle();
  };
  const fence = (id: string, seconds = 0): Fence => ({
    id,
    name: id,
    kind: 'restricted',
    speedMps: 0,
    points: [
      { xM: 0, yM: 0 },
      { xM: 1, yM: 0 },
      { xM: 1, yM: 1 },
    ],
    createdBy: 'ann',
    createdTimeUs: clock.nowUs(),
    endsTimeUs: seconds === 0 ? 0 : clock.nowUs() + seconds * S,
    version: 1,
    note: '',
  });
  return { clock, desk, sent, wishes, silent, refusing, link, fence, recorded };
}

test('every linked robot and the supervisor get all fences whole, under a version that only rises', async () => {
  const { clock, desk, sent, wishes, link, fence, recorded } = await site();
  await link('r1', true);
  await link('r2', true);
  assert.deepEqual(sent, [], 'nothing was ever drawn');
  const first = desk.put(fence('f1'), null);
  await clock.settle();
  assert.deepEqual(
    (await first).receipts.map(({ agentId, outcome }) => `${agentId} ${outcome}`),
    ['r1 accepted', 'r2 accepted'],
  );
  const both = [desk.put(fence('f2'), null), desk.remove('f1', 'bob')];
  await clock.settle();
  await Promise.all(both);
  assert.deepEqual(
    sent.filter(({ agentId }) => agentId === 'r1').map(({ version, ids }) => `${version}: ${ids}`),
    ['1: f1', '2: f1 f2', '3: f2'],
  );
  assert.deepEqual(wishes, ['f1', 'f1 f2', 'f2']);
  assert.deepEqual(
    recorded.filter(({ subject }) => subject.startsWith('fence/')).map(({ subject }) => subject),
    ['fence/f1', 'fence/f2', 'fence/f1'],
  );
  assert.equal(await desk.remove('f1', 'bob'), null);
});

test('a robot that comes back is told; one that does not answer is told again until it does', async () => {
  const { clock, desk, sent, silent, link, fence } = await site();
  const put = desk.put(fence('f1'), null);
  await clock.settle();
  assert.deepEqual((await put).receipts, []);
  silent.add('r1');
  await link('r1', true);
  assert.equal(sent.length, 1);
  await clock.turn(6 * S);
  assert.equal(sent.length, 2);
  silent.delete('r1');
  await clock.turn(6 * S);
  assert.equal(sent.length, 3);
  await clock.turn(60 * S);
  assert.equal(sent.length, 3, 'it obeys now');
  await link('r1', false);
  await link('r1', true);
  assert.equal(sent.length, 4);
});

test('a fence ends by time, and the same key draws one fence', async () => {
  const { clock, desk, sent, link, fence } = await site();
  await link('r1', true);
  const drawn = [desk.put(fence('f1', 30), 'k'), desk.put(fence('f9', 30), 'k')];
  await clock.settle();
  assert.deepEqual(
    (await Promise.all(drawn)).map((one) => one.fence.id),
    ['f1', 'f1'],
  );
  let told = 0;
  desk.onChange(() => told++);
  await clock.turn(29 * S);
  assert.equal(desk.list().length, 1);
  await clock.turn(2 * S);
  assert.equal(desk.list().length, 0);
  assert.equal(told, 1);
  assert.deepEqual(
    sent.map(({ version, ids }) => `${version}: ${ids}`),
    ['1: f1', '2: '],
  );
});

test('a robot that refuses is told of once, not asked for ever, and again when it obeys', async () => {
  const { clock, desk, sent, refusing, link, fence } = await site();
  const told: string[] = [];
  desk.onRefusal((agentId, reason) => told.push(`${agentId} ${reason}`));
  refusing.add('r1');
  await link('r1', true);
  const put = desk.put(fence('f1'), null);
  await clock.settle();
  await put;
  await clock.turn(60 * S);
  assert.deepEqual([sent.length, told], [1, ['r1 older than mine']]);
  refusing.delete('r1');
  await link('r1', false);
  await link('r1', true);
  assert.deepEqual(told, ['r1 older than mine', 'r1 null']);
});
