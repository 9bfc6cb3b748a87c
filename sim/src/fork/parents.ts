import { existsSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { LineageError, openTimeline, type Recording, type Timeline } from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import { isAddress, isArchiveFolder, openNamed } from './named-recording.ts';

/** How a fork in `out` names its parent: from where the fork lies, so that both can be moved together. */
export function parentNameFor(parent: string, out: string): string {
  if (isAddress(parent)) return parent;
  return relative(dirname(resolve(out)), resolve(parent));
}

/** Where a fork's parent lies: what somebody says, else as it was named from the fork, else an archive that was named. */
function placeOf(parent: string, fork: string, instead: readonly string[]): string | null {
  if (isAddress(parent)) return parent;
  const name = parent.split('/').at(-1);
  const said = instead.find((path) => path.split('/').at(-1) === name);
  const places = said === undefined ? [] : [said];
  places.push(isAbsolute(parent) ? parent : resolve(dirname(fork), parent));
  // An archive has a name of its own, whatever it was that was archived.
  places.push(...instead.filter(isArchiveFolder));
  return places.find((path) => existsSync(path)) ?? null;
}

/** A timeline with everything that was opened for it. */
export interface OpenTimeline {
  readonly timeline: Timeline;
  readonly close: () => Promise<void>;
}

/**
 * A recording with its parents.
 *
 * @param instead where parents lie that are not where the forks say
 * @throws LineageError when a parent is missing, too short or altered; StoreError
 */
export async function openWithParents(
  named: string,
  hubDir: string,
  instead: readonly string[] = [],
): Promise<OpenTimeline> {
  const open: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of open) await one();
  };
  const take = async (name: string): Promise<Recording> => {
    const { recording, close: closeOne } = await openNamed(name, hubDir);
    open.push(closeOne);
    return recording;
  };
  try {
    const timeline = await openTimeline(named, await take(named), {
      sha256,
      openParent: async (parent, fork) => {
        const place = placeOf(parent, fork, instead);
        if (place === null) {
          throw new LineageError(
            fork,
            parent,
            'that recording is not there; put it back, or say where it is with --parent',
          );
        }
        return { name: place, recording: await take(place) };
      },
    });
    return { timeline, close };
  } catch (error) {
    await close();
    throw error;
  }
}
