import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { OrderIssuedSchema, OrderSchema, SignedOrderSchema } from '@sigma/proto';
import { EVENT_TYPE, WireWriter } from '@sigma/recorder';
import { S } from '../../../testing/chronicle-hub.ts';
import { RobotLife } from '../../../testing/robot-life.ts';
import { readOn, UNREAD } from './read-on.ts';

const KINDS = OrderSchema.fields.flatMap(({ localName, oneof }) => (oneof === undefined ? [] : [localName]));

/** As it is recorded; `unknown` is a field of a later program in front of it. */
function issued(kind: string, unknown = false): Uint8Array {
  const value = kind === 'stop' ? { stop: 'protective' } : {};
  const order = create(OrderSchema, { tenant: 'acme', agentId: 'r1', order: { case: kind, value } as never });
  const signed = create(SignedOrderSchema, { order: toBinary(OrderSchema, order), signature: new Uint8Array(64) });
  const message = create(OrderIssuedSchema, {
    signedOrder: toBinary(SignedOrderSchema, signed),
    issuer: 'operator:ann',
    orderSequence: 7n,
    summary: kind,
  });
  const bytes = toBinary(OrderIssuedSchema, message);
  const wire = new WireWriter();
  wire.string(99, 'of later programs');
  return unknown ? Uint8Array.from([...wire.take(), ...bytes]) : bytes;
}

function askedIn(data: Uint8Array) {
  const life = new RobotLife('r1', 3);
  const { state, malformed } = readOn(UNREAD, life.records([life.event(S, EVENT_TYPE.order, data)]).bytes);
  return { asked: state.asked.map(({ stop }) => stop), malformed };
}

test('[R192] of all orders those are remembered that may begin or end a stop, whatever stands around them', () => {
  assert.ok(KINDS.length > 10 && KINDS.includes('stop') && KINDS.includes('reset'));
  for (const kind of KINDS) {
    const stops = kind === 'stop' ? ['protective'] : kind === 'reset' ? ['reset'] : [];
    for (const unknown of [false, true]) {
      assert.deepEqual(askedIn(issued(kind, unknown)), { asked: stops, malformed: 0 }, kind);
    }
  }
});

test('[R192] [L4] a stop that is cut short is counted as what it is not', () => {
  const stop = issued('stop');
  assert.deepEqual(askedIn(stop.subarray(0, 20)), { asked: [], malformed: 1 });
  assert.deepEqual(askedIn(Uint8Array.of(0x0a)), { asked: [], malformed: 1 });
});
