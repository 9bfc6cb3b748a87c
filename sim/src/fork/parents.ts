import { existsSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { LineageError, openTimeline, type Recording, StoreError, type Timeline } from '@sigma/recorder';
import type { S3Access } from '@sigma/recorder/archive';
import { sha256 } from '@sigma/recorder/sqlite';
import { isAddress, isArchive, openNamed } from './named-recording.ts';

/** How a fork in `out` names its parent: from where the fork lies, so that both can be moved together. */
export function parentNameFor(parent: string, out: string): string {
  if (isAddress(parent)) return parent;
  return relative(dirname(resolve(out)), resolve(parent));
}

/**
 * Where a fork's parent may lie, in the order in which they are tried: what somebody says, else as it was named from the
 * fork, else an archive that was named.
 */
function placesOf(parent: string, fork: string, instead: readonly string[]): readonly string[] {
  // An archive has a name of its own, whatever it was that was archived.
  const archives = instead.filter(isArchive);
  if (isAddress(parent)) return [parent, ...archives];
  const name = parent.split('/').at(-1);
  const said = instead.find((path) => path.split('/').at(-1) === name);
  const places = said === undefined ? [] : [said];
  places.push(isAbsolute(parent) ? parent : resolve(dirname(fork), parent), ...archives);
  return places.filter((path) => isAddress(path) || existsSync(path));
}

/** A timeline with everything that was opened for it. */
export interface OpenTimeline {
  readonly timeline: Timeline;
  readonly close: () => Promise<void>;
}

interface ParentOptions {
  /** Where parents lie that are not where the forks say. */
  readonly instead?: readonly string[];
  /** Key of the server that archives in buckets rest on. */
  readonly s3?: S3Access | null;
}

/**
 * A recording with its parents.
 *
 * @param hubDir where the hub of this machine keeps how its database is reached
 * @throws LineageError when a parent is missing, too short or altered; StoreError
 */
export async function openWithParents(
  named: string,
  hubDir: string,
  { instead = [], s3 = null }: ParentOptions = {},
): Promise<OpenTimeline> {
  const open: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of open) await one();
  };
  const take = async (name: string): Promise<Recording> => {
    const { recording, close: closeOne } = await openNamed(name, hubDir, s3);
    open.push(closeOne);
    return recording;
  };
  try {
    const timeline = await openTimeline(named, await take(named), {
      sha256,
      openParent: async (parent, fork) => {
        const places = placesOf(parent, fork, instead);
        for (const [i, place] of places.entries()) {
          try {
            return { name: place, recording: await take(place) };
          } catch (error) {
            if (!(error instanceof StoreError) || i === places.length - 1) throw error;
          }
        }
        const wayOut = 'put it back, or say where it is with --parent';
        throw new LineageError(fork, parent, `that recording is not there; ${wayOut}`);
      },
    });
    return { timeline, close };
  } catch (error) {
    await close();
    throw error;
  }
}
