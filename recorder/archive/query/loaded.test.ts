import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** What is loaded of files by a program that stands in the recorder. */
function loadedBy(program: string): readonly string[] {
  const recorder = fileURLToPath(new URL('../..', import.meta.url));
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', `${WATCHING}${program}${TELLING}`], {
    cwd: recorder,
  });
  return (JSON.parse(String(said)) as string[]).filter((url) => url.startsWith('file:'));
}

const WATCHING = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });`;
const TELLING = 'console.log(JSON.stringify(loaded));';

test('who asks in SQL loads neither DuckDB, which is for the process that answers, nor the wire formats', () => {
  const loaded = loadedBy(`await import('@sigma/recorder/query');`);
  assert.deepEqual(
    loaded.filter((url) => /duckdb|protobuf|\/proto\//.test(url)),
    [],
  );
  assert.ok(loaded.length > 5 && loaded.length < 40, `${loaded.length} files: ${loaded.join(' ')}`);
});

test('who answers loads of DuckDB its own calls, and the library around them only where values ask for it', () => {
  const asking = (sql: string): string => `
    const { QueryDesk } = await import('./archive/query/query-desk.ts');
    const { rows } = await (await QueryDesk.open()).answer(${JSON.stringify(sql)});
    for await (const _ of rows);`;
  const library = (urls: readonly string[]): number => urls.filter((url) => url.includes('node-api')).length;
  const plain = loadedBy(asking("SELECT 'text', count(*), sum(1), 0.5::DOUBLE, TIMESTAMP '2026-04-01'"));
  assert.equal(library(plain), 0);
  assert.ok(plain.length > 1 && plain.length < 10, `${plain.length} files: ${plain.join(' ')}`);
  assert.ok(library(loadedBy(asking('SELECT [1]'))) > 100);
});
