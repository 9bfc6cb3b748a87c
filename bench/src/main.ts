// Measures and prints JSON lines: `npm run bench`, or `npm run bench -- kernel sim`. A target that is missed prints
// `pass: false` and fails nothing.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseMovingAiMap, parseSiteFile, type Site } from '@sigma/fleet-model';
import { benchDecide } from './decide.ts';
import { benchKernel } from './kernel.ts';
import type { BenchLine } from './line.ts';
import { benchRecorder } from './recorder.ts';
import { benchReflexLoop } from './reflex.ts';
import { benchSim } from './sim.ts';

const REFLEX_S = 60;
const DECIDE_S = 20;

function warehouse(): Site {
  const file = (name: string): string =>
    readFileSync(fileURLToPath(new URL(`../../terrains/fleet/world/sites/${name}`, import.meta.url)), 'utf8');
  return parseSiteFile(file('warehouse.site.json'), parseMovingAiMap(file('warehouse.map'), 'warehouse'));
}

const BENCHES: Readonly<Record<string, () => Promise<readonly BenchLine[]>>> = {
  kernel: async () => benchKernel(warehouse()),
  recorder: benchRecorder,
  sim: () => benchSim(warehouse()),
  reflex: () => benchReflexLoop(REFLEX_S),
  decide: () => benchDecide(warehouse(), DECIDE_S),
};

async function main(args: readonly string[]): Promise<number> {
  const names = args.filter((arg) => arg !== '--json');
  const unknown = names.find((name) => !Object.hasOwn(BENCHES, name));
  if (unknown !== undefined) {
    console.error(`there is no bench '${unknown}'; there are ${Object.keys(BENCHES).join(', ')}`);
    return 2;
  }
  for (const name of names.length === 0 ? Object.keys(BENCHES) : names) {
    for (const line of (await BENCHES[name]?.()) ?? []) console.log(JSON.stringify(line));
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
