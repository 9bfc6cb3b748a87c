import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { draw } from '@sigma/kernel';
import type { SealedBlock } from '../../src/index.ts';
import { testChain } from '../../testing/chains.ts';
import { blocksAnywhere, LANDING_BYTES, Landing, LandingReader, landedBytes } from './landing.ts';
import { sha256 } from './sha256.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-landing-records-'));
after(() => rmSync(home, { recursive: true }));
const database = join(home, 'database');
writeFileSync(database, '', { mode: 0o640 });

let files = 0;
function open(
  life: number,
  path = join(home, `${++files}-landing`),
): { readonly path: string; readonly landing: Landing } {
  const landing = Landing.layOut(path, database, life);
  assert.ok(landing !== null);
  return { path, landing };
}

function chain(): (count: number, padding?: number) => SealedBlock {
  const source = testChain('r01', sha256);
  let first: SealedBlock | null = source.begin();
  return (count, padding) => {
    const block = first ?? source.notes(count, padding);
    first = null;
    return block;
  };
}

const sequences = (blocks: readonly SealedBlock[]): readonly number[] =>
  blocks.map(({ firstSequence }) => firstSequence);

test('[R137] records stand in the file as the rule says, in a file with the rights of the database', () => {
  const { path, landing } = open(7);
  assert.equal(statSync(path).mode & 0o777, 0o640);
  assert.equal(statSync(path).size, LANDING_BYTES);
  const next = chain();
  const commits = [[next(1)], [next(3), next(2, 9000)], [next(1)]];
  for (const blocks of commits) landing.write(blocks);
  landing.close();
  const bytes = readFileSync(path);
  let at = 0;
  for (const [number, blocks] of commits.entries()) {
    const body = Buffer.concat(
      blocks.flatMap((block) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(block.bytes.length);
        return [length, Buffer.from(block.bytes)];
      }),
    );
    const header = [bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12)];
    assert.deepEqual(header, [body.length, 7, 1]);
    assert.equal(bytes.readUInt32LE(at + 16), number);
    assert.deepEqual(bytes.subarray(at + 20, at + 20 + body.length), body);
    assert.equal(bytes.readUInt32LE(at), crc32(bytes.subarray(at + 4, at + 20 + body.length)));
    const takes = Math.ceil((20 + body.length) / 8) * 8;
    assert.equal(landedBytes(blocks), takes);
    at += takes;
  }
  assert.ok(bytes.subarray(at).every((byte) => byte === 0));
});

test('[R137] a record of no block is none, with whatever CRC: what has landed ends before it', () => {
  const { path, landing } = open(1);
  const next = chain();
  for (let k = 0; k < 2; k++) landing.write([next(1)]);
  landing.close();
  const records = readFileSync(path);
  assert.deepEqual(sequences(new LandingReader(path).blocks()), [1, 2]);
  const empty = Buffer.concat([records.subarray(0, 20), Buffer.alloc(4)]);
  empty.writeUInt32LE(0, 4);
  empty.writeUInt32LE(crc32(empty.subarray(4, 20)), 0);
  const second = landedBytes([chain()(1)]);
  writeFileSync(path, Buffer.concat([empty, records.subarray(second)]));
  assert.deepEqual(sequences(new LandingReader(path).blocks()), []);
});

test('[R137] it says when the next commit has no room, to the byte', () => {
  const { path, landing } = open(1);
  const next = chain();
  const first = landedBytes([next(1)]);
  const block = next(1, 60_000);
  const large = landedBytes([block]);
  let filled = 0;
  for (; landing.fits(large); filled += large) landing.write([block]);
  assert.ok(filled <= LANDING_BYTES && filled + large > LANDING_BYTES);
  assert.equal(landing.fits(LANDING_BYTES - filled), true);
  assert.equal(landing.fits(LANDING_BYTES - filled + 1), false);
  assert.equal(new LandingReader(path).blocks().length, filled / large, 'to the last that fits');
  landing.clear();
  assert.equal(landing.fits(LANDING_BYTES), true);
  landing.write([block]);
  assert.equal(new LandingReader(path).blocks().length, 1);
  assert.ok(first < large);
  landing.close();
  assert.equal(statSync(path).size, LANDING_BYTES);
});

test('[R138] a reader follows from round to round and from life to life', () => {
  const path = join(home, 'followed-landing');
  const reader = new LandingReader(path);
  assert.deepEqual(reader.blocks(), [], 'before there is a landing');
  const next = chain();
  // The second life has as many rounds as the first when the reader looks, and fewer records.
  for (const [life, rounds] of [
    [1, 1],
    [2, 1],
    [3, 3],
    [4, 3],
  ] as const) {
    const { landing } = open(life, path);
    for (let round = 0; round < rounds; round++) {
      const landed: SealedBlock[] = [];
      // Fewer each round, so that records of the round before stand behind those of this one, in step with them.
      for (let n = 0; n < 6 - round - (life % 2 === 0 ? 2 : 0); n++) {
        const block = next(1);
        landing.write([block]);
        landed.push(block);
        assert.deepEqual(sequences(reader.blocks()), sequences(landed), `life ${life}, round ${round}`);
        assert.deepEqual(sequences(new LandingReader(path).blocks()), sequences(landed));
      }
      landing.clear();
    }
    landing.close();
  }
  rmSync(path);
  assert.deepEqual(reader.blocks(), [], 'when the landing is gone');
});

test('[R137] [L4] of a landing that is cut short or overwritten anywhere, what is read is what was written, from the first on', () => {
  const { path, landing } = open(3);
  const next = chain();
  const written = Array.from({ length: 40 }, () => next(1, 100));
  for (const block of written) landing.write([block]);
  landing.close();
  const whole = readFileSync(path);
  const end = written.reduce((sum, block) => sum + landedBytes([block]), 0);
  assert.equal(blocksAnywhere(path).length, 40);
  const all = new Set(written.map(({ hash }) => Buffer.from(hash).toString('hex')));
  for (let n = 0; n < 160; n++) {
    const chance = (k: number, of: number): number => draw(n, 1, 0, 17, k) % of;
    const damaged = Buffer.from(whole);
    const at = chance(0, end);
    if (n % 4 === 0) truncateSync(path, at);
    else {
      // Lengths and numbers of any size, and the largest there are.
      const value = n % 4 === 1 ? 0xffffffff : n % 4 === 2 ? 0 : draw(n, 2, 0, 17, 0);
      damaged.writeUInt32LE(value >>> 0, Math.min(n % 8 < 4 ? at : at - (at % 4), damaged.length - 4));
      writeFileSync(path, damaged);
    }
    const read = new LandingReader(path).blocks();
    assert.deepEqual(sequences(read), sequences(written.slice(0, read.length)), `damage ${n} at ${at}`);
    assert.ok(read.length >= Math.floor((at / end) * 40) - 2, 'all before the damage');
    for (const { hash } of blocksAnywhere(path)) assert.ok(all.has(Buffer.from(hash).toString('hex')));
    writeFileSync(path, whole);
  }
});

test('[R137] a record that says of itself what cannot be is no record, though its CRC be right', () => {
  const { path, landing } = open(1);
  landing.close();
  const cases: readonly (readonly [string, Buffer])[] = [
    ['a block that ends behind the record', Buffer.from([200, 0, 0, 0, 1, 2, 3, 4])],
    ['a length that is cut short', Buffer.from([1, 0])],
    ['bytes that are no block', Buffer.from([4, 0, 0, 0, 255, 255, 255, 255])],
  ];
  for (const [what, body] of cases) {
    const record = Buffer.concat([Buffer.alloc(20), body]);
    record.writeUInt32LE(body.length, 4);
    record.writeUInt32LE(1, 8);
    record.writeUInt32LE(1, 12);
    record.writeUInt32LE(crc32(record.subarray(4)), 0);
    const file = Buffer.alloc(LANDING_BYTES);
    record.copy(file);
    writeFileSync(path, file);
    assert.deepEqual(new LandingReader(path).blocks(), [], what);
    assert.deepEqual(blocksAnywhere(path), [], what);
  }
  assert.throws(() => new LandingReader(join(database, 'landing')).blocks(), { code: 'ENOTDIR' });
});
