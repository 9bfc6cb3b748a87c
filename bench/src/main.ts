// Measures and prints JSON lines: `npm run bench`, or `npm run bench -- kernel sim`. A target that is missed prints
// `pass: false` and fails nothing.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseMovingAiMap, parseSiteFile, type Site } from '@sigma/fleet-model';
import { benchArchive } from './archive.ts';
import { benchDashboard } from './dashboard/dashboard.ts';
import { benchDecide } from './decide.ts';
import { benchExport } from './export.ts';
import { benchKernel } from './kernel.ts';
import type { BenchLine } from './line.ts';
import { benchRecorder } from './recorder.ts';
import { benchReplay } from './recorder-replay.ts';
import { benchReflexLoop } from './reflex.ts';
import { benchSim } from './sim.ts';
import { benchSync } from './sync.ts';
import { benchWhatIf } from './whatif.ts';

function warehouse(): Site {
  const file = (name: string): string =>
    readFileSync(fileURLToPath(new URL(`../../terrains/fleet/world/sites/${name}`, import.meta.url)), 'utf8');
  return parseSiteFile(file('warehouse.site.json'), parseMovingAiMap(file('warehouse.map'), 'warehouse'));
}

/** What a bench can be told; each takes what concerns it. */
interface Lengths {
  readonly reflexS: number;
  readonly decideS: number;
  readonly events: number;
  readonly minutes: number;
  readonly pastMinutes: number;
}

type Measured = Promise<readonly BenchLine[]> | AsyncIterable<BenchLine>;

const BENCHES: Readonly<Record<string, (lengths: Lengths) => Measured>> = {
  kernel: async () => benchKernel(warehouse()),
  recorder: benchRecorder,
  export: () => benchExport(warehouse()),
  archive: async () => benchArchive(warehouse()),
  replay: ({ events }) => benchReplay(warehouse(), events),
  sim: () => benchSim(warehouse()),
  sync: () => benchSync(warehouse()),
  reflex: ({ reflexS }) => benchReflexLoop(reflexS),
  decide: ({ decideS }) => benchDecide(warehouse(), decideS),
  whatif: ({ minutes }) => benchWhatIf(warehouse(), minutes),
  dashboard: (lengths) => benchDashboard(warehouse(), lengths),
};

const USAGE = `npm run bench -- [NAME...] [--seconds N] [--events N] [--minutes N] [--past N]
  names: ${Object.keys(BENCHES).join(', ')}; all of them when none is given
  --seconds  length of reflex (60) and decide (20); the ten-minute lateness run is: reflex --seconds 600
  --events   length of the recording that replay seeks a moment in (1000000)
  --minutes  length of the recording that whatif tries rules on; how long dashboard watches memory (1); the issue's run is: dashboard --minutes 30 --past 60
  --past     minutes of recording that dashboard scrubs through (4)`;

function whole(text: string | undefined, otherwise: number): number {
  const number = text === undefined ? otherwise : Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new TypeError(`'${text}' is no whole number above 0`);
  return number;
}

function parsed(args: readonly string[]): { readonly names: readonly string[]; readonly lengths: Lengths } {
  const { values, positionals: names } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      seconds: { type: 'string' },
      events: { type: 'string' },
      minutes: { type: 'string' },
      past: { type: 'string' },
    },
  });
  const unknown = names.find((name) => !Object.hasOwn(BENCHES, name));
  if (unknown !== undefined) throw new TypeError(`there is no bench '${unknown}'`);
  const lengths = {
    reflexS: whole(values.seconds, 60),
    decideS: whole(values.seconds, 20),
    events: whole(values.events, 1_000_000),
    minutes: whole(values.minutes, 1),
    pastMinutes: whole(values.past, 4),
  };
  return { names: names.length === 0 ? Object.keys(BENCHES) : names, lengths };
}

async function main(args: readonly string[]): Promise<number> {
  let asked: ReturnType<typeof parsed>;
  try {
    asked = parsed(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  for (const name of asked.names) {
    for await (const line of (await BENCHES[name]?.(asked.lengths)) ?? []) console.log(JSON.stringify(line));
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
