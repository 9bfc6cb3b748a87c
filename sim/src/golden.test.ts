import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { siteHead, verify } from '@sigma/recorder';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { fleetReexecutors } from './recording.ts';

const folder = fileURLToPath(new URL('../golden/', import.meta.url));
const heads = JSON.parse(readFileSync(`${folder}heads.json`, 'utf8')) as Readonly<Record<string, string>>;
/** Reading leaves a file of locks beside a recording: copies are read. */
const copies = mkdtempSync(join(tmpdir(), 'sigma-golden-'));
after(() => rmSync(copies, { recursive: true }));
const files = readdirSync(folder).filter((name) => name.endsWith('.sqlite'));

test('every golden recording has its head on file, and every head its recording', () => {
  assert.deepEqual(files.sort(), Object.keys(heads).sort());
  assert.ok(files.length > 0);
});

for (const name of files) {
  test(`[L2] ${name}, written by an earlier program, gives the same decisions today, bit for bit`, async () => {
    // A writer that was killed leaves a landing beside its database.
    for (const part of [name, `${name}-landing`]) {
      if (existsSync(folder + part)) copyFileSync(folder + part, join(copies, part));
    }
    const recording = openSqliteRecording(join(copies, name));
    try {
      const report = await verify(recording, { sha256, reexecutors: await fleetReexecutors(recording) });
      assert.equal(report.firstFailure?.message, undefined);
      const resting = report.chains.filter((chain) => chain.chainOnlyBecause !== null && chain.source !== 'hub');
      assert.deepEqual(
        resting.map(({ source, chainOnlyBecause }) => `${source}: ${chainOnlyBecause}`),
        [],
      );
      assert.ok(report.wakes > 1000, `${report.wakes} wakes were run again`);
      assert.equal(siteHead(await recording.heads(), sha256), heads[name]);
    } finally {
      await recording.close();
    }
  });
}
