import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type ConnectResponse, ConnectResponseSchema } from '@sigma/proto';
import { Outbox } from './outbox.ts';

const frame = (n: number): ConnectResponse =>
  create(ConnectResponseSchema, { frame: { case: 'heartbeat', value: { sequence: BigInt(n) } } });
const number = ({ frame: { case: kind, value } }: ConnectResponse): number =>
  kind === 'heartbeat' ? Number(value.sequence) : -1;

test('[L8] safety overtakes, is never shed, and has no bound; the rest waits in order up to its bound', async () => {
  const outbox = new Outbox(3);
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => outbox.put(frame(n), 'command')),
    [true, true, true, false],
  );
  for (let n = 100; n < 110; n++) assert.ok(outbox.put(frame(n), 'safety'));
  outbox.close();
  const left: number[] = [];
  for await (const sent of outbox.drain()) left.push(number(sent));
  assert.deepEqual(left, [100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 1, 2, 3]);
});

test('only the newest heartbeat goes out, after everything that matters', async () => {
  const outbox = new Outbox(3);
  outbox.beat(frame(1));
  outbox.beat(frame(2));
  outbox.put(frame(7), 'command');
  const drain = outbox.drain();
  assert.equal(number((await drain.next()).value), 7);
  assert.equal(number((await drain.next()).value), 2);
  const next = drain.next();
  outbox.put(frame(8), 'safety');
  assert.equal(number((await next).value), 8);
  await drain.return(undefined);
});
