import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openSqliteRecording, openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { testChain } from '@sigma/recorder/testing';
import type { CommandError } from '../outcome.ts';
import { runSigma } from '../testing/run-sigma.ts';
import { readUpkeep } from './upkeep-file.ts';
import { upkeepTasks } from './upkeep-tasks.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-upkeep-'));
after(() => rmSync(home, { recursive: true }));
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const file = join(home, 'upkeep.json');
const planned = (value: unknown) => {
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  return readUpkeep(file);
};

describe('a plan of upkeep', () => {
  test('says times in UTC, and places from where it lies', async () => {
    writeFileSync(join(home, 'retention.json'), '{"*": {"hotDays": 30, "coldDays": {}, "importDays": 90}}');
    const archive = { at: '02:30', to: 'cold', retention: 'retention.json', release: true };
    assert.deepEqual(await planned({ archive, backup: { at: '23:59', to: 'copies' } }), {
      archive: { atS: 9_000, to: join(home, 'cold'), retention: join(home, 'retention.json'), release: true },
      backup: { atS: 86_340, to: join(home, 'copies') },
      kept: { '*': { hotDays: 30, coldDays: {}, importDays: 90 } },
    });
    const bucket = await planned({ archive: { at: '02:30', to: 's3://b/x' } });
    assert.deepEqual([bucket.archive?.to, bucket.kept], ['s3://b/x', null]);
  });

  test('is held against its retention when it is read, not at night', async () => {
    const plan = (retention: string) => planned({ archive: { at: '02:30', to: 'cold', retention, release: true } });
    await assert.rejects(() => plan('nowhere.json'), /nowhere\.json/);
    writeFileSync(join(home, 'odd.json'), '{"*": {"hotDays": "many"}}');
    await assert.rejects(() => plan('odd.json'), /odd\.json: .*hotDays/);
  });

  for (const [what, value, said] of [
    ['no JSON', '{', /is no JSON/],
    ['nothing', {}, /neither archive nor backup/],
    ['a word that is not known', { archives: {} }, /knows no 'archives'/],
    ['no time of the day', { archive: { at: '24:00', to: 'x' } }, /archive\.at/],
    ['no place', { backup: { at: '01:00' } }, /backup\.to/],
    ['a bucket for a backup', { backup: { at: '01:00', to: 's3://b/x' } }, /backup\.to is a bucket/],
    ['release without retention', { archive: { at: '01:00', to: 'x', release: true } }, /needs archive\.retention/],
  ] as const) {
    test(`that says ${what} is refused by its field`, () => {
      return assert.rejects(
        () => planned(value),
        (error: CommandError) => error.exitCode === 2 && said.test(error.message),
      );
    });
  }
});

describe('daily upkeep', () => {
  const dataDir = join(home, 'data');
  const recorded = async (name: string, source: string): Promise<string> => {
    mkdirSync(dataDir, { recursive: true });
    const store = openSqliteStore(join(dataDir, name));
    const chain = testChain(source, sha256);
    await store.append([chain.begin(), ...Array.from({ length: 6 }, () => chain.notes(5))]);
    await store.close();
    return join(dataDir, name);
  };

  test('[R162] [R170] archives what is live, releases what is closed by its retention, and thins', async () => {
    const [live, closed] = [await recorded('live.sqlite', 'r1'), await recorded('earlier.sqlite', 'r2')];
    writeFileSync(join(home, 'retention.json'), '{"*": {"hotDays": 1, "coldDays": {"signal": 2}}}');
    const plan = await planned({ archive: { at: '00:00', to: 'cold', retention: 'retention.json', release: true } });
    const open = openSqliteRecording(live);
    const [task] = upkeepTasks(plan, { root, dataDir, live: [live], closed: () => [closed] });
    assert.equal(
      await task?.run(new AbortController().signal),
      `62 events of 2 recordings to ${join(home, 'cold')}, 2 objects thinned`,
    );
    await open.close();
    const count = async (over: string) =>
      JSON.parse((await runSigma(['query', 'SELECT count(*) FROM events', '--over', over, '--json'], {})).out)
        .rows[0][0];
    assert.equal(await count(join(home, 'cold')), 62);
    const left = openSqliteRecording(closed);
    const [head] = await left.heads();
    const firsts: number[] = [];
    for await (const { firstSequence } of left.blocks(head as NonNullable<typeof head>, 1, 31))
      firsts.push(firstSequence);
    await left.close();
    assert.ok(firsts.length < 7, 'some of it was moved');
  });

  test('tells what failed by recording, and does the others all the same', async () => {
    const sound = await recorded('sound.sqlite', 'r3');
    const plan = await planned({ archive: { at: '00:00', to: 'other' } });
    const missing = join(dataDir, 'missing.sqlite');
    const [task] = upkeepTasks(plan, { root, dataDir, live: [missing, sound], closed: () => [] });
    await assert.rejects(
      task?.run(new AbortController().signal) ?? Promise.resolve(),
      /missing\.sqlite does not exist/,
    );
    const told = await runSigma(['archive', '--check', join(home, 'other'), '--json'], {});
    assert.equal(JSON.parse(told.out).chains, 1);
  });
});
