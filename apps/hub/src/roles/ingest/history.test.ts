import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { TelemetryFrameSchema } from '@sigma/proto';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import type { Database } from '../../store/database.ts';
import { PostgresHistory } from './history.ts';

/** A database that is away. */
const away: Database = {
  asTenant: () => Promise.reject(new Error('connection refused')),
  bound: () => assert.fail('not asked for'),
  close: async () => undefined,
};
const frame = (sequence: number, timeUs: number) =>
  create(TelemetryFrameSchema, {
    agentId: 'r1',
    channel: 'state',
    sequence: BigInt(sequence),
    timeUs: BigInt(timeUs),
    values: [1],
  });

test('[L8] with the database away, telemetry goes on and every lost sample is counted and told', async () => {
  const clock = new TurnedClock();
  const told: { count: number; why: string }[] = [];
  const history = new PostgresHistory(away, 'acme', clock, (count, why) => told.push({ count, why }));
  for (let second = 0; second < 120; second++) {
    for (let k = 0; k < 10; k++) history.keep(frame(second * 10 + k, second * 1_000_000 + k * 100_000));
  }
  for (let k = 0; k < 4; k++) await clock.turn(1_000_000);
  await history.close();
  assert.equal(history.written, 0);
  assert.equal(history.shed, 120);
  assert.equal(
    told.reduce((sum, { count }) => sum + count, 0),
    120,
  );
  assert.match(told[0]?.why ?? '', /connection refused/);
});
