import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as collected } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ChainWriter, openingEvent, signalEvent } from '@sigma/recorder';
import { openProofShelf } from '@sigma/recorder/proof-shelf';
import { openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { runSigma } from '../testing/run-sigma.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-tiers-'));
after(() => rmSync(home, { recursive: true }));
const SIGMA = fileURLToPath(new URL('../../bin/sigma.mjs', import.meta.url));
const file = join(home, 'site.sqlite');
const archive = join(home, 'archive');
const sigma = (...args: readonly string[]) => runSigma(args, { SIGMA_DATA: join(home, 'data') });

async function record(path: string, source: string): Promise<void> {
  const timeUs = Date.UTC(2026, 3, 1) * 1000;
  const opening = {
    ...{ tenant: 'acme', source, epoch: 0, role: 'gate', model: '', modelVersion: 1, config: null, seed: 1 },
    ...{
      flags: [],
      policyText: '',
      policyHash: '',
      previousEpochHash: new Uint8Array(),
      atUs: 0,
      timeUs,
      software: 'test',
    },
  };
  const writer = new ChainWriter(opening, sha256);
  const store = openSqliteStore(path);
  await store.append([writer.seal([openingEvent(opening)])]);
  for (let n = 1; n <= 6; n++) {
    await store.append([writer.seal([signalEvent('gate.opened', { n }, n * 1000, timeUs + n * 1000)])]);
  }
  await store.close();
}

describe('tiers from the command line', () => {
  test('[R164][R166][R167] archived and released, a recording answers, verifies and comes back as one', async () => {
    await record(file, 'gate');
    const shelf = openProofShelf(file);
    const chain = { tenant: 'acme', source: 'gate', epoch: 0 };
    const note = 'sigma/acme/gate/0\n7\nroot\n';
    await shelf.keep(chain, 7, note);
    await shelf.close();
    const before = JSON.parse((await sigma('record', 'ls', file, '--json')).out);
    const put = await sigma('archive', file, '--to', archive, '--release', '--keep-days', '1', '--json');
    assert.equal(put.code, 0, put.error);
    assert.deepEqual(
      JSON.parse(put.out).released.map(({ sequence }: { sequence: number }) => sequence),
      [5],
    );
    assert.equal((await sigma('verify', file)).code, 0);
    const asked = await sigma(
      'query',
      'SELECT name, count(*) FROM events GROUP BY 1 ORDER BY 2',
      '--over',
      file,
      '--format',
      'csv',
    );
    assert.equal(asked.out, 'name,count_star()\n,1\ngate.opened,6\n');
    const back = await sigma('restore', archive, '--out', join(home, 'back.sqlite'), '--json');
    assert.equal(JSON.parse(back.out).head, before.head);
    const kept = openProofShelf(join(home, 'back.sqlite'));
    assert.deepEqual(await kept.checkpoints(chain), [note]);
    await kept.close();
  });

  test('[R167] a session takes statements from stdin, each to its semicolon, and goes on behind one that fails', async () => {
    const asked = spawn(process.execPath, [SIGMA, 'query', '--over', file, '--format', 'csv'], { stdio: 'pipe' });
    const [out, error] = [collected(asked.stdout), collected(asked.stderr)];
    asked.stdin.end('SELECT count(*)\n  AS n FROM events;\n\nSELEC 1;\nSELECT max(sequence) AS last\nFROM events');
    const [code] = (await once(asked, 'close')) as [number];
    assert.equal(await out, 'n\n7\nlast\n7\n');
    assert.match(await error, /Parser Error/);
    assert.equal(code, 2);
  });

  test('a Parquet file is asked under the name that it has from here, and an archive that is whole is said to be', async () => {
    const out = join(home, 'gate.parquet');
    assert.equal((await sigma('export', '--format', 'parquet', '--out', out, file)).code, 0);
    const words = ['query', 'SELECT count(*) AS n FROM events', '--over', './gate.parquet'];
    const asked = spawn(process.execPath, [SIGMA, ...words], { stdio: 'pipe', cwd: home });
    const [told, error] = [collected(asked.stdout), collected(asked.stderr)];
    const [code] = (await once(asked, 'close')) as [number];
    assert.equal(code, 0, await error);
    assert.match(await told, /^n\n7\n1 row; /);
    assert.match((await sigma('archive', '--check', archive)).out, /all 2 files are as they were written/);
  });

  test('[R163][L4] verify of an archive of which files are missing names every one, and ends as where files are in the way', async () => {
    const [path, partial] = [join(home, 'yard.sqlite'), join(home, 'partial')];
    for (const source of ['crane', 'gate', 'lift']) await record(path, source);
    assert.equal((await sigma('archive', path, '--to', partial)).code, 0);
    const blocksOf = (source: string): string => {
      const folder = join(partial, 'acme/objects', source, '0');
      return join(folder, readdirSync(folder).find((name) => name.endsWith('.blocks.parquet')) ?? '');
    };
    const gone = [blocksOf('crane'), blocksOf('lift')];
    for (const one of gone) rmSync(one);
    const told = await sigma('verify', partial);
    assert.equal(told.code, 5);
    for (const one of gone) assert.ok(told.out.includes(one.slice(partial.length + 1)), told.out);
    assert.match(told.out, /gate 0 +7 /);
    assert.match(told.error, /is missing: it holds events 1 to 7 of acme\/crane epoch 0, and 1 more/);
    const { chains } = JSON.parse((await sigma('verify', '--json', partial)).out);
    assert.deepEqual(
      chains
        .filter(({ failures }: { failures: unknown[] }) => failures.length > 0)
        .map(({ source }: { source: string }) => source),
      ['crane', 'lift'],
    );
  });

  test('[R163][R168] a damaged file, and SQL that reads elsewhere, end with a reason and a code', async () => {
    const refused = await sigma('query', "SELECT * FROM read_text('/etc/hostname')", '--over', file);
    assert.equal(refused.code, 2);
    assert.match(refused.error, /Permission Error/);
    const folder = join(archive, 'acme/objects/gate/0');
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    const damaged = await sigma('archive', '--check', archive);
    assert.equal(damaged.code, 1);
    assert.match(damaged.error, /2 of 2 files are damaged: .*is missing: it holds events 1 to 7 of acme\/gate epoch 0/);
    assert.equal((await sigma('query', 'SELECT count(*) FROM events', '--over', file)).code, 1);
    assert.equal((await sigma('verify', file)).code, 1);
  });
});
