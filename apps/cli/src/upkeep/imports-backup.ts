import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreCorruptError } from '@sigma/recorder';

/** An import that was read whole: its files never change any more. */
interface KeptImport {
  /** When it was brought, wall clock. */
  readonly createdUs: number;
  /** SHA-256 by name. */
  readonly files: Readonly<Record<string, string>>;
}

interface ImportList {
  readonly imports: Readonly<Record<string, KeptImport>>;
  /** Deleted at the hub: never laid out again, also where a base of the database still holds them. */
  readonly deleted: readonly string[];
}

export interface ImportsBackedUp {
  readonly imports: number;
  /** Of these, copied now. */
  readonly copied: number;
  /** Deleted at the hub since the last run, and here now. */
  readonly deleted: number;
}

const FOLDER = 'imports';
const LIST = 'imports.json';
const FORMAT = 'sigma imports 1';
/** Of an import; what else lies there is still on its way. */
const FILES = ['import.json', 'recording.sqlite', 'lanes'];

/**
 * Copies what was imported since the last run beside the backup of a hub, and deletes there what was deleted at the hub
 * (recorder/SPEC.md R176). What is still being received or read waits for the next run.
 *
 * @throws StoreCorruptError when the list of the last run cannot be read; an error of the disk
 */
export async function backUpImports(hubDir: string, to: string): Promise<ImportsBackedUp> {
  const before = readList(to);
  const here = doneImports(join(hubDir, FOLDER));
  const imports: Record<string, KeptImport> = {};
  let copied = 0;
  for (const [id, createdUs] of here) {
    const known = before.imports[id] ?? (await copyImport(join(hubDir, FOLDER, id), join(to, FOLDER, id), createdUs));
    if (known === null) continue;
    imports[id] = known;
    if (before.imports[id] === undefined) copied++;
  }
  const held = new Set([...Object.keys(before.imports), ...inBases(to), ...before.deleted]);
  const deleted = [...held].filter((id) => !existsSync(join(hubDir, FOLDER, id))).sort();
  writeList(to, { imports, deleted });
  for (const id of deleted) rmSync(join(to, FOLDER, id), { recursive: true, force: true });
  const count = Object.keys(imports).length;
  return { imports: count, copied, deleted: deleted.length - before.deleted.length };
}

/**
 * Lays out what was imported up to a moment, over what a base of the database held of it (R177).
 *
 * @returns how many imports the hub then has
 * @throws StoreCorruptError naming a file that is missing or altered
 */
export async function restoreImports(from: string, hubDir: string, toUs: number): Promise<number> {
  const { imports, deleted } = readList(from);
  for (const id of deleted) rmSync(join(hubDir, FOLDER, id), { recursive: true, force: true });
  for (const [id, { createdUs, files }] of Object.entries(imports)) {
    const [kept, back] = [join(from, FOLDER, id), join(hubDir, FOLDER, id)];
    if (createdUs > toUs) continue;
    mkdirSync(back, { recursive: true, mode: 0o700 });
    for (const [name, sha256] of Object.entries(files)) {
      const path = join(kept, name);
      const wayOut = 'Take it from a copy of this backup, or delete the import from its list';
      if (!existsSync(path)) throw new StoreCorruptError(path, 'is missing', wayOut);
      if ((await sha256Of(path)) !== sha256) throw new StoreCorruptError(path, 'is not as it was written', wayOut);
      await copyWhole(path, join(back, name));
    }
  }
  return doneImports(join(hubDir, FOLDER)).size;
}

/** Imports that were read whole, with when they were brought. */
function doneImports(folder: string): ReadonlyMap<string, number> {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const found = names.flatMap((id): readonly (readonly [string, number])[] => {
    try {
      const stated = JSON.parse(readFileSync(join(folder, id, 'import.json'), 'utf8')) as Stated;
      const { state, createdTimeUs } = stated.import ?? {};
      return state === 'done' ? [[id, Number(createdTimeUs ?? 0)]] : [];
    } catch {
      // The hub tells of it as failed; there is nothing that could be brought back.
      return [];
    }
  });
  return new Map(found);
}

interface Stated {
  readonly import?: { readonly state?: string; readonly createdTimeUs?: string };
}

/** @returns null when it was deleted meanwhile */
async function copyImport(from: string, to: string, createdUs: number): Promise<KeptImport | null> {
  const part = `${to}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true, mode: 0o700 });
  const files: Record<string, string> = {};
  try {
    for (const name of FILES) {
      await copyWhole(join(from, name), join(part, name));
      files[name] = await sha256Of(join(part, name));
    }
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  rmSync(to, { recursive: true, force: true });
  renameSync(part, to);
  return { createdUs, files };
}

/** Imports that bases of the database hold a copy of. */
function inBases(to: string): readonly string[] {
  const folders = readdirSync(to).filter((name) => /^base-\d{4}$/.test(name) && statSync(join(to, name)).isDirectory());
  return folders.flatMap((name) => {
    const folder = join(to, name, FOLDER);
    return existsSync(folder) ? readdirSync(folder) : [];
  });
}

function readList(folder: string): ImportList {
  const path = join(folder, LIST);
  if (!existsSync(path)) return { imports: {}, deleted: [] };
  try {
    const { format, ...list } = JSON.parse(readFileSync(path, 'utf8')) as { readonly format: string } & ImportList;
    if (format !== FORMAT) throw new TypeError(`its format is '${format}'`);
    return list;
  } catch (error) {
    const what = `is no list of imports that is known here (${(error as Error).message})`;
    throw new StoreCorruptError(path, what, 'Take another copy of this backup');
  }
}

function writeList(folder: string, list: ImportList): void {
  const path = join(folder, LIST);
  writeFileSync(`${path}.part`, `${JSON.stringify({ format: FORMAT, ...list })}\n`, { flush: true, mode: 0o600 });
  renameSync(`${path}.part`, path);
}

async function sha256Of(path: string): Promise<string> {
  const sum = createHash('sha256');
  for await (const bytes of createReadStream(path)) sum.update(bytes as Buffer);
  return sum.digest('hex');
}

/** On disk when it returns. */
async function copyWhole(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const copied = await open(to, 'r+');
  await copied.sync().finally(() => copied.close());
}
