import { hash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ChainId, type Recording, StoreError } from '@sigma/recorder';
import type { Moved } from '@sigma/recorder/archive';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { archiveCache, archiveStore, isArchive, isBucket } from './archive-input.ts';
import { breathing } from './breathing.ts';
import type { Environment } from './environment.ts';
import { CommandError, EXIT } from './outcome.ts';

type Place = Pick<Environment, 'dataDir'> & Partial<Pick<Environment, 's3'>>;

/**
 * Opens a recording for reading, hands it over and closes it again.
 *
 * @param named a file, or the address of a hub's database with the tenant: `postgres://sigma_app@host/name?tenant=acme`;
 * an archive is a recording of all it holds, and a recording whose beginning was archived is read with its archive
 * @throws CommandError when it is missing, damaged or from a newer program
 */
export async function withRecording<Result>(
  place: Place,
  named: string,
  use: (recording: Recording) => Promise<Result>,
): Promise<Result> {
  try {
    const { recording, close } = await opened(place, named);
    try {
      return await use(breathing(recording));
    } finally {
      await close();
    }
  } catch (error) {
    if (error instanceof StoreError) throw new CommandError(EXIT.machine, error.message, '', { cause: error });
    throw error;
  }
}

/** Below which name the tiles and checkpoints of a recording are kept: beside a file, or with what this machine keeps. */
export function shelfName({ dataDir }: Pick<Place, 'dataDir'>, named: string): string {
  if (isAddress(named)) return join(dataDir, 'hub', 'hub.sqlite');
  if (!isBucket(named)) return named;
  const cache = archiveCache({ dataDir });
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  return join(cache, hash('sha256', named));
}

async function opened(
  place: Place,
  named: string,
): Promise<{ readonly recording: Recording; readonly close: () => Promise<void> }> {
  if (isArchive(named)) {
    const { ColdArchive } = await import('@sigma/recorder/archive');
    const store = await archiveStore(place, named, 'read');
    const recording = await ColdArchive.open(store, { cacheDir: archiveCache(place) });
    if (recording.manifests.length === 0) {
      await recording.close();
      throw new CommandError(
        EXIT.machine,
        `${named} is neither a recording nor an archive`,
        'Name the file, or an archive',
      );
    }
    return { recording, close: () => recording.close() };
  }
  const hot = await hotRecording(place, named);
  if (hot.moved.length === 0) return hot;
  const { openMoved, tieredRecording } = await import('@sigma/recorder/archive');
  const openStore = (address: string) => archiveStore(place, address, 'read');
  const moved = await openMoved(hot.moved, openStore, { cacheDir: archiveCache(place) });
  const recording = tieredRecording(hot.recording, moved);
  return {
    recording,
    close: async () => {
      await moved.close();
      await hot.close();
    },
  };
}

/**
 * What is hot of a recording, without the archive that its beginning was moved to.
 *
 * @throws CommandError, StoreError
 */
export async function hotRecording({ dataDir }: Pick<Place, 'dataDir'>, named: string): Promise<HotRecording> {
  if (isAddress(named)) return atAddress(named, join(dataDir, 'hub'));
  if (!existsSync(named)) {
    throw new CommandError(
      EXIT.machine,
      `${named} does not exist`,
      'Check the path; `sigma sim` and `sigma up` print theirs',
    );
  }
  if (/\.(mcap|jsonl)$/i.test(named)) {
    throw new CommandError(EXIT.usage, `${named} is no recording`, `sigma import ${named} makes one of it`);
  }
  const { readMark } = existsSync(`${named}.archive`)
    ? await import('@sigma/recorder/archive')
    : { readMark: () => [] };
  const moved = readMark(named);
  const { readHybridMarks } = await import('@sigma/recorder/marks');
  const hybridMarks = async (chain: ChainId) => readHybridMarks(named, chain);
  const recording = Object.assign(openSqliteRecording(named), { hybridMarks });
  return { recording, moved, close: () => recording.close() };
}

interface HotRecording {
  readonly recording: Recording;
  /** What was moved out of it, and where it rests. */
  readonly moved: readonly Moved[];
  readonly close: () => Promise<void>;
}

export const isAddress = (named: string): boolean => /^postgres(ql)?:\/\//.test(named);

async function atAddress(address: string, hubDir: string): Promise<HotRecording> {
  const { openRecordingAt } = await import('@sigma/hub');
  if (!URL.canParse(address) || !new URL(address).searchParams.get('tenant')) {
    throw new CommandError(
      EXIT.usage,
      'a recording in a database has an address with a tenant',
      'Give it as postgres://sigma_app@host:5432/name?tenant=acme',
    );
  }
  const { store, moved, close } = await openRecordingAt(address, hubDir);
  return { recording: store, moved, close };
}
