import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pack, unpack } from 'fdb-tuple';
import * as keys from './keys.ts';
import { behind } from './transaction.ts';

const hex = (bytes: Buffer): string => bytes.toString('hex');
const text = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('hex');

test('[R109] the tuple encoding gives the test cases of its specification', () => {
  // https://github.com/apple/foundationdb/blob/main/design/tuple.md, "Test case" of each type.
  assert.equal(hex(pack([Buffer.from('foo\0bar')])), text('\x01foo\x00\xffbar\x00'));
  assert.equal(hex(pack(['F\u00d4O\u0000bar'])), text('\x02F\xc3\x94O\x00\xffbar\x00'));
  assert.equal(
    hex(pack([[Buffer.from('foo\0bar'), null, []]])),
    text('\x05\x01foo\x00\xffbar\x00\x00\xff\x05\x00\x00'),
  );
  assert.equal(hex(pack([-5551212])), text('\x11\xabK\x93'));
  assert.equal(hex(pack([{ type: 'float', value: -42 }])), text('\x20\x3d\xd7\xff\xff'));
  assert.equal(hex(pack([0])), '14');
  assert.equal(hex(pack([-1])), '13fe');
  assert.equal(hex(pack([false, true, null])), '262700');
  assert.equal(
    hex(pack([{ type: 'versionstamp', value: Buffer.from('000102030405060708090a0b', 'hex') }])),
    '33000102030405060708090a0b',
  );
});

test('[R109] it gives the golden bytes of the Go binding', () => {
  // bindings/go/src/fdb/tuple/testdata/tuples.golden, cases Simple and UUIDs.
  const uuid = { type: 'uuid', value: Buffer.from('1100aabbccddeeff1100aabbccddeeff', 'hex') } as const;
  const bytes = '301100aabbccddeeff1100aabbccddeeff';
  assert.equal(hex(pack([uuid, 'foobarbaz', 1234, null])), `${bytes}02666f6f62617262617a001604d200`);
  assert.equal(
    hex(pack([uuid, true, uuid, false, uuid, true, uuid, false, uuid, true])),
    `${bytes}27${bytes}26${bytes}27${bytes}26${bytes}27`,
  );
});

test('[R109] keys sort as what they hold, and a range ends right behind its last key', () => {
  const number = fc.oneof(fc.nat(300), fc.maxSafeNat());
  const prefix = Buffer.from('15ff', 'hex');
  fc.assert(
    fc.property(number, number, number, number, (epoch, first, otherEpoch, other) => {
      const order = Math.sign(epoch - otherEpoch || first - other);
      const [a, b] = [keys.blockKey(prefix, epoch, first), keys.blockKey(prefix, otherEpoch, other)];
      assert.equal(Buffer.compare(a, b), order);
      const [begin, end] = keys.blockRange(prefix, epoch, Math.min(first, other), Math.max(first, other));
      for (const at of [first, other]) {
        const key = keys.blockKey(prefix, epoch, at);
        assert.ok(Buffer.compare(begin, key) <= 0 && Buffer.compare(key, end) < 0);
      }
      const next = Math.min(Math.max(first, other) + 1, Number.MAX_SAFE_INTEGER);
      if (next > Math.max(first, other)) assert.ok(Buffer.compare(keys.blockKey(prefix, epoch, next), end) >= 0);
      assert.equal(keys.firstOfBlockKey(prefix, a), first);
    }),
    { seed: 5, numRuns: 2000 },
  );
  assert.equal(hex(behind(Buffer.from('15ffff', 'hex'))), '16');
  assert.throws(() => behind(Buffer.from('ffff', 'hex')), RangeError);
});

test('[R109] the key of a version is a tuple with a versionstamp, so that any binding can read it', () => {
  const prefix = Buffer.from([0x15, 7]);
  const stamp = Buffer.from('00000000000004000001', 'hex');
  const key = Buffer.concat([keys.versionPrefix(prefix), stamp, keys.orderBytes(513)]);
  assert.deepEqual(unpack(key.subarray(prefix.length)), [
    'v',
    { type: 'versionstamp', value: Buffer.from('000000000000040000010201', 'hex') },
  ]);
  assert.equal(keys.versionOfKey(key), '000000000000040000010201');
  const [begin, end] = keys.versionsAfter(prefix, keys.versionOfKey(key));
  const later = Buffer.concat([keys.versionPrefix(prefix), stamp, keys.orderBytes(514)]);
  assert.ok(Buffer.compare(key, begin) < 0 && Buffer.compare(begin, later) < 0 && Buffer.compare(later, end) < 0);
});
