import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { checkedKey, type ObjectStore, ObjectStoreError } from './object-store.ts';

const SCRATCH = /\.[0-9a-f]{12}\.part$/;

/**
 * An archive in a folder. A new object is written beside its place, synced, and linked there, so that no name ever
 * stands for half an object and none is overwritten.
 */
export function folderObjects(folder: string): ObjectStore {
  const root = resolve(folder);
  const pathOf = (key: string): string => join(root, checkedKey(key));
  return {
    address: root,
    file: pathOf,
    putNew: (key, bytes) =>
      guarded(root, async () => {
        const path = pathOf(key);
        await makeFolder(dirname(path));
        const scratch = `${path}.${randomBytes(6).toString('hex')}.part`;
        try {
          const file = await open(scratch, 'wx');
          try {
            await file.writeFile(bytes);
            await file.sync();
          } finally {
            await file.close();
          }
          await link(scratch, path);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'exists';
          throw error;
        } finally {
          await rm(scratch, { force: true });
        }
        syncFolder(dirname(path));
        return 'written';
      }),
    get: (key) =>
      guarded(root, async () => {
        const bytes = await absent(readFile(pathOf(key)), null);
        return bytes === null ? null : new Uint8Array(bytes);
      }),
    list: (prefix) =>
      guarded(root, async () => {
        const under = prefix.slice(0, prefix.lastIndexOf('/') + 1);
        const found = await absent(readdir(join(root, under), { recursive: true, withFileTypes: true }), []);
        return found
          .filter((entry) => entry.isFile() && !SCRATCH.test(entry.name))
          .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
          .filter((key) => key.startsWith(prefix))
          .sort();
      }),
    remove: (key) => guarded(root, () => rm(pathOf(key), { force: true })),
  };
}

/** Makes a folder, and each one above it that is missing, and syncs what holds the new names. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let at = folder; at.length >= first.length; at = dirname(at)) syncFolder(dirname(at));
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

async function absent<T, Otherwise>(work: Promise<T>, otherwise: Otherwise): Promise<T | Otherwise> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise;
    throw error;
  }
}

const WAYS_OUT: Readonly<Record<string, readonly [string, string]>> = {
  ENOSPC: ['no room is left on the disk', 'Make room and archive again: it goes on where it stopped'],
  EDQUOT: ['the quota is used up', 'Make room and archive again: it goes on where it stopped'],
  EACCES: ['may not be written by this user', 'Give this user the right, or name another folder'],
  EROFS: ['stands on a medium that cannot be written', 'Name another folder'],
  ENOTDIR: ['is no folder', 'Name a folder'],
};

async function guarded<T>(root: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const [what, wayOut] = WAYS_OUT[code] ?? [message, 'Look after the disk and archive again'];
    throw new ObjectStoreError(root, what, wayOut, { cause: error });
  }
}
