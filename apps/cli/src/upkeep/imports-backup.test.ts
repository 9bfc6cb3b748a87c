import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { backUpImports, restoreImports } from './imports-backup.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-imports-kept-'));
after(() => rmSync(home, { recursive: true, force: true }));

let hubs = 0;
/** A hub's data folder, a place for its backup, and one to lay it out in. */
function aHub() {
  const folder = join(home, String(hubs++));
  const [hubDir, to, back] = [join(folder, 'hub'), join(folder, 'backup'), join(folder, 'back')];
  for (const path of [hubDir, to, back]) mkdirSync(path, { recursive: true });
  const brought = (id: string, createdUs: number, state = 'done'): void => {
    const at = join(hubDir, 'imports', id);
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, 'import.json'), JSON.stringify({ import: { id, state, createdTimeUs: String(createdUs) } }));
    writeFileSync(join(at, 'recording.sqlite'), `what ${id} recorded`);
    writeFileSync(join(at, 'lanes'), `lanes of ${id}`);
  };
  const has = (id: string): boolean => existsSync(join(back, 'imports', id, 'recording.sqlite'));
  const forget = (id: string): void => rmSync(join(hubDir, 'imports', id), { recursive: true });
  return { hubDir, to, back, brought, has, forget };
}

test('[R176] [R177] each run copies what was imported since the last one; restored to a moment are those that were brought by then', async () => {
  const { hubDir, to, back, brought, has } = aHub();
  brought('a', 100);
  brought('half', 110, 'reading');
  assert.deepEqual(await backUpImports(hubDir, to), { imports: 1, copied: 1, deleted: 0 });
  brought('b', 200);
  assert.deepEqual(await backUpImports(hubDir, to), { imports: 2, copied: 1, deleted: 0 });
  assert.deepEqual(await backUpImports(hubDir, to), { imports: 2, copied: 0, deleted: 0 });
  rmSync(hubDir, { recursive: true });
  assert.equal(await restoreImports(to, back, 150), 1);
  assert.deepEqual([has('a'), has('b'), has('half')], [true, false, false]);
  assert.equal(await restoreImports(to, back, 200), 2);
  assert.equal(readFileSync(join(back, 'imports', 'b', 'recording.sqlite'), 'utf8'), 'what b recorded');
});

test('[R176] [R177] what was deleted at the hub is deleted in its backup, and does not come back from a base that still holds it', async () => {
  const { hubDir, to, back, brought, has, forget } = aHub();
  for (const id of ['kept', 'gone']) brought(id, 100);
  await backUpImports(hubDir, to);
  forget('gone');
  // A base of the database holds everything that stood beside it.
  mkdirSync(join(to, 'base-0001', 'imports', 'based'), { recursive: true });
  assert.deepEqual(await backUpImports(hubDir, to), { imports: 1, copied: 0, deleted: 2 });
  assert.equal(existsSync(join(to, 'imports', 'gone')), false);
  mkdirSync(join(back, 'imports', 'based'), { recursive: true });
  writeFileSync(join(back, 'imports', 'based', 'recording.sqlite'), 'as the base held it');
  assert.equal(await restoreImports(to, back, 1e15), 1);
  assert.deepEqual([has('kept'), has('gone'), has('based')], [true, false, false]);
  assert.deepEqual(await backUpImports(hubDir, to), { imports: 1, copied: 0, deleted: 0 }, 'told once');
});

test('[R177] [L4] an import of which a file is missing or altered is named, and not laid out as if it were whole', async () => {
  const { hubDir, to, back, brought } = aHub();
  brought('a', 100);
  await backUpImports(hubDir, to);
  appendFileSync(join(to, 'imports', 'a', 'recording.sqlite'), 'x');
  await assert.rejects(restoreImports(to, back, 1e15), /recording\.sqlite: is not as it was written/);
  rmSync(join(to, 'imports', 'a', 'lanes'));
  rmSync(join(to, 'imports', 'a', 'recording.sqlite'));
  await assert.rejects(restoreImports(to, back, 1e15), /is missing/);
  writeFileSync(join(to, 'imports.json'), '{"format":"other"}');
  await assert.rejects(backUpImports(hubDir, to), /no list of imports that is known here/);
});
