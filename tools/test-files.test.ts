import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { findTestFiles, processesOf } from './test-files.ts';

test('test files are found wherever they lie but in packages and results, all of them or those that are named', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'sigma-test-files-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const path of [
    'kernel/src/a.test.ts',
    'kernel/src/a.ts',
    'apps/b.test.ts',
    'node_modules/c.test.ts',
    'apps/dist/d.test.ts',
  ]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '');
  }
  assert.deepEqual(findTestFiles(root, []), ['apps/b.test.ts', 'kernel/src/a.test.ts']);
  assert.deepEqual(findTestFiles(root, ['./kernel']), ['kernel/src/a.test.ts']);
});

test('what starts browsers and whole systems goes first; the rest keeps its order, and none is left out', () => {
  const files = ['apps/cli/x.test.ts', 'apps/dashboard/e2e/y.test.ts', 'tools/b.test.ts', 'bench/c.test.ts'];
  assert.deepEqual(
    processesOf(files).map(({ name }) => name),
    ['apps/dashboard/e2e/y.test.ts', 'apps/cli/x.test.ts', 'tools/b.test.ts', 'bench/c.test.ts'],
  );
});

test('files that know no machine share a process by their folder; one that is alone of its folder is told by its own name', () => {
  const files = ['apps/hub/src/x.test.ts', 'kernel/src/a.test.ts', 'kernel/src/b.test.ts', 'swarm/src/c.test.ts'];
  assert.deepEqual(processesOf(files), [
    { name: 'kernel/', files: ['kernel/src/a.test.ts', 'kernel/src/b.test.ts'] },
    { name: 'apps/hub/src/x.test.ts', files: ['apps/hub/src/x.test.ts'] },
    { name: 'swarm/src/c.test.ts', files: ['swarm/src/c.test.ts'] },
  ]);
});
