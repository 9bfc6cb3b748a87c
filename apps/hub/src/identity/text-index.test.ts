import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { BlockStore } from '@sigma/recorder';
import {
  archiveRecording,
  ColdArchive,
  folderObjects,
  readMark,
  releasable,
  releaseFromSqlite,
  writeMark,
} from '@sigma/recorder/archive';
import { openSqliteRecorder, openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { MemoryStore } from '@sigma/recorder/testing';
import { ChainRecord, signal } from '../roles/arbitration/hub-record.ts';
import { withMoved } from '../store/recording.ts';
import { People } from './people.ts';
import { type IndexedUpTo, indexTexts, type TextIndex } from './text-index.ts';
import { type SealedText, type TextStore, WrittenTexts } from './written-texts.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-text-index-'));
after(() => rmSync(home, { recursive: true }));
const ANN = 'ann@example.org';
let made = 0;
const clock = { nowUs: () => 1_000_000 };

/** The table, as PostgreSQL keeps it. */
class Table implements TextStore, TextIndex {
  rows = new Map<string, Uint8Array>();
  place: IndexedUpTo | null = null;
  /** How often rows were brought. */
  puts = 0;

  add = async (texts: readonly SealedText[]): Promise<void> => {
    for (const { id, sealed } of texts) this.rows.set(id, sealed);
  };
  find = async (ids: readonly string[]): Promise<readonly SealedText[]> =>
    ids.flatMap((id) => {
      const sealed = this.rows.get(id);
      return sealed === undefined ? [] : [{ id, sealed }];
    });
  ids = async (): Promise<readonly string[]> => [...this.rows.keys()];
  upTo = async (): Promise<IndexedUpTo | null> => this.place;
  count = async (): Promise<number> => this.rows.size;
  put = async (texts: readonly SealedText[], upTo: IndexedUpTo | null): Promise<void> => {
    this.puts += texts.length;
    for (const { id, sealed } of texts) if (!this.rows.has(id)) this.rows.set(id, sealed);
    if (upTo !== null) this.place = upTo;
  };
}

const people = new People(join(home, 'hub.sqlite'));

/** A hub that starts on a recording and a table, as every hub does. */
async function started(store: BlockStore, table: Table) {
  const record = await ChainRecord.open(store, clock as never, 'acme', 'test');
  const report = await indexTexts(store, store, 'acme', table);
  const texts = new WrittenTexts({ people, record, store: table });
  const write = async (...words: readonly string[]): Promise<readonly string[]> => {
    const references = await texts.write(words, ANN);
    await record.append(signal('hub.act', 'x', { summary: `did ${references[0]}` }));
    return references;
  };
  return { report, texts, write, record };
}

describe('the table of texts', () => {
  test('[R190] is made anew from the record when it was lost, and what it has is not read again', async () => {
    const store = new MemoryStore();
    const table = new Table();
    const first = await started(store, table);
    const references = await first.write('one', 'two', 'three');
    const again = await started(store, table);
    assert.deepEqual(again.report, { added: 0, missed: null });
    assert.equal((await started(store, table)).report.added, 0);
    assert.equal(table.puts, 3, 'each was looked at once');

    const lost = new Table();
    const later = await started(store, lost);
    assert.deepEqual(later.report, { added: 3, missed: null });
    assert.equal(await later.texts.read(references.join(' ')), 'one two three');
    assert.deepEqual([...lost.rows].sort(), [...table.rows].sort(), 'byte for byte as it was');
  });

  test('[R190] is brought up where a crash came between the record and the table, or it was restored to an older moment', async () => {
    const store = new MemoryStore();
    const table = new Table();
    const first = await started(store, table);
    await first.write('before');
    await started(store, table);
    const [older, place] = [new Map(table.rows), table.place];
    const second = await started(store, table);
    const references = await second.write('after', 'the backup');
    table.rows = older;
    table.place = place;
    const later = await started(store, table);
    assert.equal(later.report.added, 2);
    assert.equal(await later.texts.read(references.join(' ')), 'after the backup');
  });

  test('[R190] is made anew where rows are missing below its mark, and where it was made with another recording', async () => {
    const store = new MemoryStore();
    const table = new Table();
    const first = await started(store, table);
    const [one] = await first.write('one', 'two');
    await started(store, table);
    table.rows.delete((one ?? '').slice('text:'.length));
    const third = await started(store, table);
    assert.equal(third.report.added, 1);
    // As many rows as before, but of them one less from below the mark.
    table.rows.delete((one ?? '').slice('text:'.length));
    await third.write('three');
    assert.equal((await started(store, table)).report.added, 1);
    assert.equal(table.rows.size, 3);

    const other = new MemoryStore();
    const elsewhere = await started(other, table);
    await elsewhere.write('of another life');
    const texts = new Table();
    texts.place = table.place;
    assert.equal((await started(other, texts)).report.added, 1, 'a mark of a chain that is not this one is none');
  });

  test('[R164][R190] is made anew from the archive too, and what cannot be read of that is said', async (t) => {
    const path = join(home, `moved-${made++}.sqlite`);
    const archive = join(home, `archive-${made}`);
    const store = await openSqliteRecorder(path);
    const first = await started(store, new Table());
    const [old] = await first.write('long ago');
    for (let n = 0; n < 20; n++) await first.record.append(signal('hub.test', 'x', { n }));
    const [fresh] = await first.write('just now');
    await store.close();
    const recording = openSqliteRecording(path);
    const objects = folderObjects(archive);
    await archiveRecording(recording, objects, { sha256 });
    const cold = await ColdArchive.open(objects, { cacheDir: home });
    const moved = await releasable(recording, cold, () => Number.MAX_SAFE_INTEGER);
    await cold.close();
    await recording.close();
    assert.equal(moved.length, 1);
    writeMark(path, moved);
    releaseFromSqlite(path, moved);
    const again = await openSqliteRecorder(path);
    t.after(() => again.close());
    const whole = await withMoved({ store: again, moved: readMark(path) }, home, null);
    const table = new Table();
    assert.deepEqual(await indexTexts(whole.recording, again, 'acme', table), { added: 2, missed: null });
    const texts = new WrittenTexts({ people, record: first.record, store: table });
    assert.equal(await texts.read(`${old} ${fresh}`), 'long ago just now');
    await whole.close();
    rmSync(archive, { recursive: true });
    const broken = await withMoved({ store: again, moved: readMark(path) }, home, null);
    const part = new Table();
    const report = await indexTexts(broken.recording, again, 'acme', part);
    assert.equal(report.added, 1, 'what is hot is there');
    assert.match(report.missed?.message ?? '', /rest in .*archive/);
    assert.equal(part.place, null, 'and it is looked for again at the next start');
    await broken.close();
  });
});
