import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { testOpening } from '../../testing/chains.ts';
import { decodeBlock, decodeEnvelope } from '../block.ts';
import { ChainWriter, EVENT_TYPE, type EventDraft, MalformedBytesError, openingEvent } from '../index.ts';
import { signalName } from '../payload/agent-events.ts';
import { WireWriter } from '../wire/wire-writer.ts';
import { type NotableEvent, notableEvent, notableEvents } from './notable.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const NAMES = ['violation', 'failsafe', 'order_accepted', 'violatioN', 'failsaf', 'stopped', '', 'v'.repeat(200)];

/** A signal of that name, its fields in that order; or what is none. */
function signal(name: string, kind: 'plain' | 'body first' | 'cut short' | 'nothing'): Uint8Array {
  const wire = new WireWriter();
  if (kind === 'nothing') return new Uint8Array();
  if (kind === 'body first') wire.string(2, '{"change":"raised"}');
  wire.string(1, name);
  if (kind === 'plain') wire.string(2, '{"change":"raised"}');
  const bytes = wire.take();
  return kind === 'cut short' ? Uint8Array.from([0x0a, bytes.length + 40, ...bytes.subarray(2)]) : bytes;
}

const drafts = fc.record({
  type: fc.constantFrom(...Object.values(EVENT_TYPE), 'sigma.signal.v2', 'x'),
  name: fc.constantFrom(...NAMES),
  kind: fc.constantFrom('plain' as const, 'body first' as const, 'cut short' as const, 'nothing' as const),
  subject: fc.constantFrom('', 'r1', 'ein Gerät'),
  traceparent: fc.constantFrom('', `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`),
  timeUs: fc.constantFrom(0, 5, 1_700_000_000_000_000),
});

const NOTABLE = new Set<string>([EVENT_TYPE.opening, EVENT_TYPE.decision, EVENT_TYPE.order]);
const SIGNALS = new Set(['violation', 'failsafe', 'order_accepted']);

/** As it is found when all of it is decoded. */
function decoded(envelope: Uint8Array): readonly NotableEvent[] {
  const { sequence, type, atUs, timeUs, data } = decodeEnvelope(envelope);
  const name = type === EVENT_TYPE.signal ? signalName(data) : '';
  if (!NOTABLE.has(type) && !SIGNALS.has(name)) return [];
  return [{ sequence, type, atUs, timeUs, data, name, envelope }];
}

test('[R192] of a block those events are found that somebody looks for, as if each of them were decoded', () => {
  fc.assert(
    fc.property(fc.array(drafts, { minLength: 1, maxLength: 12 }), (all) => {
      const opening = testOpening('r1');
      const writer = new ChainWriter(opening, sha256);
      const events = all.map(({ type, name, kind, ...rest }, i): EventDraft => {
        return { ...rest, type, atUs: i, data: signal(name, kind) };
      });
      const { bytes } = writer.seal([openingEvent(opening), ...events]);
      let malformed = 0;
      const expected = decodeBlock(bytes).events.flatMap((envelope) => {
        try {
          const events = decoded(envelope);
          assert.deepEqual(notableEvent(envelope), events[0] ?? null);
          return events;
        } catch (error) {
          assert.ok(error instanceof MalformedBytesError);
          assert.throws(() => notableEvent(envelope), MalformedBytesError);
          malformed++;
          return [];
        }
      });
      const found = notableEvents(bytes);
      assert.deepEqual(found.events, expected);
      assert.deepEqual(
        [found.malformed, found.lastSequence, found.lastAtUs],
        [malformed, all.length + 1, all.length - 1],
      );
    }),
    { seed: 192, numRuns: 300 },
  );
});
