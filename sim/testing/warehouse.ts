import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseMovingAiMap, parseSiteFile, type Site } from '@sigma/fleet-model';

const folder = fileURLToPath(new URL('../../terrains/fleet/world/sites/', import.meta.url));

/** The warehouse that comes with the project. */
export function warehouse(): Site {
  const grid = parseMovingAiMap(readFileSync(join(folder, 'warehouse.map'), 'utf8'), 'warehouse');
  return parseSiteFile(readFileSync(join(folder, 'warehouse.site.json'), 'utf8'), grid);
}

/** A folder that is gone when `use` has ended. */
export async function inFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const made = mkdtempSync(join(tmpdir(), 'sigma-sim-'));
  try {
    return await use(made);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}
