import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { verify } from '../../src/index.ts';
import { sha256 } from '../../stores/sqlite/sqlite-store.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { importCloudEvents } from './import-cloud-events.ts';
import { importMcap, NotMcapError } from './import-mcap.ts';
import type { ImportOptions, ImportResult } from './timeline.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-import-fuzz-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Imports into memory; what comes out must be a recording that verifies and is marked. */
async function soundly(run: (options: ImportOptions) => Promise<ImportResult>): Promise<ImportResult> {
  const store = new MemoryStore();
  const result = await run({ store, tenant: 'acme', file: 'f', importedUs: 1_700_000_000_000_000, sha256 });
  const heads = await store.heads();
  assert.equal(heads.length, result.chains);
  assert.ok(heads.every(({ source }) => source.startsWith('imported.')));
  const report = await verify(store, { sha256, reexecutors: {} });
  assert.deepEqual(
    report.chains.flatMap(({ stretches }) => stretches.filter(({ result: kind }) => kind !== 'chain-only')),
    [],
  );
  return result;
}

const text = fc.string({ unit: 'binary', maxLength: 12 });
const hostile = fc.oneof(
  text,
  fc.constantFrom(
    'sigma://a/%zz',
    'sigma://a/b',
    '\ud800',
    '1.0',
    'sigma.decision.v1',
    '!!',
    '-1',
    '99999999999999999',
  ),
);
const event = fc.record(
  {
    specversion: fc.oneof({ weight: 9, arbitrary: fc.constant('1.0') }, { weight: 1, arbitrary: fc.jsonValue() }),
    id: hostile,
    source: hostile,
    type: hostile,
    subject: fc.oneof(hostile, fc.jsonValue()),
    time: fc.oneof(
      fc.constantFrom('2026-01-01T00:00:00Z', '2026-13-45T99:00:00Z', '0001-01-01T00:00:00Z'),
      fc.jsonValue(),
    ),
    atus: hostile,
    datacontenttype: fc.constantFrom('application/protobuf', 'application/json'),
    data_base64: hostile,
    data: fc.jsonValue(),
  },
  { requiredKeys: ['specversion', 'id', 'source', 'type'] },
);

test('[R188] whatever stands in a file of CloudEvents, what is taken is a sound recording, and every line is taken or named', async () => {
  const path = join(folder, 'events.jsonl');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(event, fc.jsonValue()), { maxLength: 12 }), async (values) => {
      writeFileSync(path, values.map((value) => JSON.stringify(value)).join('\n'));
      const { events, bad } = await soundly((options) => importCloudEvents(path, options));
      assert.equal(events + bad.length, values.length);
    }),
    { seed: 6, numRuns: 150 },
  );
});

test('whatever bytes follow the first of an MCAP file, it is refused, or taken as far as it can be read', async () => {
  const path = join(folder, 'x.mcap');
  const magic = [0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a];
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      writeFileSync(path, Uint8Array.of(...magic, ...bytes));
      try {
        const { bad } = await soundly((options) => importMcap(path, 'x', options));
        assert.equal(bad.length, 1, 'it cannot be whole');
      } catch (error) {
        if (!(error instanceof NotMcapError)) throw error;
      }
    }),
    { seed: 6, numRuns: 100 },
  );
});
