import { builtinModules } from 'node:module';
import {
  isForTests,
  isModel,
  isPure,
  isStatedException,
  mayUse,
  type Package,
  PURE_LIBRARIES,
  resolveRelative,
  terrainOf,
} from './house.ts';
import type { Finding, Module, TextFile } from './syntax.ts';

/** What the rules look at: the parsed source files, the packages they belong to and the numbered rules of these. */
export interface House {
  readonly modules: readonly Module[];
  readonly packages: readonly Package[];
  /** Every SPEC.md. */
  readonly specs: readonly TextFile[];
}

type Target =
  | { readonly kind: 'builtin'; readonly name: string }
  | { readonly kind: 'package'; readonly to: Package; readonly subpath: string }
  | { readonly kind: 'library'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string; readonly owner: Package | undefined };

/** One import, resolved. */
interface Edge {
  readonly path: string;
  readonly line: number;
  readonly specifier: string;
  readonly from: Package;
  readonly target: Target;
}

const BUILTINS = new Set(builtinModules.filter((name) => !name.startsWith('_')));

function packageOf(house: House, path: string): Package | undefined {
  return house.packages
    .filter(({ folder }) => folder !== '' && path.startsWith(`${folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length)[0];
}

const libraryName = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function targetOf(house: House, path: string, specifier: string): Target {
  if (specifier.startsWith('.') || specifier.startsWith('/')) {
    const file = resolveRelative(path, specifier);
    return { kind: 'file', path: file, owner: packageOf(house, file) };
  }
  if (specifier.startsWith('node:') || BUILTINS.has(specifier)) return { kind: 'builtin', name: specifier };
  const name = libraryName(specifier);
  const to = house.packages.find((one) => one.name === name);
  if (to === undefined) return { kind: 'library', name };
  return { kind: 'package', to, subpath: `.${specifier.slice(name.length)}` };
}

/** Every import between two places of the house, with the package it starts from. */
function edges(house: House): Edge[] {
  return house.modules.flatMap((module) => {
    const from = packageOf(house, module.path);
    if (from === undefined) return [];
    return module.imports.flatMap(({ specifier, line }) =>
      specifier === undefined
        ? []
        : [{ path: module.path, line, specifier, from, target: targetOf(house, module.path, specifier) }],
    );
  });
}

const finding = ({ path, line }: Edge, message: string): Finding => ({ path, line, message });

const packageEdges = (house: House) =>
  edges(house).flatMap((edge) => (edge.target.kind === 'package' ? [{ edge, from: edge.from, ...edge.target }] : []));

/** Every package has a place in the table of levels. */
export function unplacedPackages(house: House): Finding[] {
  return house.packages
    .filter(({ folder, level }) => folder !== '' && level === undefined)
    .map(({ folder, name }) => ({
      path: `${folder}/package.json`,
      line: 0,
      message: `${name} has no level; give it one in tools/tidy/house.ts and in the design`,
    }));
}

/** A package imports only from lower levels. */
export function upwardImports(house: House): Finding[] {
  return packageEdges(house).flatMap(({ edge, from, to }) => {
    if (from.level === undefined || to.level === undefined || to === from) return [];
    if (to.level < from.level || isStatedException(from, to)) return [];
    return [finding(edge, `${from.name} (level ${from.level}) imports ${to.name} (level ${to.level})`)];
  });
}

/** Kernel imports nothing at all; its tests may. */
export function kernelImports(house: House): Finding[] {
  return edges(house)
    .filter(({ path, from }) => from.folder === 'kernel' && !isForTests(path))
    .filter(({ target }) => target.kind !== 'file')
    .map((edge) => finding(edge, `kernel imports ${edge.specifier}; kernel imports nothing`));
}

/** Pure packages use no Node module and no library that is not known to be pure. */
export function impureImports(house: House): Finding[] {
  const computed = house.modules
    .filter(({ path }) => isPure(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => specifier === undefined)
        .map(({ line }) => ({ path, line, message: 'the imported module is computed, so that it cannot be checked' })),
    );
  const named = edges(house)
    .filter(({ path }) => isPure(path))
    .flatMap((edge) => {
      const { target } = edge;
      if (target.kind === 'builtin') return [finding(edge, `pure code imports ${target.name}`)];
      if (target.kind !== 'library' || PURE_LIBRARIES.has(target.name)) return [];
      return [finding(edge, `${target.name} is not on the list of pure libraries in tools/tidy/house.ts`)];
    });
  return [...computed, ...named];
}

/** Swarm, models and the dashboard use only what the design names. */
export function unlistedUses(house: House): Finding[] {
  return packageEdges(house)
    .filter(({ from, to, subpath }) => from !== to && !mayUse(from, to, subpath))
    .map(({ edge, from }) => finding(edge, `${from.name} may not use ${edge.specifier}`));
}

/** Terrains never see each other, and the recorder sees none. */
export function terrainCrossings(house: House): Finding[] {
  return packageEdges(house).flatMap(({ edge, from, to }) => {
    const [mine, theirs] = [terrainOf(from.folder), terrainOf(to.folder)];
    if (theirs === undefined) return [];
    if (from.folder === 'recorder') return [finding(edge, `recorder imports the terrain ${theirs}`)];
    if (mine === undefined || mine === theirs) return [];
    return [finding(edge, `the terrain ${mine} imports the terrain ${theirs}`)];
  });
}

/** A model never uses its world, not even by type. */
export function worldsInModels(house: House): Finding[] {
  return packageEdges(house)
    .filter(({ from, to }) => isModel(from.folder) && to.folder.endsWith('/world'))
    .map(({ edge, to }) => finding(edge, `a model imports the world ${to.name}`));
}

/** Edge and hub never see each other. */
export function edgeHubCrossings(house: House): Finding[] {
  const apps = new Set(['apps/edge', 'apps/hub']);
  return packageEdges(house)
    .filter(({ from, to }) => from !== to && apps.has(from.folder) && apps.has(to.folder))
    .map(({ edge, from, to }) => finding(edge, `${from.name} imports ${to.name}; they meet in proto, bus and mesh`));
}

/** The root of recorder runs in a browser: no Node module, and nothing of stores/. */
export function browserUnsafe(house: House): Finding[] {
  return edges(house)
    .filter(({ path }) => path.startsWith('recorder/src/') && !isForTests(path))
    .filter(
      ({ target }) => target.kind === 'builtin' || (target.kind === 'file' && !target.path.startsWith('recorder/src/')),
    )
    .map((edge) => finding(edge, `recorder's root imports ${edge.specifier}; adapters belong in recorder/stores`));
}

const SEALING = 'recorder/archive/personal/';
/** Whoever knows people by their names: the hub's identity, and the command by which one is erased. */
const KNOWS_PEOPLE = /^apps\/hub\/src\/identity\/|^apps\/cli\/src\/commands\/erase\.ts$/;

/**
 * Only those who know people seal. Whoever writes the chains of agents and worlds cannot, so that nothing which
 * re-execution needs is ever sealed (R175).
 */
export function strangersWhoSeal(house: House): Finding[] {
  return edges(house)
    .filter(({ path }) => !(isForTests(path) || path.startsWith(SEALING) || KNOWS_PEOPLE.test(path)))
    .filter(({ target }) =>
      target.kind === 'package'
        ? target.to.folder === 'recorder' && target.subpath === './personal'
        : target.kind === 'file' && target.path.startsWith(SEALING),
    )
    .map((edge) => finding(edge, `${edge.specifier} seals for people, and nobody is known by name here`));
}

/** A package is used through the names it exports, never by a path into it. */
export function deepImports(house: House): Finding[] {
  return edges(house).flatMap((edge) => {
    const { target, from } = edge;
    if (target.kind === 'package' && !target.to.exports.has(target.subpath)) {
      return [finding(edge, `${edge.specifier} is not in the exports of ${target.to.name}`)];
    }
    if (target.kind === 'file' && target.owner !== from) {
      return [finding(edge, `${edge.specifier} leaves ${from.name} by path; import the package by name`)];
    }
    return [];
  });
}
