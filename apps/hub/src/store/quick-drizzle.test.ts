import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const HERE = fileURLToPath(new URL('./quick-drizzle.ts', import.meta.url));
const LOCK = fileURLToPath(new URL('../../../../package-lock.json', import.meta.url));
const NAMES = ['drizzle-orm', 'drizzle-orm/pg-core', 'drizzle-orm/node-postgres'];

test('what is told of drizzle-orm is so: the house has one, and every file of it that ends in .js is a module', () => {
  const { packages } = JSON.parse(readFileSync(LOCK, 'utf8')) as { packages: Record<string, unknown> };
  assert.equal(Object.keys(packages).filter((path) => path.endsWith('node_modules/drizzle-orm')).length, 1);
  const folder = dirname(fileURLToPath(import.meta.resolve('drizzle-orm')));
  const manifests = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(^|\/)package\.json$/.test(path),
  );
  assert.deepEqual(manifests, ['package.json']);
  assert.equal(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).type, 'module');
});

test('its names lead where Node itself finds them, and what it exports is the same', async () => {
  const look = `const told = {};
    for (const name of ${JSON.stringify(NAMES)})
      told[name] = [import.meta.resolve(name), Object.keys(await import(name)).sort()];
    console.log(JSON.stringify(told));`;
  const run = async (...first: readonly string[]) => {
    const flags = ['--disable-warning=ExperimentalWarning', ...first, '--input-type=module', '--eval', look];
    return JSON.parse((await promisify(execFile)(process.execPath, flags, { cwd: dirname(HERE) })).stdout);
  };
  const [quick, plain] = await Promise.all([run('--import', HERE), run()]);
  assert.deepEqual(quick, plain);
  assert.equal(Object.keys(plain).length, NAMES.length);
});
