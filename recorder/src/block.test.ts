import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BlockSchema, EnvelopeSchema } from '@sigma/proto';
import fc from 'fast-check';
import { decodeBlock, decodeEnvelope, encodeBlock, encodeEnvelope, NewerFormatError, NO_BLOCK } from './block.ts';
import { EVENT_TYPE, type EventDraft } from './event.ts';
import { MalformedBytesError } from './wire/wire-reader.ts';
import { WireWriter } from './wire/wire-writer.ts';

const RUNS = { seed: 20260303, numRuns: 300 };
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', 'ü'.repeat(90), 'x'.repeat(200)));

const draft: fc.Arbitrary<EventDraft> = fc.record({
  type: fc.oneof(fc.constantFrom(...Object.values(EVENT_TYPE)), text),
  subject: text,
  atUs: fc.oneof(fc.nat(), fc.maxSafeNat()),
  timeUs: fc.oneof(fc.constant(0), fc.maxSafeInteger(), fc.constantFrom(-1, -(2 ** 40))),
  traceparent: text,
  data: fc.uint8Array({ maxLength: 20_000, size: 'medium' }),
  dataschema: fc.string({ minLength: 1 }),
});

function envelope(sequence: number, event: EventDraft): Uint8Array {
  const wire = new WireWriter(16);
  encodeEnvelope(wire, sequence, event);
  return wire.take();
}

test('[R2] an envelope is written byte for byte as protobuf-es writes it, and read back', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), draft, (sequence, event) => {
      const bytes = envelope(sequence, event);
      const message = create(EnvelopeSchema, {
        ...event,
        sequence: BigInt(sequence),
        atUs: BigInt(event.atUs),
        timeUs: BigInt(event.timeUs),
      });
      assert.deepEqual(bytes, toBinary(EnvelopeSchema, message));
      assert.deepEqual(decodeEnvelope(bytes), { sequence, ...event });
    }),
    RUNS,
  );
});

test('[R1] a block is written byte for byte as protobuf-es writes it, and read back', () => {
  const chain = fc.record({ tenant: text, source: text, epoch: fc.nat() });
  const events = fc.array(draft, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(chain, fc.nat(), fc.uint8Array({ minLength: 32, maxLength: 32 }), events, (id, first, hash, drafts) => {
      const wire = new WireWriter(16);
      encodeBlock(wire, id, first, hash, drafts);
      const bytes = wire.take();
      const envelopes = drafts.map((event, i) => envelope(first + i, event));
      const message = { ...id, format: 1, firstSequence: BigInt(first), previousHash: hash, events: envelopes };
      assert.deepEqual(bytes, toBinary(BlockSchema, create(BlockSchema, message)));
      assert.deepEqual(decodeBlock(bytes), {
        ...id,
        format: 1,
        firstSequence: first,
        previousHash: hash,
        events: envelopes,
      });
    }),
    { ...RUNS, numRuns: 150 },
  );
});

test('[R3] a field that this program does not know is passed over; a newer format is refused by its number', () => {
  const chain = { tenant: 't', source: 's', epoch: 0 };
  const wire = new WireWriter();
  const event = { type: 'x', subject: '', atUs: 1, timeUs: 1, traceparent: '', data: Uint8Array.of(1) };
  encodeBlock(wire, chain, 1, NO_BLOCK, [event]);
  wire.string(99, 'later');
  assert.equal(decodeBlock(wire.take()).events.length, 1);
  const newer = toBinary(BlockSchema, create(BlockSchema, { ...fromBinary(BlockSchema, wire.take()), format: 2 }));
  assert.throws(
    () => decodeBlock(newer),
    (error) => {
      assert.ok(error instanceof NewerFormatError);
      assert.equal(error.format, 2);
      assert.match(error.message, /format 2; this program reads formats up to 1/);
      return true;
    },
  );
});

test('[L4] bytes that are no block are refused by name', () => {
  for (const bytes of [
    new Uint8Array(),
    Uint8Array.of(0x08, 0x01),
    new TextEncoder().encode('hello, world'),
    NO_BLOCK,
  ]) {
    assert.throws(() => decodeBlock(bytes), MalformedBytesError);
  }
});
