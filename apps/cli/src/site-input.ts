import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  BrokenMapError,
  deriveSite,
  parseMovingAiMap,
  parseSiteFile,
  type Site,
  SiteFileError,
} from '@sigma/fleet-model';
import { CommandError, EXIT } from './outcome.ts';

export interface SiteChoice {
  readonly map?: string | undefined;
  readonly site?: string | undefined;
}

/**
 * The site of a map and a site file: `--map` and `--site`, or the site file that lies beside the map, or one derived
 * from the map alone; without `--map` the warehouse that comes with the project.
 *
 * @throws CommandError naming the file and the line or field
 */
export function loadSite(choice: SiteChoice, root: string): Site {
  if (choice.map === undefined && choice.site !== undefined) {
    throw new CommandError(EXIT.usage, '--site needs the map that it describes', 'Add --map FILE');
  }
  const map = choice.map ?? join(root, 'terrains/fleet/world/sites/warehouse.map');
  const text = readText(map);
  const beside = map.replace(/\.map$/, '.site.json');
  const file = choice.site ?? (beside !== map && exists(beside) ? beside : null);
  try {
    const grid = parseMovingAiMap(text, basename(map).replace(/\.map$/, ''));
    return file === null ? deriveSite(grid) : parseSiteFile(readText(file), grid);
  } catch (error) {
    if (error instanceof BrokenMapError) throw unusable(map, error);
    if (error instanceof SiteFileError) throw unusable(file ?? map, error);
    throw error;
  }
}

const unusable = (path: string, error: Error): CommandError =>
  new CommandError(EXIT.machine, `${path}: ${error.message}`, 'Correct the file, or leave the option out', {
    cause: error,
  });

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

/** @throws CommandError */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder',
};

function unreadable(path: string, error: unknown): CommandError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new CommandError(
    EXIT.machine,
    `${path} ${REASONS[code ?? ''] ?? `cannot be read: ${message}`}`,
    'Check the path',
  );
}
