import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const LOADED = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  await import('@sigma/recorder/query');
  console.log(JSON.stringify(loaded));`;

test('who asks in SQL loads neither DuckDB, which is for the process that answers, nor the wire formats', () => {
  const recorder = fileURLToPath(new URL('../..', import.meta.url));
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', LOADED], { cwd: recorder });
  const loaded = (JSON.parse(String(said)) as string[]).filter((url) => url.startsWith('file:'));
  assert.deepEqual(
    loaded.filter((url) => /duckdb|protobuf|\/proto\//.test(url)),
    [],
  );
  assert.ok(loaded.length > 5 && loaded.length < 40, `${loaded.length} files: ${loaded.join(' ')}`);
});
