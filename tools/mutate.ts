// Mutation tests, part by part:
//
//   npm run mutate                                   every part
//   npm run mutate -- recorder                       the parts whose name begins with one of the words
//   npm run mutate -- recorder-tree --mutate "recorder/src/proof/merkle.ts"    Stryker's own options follow the names
//
// SIGMA_MUTATE_CONCURRENCY sets how many mutants run at once (2). Ends with 1 when a part falls below its threshold.

import { spawnSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTATE_PARTS } from './mutate-parts.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const given = process.argv.slice(2);
const firstOption = given.findIndex((argument) => argument.startsWith('-'));
const names = firstOption < 0 ? given : given.slice(0, firstOption);
const options = firstOption < 0 ? [] : given.slice(firstOption);
const parts = MUTATE_PARTS.filter(({ name }) => names.length === 0 || names.some((word) => name.startsWith(word)));

if (parts.length === 0) {
  console.error(
    `No part begins with ${names.join(' or ')}. There are ${MUTATE_PARTS.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(2);
}
const stryker = join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js');
const below = parts.filter(({ name }) => {
  const { status } = spawnSync(process.execPath, [stryker, 'run', 'tools/stryker.config.mjs', ...options], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, SIGMA_MUTATE_PART: name },
  });
  return status !== 0;
});
if (below.length > 0) console.error(`Below the threshold, or not run: ${below.map(({ name }) => name).join(', ')}`);
process.exitCode = below.length === 0 ? 0 : 1;
