// `npm run soak -- [sim|recorder|sync] [OPTIONS]`: seed after seed until something breaks. Without a name, the simulation.

import { spawnSync } from 'node:child_process';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOAKS: ReadonlyMap<string, string> = new Map([
  ['sim', 'sim/src/soak.ts'],
  ['recorder', 'recorder/soak/durability.soak.ts'],
  ['sync', 'recorder/soak/sync.soak.ts'],
]);

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const [first = 'sim', ...rest] = process.argv.slice(2);
const [name, options] = first.startsWith('-') ? ['sim', [first, ...rest]] : [first, rest];
const program = SOAKS.get(name);
if (program === undefined) {
  console.error(`No soak '${name}'; there are ${[...SOAKS.keys()].join(', ')}`);
  process.exitCode = 2;
} else {
  const node = ['--disable-warning=ExperimentalWarning', join(root, program), ...options];
  process.exitCode = spawnSync(process.execPath, node, { stdio: 'inherit' }).status ?? 70;
}
