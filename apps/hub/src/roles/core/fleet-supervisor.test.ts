import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { MemoryBus } from '@sigma/bus';
import { deriveSite, fleetSupervisor, parseMovingAiMap } from '@sigma/fleet-model';
import {
  AgentStatusSchema,
  ChannelSchemaSchema,
  type Order,
  OrderSchema,
  SignedOrderSchema,
  TelemetryFrameSchema,
} from '@sigma/proto';
import { STATE_SCHEMA } from '../../../testing/fake-edge.ts';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { packedSchemas } from '../../live/live-fleet.ts';
import { about, all, packed } from '../../subjects.ts';
import { MissionLedger, memoryMissions } from '../arbitration/mission-ledger.ts';
import { Gateway } from '../gateway/gateway.ts';
import { seededOrderKey } from '../gateway/order-key.ts';
import { memoryHighWater, Sequences } from '../gateway/sequences.ts';
import { Core } from './core.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''].join(
  '\n',
);

test("F3 F4 F5 with the fleet's own supervisor: a patrol is assigned and planned, and the plan names the frame it was made on", async () => {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  const record = { append: async () => undefined };
  const tenant = 'acme';
  const supervisor = fleetSupervisor(deriveSite(parseMovingAiMap(MAP, 'yard.map')));
  const core = new Core({ bus, clock, tenant, supervisor });
  const ledger = new MissionLedger({ bus, clock, tenant, record, store: memoryMissions() });
  const sequences = await Sequences.open(memoryHighWater());
  new Gateway({ bus, clock, tenant, record, key: seededOrderKey(new Uint8Array(32)), sequences });
  const orders: Order[] = [];
  bus.subscribe(
    all(tenant, 'edge'),
    ({ data }) => void orders.push(fromBinary(OrderSchema, fromBinary(SignedOrderSchema, data).order)),
    { name: 'edge' },
  );

  const channels = packedSchemas([create(ChannelSchemaSchema, STATE_SCHEMA)]);
  const capabilities = ['drive', 'load', 'unload', 'dock'];
  const link = {
    agentId: 'r1',
    linked: true,
    edgeId: 'e1',
    epoch: 1,
    role: 'carrier',
    body: 'carrier',
    epochTimeUs: 0,
    capabilities,
    channels,
  };
  await bus.publish(about(tenant, 'link', 'r1'), packed(link), 'command');
  await clock.settle();
  const status = create(AgentStatusSchema, { agentId: 'r1', mode: 'automatic', chain: 'primary', stop: 'none' });
  await bus.publish(about(tenant, 'status', 'r1'), toBinary(AgentStatusSchema, status), 'command');
  const frame = create(TelemetryFrameSchema, {
    agentId: 'r1',
    channel: 'state',
    sequence: 1n,
    values: [0.5, 0.5, 0, 0, 0.9, 20],
    epoch: 1,
    inputSequence: 41n,
  });
  await bus.publish(about(tenant, 'telemetry', 'r1'), toBinary(TelemetryFrameSchema, frame), 'telemetry');
  await clock.turn(200_000);

  const goal = { kind: 'patrol' as const, points: [{ xM: 5.5, yM: 3.5 }], rounds: 1, agentId: null };
  const mission = { id: 'm1', name: 'round', goal, priority: 1, createdBy: 'test' };
  assert.equal(core.preview({ ...mission, id: 'preview' }).tasks.length, 1);
  await ledger.create(mission, null);
  await clock.turn(500_000);
  const assign = orders.find(({ order }) => order.case === 'assign');
  const taskId = assign?.order.case === 'assign' ? (assign.order.value.task?.id ?? '') : '';
  assert.notEqual(taskId, '', ledger.entries.get('m1')?.view.detail ?? 'no mission');
  const plan = orders.findLast(({ order }) => order.case === 'plan');
  const planned = plan?.order.case === 'plan' ? plan.order.value : null;
  assert.equal(planned?.taskId, taskId);
  assert.ok((planned?.intents.length ?? 0) > 0);
  assert.equal(planned?.basis?.inputSequence, 41n);
  core.close();
});
