import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { agentReexecutor, type Recording, siteHead, verify } from '../src/index.ts';
import { sha256 } from '../stores/sqlite/sqlite-store.ts';
import { testChain } from '../testing/chains.ts';
import { chainWithGap } from '../testing/dropped-blocks.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { tramModel } from '../testing/tram.ts';
import { tramDay } from '../testing/tram-day.ts';
import { type ArchiveOptions, archiveRecording } from './archive-recording.ts';
import { ColdArchive } from './cold-archive.ts';
import { ArchiveDamageError, readManifest } from './manifest.ts';
import { NO_BOUNDS } from './query/bounds.ts';
import { queryEvents } from './query/query.ts';
import { releasable } from './release.ts';
import { RestoreDiffersError, restoreRecording } from './restore.ts';
import { parseRetention } from './retention.ts';
import { fullFrom, MemoryObjects } from './testing/faulty-store.ts';
import { checkTree, thinArchive } from './thin.ts';
import { tieredRecording } from './tiered-recording.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-archive-test-'));
after(() => rmSync(home, { recursive: true }));

const reexecutors = { tram: () => agentReexecutor(tramModel()) };
const headOf = async (recording: Recording): Promise<string> => siteHead(await recording.heads(), sha256);
const put = (recording: Recording, store: MemoryObjects, more: Partial<ArchiveOptions> = {}) =>
  archiveRecording(recording, store, { sha256, mostEvents: 60, ...more });

async function withCold<T>(store: MemoryObjects, use: (cold: ColdArchive) => Promise<T>): Promise<T> {
  const cold = await ColdArchive.open(store, {
    cacheDir: join(home, 'cache', String(Math.floor(performance.now() * 1e3))),
  });
  try {
    return await use(cold);
  } finally {
    await cold.close();
  }
}

/** Two trams and a source without a model, of one tenant, and one of another. */
async function site(wakes = 80): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const [seed, source] of ['tram-1', 'tram/2 é'].entries()) {
    await store.append(tramDay({ source, seed, wakes, sha256 }).blocks);
  }
  const other = testChain('..', sha256, { tenant: 'globex' });
  await store.append([other.begin(), other.notes(5), other.notes(3, 1000)]);
  return store;
}

const objectKeys = (store: MemoryObjects): string[] =>
  [...store.objects.keys()].filter((key) => key.endsWith('.blocks.parquet'));

describe('an archived recording', () => {
  test('[R160][R166] comes back byte for byte, with the head it had', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    const report = await put(recording, store);
    assert.equal(
      report.events,
      (await recording.heads()).reduce((sum, { sequence }) => sum + sequence, 0),
    );
    assert.ok(report.written.length > 3, 'a chain of more than one object');
    await withCold(store, async (cold) => {
      const back = new MemoryStore();
      const { head } = await restoreRecording(cold, back, sha256);
      assert.equal(head, await headOf(recording));
      const byPlace = (store: MemoryStore) =>
        store.rows
          .map(({ tenant, source, firstSequence, bytes, snapshots }) => ({
            tenant,
            source,
            firstSequence,
            bytes,
            snapshots,
          }))
          .sort((a, b) =>
            a.tenant + a.source < b.tenant + b.source
              ? -1
              : a.tenant + a.source > b.tenant + b.source
                ? 1
                : a.firstSequence - b.firstSequence,
          );
      assert.deepEqual(byPlace(back), byPlace(recording));
    });
  });

  test('[R127] with a gap in it is archived, grows, answers, thins nothing, and comes back as it was', async () => {
    const blocks = chainWithGap('r1', sha256);
    const recording = new MemoryStore();
    const store = new MemoryObjects();
    // Once up to the gap, once up to behind it, once to the end.
    for (const [from, to] of [
      [0, 2],
      [2, 4],
      [4, blocks.length],
    ] as const) {
      await recording.append(blocks.slice(from, to));
      await put(recording, store);
    }
    await withCold(store, async (cold) => {
      const back = new MemoryStore();
      assert.equal((await restoreRecording(cold, back, sha256)).head, await headOf(recording));
      assert.deepEqual(await verify(cold, { sha256, reexecutors }), await verify(recording, { sha256, reexecutors }));
      for (const chain of cold.chains) await checkTree(cold, chain, sha256);
      const limits = { timeoutMs: 20_000, memoryMb: 200, rows: 100 };
      const sql = "SELECT count(*), count(*) FILTER (type = 'sigma.gap.v1'), max(sequence) FROM events";
      for (const tiers of [
        { hot: [], cold: [cold], files: [] },
        { hot: [recording], cold: [], files: [] },
      ]) {
        const answer = await queryEvents(sql, tiers, { only: NO_BOUNDS, limits });
        for await (const row of answer.rows) assert.deepEqual(row, [13, 1, 22]);
      }
      const [moved] = await releasable(recording, cold, () => Number.MAX_SAFE_INTEGER);
      assert.ok((moved?.sequence ?? 0) >= 13, 'a gap holds nothing back');
    });
    const options = { cacheDir: join(home, 'cache') };
    const retention = parseRetention('{"*": {"hotDays": 0, "coldDays": {"signal": 0, "record": 0}}}');
    assert.deepEqual(await thinArchive(store, retention, 2e15, sha256, options), []);
  });

  test('[R164][L2] is verified and executed again from the archive alone', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    await put(recording, store);
    const [there, here] = await withCold(store, async (cold) => [
      await verify(cold, { sha256, reexecutors }),
      await verify(recording, { sha256, reexecutors }),
    ]);
    assert.equal(there.ok, true);
    assert.deepEqual(there, here);
  });

  test('[R41][R44] gives any range of blocks, and the last snapshot before any moment, as the recording does', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    await put(recording, store);
    await withCold(store, async (cold) => {
      for (const head of await recording.heads()) {
        for (let from = 1; from <= head.sequence; from += 13) {
          const range = async (of: Recording) => {
            const all = [];
            for await (const block of of.blocks(head, from, from + 29))
              all.push(Buffer.from(block.hash).toString('hex'));
            return all;
          };
          assert.deepEqual(await range(cold), await range(recording), `${head.source} from ${from}`);
        }
        for (const atUs of [0, 1_000_000, 3_456_789, Number.MAX_SAFE_INTEGER]) {
          assert.deepEqual(await cold.snapshotBefore(head, atUs), await recording.snapshotBefore(head, atUs));
        }
      }
    });
  });

  test('[R161] grows by what is new, keeps its tree, and nothing is stored twice', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    await put(recording, store, { through: ({ sequence }) => Math.floor(sequence / 2) });
    const half = new Map(store.objects);
    await put(recording, store);
    for (const [key, bytes] of half) assert.deepEqual(store.objects.get(key), bytes, key);
    assert.equal((await put(recording, store)).events, 0);
    const atOnce = new MemoryObjects();
    await put(recording, atOnce);
    for (const tenant of ['acme', 'globex']) {
      const [grown, whole] = [await readManifest(store, tenant), await readManifest(atOnce, tenant)];
      assert.deepEqual(
        grown?.chains.map(({ peaks }) => peaks),
        whole?.chains.map(({ peaks }) => peaks),
      );
      assert.equal(grown?.version, 2);
    }
  });

  test('[R160] objects are made alike each time, so that an interrupted run finds its own again', async () => {
    const recording = await site();
    const [one, two] = [new MemoryObjects(), new MemoryObjects()];
    await put(recording, one);
    await put(recording, two);
    assert.deepEqual([...one.objects.keys()], [...two.objects.keys()]);
  });
});

describe('archiving that is interrupted', () => {
  test('[R162][L3] at any call loses nothing, and ends at the next try where it would have ended', async () => {
    const recording = await site();
    const calm = new MemoryObjects();
    await put(recording, calm);
    const keys = [...calm.objects.keys()];
    for (let at = 1; at <= calm.calls; at += 3) {
      const store = new MemoryObjects();
      store.fail = (call) => {
        if (call === at) throw new Error('killed');
      };
      await assert.rejects(put(recording, store), /killed/);
      store.fail = () => {};
      const between = await withCold(store, (cold) =>
        verify(tieredRecording(recording, cold), { sha256, reexecutors: {} }),
      );
      assert.equal(between.head, await headOf(recording));
      await put(recording, store);
      assert.deepEqual([...store.objects.keys()].sort(), [...keys].sort(), `killed at call ${at}`);
    }
  });

  test('[R162] by a full disk: it says so, and goes on when there is room', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    store.fail = fullFrom(6);
    await assert.rejects(put(recording, store), /no room is left/);
    assert.ok(store.objects.size > 0);
    store.fail = () => {};
    await put(recording, store);
    assert.equal(await withCold(store, headOf), await headOf(recording));
  });

  test('[R162] a store that loses or alters what it was given is found before anything else happens', async () => {
    const recording = await site();
    for (const spoil of [(objects: MemoryObjects, key: string) => objects.objects.delete(key), alter]) {
      const store = new MemoryObjects();
      const get = store.get.bind(store);
      store.get = async (key) => {
        if (key.endsWith('.parquet')) spoil(store, key);
        return get(key);
      };
      await assert.rejects(put(recording, store), ArchiveDamageError);
      assert.deepEqual(await store.list('acme/manifests/'), []);
    }
  });

  test('[R161] two archivers at once: both end, and the archive holds each event once', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    await Promise.all([put(recording, store), put(recording, store), put(recording, store)]);
    assert.equal(await withCold(store, headOf), await headOf(recording));
    const manifest = await readManifest(store, 'acme');
    for (const { objects } of manifest?.chains ?? []) {
      let next = 1;
      for (const { firstSequence, lastSequence } of objects) {
        assert.equal(firstSequence, next);
        next = lastSequence + 1;
      }
    }
  });
});

function alter(store: MemoryObjects, key: string): void {
  const bytes = store.objects.get(key) as Uint8Array;
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
}

describe('a damaged archive', () => {
  test('[R163][L4] a missing and an altered object are named with their events; all else is verified', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    await put(recording, store);
    for (const [what, spoil] of [
      ['is missing', (key: string) => store.objects.delete(key)],
      ['is altered', (key: string) => alter(store, key)],
    ] as const) {
      const keep = new Map([...store.objects].map(([key, bytes]) => [key, bytes.slice()]));
      const key = objectKeys(store).filter((one) => one.includes('/tram-1/'))[1] as string;
      const [, first, last] = key.match(/\/0*(\d+)-(\d+)\./) as unknown as [string, string, string];
      spoil(key);
      const report = await withCold(store, (cold) => verify(cold, { sha256, reexecutors: {} }));
      const failures = report.chains.flatMap(({ failures }) => failures);
      assert.equal(failures.length, 1, what);
      assert.equal(failures[0]?.kind, 'unreadable');
      assert.ok(failures[0]?.message.includes(key) && failures[0].message.includes(what), failures[0]?.message);
      assert.deepEqual([failures[0]?.fromSequence, failures[0]?.toSequence], [Number(first), Number(last)]);
      for (const [name, bytes] of keep) store.objects.set(name, bytes);
    }
  });

  test('[R163][L4] verify names every file that is at fault, neighbours and whole chains too, and reads what lies around', async () => {
    const recording = await site(200);
    const store = new MemoryObjects();
    await put(recording, store);
    const [trams, others] = [true, false].map((tram) =>
      objectKeys(store).filter((key) => key.endsWith('.blocks.parquet') && key.includes('/tram-1/') === tram),
    );
    const gone = [...(trams ?? []).slice(0, 2), ...(others ?? []).slice(0, 1)];
    assert.ok(gone.length === 3 && (trams?.length ?? 0) > 2, `${trams?.length} files of one chain`);
    for (const key of gone) store.objects.delete(key);
    const report = await withCold(store, (cold) => verify(cold, { sha256, reexecutors: {} }));
    const failures = report.chains.flatMap(({ failures }) => failures);
    assert.ok(failures.every(({ kind }) => kind === 'unreadable'));
    for (const key of gone) assert.equal(failures.filter(({ message }) => message.includes(key)).length, 1, key);
    const tram = report.chains.find(({ source }) => source === 'tram-1');
    assert.ok((tram?.events ?? 0) > 0, 'what lies behind is read');
  });

  test('[R163][R164] where a file is missing, what the hot recording holds of its events is read all the same', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    await put(recording, store);
    for (const key of objectKeys(store)) store.objects.delete(key);
    const half: Recording = {
      heads: () => recording.heads(),
      async *blocks(...range) {
        for await (const block of recording.blocks(...range)) if (block.firstSequence !== 2) yield block;
      },
      snapshotBefore: (...moment) => recording.snapshotBefore(...moment),
      close: () => recording.close(),
    };
    const report = await withCold(store, (cold) => verify(tieredRecording(half, cold), { sha256, reexecutors: {} }));
    for (const { source, events, head, failures } of report.chains) {
      const [only, ...more] = failures;
      assert.deepEqual([only?.kind, only?.fromSequence, more.length], ['unreadable', 2, 0], source);
      assert.equal(events + (only?.toSequence ?? 0) - 1, head.sequence, source);
    }
  });

  test('[R164] what the hot recording still holds is not missed', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    await put(recording, store);
    for (const key of objectKeys(store)) store.objects.delete(key);
    const report = await withCold(store, (cold) => verify(tieredRecording(recording, cold), { sha256, reexecutors }));
    assert.equal(report.ok, true);
  });

  test('[R166] is not restored as if it were whole', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    await put(recording, store);
    store.objects.delete(objectKeys(store)[0] as string);
    await withCold(store, (cold) =>
      assert.rejects(restoreRecording(cold, new MemoryStore(), sha256), ArchiveDamageError),
    );
    const half: Recording = {
      ...recording,
      heads: () => recording.heads(),
      snapshotBefore: async () => null,
      close: async () => {},
      blocks: (chain) => recording.blocks(chain, 1, 3),
    };
    await assert.rejects(restoreRecording(half, new MemoryStore(), sha256), RestoreDiffersError);
  });

  test('[R163] an altered manifest, and one that is none, are named', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    await put(recording, store, { through: ({ sequence }) => sequence - 5 });
    await put(recording, store);
    const first = 'acme/manifests/00000001.json';
    const text = new TextDecoder().decode(store.objects.get(first));
    store.objects.set(first, new TextEncoder().encode(text.replace('"atUs": ', '"atUs":  ')));
    await assert.rejects(readManifest(store, 'acme'), /00000001\.json is not the manifest that the next one names/);
    for (const nonsense of [
      '',
      '{}',
      '[]',
      '{"format":"sigma archive 1","tenant":"acme","version":2,"previous":"","chains":[{}]}',
      '\xff',
    ]) {
      store.objects.set('acme/manifests/00000002.json', new TextEncoder().encode(nonsense));
      await assert.rejects(readManifest(store, 'acme'), ArchiveDamageError, nonsense);
    }
  });

  test('[R163][L7] a manifest that names an object of another tenant, or outside the archive, is none', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    await put(recording, store);
    const key = 'acme/manifests/00000001.json';
    const text = new TextDecoder().decode(store.objects.get(key));
    for (const place of ['globex/objects/x.parquet', '../../etc/passwd', '/etc/passwd']) {
      const twisted = text.replace(/"acme\/objects\/tram-1\/[^"]*"/, JSON.stringify(place));
      assert.notEqual(twisted, text);
      store.objects.set(key, new TextEncoder().encode(twisted));
      await assert.rejects(readManifest(store, 'acme'), ArchiveDamageError, place);
    }
  });
});

describe('a recording that is not the one that was archived', () => {
  test('[R162][L4] an older copy, another history and a damaged block are refused by name', async () => {
    const recording = await site();
    const store = new MemoryObjects();
    await put(recording, store);
    const older = new MemoryStore();
    older.rows.push(...recording.rows.filter(({ source, firstSequence }) => source !== 'tram-1' || firstSequence < 40));
    await assert.rejects(
      put(older, store),
      /acme\/tram-1 epoch 0: ends at \d+, and the archive holds it up to .*older copy/,
    );
    const twin = new MemoryStore();
    await twin.append(tramDay({ source: 'tram-1', seed: 99, wakes: 200, sha256 }).blocks);
    await assert.rejects(put(twin, store), /another history/);
    const damaged = new MemoryStore();
    damaged.rows.push(...recording.rows.map((row) => ({ ...row, bytes: row.bytes.slice() })));
    const victim = damaged.rows[4] as (typeof damaged.rows)[number];
    victim.bytes[30] = (victim.bytes[30] as number) ^ 1;
    await assert.rejects(put(damaged, new MemoryObjects()), new RegExp(`is altered at event ${victim.firstSequence}`));
    const hole = new MemoryStore();
    hole.rows.push(...recording.rows.filter((_, i) => i !== 3));
    await assert.rejects(put(hole, new MemoryObjects()), /events are missing/);
  });
});
