import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBlock, decodeEnvelope, encodeBlock, NewerFormatError, NO_BLOCK, scanBlock } from './block.ts';
import { EVENT_TYPE, type EventDraft } from './event.ts';
import { MalformedBytesError } from './wire/wire-reader.ts';
import { WireWriter } from './wire/wire-writer.ts';

const text = fc.oneof(fc.string(), fc.constantFrom('', 'ü'.repeat(90)));
const draft: fc.Arbitrary<EventDraft> = fc.record({
  type: fc.oneof(fc.constantFrom(...Object.values(EVENT_TYPE)), text),
  subject: text,
  atUs: fc.maxSafeNat(),
  timeUs: fc.maxSafeInteger(),
  traceparent: text,
  data: fc.uint8Array({ maxLength: 400 }),
  dataschema: text,
});

const chain = { tenant: 'acme', source: 'r17', epoch: 3 };
const plain: EventDraft = { type: 'x', subject: '', atUs: 5, timeUs: 6, traceparent: '', data: Uint8Array.of(1) };
const opening = { ...plain, type: EVENT_TYPE.opening };

function block(first: number, events: readonly EventDraft[], more: (wire: WireWriter) => void = () => undefined) {
  const wire = new WireWriter();
  encodeBlock(wire, chain, first, NO_BLOCK, events);
  more(wire);
  return wire.take();
}

test('[R60] the quick look at a block sees the same place, time and bytes of every event as the full reading', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(draft, { minLength: 1, maxLength: 5 }), (first, drafts) => {
      const bytes = block(first, drafts);
      const { from, to, sequences, atUs, laterOpening, ...said } = scanBlock(bytes);
      const { events, ...full } = decodeBlock(bytes);
      assert.deepEqual(said, full);
      assert.deepEqual(
        from.map((start, i) => bytes.subarray(start, to[i])),
        events,
      );
      const read = events.map(decodeEnvelope);
      assert.deepEqual(
        sequences,
        read.map(({ sequence }) => sequence),
      );
      assert.deepEqual(
        atUs,
        read.map((event) => event.atUs),
      );
      const later = read.findIndex(({ type, sequence }) => type === EVENT_TYPE.opening && sequence !== 1);
      assert.equal(laterOpening, later);
    }),
    { seed: 20260303, numRuns: 200 },
  );
});

test('[R12] the quick look finds the first opening that is not the first event of the chain, and no other', () => {
  assert.equal(scanBlock(block(1, [opening, plain])).laterOpening, -1);
  assert.equal(scanBlock(block(1, [opening, plain, opening, opening])).laterOpening, 2);
  assert.equal(scanBlock(block(7, [opening, opening])).laterOpening, 0);
  assert.equal(scanBlock(block(7, [plain, { ...plain, type: 'sigma.opening.v2' }])).laterOpening, -1);
});

test('[R3] both readings pass over fields they do not know, in the block and in an envelope, of every wire type', () => {
  const unknown = Uint8Array.of(
    ...[0x98, 0x06, 0x96, 0x01],
    ...[0x9a, 0x06, 0x02, 0x08, 0x09],
    ...[0x9d, 0x06, 1, 2, 3, 4],
    ...[0x99, 0x06, 1, 2, 3, 4, 5, 6, 7, 8],
  );
  const known = block(9, [{ ...plain, atUs: 77 }]);
  const envelope = decodeBlock(known).events[0] as Uint8Array;
  const wider = Uint8Array.of(...unknown, ...envelope, ...unknown);
  const wire = new WireWriter();
  wire.uint(1, 1);
  wire.uint(5, 9);
  wire.bytes(7, wider);
  const bytes = Uint8Array.of(...unknown, ...wire.take(), ...unknown);
  const { firstSequence, sequences, atUs, tenant, source, epoch, previousHash } = scanBlock(bytes);
  assert.deepEqual([firstSequence, sequences, atUs], [9, [9], [77]]);
  assert.deepEqual([tenant, source, epoch, previousHash.length], ['', '', 0, 0]);
  const read = decodeBlock(bytes);
  assert.deepEqual([read.tenant, read.source, read.epoch, read.previousHash.length], ['', '', 0, 0]);
  assert.deepEqual(decodeEnvelope(read.events[0] as Uint8Array), decodeEnvelope(envelope));
});

test('[R2] an envelope without a field reads as empty, and without a schema has none', () => {
  const empty = decodeEnvelope(new Uint8Array());
  assert.deepEqual(empty, {
    sequence: 0,
    type: '',
    subject: '',
    atUs: 0,
    timeUs: 0,
    traceparent: '',
    data: new Uint8Array(),
  });
  assert.equal('dataschema' in empty, false);
});

test('[R2] the name of a type is read whole: one that differs from a known one in a single letter is another', () => {
  for (const known of Object.values(EVENT_TYPE)) {
    for (let at = 0; at < known.length; at++) {
      const type = `${known.slice(0, at)}?${known.slice(at + 1)}`;
      const bytes = block(2, [{ ...plain, type }]);
      assert.equal(decodeEnvelope(decodeBlock(bytes).events[0] as Uint8Array).type, type);
    }
  }
});

test('[R3] [L4] both readings refuse what is no block, and say why', () => {
  const says = (bytes: Uint8Array, what: RegExp): void => {
    for (const read of [decodeBlock, scanBlock]) {
      assert.throws(
        () => read(bytes),
        (error) => error instanceof MalformedBytesError && what.test(error.message),
      );
    }
  };
  const wire = new WireWriter();
  wire.uint(1, 1);
  says(wire.take(), /a block without events/);
  wire.reset();
  wire.bytes(7, Uint8Array.of(8, 1));
  says(wire.take(), /a block without a format version/);
  says(block(1, [plain]).slice(0, -1), /cut short/);
  const newer = block(1, [plain]).with(1, 2);
  for (const read of [decodeBlock, scanBlock]) {
    assert.throws(
      () => read(newer),
      (error) => error instanceof NewerFormatError && error.name === 'NewerFormatError' && error.format === 2,
    );
  }
});

test('[R67] [L4] a field that reaches out of its envelope is seen by the quick look', () => {
  const wire = new WireWriter();
  wire.uint(1, 1);
  // The last field of this envelope of 3 bytes says it is 3 bytes long: it takes the head of the next one for its own,
  // and what is left of that reads as a field of the block.
  wire.bytes(7, Uint8Array.of(0x42, 0x03, 0x01));
  wire.bytes(7, Uint8Array.of(0x28, 0x07));
  assert.throws(() => scanBlock(wire.take()), /a field is cut short/);
});
