import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { encodeState, type Stimulus } from '@sigma/kernel';
import { StimulusSegmentSchema } from '@sigma/proto';
import fc from 'fast-check';
import { MalformedBytesError } from '../wire/wire-reader.ts';
import { WireWriter } from '../wire/wire-writer.ts';
import { decodeSegment, END_OF_TIME_US, encodeSegment, type Segment } from './stimulus-segment.ts';

const RUNS = { seed: 20260301, numRuns: 300 };
const INT32_ENDS = [-(2 ** 31), 2 ** 31 - 1, 0, -1, 1];
const int32 = fc.oneof(fc.constantFrom(...INT32_ENDS), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
const oddNumber = fc.constantFrom(Number.NaN, -0, Number.POSITIVE_INFINITY, 5e-324, 1e308, 2 ** 53);
const json = fc.oneof(fc.string({ unit: 'binary' }), oddNumber, fc.array(fc.double()), fc.constant(null));

const stimulus: fc.Arbitrary<Stimulus> = fc.oneof(
  fc
    .tuple(fc.constantFrom('motion', 'scan', '', 'Zürich'), fc.array(int32, { maxLength: 12 }))
    .map(([channel, values]) => ({ kind: 'percept' as const, channel, values: Int32Array.from(values) })),
  fc.record({ kind: fc.constant('observation' as const), channel: fc.string(), data: json }),
  fc.record({ kind: fc.constant('beat' as const), from: fc.constantFrom('primary' as const, 'link' as const) }),
  fc.record({ kind: fc.constant('signal' as const), name: fc.string(), value: fc.oneof(oddNumber, fc.double()) }),
  fc.record({
    kind: fc.constant('message' as const),
    from: fc.constant('r02'),
    topic: fc.string(),
    body: json,
    promise: fc.record({ id: fc.string(), what: fc.string(), args: json, dueUs: fc.nat() }),
  }),
  fc.record({
    kind: fc.constant('message' as const),
    from: fc.constantFrom('r02', '{"kind":"message","topic":"pose"}'),
    topic: fc.constantFrom('pose', 'failsafe', '', 'Zürich', 'a "pose', '\\', ',"kind":"message","topic":"pose'),
    body: fc.oneof(json, fc.constant({ kind: 'message', topic: 'pose' })),
  }),
);

const times = fc
  .tuple(
    fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 51 })),
    fc.array(fc.oneof(fc.constant(0), fc.constant(10_000), fc.nat(), fc.integer({ min: 0, max: 2 ** 45 })), {
      maxLength: 30,
    }),
  )
  .map(([first, pauses]) => {
    let atUs = first;
    return [first, ...pauses.map((pause) => (atUs += pause))];
  });

const segment: fc.Arbitrary<Segment> = times.chain((all) =>
  fc.record({
    firstInput: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    wakes: fc.tuple(
      ...all.map((atUs) => fc.record({ atUs: fc.constant(atUs), inbox: fc.array(stimulus, { maxLength: 4 }) })),
    ),
  }),
);

function encode(value: Segment): Uint8Array {
  const wire = new WireWriter();
  encodeSegment(wire, value);
  return wire.take();
}

test('[R20] [R21] any stimuli at any times come back bit for bit: NaN, -0, the ends of int32, ragged channels', () => {
  fc.assert(
    fc.property(segment, (value) => {
      const back = decodeSegment(encode(value));
      assert.equal(encodeState(back), encodeState(value));
      for (const { inbox } of back.wakes) {
        for (const input of inbox) if (input.kind === 'percept') assert.ok(input.values instanceof Int32Array);
      }
    }),
    RUNS,
  );
});

/** Topics that cannot be told from the end of a message: with a quote or a backslash in them. */
const ESCAPED = /["\\]/;

test('[R20] [R117] of channels and topics that are not asked for no percept and no message stands in any inbox, and all else does', () => {
  const wanted = fc.subarray(['motion', 'scan', '', 'Zürich']);
  const heard = fc.option(fc.subarray(['pose', '', 'Zürich']), { nil: null });
  let [kept, left] = [0, 0];
  fc.assert(
    fc.property(segment, wanted, heard, (value, channels, on) => {
      const heeded = { channels: new Set(channels), topics: on === null ? null : new Set(on) };
      const stays = (one: Stimulus): boolean => {
        if (one.kind === 'percept') return one.values.length === 0 || heeded.channels.has(one.channel);
        if (one.kind !== 'message' || on === null || one.promise !== undefined) return true;
        return ESCAPED.test(one.topic) || on.includes(one.topic);
      };
      const wakes = value.wakes.map(({ atUs, inbox }) => ({ atUs, inbox: inbox.filter(stays) }));
      const read = decodeSegment(encode(value), heeded);
      assert.equal(encodeState(read), encodeState({ firstInput: value.firstInput, wakes }));
      for (const [k, { inbox }] of value.wakes.entries()) {
        kept += wakes[k]?.inbox.length ?? 0;
        left += inbox.length - (wakes[k]?.inbox.length ?? 0);
      }
    }),
    RUNS,
  );
  assert.ok(kept > 1000 && left > 300, `${kept} stimuli were kept, ${left} left out`);
});

test('[L4] [R117] a channel that announces more rows than it has bytes is refused, asked for or not', () => {
  const percept: Stimulus = { kind: 'percept', channel: 'scan', values: Int32Array.of(1, 2) };
  const message = fromBinary(StimulusSegmentSchema, encode({ firstInput: 1, wakes: [{ atUs: 1, inbox: [percept] }] }));
  const [channel] = message.percepts;
  assert.ok(channel !== undefined);
  for (const rows of [3, 2 ** 31]) {
    const announced = { ...message, percepts: [{ ...channel, rows }] };
    const bytes = toBinary(StimulusSegmentSchema, announced);
    for (const channels of [new Set<string>(), new Set(['scan'])])
      assert.throws(() => decodeSegment(bytes, { channels, topics: null }), MalformedBytesError);
    assert.throws(() => decodeSegment(bytes), MalformedBytesError);
  }
});

test('[R20] the bytes are those of sigma.v1.StimulusSegment: protobuf-es reads them and writes the same', () => {
  fc.assert(
    fc.property(segment, (value) => {
      const bytes = encode(value);
      const message = fromBinary(StimulusSegmentSchema, bytes);
      assert.deepEqual(toBinary(StimulusSegmentSchema, message), bytes);
      assert.equal(message.wakes, value.wakes.length);
      assert.equal(
        message.inputs,
        value.wakes.reduce((sum, { inbox }) => sum + inbox.length, 0),
      );
    }),
    { ...RUNS, numRuns: 100 },
  );
});

test('[R24] the greatest jump between int32 extremes, at the last moment of time', () => {
  const row = (...values: number[]): Stimulus => ({ kind: 'percept', channel: 'c', values: Int32Array.from(values) });
  const [low, high] = INT32_ENDS as [number, number];
  const value: Segment = {
    firstInput: 1,
    wakes: [
      { atUs: 0, inbox: [row(low, high), row(high, low)] },
      { atUs: END_OF_TIME_US - 1, inbox: [row(low, high)] },
      { atUs: END_OF_TIME_US - 1, inbox: [] },
    ],
  };
  assert.equal(encodeState(decodeSegment(encode(value))), encodeState(value));
});

test('[R5] [R22] time that runs backwards, is no whole number or lies beyond its end is refused', () => {
  for (const atUs of [-1, 0.5, Number.NaN, END_OF_TIME_US, 4]) {
    const wakes = [
      { atUs: atUs === 4 ? 5 : 0, inbox: [] },
      { atUs, inbox: [] },
    ];
    assert.throws(() => encode({ firstInput: 1, wakes }), RangeError, `${atUs}`);
  }
});

test('[R5] [R22] [L4] bytes that tell of such times are refused', () => {
  const told = (...times: readonly number[]): Uint8Array => {
    const wire = new WireWriter();
    wire.uint(1, 1);
    wire.uint(3, 2);
    const mark = wire.open(4);
    for (const time of times) wire.varint(time);
    wire.close(mark);
    wire.bytes(5, Uint8Array.of(0, 0));
    return wire.take();
  };
  assert.deepEqual(
    decodeSegment(told(5, 8)).wakes.map(({ atUs }) => atUs),
    [5, 9],
  );
  for (const times of [
    [5, 19],
    [5, 1],
    [END_OF_TIME_US, 0],
    [END_OF_TIME_US - 1, 2],
    [2 ** 53 - 1, 2 ** 53 - 2],
  ]) {
    assert.throws(() => decodeSegment(told(...times)), MalformedBytesError, `${times}`);
  }
});

test('[R23] [R25] how many stimuli a wake was given, and of which kinds they are in which order, stands in the bytes that the rules say', () => {
  const scan = (...values: number[]): Stimulus => ({
    kind: 'percept',
    channel: 'scan',
    values: Int32Array.from(values),
  });
  const beat: Stimulus = { kind: 'beat', from: 'link' };
  const many = Array.from({ length: 300 }, (_, n) => scan(n));
  const wakes = [
    { atUs: 0, inbox: [scan(1, 2), scan(3, 4), beat, scan(5)] },
    { atUs: 10, inbox: [] },
    { atUs: 20, inbox: [beat, beat] },
    { atUs: 30, inbox: [scan(6, 7), ...many] },
  ];
  const message = fromBinary(StimulusSegmentSchema, encode({ firstInput: 1, wakes }));
  assert.deepEqual([...message.wakeInputs], [4, 0, 2, 0x80 | (301 & 0x7f), 301 >> 7]);
  const runs = [1, 2, 0, 1, 2, 1, 0, 2, 1, 1, 2, 0x80 | (300 & 0x7f), 300 >> 7];
  assert.deepEqual([...message.kinds], runs);
  assert.deepEqual(
    message.percepts.map(({ channel, rows }) => [channel, rows]),
    [
      ['scan', 3],
      ['scan', 301],
    ],
  );
  assert.deepEqual(message.othersJson, [encodeState(beat), encodeState(beat), encodeState(beat)]);
  message.kinds = Uint8Array.from([0, 1, ...runs.slice(0, 2), ...runs.slice(4)]);
  const [first] = decodeSegment(toBinary(StimulusSegmentSchema, message)).wakes;
  assert.deepEqual(first?.inbox, [beat, scan(1, 2), scan(3, 4), scan(5)], 'other kinds are another order');
});

test('[R26] short stimuli that look alike and come back in any order are told apart, within a segment and across them', () => {
  const signal = (letter: string): Stimulus => ({ kind: 'signal', name: letter, value: 1 });
  const letters = [...'aabacadaeafagbbaccaggfedcba'];
  for (let from = 0; from < letters.length; from += 9) {
    const wakes = [{ atUs: from, inbox: letters.slice(from, from + 9).map(signal) }];
    assert.deepEqual(decodeSegment(encode({ firstInput: 1, wakes })).wakes, wakes);
  }
});

test('[R24] a column that ends within a number is refused, also where the numbers before it would make whole rows', () => {
  const values = Int32Array.of(1);
  const percept: Stimulus = { kind: 'percept', channel: 'c', values };
  const message = fromBinary(StimulusSegmentSchema, encode({ firstInput: 1, wakes: [{ atUs: 0, inbox: [percept] }] }));
  const [rows] = message.percepts;
  assert.ok(rows !== undefined && rows.columns.length === 1);
  for (const columns of [Uint8Array.of(0x80), Uint8Array.of(2, 0x80), Uint8Array.of(2, 0x80, 0x80)]) {
    rows.columns = columns;
    assert.throws(() => decodeSegment(toBinary(StimulusSegmentSchema, message)), MalformedBytesError, `${columns}`);
  }
});

test('[R20] a steady reflex loop costs a few bytes a wake', () => {
  const wakes = Array.from({ length: 1000 }, (_, n) => ({
    atUs: n * 10_000 + (n % 3),
    inbox: [{ kind: 'percept' as const, channel: 'motion', values: Int32Array.of(n, 600, 7, 7, 7, 7, 7, 7, 7, n % 5) }],
  }));
  const bytes = encode({ firstInput: 1, wakes }).length;
  assert.ok(bytes < 12.5 * 1000, `${bytes} bytes for 1,000 wakes of ten counts`);
});

test('[L4] bytes that are no segment are refused by name, never misread and never without end', () => {
  const whole = encode({
    firstInput: 9,
    wakes: [
      { atUs: 1, inbox: [{ kind: 'percept', channel: 'c', values: Int32Array.of(1, 2, 3) }] },
      { atUs: 2, inbox: [{ kind: 'beat', from: 'link' }] },
    ],
  });
  fc.assert(
    fc.property(fc.nat({ max: whole.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
      const bytes = whole.slice();
      bytes[at] = byte;
      try {
        decodeSegment(bytes);
      } catch (error) {
        assert.ok(error instanceof MalformedBytesError, String(error));
      }
    }),
    { ...RUNS, numRuns: 2000 },
  );
  for (let length = 1; length < whole.length; length++) {
    assert.throws(() => decodeSegment(whole.subarray(0, length)), MalformedBytesError, `cut to ${length} bytes`);
  }
});
