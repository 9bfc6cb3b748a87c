import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  agentReexecutor,
  ChainWriter,
  type Recording,
  replayAt,
  StoreBusyError,
  StoreCorruptError,
  siteHead,
  verify,
} from '../src/index.ts';
import type { Moved } from '../stores/moved.ts';
import { releaseFromSqlite } from '../stores/sqlite/release.ts';
import { openSqliteRecording, openSqliteStore, sha256 } from '../stores/sqlite/sqlite-store.ts';
import { note } from '../testing/chains.ts';
import { tramModel } from '../testing/tram.ts';
import { tramDay } from '../testing/tram-day.ts';
import { archiveRecording } from './archive-recording.ts';
import { ColdArchive } from './cold-archive.ts';
import { markPath, openMoved, readMark, writeMark } from './mark.ts';
import { folderObjects } from './objects/folder.ts';
import { releasable } from './release.ts';
import { tieredRecording } from './tiered-recording.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-release-'));
after(() => rmSync(home, { recursive: true }));
const reexecutors = { tram: () => agentReexecutor(tramModel()) };
const FOR_EVER = Number.MAX_SAFE_INTEGER;

let n = 0;
async function archived(options: { readonly snapshotEvery?: number } = {}) {
  const folder = join(home, `${n++}`);
  const place = join(folder, 'archive');
  const store = folderObjects(place);
  await store.putNew('x', Uint8Array.of(1));
  await store.remove('x');
  const path = join(folder, 'site.sqlite');
  const hot = openSqliteStore(path);
  const day = tramDay({ seed: 3, wakes: 200, sha256, ...options });
  await hot.append(day.blocks);
  await archiveRecording(hot, store, { sha256, mostEvents: 100 });
  const head = siteHead(await hot.heads(), sha256);
  await hot.close();
  return { path, place, store, head, day, cacheDir: join(folder, 'cache') };
}
type Archived = Awaited<ReturnType<typeof archived>>;

async function planned({ path, store, cacheDir }: Archived, beforeUs = FOR_EVER): Promise<readonly Moved[]> {
  const cold = await ColdArchive.open(store, { cacheDir });
  const hot = openSqliteRecording(path);
  try {
    return await releasable(hot, cold, () => beforeUs);
  } finally {
    await hot.close();
    await cold.close();
  }
}

async function joined<T>({ path, cacheDir }: Archived, use: (recording: Recording) => Promise<T>): Promise<T> {
  const moved = await openMoved(readMark(path), async (address) => folderObjects(address), { cacheDir });
  const whole = tieredRecording(openSqliteRecording(path), moved);
  try {
    return await use(whole);
  } finally {
    await whole.close();
  }
}

const firstHot = async (path: string): Promise<number> => {
  const hot = openSqliteRecording(path);
  try {
    for (const head of await hot.heads()) {
      for await (const block of hot.blocks(head, 2, head.sequence))
        if (block.firstSequence > 1) return block.firstSequence;
    }
    return 0;
  } finally {
    await hot.close();
  }
};

describe('the beginning of a recording is moved to its archive', () => {
  test('[R164][R165] and both together verify, replay and go on as the one recording they are', async () => {
    const site = await archived();
    const moved = await planned(site);
    writeMark(site.path, moved);
    releaseFromSqlite(site.path, moved);
    assert.equal(await firstHot(site.path), (moved[0] as Moved).sequence + 1);
    await joined(site, async (whole) => {
      const report = await verify(whole, { sha256, reexecutors });
      assert.equal(report.ok, true);
      assert.equal(report.head, site.head);
      assert.ok(report.chains[0]?.stretches.every(({ result }) => result === 're-executed'));
      for (const { atUs, state } of [site.day.lived[7], site.day.lived[120], site.day.lived[199]].filter(
        (at) => at !== undefined,
      )) {
        const [shown] = await replayAt(whole, atUs, reexecutors);
        assert.equal(new TextDecoder().decode(shown?.state ?? new Uint8Array()), state);
      }
    });
    const hot = openSqliteStore(site.path);
    const [head] = await hot.heads();
    assert.ok(head !== undefined);
    await hot.append([new ChainWriter(head, sha256, head).seal([note(1, head.atUs + 1)])]);
    await hot.close();
    assert.equal((await joined(site, (whole) => verify(whole, { sha256, reexecutors }))).ok, true);
  });

  test('[R165] hot stay the last snapshot and what is behind it, so that the present is shown without the archive', async () => {
    const site = await archived();
    const moved = await planned(site);
    releaseFromSqlite(site.path, moved);
    const hot = openSqliteRecording(site.path);
    const last = site.day.lived[199];
    const [shown] = await replayAt(hot, last?.atUs ?? 0, reexecutors);
    assert.equal(new TextDecoder().decode(shown?.state ?? new Uint8Array()), last?.state);
    await hot.close();
  });

  test('[R165][R47] the last two blocks stay, whatever is asked, and a file keeps opening', async () => {
    const site = await archived({ snapshotEvery: 0 });
    const moved = await planned(site);
    releaseFromSqlite(site.path, moved);
    const hot = openSqliteStore(site.path);
    const [head] = await hot.heads();
    let blocks = 0;
    for await (const _ of hot.blocks(head as NonNullable<typeof head>, 1, FOR_EVER)) blocks++;
    assert.equal(blocks, 3, 'the opening and the two');
    await hot.close();
    const end = { ...(head as NonNullable<typeof head>) };
    assert.throws(() => releaseFromSqlite(site.path, [end]), /would lose its end/);
  });

  test('[R162] only what is old enough, and only what the archive gives back block for block', async () => {
    const site = await archived({ snapshotEvery: 0 });
    const halfUs = 1_700_000_000_000_000 + (site.day.lived[100]?.atUs ?? 0);
    const [half] = await planned(site, halfUs);
    const [all] = await planned(site);
    assert.ok(half !== undefined && all !== undefined && half.sequence < all.sequence);
    assert.deepEqual(await planned(site, 0), []);
    const object = (await site.store.list('acme/objects/'))[0] as string;
    writeFileSync(join(site.place, object), 'something else');
    await assert.rejects(planned(site), /is altered/);
  });

  test('[R162][L3] a crash before the mark, behind it, and behind the removal: each is finished by the next run', async () => {
    const site = await archived();
    const before = await planned(site);
    writeMark(site.path, before);
    assert.equal((await joined(site, (whole) => verify(whole, { sha256, reexecutors }))).head, site.head);
    const again = await planned(site);
    assert.deepEqual(again, before);
    releaseFromSqlite(site.path, again);
    releaseFromSqlite(site.path, again);
    assert.equal((await joined(site, (whole) => verify(whole, { sha256, reexecutors }))).head, site.head);
    assert.deepEqual(await planned(site), []);
    assert.deepEqual(readMark(site.path), before);
  });

  test('[R165] not while another program has the file open, and then nothing is removed', async () => {
    const site = await archived();
    const moved = await planned(site);
    const writer = openSqliteStore(site.path);
    assert.throws(() => releaseFromSqlite(site.path, moved), StoreBusyError);
    await writer.close();
    const reader = openSqliteRecording(site.path);
    assert.equal((await reader.heads()).length, 1);
    assert.throws(() => releaseFromSqlite(site.path, moved), StoreBusyError);
    await reader.close();
    assert.equal(await firstHot(site.path), 2);
    const bytes = statSync(site.path).size;
    releaseFromSqlite(site.path, moved);
    assert.ok(statSync(site.path).size <= bytes / 2, 'the disk has its room back');
  });

  test('[R165] another history than was archived is left alone', async () => {
    const site = await archived();
    const [end] = await planned(site);
    assert.ok(end !== undefined);
    assert.throws(() => releaseFromSqlite(site.path, [{ ...end, hash: new Uint8Array(32) }]), /has another block/);
    assert.throws(() => releaseFromSqlite(site.path, [{ ...end, source: 'nobody' }]), /is not in it/);
    assert.equal(await firstHot(site.path), 2);
  });

  test('[R165][R163] an archive that is gone, or older than the mark, is named by whoever needs it', async () => {
    const site = await archived();
    const moved = await planned(site);
    writeMark(site.path, moved);
    releaseFromSqlite(site.path, moved);
    const needs = (what: RegExp) =>
      joined(site, async (whole) => {
        const report = await verify(whole, { sha256, reexecutors: {} });
        assert.equal(report.firstFailure?.kind, 'unreadable');
        assert.match(report.firstFailure?.message ?? '', what);
      });
    const manifest = join(site.place, 'acme/manifests/00000001.json');
    copyFileSync(manifest, `${manifest}.kept`);
    writeFileSync(manifest, '{}');
    await needs(/events up to \d+ of acme\/tram-1 epoch 0 rest in .*is no manifest/);
    rmSync(manifest);
    await needs(/does not hold them/);
    copyFileSync(`${manifest}.kept`, manifest);
    writeMark(
      site.path,
      moved.map((one) => ({ ...one, manifestSha256: '0'.repeat(64) })),
    );
    await needs(/is not the one they were moved by/);
    writeFileSync(markPath(site.path), 'nonsense');
    assert.throws(() => readMark(site.path), StoreCorruptError);
  });
});
