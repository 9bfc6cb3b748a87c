import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { MailboxWatch, MailboxWriter, mailboxMemory } from './mailbox.ts';

interface Told {
  readonly n: number;
  readonly bytes: Uint8Array;
}

test('[L8] messages of any length pass a ring of any size, each whole, once and in order, whoever is quicker', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const someTime = fc.record({ post: fc.array(fc.nat({ max: 400 }), { maxLength: 4 }), passMs: fc.nat({ max: 7 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(64, 256, 4_096),
      // Counters pass their greatest number, and 2^32.
      fc.constantFrom(0, 0x7fff_ff00, -256),
      fc.array(someTime, { minLength: 1, maxLength: 12 }),
      async (size, from, times) => {
        const memory = mailboxMemory(size);
        new Int32Array(memory, 0, 2).fill(from);
        const writer = new MailboxWriter<Told>(memory);
        const heard: Told[] = [];
        const watch = new MailboxWatch<Told>(
          memory,
          (message) => void heard.push(message),
          () => 3,
        );
        const posted: Told[] = [];
        for (const { post, passMs } of times) {
          for (const length of post) {
            const message = { n: posted.length, bytes: new Uint8Array(length).fill(posted.length) };
            posted.push(message);
            writer.post(message);
          }
          t.mock.timers.tick(passMs);
        }
        let sent = false;
        void writer.sent().then(() => {
          sent = true;
        });
        for (let turn = 0; turn < 5_000 && !sent; turn++) {
          t.mock.timers.tick(1);
          await Promise.resolve();
        }
        assert.ok(sent);
        watch.close();
        assert.deepEqual(heard, posted);
      },
    ),
    { seed: 12, numRuns: 60 },
  );
});

test('what is posted is as it was then, and what was heard keeps no memory of others', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const memory = mailboxMemory();
  const writer = new MailboxWriter<Told>(memory);
  const bytes = new Uint8Array([1, 2, 3]);
  writer.post({ n: 1, bytes: bytes.subarray(1) });
  bytes.fill(9);
  writer.post({ n: 2, bytes: new Uint8Array(100_000) });
  const heard: Told[] = [];
  new MailboxWatch<Told>(
    memory,
    (message) => void heard.push(message),
    () => 3,
  ).close();
  assert.deepEqual([...(heard[0]?.bytes ?? [])], [2, 3]);
  assert.ok((heard[0]?.bytes.buffer.byteLength ?? 0) < 200);
});

test('of a thread that ends everything is heard that it posted before', async () => {
  const memory = mailboxMemory(16_384);
  const module = new URL('./mailbox.ts', import.meta.url).href;
  const source = `import(${JSON.stringify(module)}).then(async ({ MailboxWriter }) => {
    const writer = new MailboxWriter(require('node:worker_threads').workerData);
    for (let n = 0; n < 2_000; n++) writer.post({ n, bytes: new Uint8Array(n % 300) });
    await writer.sent();
  })`;
  const worker = new Worker(source, {
    eval: true,
    workerData: memory,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const heard: number[] = [];
  const watch = new MailboxWatch<Told>(
    memory,
    ({ n, bytes }) => void heard.push(bytes.length === n % 300 ? n : Number.NaN),
    () => 0,
  );
  await once(worker, 'exit');
  watch.close();
  assert.deepEqual(
    heard,
    Array.from({ length: 2_000 }, (_, n) => n),
  );
});

test('a ring is a power of two, and long enough for a message to begin', () => {
  for (const bytes of [0, 32, 1_000]) assert.throws(() => mailboxMemory(bytes), /is no power of two from 64 on/);
});
