import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FLOWS, ROLES } from './flows.ts';
import { flowsPage } from './flows-page.ts';

test('docs/flows.md says what the registry says', () => {
  const path = fileURLToPath(new URL('../../../../docs/flows.md', import.meta.url));
  assert.equal(readFileSync(path, 'utf8'), flowsPage(), 'run: npm run flows -w @sigma/hub');
});

test('spans have names of their own, and every role takes part in some flow', () => {
  const flows = Object.values(FLOWS);
  assert.equal(new Set(flows.map(({ span }) => span)).size, flows.length);
  const taking = new Set(
    flows.flatMap(({ steps, later }) => [...steps, ...later]).flatMap(({ from, to }) => [from, to]),
  );
  assert.deepEqual(
    Object.keys(ROLES).filter((role) => !taking.has(role as keyof typeof ROLES)),
    [],
  );
});
