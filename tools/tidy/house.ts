// The house of DESIGN §2 as data: which packages there are, at which level each stands, what each may use.

import type { TextFile } from './syntax.ts';

/** A package of the table. `folder` is where it stands; a segment `*` matches one folder name. */
interface Room {
  readonly folder: string;
  readonly level: number;
}

const ROOMS: readonly Room[] = [
  ...['kernel', 'proto'].map((folder) => ({ folder, level: 0 })),
  ...['swarm', 'recorder', 'telemetry', 'bus', 'sandbox'].map((folder) => ({ folder, level: 1 })),
  ...['mesh', 'mind', 'twin', 'gateway'].map((folder) => ({ folder, level: 2 })),
  ...['terrains/*/model', 'terrains/*/world'].map((folder) => ({ folder, level: 3 })),
  ...['apps/edge', 'apps/hub'].map((folder) => ({ folder, level: 4 })),
  ...['sim', 'apps/dashboard', 'apps/cli'].map((folder) => ({ folder, level: 5 })),
  ...['bench', 'tools'].map((folder) => ({ folder, level: 6 })),
];

/** A package as its package.json states it, placed in the table. */
export interface Package {
  readonly name: string;
  readonly folder: string;
  /** Undefined when the table has no place for it, which is itself a finding. */
  readonly level: number | undefined;
  /** Entry points: export name ('.' or './testing') to file path from the root. */
  readonly exports: ReadonlyMap<string, string>;
  /** Files that package.json starts: bin targets and paths in scripts. */
  readonly programs: readonly string[];
}

interface Manifest {
  readonly name?: string;
  readonly exports?: string | Readonly<Record<string, unknown>>;
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

const matches = (pattern: string, folder: string): boolean => {
  const wanted = pattern.split('/');
  const given = folder.split('/');
  return wanted.length === given.length && wanted.every((segment, i) => segment === '*' || segment === given[i]);
};

const join = (folder: string, path: string): string => {
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
};

/** The file an export leads to; with conditions, the first string found in them. */
function targetOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const inner of Object.values(value)) {
    const target = targetOf(inner);
    if (target !== undefined) return target;
  }
  return undefined;
}

const SCRIPT_FILE = /[\w@./-]+\.[cm]?[jt]sx?\b/g;

export function readPackage({ path, text }: TextFile): Package {
  const manifest = JSON.parse(text) as Manifest;
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
  const exported = typeof manifest.exports === 'string' ? { '.': manifest.exports } : (manifest.exports ?? {});
  const exports = new Map<string, string>();
  for (const [name, value] of Object.entries(exported)) {
    const target = targetOf(value);
    if (target !== undefined) exports.set(name, join(folder, target));
  }
  const bins = typeof manifest.bin === 'string' ? [manifest.bin] : Object.values(manifest.bin ?? {});
  const scripts = Object.values(manifest.scripts ?? {}).flatMap((script) => script.match(SCRIPT_FILE) ?? []);
  return {
    name: manifest.name ?? folder,
    folder,
    level: ROOMS.find((room) => matches(room.folder, folder))?.level,
    exports,
    programs: [...bins, ...scripts].map((program) => join(folder, program)),
  };
}

/** Resolves a relative specifier of a file to a path from the root. */
export const resolveRelative = (fromPath: string, specifier: string): string =>
  join(fromPath.slice(0, Math.max(0, fromPath.lastIndexOf('/'))), specifier);

/** Terrain name of a package folder: 'fleet' for terrains/fleet/model. */
export const terrainOf = (folder: string): string | undefined => /^terrains\/([^/]+)\//.exec(`${folder}/`)?.[1];

export const isModel = (folder: string): boolean => matches('terrains/*/model', folder);
const isWorld = (folder: string): boolean => matches('terrains/*/world', folder);

/** Tests and what exists for them may use Node and the test libraries, whatever package they stand in. */
export const isForTests = (path: string): boolean =>
  /\.(test|soak)\.tsx?$/.test(path) || /(^|\/)(testing|e2e)\//.test(path);

/**
 * Libraries without effects that a pure package may use. The kernel uses none; CEL is the rule language of the models
 * and total by design.
 */
export const PURE_LIBRARIES: ReadonlySet<string> = new Set(['@bufbuild/cel', '@bufbuild/cel-spec']);

/** Code that must give the same result on every machine: no ambient time, chance, effects or inexact arithmetic. */
export function isPure(path: string): boolean {
  if (isForTests(path)) return false;
  return /^(kernel|swarm|telemetry|terrains\/[^/]+\/(model|world))\/src\//.test(path);
}

/**
 * Imports that the levels alone would forbid and the design wants. A world stands on its own terrain's model, and the
 * command line starts the simulation.
 */
export function isStatedException(from: Package, to: Package): boolean {
  if (isWorld(from.folder) && isModel(to.folder)) return terrainOf(from.folder) === terrainOf(to.folder);
  return from.folder === 'apps/cli' && to.folder === 'sim';
}

/** Packages with a narrower choice than their level: from a folder to the test that an imported package must pass. */
export function mayUse(from: Package, to: Package, subpath: string): boolean {
  if (from.folder === 'kernel') return false;
  if (from.folder === 'apps/dashboard') {
    if (to.folder === 'recorder') return subpath === '.';
    return ['proto', 'kernel', 'swarm'].includes(to.folder) || isModel(to.folder);
  }
  if (from.folder === 'swarm') return to.folder === 'kernel';
  if (isModel(from.folder)) return to.folder === 'kernel' || to.folder === 'swarm';
  return true;
}
