import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { verify } from '../src/index.ts';
import { sha256 } from '../stores/sqlite/sqlite-store.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { tramDay } from '../testing/tram-day.ts';
import { archiveRecording } from './archive-recording.ts';
import { ColdArchive } from './cold-archive.ts';
import { ArchiveDamageError } from './manifest.ts';
import { NO_BOUNDS } from './query/bounds.ts';
import { queryEvents } from './query/query.ts';
import { parseRetention, RetentionError, retentionOf } from './retention.ts';
import { MemoryObjects } from './testing/faulty-store.ts';
import { checkTree, thinArchive } from './thin.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-thin-'));
after(() => rmSync(home, { recursive: true }));
const DAY_US = 86_400e6;
const BEGAN_US = 1_700_000_000_000_000;
const KEEP = parseRetention('{"*": {"hotDays": 3, "coldDays": {"stimulus": 30, "decision": 365, "safety": null}}}');

async function archived() {
  const recording = new MemoryStore();
  await recording.append(tramDay({ seed: 5, wakes: 120, sha256 }).blocks);
  const store = new MemoryObjects();
  await archiveRecording(recording, store, { sha256, mostEvents: 60 });
  return { recording, store };
}

let n = 0;
const options = () => ({ cacheDir: join(home, `cache-${n++}`) });
const thinAfter = (store: MemoryObjects, days: number) =>
  thinArchive(store, KEEP, BEGAN_US + days * DAY_US, sha256, options());

async function counts(store: MemoryObjects): Promise<Record<string, readonly [number, number]>> {
  const cold = await ColdArchive.open(store, options());
  const answer = await queryEvents(
    'SELECT class, count(*), count(body) FROM events GROUP BY 1',
    { hot: [], cold: [cold], files: [] },
    {
      only: NO_BOUNDS,
      limits: { timeoutMs: 20_000, memoryMb: 200, rows: 100 },
    },
  );
  const found: Record<string, readonly [number, number]> = {};
  for await (const [name, all, said] of answer.rows) found[String(name)] = [all as number, said as number];
  await cold.close();
  return found;
}

describe('retention', () => {
  test('[R170] takes payloads of a class when its time is over, and leaves the tree, every place and all else', async () => {
    const { recording, store } = await archived();
    assert.deepEqual(await thinAfter(store, 29), []);
    const before = await counts(store);
    assert.ok((await thinAfter(store, 32)).length > 1);
    assert.deepEqual(await counts(store), before, 'a stimulus has no body to lose');
    assert.ok((await thinAfter(store, 400)).length > 1);
    assert.deepEqual(await thinAfter(store, 500), [], 'once');
    const later = await counts(store);
    assert.deepEqual(later['decision'], [before['decision']?.[0], 0]);
    assert.deepEqual(later['safety'], before['safety']);
    assert.ok((before['safety']?.[1] ?? 0) > 0 && (before['decision']?.[1] ?? 0) > 0);

    const cold = await ColdArchive.open(store, options());
    const [chain] = cold.chains;
    assert.ok(chain !== undefined);
    await checkTree(cold, chain, sha256);
    let [kept, gone] = [0, 0];
    for await (const { envelope } of cold.leaves(chain, chain.objects, sha256)) envelope === null ? gone++ : kept++;
    assert.equal(kept + gone, (await recording.heads())[0]?.sequence);
    assert.ok(kept > 0 && gone > 0);
    const report = await verify(cold, { sha256, reexecutors: {} });
    assert.match(report.firstFailure?.message ?? '', /was thinned by retention \(stimulus, decision\)/);
    await cold.close();
    const text = [...store.objects.keys()].filter((key) => key.endsWith('.blocks.parquet'));
    assert.deepEqual(text, [], 'nothing of the old files is left');
  });

  test('[R170][L4] what was thinned and then altered does not lead to the tree any more', async () => {
    const { store } = await archived();
    const cold = await ColdArchive.open(store, options());
    const [chain] = cold.chains;
    assert.ok(chain !== undefined);
    await checkTree(cold, chain, sha256);
    const twisted = { ...chain, peaks: [...chain.peaks].reverse() };
    await assert.rejects(checkTree(cold, twisted, sha256), ArchiveDamageError);
    await assert.rejects(checkTree(cold, { ...chain, objects: chain.objects.slice(1) }, sha256), ArchiveDamageError);
    await cold.close();
  });

  test('[R171][L3] interrupted at any call, every event is still there, thinned or whole, and the next run ends it', async () => {
    const calm = await archived();
    calm.store.calls = 0;
    await thinAfter(calm.store, 32);
    const calls = calm.store.calls;
    for (let at = 1; at <= calls; at += 2) {
      const { store } = await archived();
      store.calls = 0;
      store.fail = (call) => {
        if (call === at) throw new Error('killed');
      };
      await assert.rejects(thinAfter(store, 32), /killed/);
      store.fail = () => {};
      const cold = await ColdArchive.open(store, options());
      for (const chain of cold.chains) await checkTree(cold, chain, sha256);
      await cold.close();
      await thinAfter(store, 32);
    }
  });

  test('[R170] is data, and says what is wrong with it', () => {
    assert.deepEqual(retentionOf(KEEP, 'anyone').hotDays, 3);
    assert.deepEqual(retentionOf(parseRetention('{}'), 'acme'), { hotDays: null, coldDays: {}, importDays: null });
    for (const [text, what] of [
      ['{"*": {"coldDays": {"safety": 30}}}', /safety is kept for ever/],
      ['{"*": {"coldDays": {"stimuli": 30}}}', /'stimuli' is no class/],
      ['{"*": {"coldDays": {"stimulus": -1}}}', /whole number of days/],
      ['{"acme": {"hot": 3}}', /acme: 'hot' is none of hotDays, coldDays, importDays/],
      ['{"acme": {"importDays": 1.5}}', /importDays is neither a whole number/],
      ['[]', /no object/],
      ['nonsense', /no JSON/],
    ] as const) {
      assert.throws(
        () => parseRetention(text),
        (error) => error instanceof RetentionError && what.test(error.message),
        text,
      );
    }
  });
});
