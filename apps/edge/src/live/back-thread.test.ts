import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { BackThread } from './back-thread.ts';

const folder = mkdtempSync(join(tmpdir(), 'sigma-back-thread-'));
after(() => rmSync(folder, { recursive: true }));

test('what a thread told before it broke is heard before it is said that it did, and nothing behind that', async () => {
  const path = join(folder, 'breaks.mjs');
  const mailbox = import.meta.resolve('@sigma/bus/mailbox');
  writeFileSync(
    path,
    `import { workerData } from 'node:worker_threads';
    import { MailboxWriter } from ${JSON.stringify(mailbox)};
    const told = new MailboxWriter(workerData.told);
    for (let n = 0; n < 3; n++) told.post({ type: 'told', n });
    throw new Error('it broke');`,
  );
  const seen: unknown[] = [];
  const broke = Promise.withResolvers<void>();
  const thread = new BackThread<{ readonly type: 'never' }, { readonly type: 'told'; readonly n: number }>({
    module: pathToFileURL(path),
    data: null,
    // Longer than this test: but for the end nobody looks.
    lookMs: 3_600_000,
    heard: ({ n }) => void seen.push(n),
    failed: ({ message }) => {
      seen.push(message);
      broke.resolve();
    },
  });
  thread.begin();
  await broke.promise;
  assert.deepEqual(seen, [0, 1, 2, 'it broke']);
  assert.equal(thread.runs, false);
  await thread.close();
});
