import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Decision, Params } from '@sigma/kernel';
import { DecisionSchema } from '@sigma/proto';
import fc from 'fast-check';
import { anyDecision } from '../../testing/decisions.ts';
import { MalformedBytesError } from '../wire/wire-reader.ts';
import { WireWriter } from '../wire/wire-writer.ts';
import { decodeAnyDecision, decodeDecision, encodeDecision } from './decision.ts';
import { readDecision } from './read-decision.ts';

const RUNS = { seed: 20260302, numRuns: 400 };

function encode(decision: Decision): Uint8Array {
  const wire = new WireWriter();
  encodeDecision(wire, decision);
  return wire.take();
}

test('[R30] a decision comes back as it was, -0, NaN and absence included', () => {
  fc.assert(
    fc.property(anyDecision, (decision) => {
      const back = decodeDecision(encode(decision), decision.atUs);
      assert.deepEqual(back, decision);
    }),
    RUNS,
  );
});

test('[R30] [L2] named values are written in order of name, so the order in which they were made changes no byte', () => {
  fc.assert(
    fc.property(anyDecision, (decision) => {
      const turned = (params: Params): Params => Object.fromEntries(Object.entries(params).reverse());
      const command = { ...decision.command, params: turned(decision.command.params) };
      assert.deepEqual(encode({ ...decision, command }), encode(decision));
    }),
    RUNS,
  );
});

test('[R30] the bytes are those of sigma.v1.Decision: protobuf-es reads them and writes the same', () => {
  fc.assert(
    fc.property(anyDecision, (decision) => {
      const bytes = encode(decision);
      assert.deepEqual(toBinary(DecisionSchema, fromBinary(DecisionSchema, bytes)), bytes);
    }),
    RUNS,
  );
});

test('[R31] nonsense in an untrusted proposal cannot keep a decision off the record', () => {
  const [sane] = fc.sample(anyDecision, { seed: 5, numRuns: 1 }) as [Decision];
  for (const nonsense of [Number.NaN, -3, 1.5, Number.POSITIVE_INFINITY, 1e300]) {
    const command = { kind: 'setpoint' as const, name: 'go', params: {}, durationUs: nonsense };
    const back = decodeDecision(encode({ ...sane, command }), 0).command;
    assert.ok(back.kind === 'setpoint' && Number.isSafeInteger(back.durationUs) && back.durationUs >= 0);
  }
});

test('[L4] altered bytes are refused by name or read as another decision, and never anything else', () => {
  const [decision] = fc.sample(anyDecision, { seed: 6, numRuns: 1 }) as [Decision];
  const whole = encode(decision);
  fc.assert(
    fc.property(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
      const bytes = whole.slice();
      bytes[at] = byte;
      try {
        decodeDecision(bytes, 0);
      } catch (error) {
        assert.ok(error instanceof MalformedBytesError, String(error));
      }
    }),
    { ...RUNS, numRuns: 1000 },
  );
});

test('[R30] [L2] whatever is read the fast way is read so by protobuf-es too, the bytes of others and altered ones included', () => {
  let fast = 0;
  const bytes = fc.tuple(
    anyDecision,
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 2 }),
    fc.constantFrom(false, false, false, true),
  );
  fc.assert(
    fc.property(bytes, ([decision, changes, twice]) => {
      const whole = encode(decision);
      const altered = twice ? new Uint8Array([...whole, ...whole]) : whole.slice();
      for (const [place, value] of changes) altered[place % altered.length] = value;
      const read = readDecision(altered, 5);
      if (read === null) return;
      fast++;
      assert.deepEqual(read, decodeAnyDecision(altered, 5));
    }),
    { ...RUNS, numRuns: 4_000 },
  );
  assert.ok(fast > 300, `${fast} were read the fast way`);
});

test('[R30] everything that is written here is read the fast way, but for names that objects keep to themselves and texts that begin with a mark of byte order', () => {
  fc.assert(
    fc.property(anyDecision, (decision) => {
      const kept = /"__proto__"|"\\ufeff|"\ufeff/.test(JSON.stringify(decision, (_, value) => protoShown(value)));
      assert.equal(readDecision(encode(decision), decision.atUs) === null, kept);
    }),
    RUNS,
  );
});

/** JSON leaves nothing out of these objects, but a reviver could: names are shown as they stand. */
const protoShown = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : value;
