import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { SpoolFile } from './spool-file.ts';
import { SpooledLines } from './spooled-lines.ts';

/** A reader that takes a piece when it is told to. */
class SlowReader extends Writable {
  readonly #pieces: Buffer[] = [];
  #waiting: (() => void) | null = null;

  constructor() {
    super({ highWaterMark: 64 });
  }

  override _write(bytes: Buffer, _encoding: string, taken: () => void): void {
    this.#waiting = () => {
      this.#pieces.push(Buffer.from(bytes));
      taken();
    };
  }

  /** Takes one piece. @returns false when there is none */
  async take(): Promise<boolean> {
    const taken = this.#waiting;
    this.#waiting = null;
    taken?.();
    await new Promise((next) => setImmediate(next));
    return taken !== null;
  }

  async takeAll(): Promise<void> {
    while (await this.take());
  }

  get text(): string {
    return Buffer.concat(this.#pieces).toString();
  }

  get lines(): readonly string[] {
    return this.text.trimEnd().split('\n');
  }
}

const limits = { memoryBytes: 256, spoolBytes: 40_000 };
/** Of many lengths: a short line must not slip past a long one that had to wait. */
const numbered = (n: number): string => `{"type":"test","n":${n},"padding":"${'x'.repeat((n * 37) % 90)}"}`;

test('[L8] [R189] a reader that stops and goes on again is given every line, in order, from memory and from disk', async () => {
  const reader = new SlowReader();
  const lines = new SpooledLines(reader, limits);
  for (let n = 0; n < 300; n++) lines.line(numbered(n), 'test');
  assert.equal(reader.text, '', 'nothing was taken, and nobody waited');
  assert.ok(reader.writableLength <= limits.memoryBytes, `${reader.writableLength} bytes in memory`);
  await reader.take();
  for (let n = 300; n < 320; n++) lines.line(numbered(n), 'test');
  const ended = lines.end(10_000);
  await reader.takeAll();
  assert.equal(await ended, 0);
  assert.deepEqual(
    reader.lines,
    Array.from({ length: 320 }, (_, n) => numbered(n)),
  );
});

test('[L8] [R189] what neither memory nor disk has room for is dropped, and one line in its place says how much of what', async () => {
  const reader = new SlowReader();
  const lines = new SpooledLines(reader, { memoryBytes: 256, spoolBytes: 1_000 });
  for (let n = 0; n < 100; n++) lines.line(numbered(n), n % 10 === 0 ? 'tenth' : 'test');
  await reader.takeAll();
  for (let n = 100; n < 105; n++) lines.line(numbered(n), 'test');
  const ended = lines.end(10_000);
  await reader.takeAll();
  await ended;
  const told = reader.lines.map(
    (line) => JSON.parse(line) as { type: string; n: number; dropped: number; types: object },
  );
  const gap = told.findIndex(({ type }) => type === 'sigma.events.gap');
  assert.ok(gap > 0);
  const { dropped, types } = told[gap] as (typeof told)[number];
  assert.deepEqual(
    told.map(({ n }) => n),
    [...Array.from({ length: gap }, (_, n) => n), undefined, 100, 101, 102, 103, 104],
  );
  assert.equal(gap + dropped, 100, 'what came and what is named as dropped is all');
  assert.deepEqual(types, {
    test: Array.from({ length: 100 }, (_, n) => n).filter((n) => n >= gap && n % 10 !== 0).length,
    tenth: Array.from({ length: 100 }, (_, n) => n).filter((n) => n >= gap && n % 10 === 0).length,
  });
});

test('what was dropped at the very end is told as well', async () => {
  const reader = new SlowReader();
  const lines = new SpooledLines(reader, { memoryBytes: 100, spoolBytes: 100 });
  for (let n = 0; n < 20; n++) lines.line(numbered(n), 'test');
  const ended = lines.end(10_000);
  await reader.takeAll();
  assert.equal(await ended, 0);
  assert.match(reader.lines.at(-1) ?? '', /sigma\.events\.gap/);
});

test('a reader that never reads is left after the time it is given, and what it left is counted', async () => {
  const reader = new SlowReader();
  const lines = new SpooledLines(reader, limits);
  for (let n = 0; n < 50; n++) lines.line(numbered(n), 'test');
  const left = await lines.end(1);
  assert.equal(
    left,
    Array.from({ length: 50 }, (_, n) => numbered(n).length + 1).reduce((sum, one) => sum + one, 0),
  );
  assert.ok(reader.destroyed);
});

test('a reader that goes away costs nothing more', async () => {
  const reader = new SlowReader();
  const lines = new SpooledLines(reader, limits);
  for (let n = 0; n < 100; n++) lines.line(numbered(n), 'test');
  reader.destroy(new Error('EPIPE'));
  await new Promise((next) => setImmediate(next));
  assert.equal(lines.open, false);
  lines.line(numbered(100), 'test');
  assert.equal(await lines.end(10_000), 0);
});

test('a spool gives back what was put in, whatever the sizes, and never holds more than it may', () => {
  const step = fc.oneof(
    fc.record({ push: fc.uint8Array({ maxLength: 40 }) }),
    fc.record({ take: fc.integer({ min: 0, max: 60 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const spool = new SpoolFile(97);
      try {
        let held: number[] = [];
        for (const one of steps) {
          if ('push' in one) {
            const fits = held.length + one.push.length <= 97;
            assert.equal(spool.push(one.push), fits);
            if (fits) held.push(...one.push);
          } else {
            const taken = [...spool.take(one.take)];
            assert.deepEqual(taken, held.slice(0, taken.length));
            assert.ok(taken.length > 0 || one.take === 0 || held.length === 0);
            held = held.slice(taken.length);
          }
          assert.equal(spool.length, held.length);
        }
      } finally {
        spool.close();
      }
    }),
    { seed: 6, numRuns: 200 },
  );
});
