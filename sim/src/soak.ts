// Seed after seed until an invariant breaks or a recording does not verify:
//
//   npm run soak -- [--from SEED] [--seeds N] [--minutes M]
//
// One JSON line for each seed. A failing one is printed with the command that repeats it, and ends with code 1.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseMovingAiMap, parseSiteFile, type Site } from '@sigma/fleet-model';
import { removeRecording } from '@sigma/recorder/sqlite';
import { runSim } from './run-sim.ts';
import { repeatCommand, soakRun } from './soak-plan.ts';

function readFlags(): { readonly from: number; readonly seeds: number; readonly minutes: number } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { from: text, seeds: text, minutes: text } });
  const from = Number(values.from ?? 1);
  const seeds = values.seeds === undefined ? Number.POSITIVE_INFINITY : Number(values.seeds);
  const minutes = Number(values.minutes ?? 3);
  if (Number.isSafeInteger(from) && from >= 0 && seeds > 0 && minutes > 0) return { from, seeds, minutes };
  throw new TypeError('--from is a whole number, --seeds and --minutes are above 0');
}

function warehouse(): Site {
  const folder = fileURLToPath(new URL('../../terrains/fleet/world/sites/', import.meta.url));
  const grid = parseMovingAiMap(readFileSync(join(folder, 'warehouse.map'), 'utf8'), 'warehouse');
  return parseSiteFile(readFileSync(join(folder, 'warehouse.site.json'), 'utf8'), grid);
}

async function soak(): Promise<number> {
  const { from, seeds, minutes } = readFlags();
  const site = warehouse();
  const folder = mkdtempSync(join(tmpdir(), 'sigma-soak-'));
  try {
    for (let seed = from; seed < from + seeds; seed++) {
      const run = soakRun(seed, minutes);
      const recordingPath = join(folder, `${seed}.sqlite`);
      const result = await runSim({ ...run, site, recordingPath, nowMs: () => performance.now() });
      removeRecording(recordingPath);
      const { robots, missionsCompleted, collisions, head, verify, realTimeFactor, breaches } = result;
      const sound = verify === 'ok' && breaches.length === 0;
      console.log(
        JSON.stringify({
          seed,
          robots,
          missionsCompleted,
          collisions,
          realTimeFactor,
          head,
          verify,
          breaches: breaches.length,
        }),
      );
      if (sound) continue;
      console.error(`seed ${seed}: ${breaches[0]?.what ?? verify}\n  ${repeatCommand(run)}`);
      return 1;
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await soak().catch((error: unknown) => {
  console.error(error instanceof TypeError ? error.message : error);
  return error instanceof TypeError ? 2 : 70;
});
