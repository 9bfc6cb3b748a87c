import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = join(tmpdir(), 'sigma-bench-past');
const WORKSPACES = fileURLToPath(new URL('../../../node_modules/', import.meta.url));
/** What a recording comes from: source and data, without what only tests it. */
const SOURCE = /\.(?:ts|js|json|map)$/;
const NO_SOURCE = /(?:^|\/)(?:node_modules|testing|e2e|dist|golden)\/|\.(?:test|tmp)\.ts$/;

/**
 * A recording that `make` writes to the path it is given, made once for a state of the tree: its name is a hash of all
 * source that the package `from` is built on, so that it is made anew as soon as anything in it could be another. What was
 * kept of other states is deleted.
 *
 * @returns where it lies
 */
export async function keptPast(
  from: string,
  what: string,
  make: (path: string) => Promise<void>,
  { folder = FOLDER, workspaces = WORKSPACES } = {},
): Promise<string> {
  const name = `${what}-${await sourceHash(from, workspaces)}.sqlite`;
  const path = join(folder, name);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  const workshop = await mkdtemp(`${folder}-`);
  try {
    await make(join(workshop, name));
    for (const other of await readdir(folder)) await rm(join(folder, other), { force: true });
    await rename(join(workshop, name), path);
    return path;
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** SHA-256, 16 digits of it, over the source of a package and of every one of ours that it depends on, and the Node it ran on. */
export async function sourceHash(from: string, workspaces: string): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  for (const [name, root] of [...(await foldersOf(from, workspaces))].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const files = entries.filter((one) => one.isFile()).map((one) => relative(root, join(one.parentPath, one.name)));
    for (const file of files.filter((one) => SOURCE.test(one) && !NO_SOURCE.test(one)).sort()) {
      hash.update(`\n${name}/${file}\n`).update(await readFile(join(root, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

/** Where a package and ours that it is built on lie, by name. */
async function foldersOf(from: string, workspaces: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const wanted = [from];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (found.has(name)) continue;
    const root = await realpath(join(workspaces, name));
    found.set(name, root);
    const { dependencies = {} } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    wanted.push(...Object.keys(dependencies).filter((one) => one.startsWith('@sigma/')));
  }
  return found;
}
