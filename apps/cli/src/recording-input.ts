import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Recording, StoreError } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import type { Environment } from './environment.ts';
import { CommandError, EXIT } from './outcome.ts';

type Place = Pick<Environment, 'dataDir'>;

/**
 * Opens a recording for reading, hands it over and closes it again.
 *
 * @param named a file, or the address of a hub's database with the tenant: `postgres://sigma_app@host/name?tenant=acme`
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
      return await use(recording);
    } finally {
      await close();
    }
  } catch (error) {
    if (error instanceof StoreError) throw new CommandError(EXIT.machine, error.message, '', { cause: error });
    throw error;
  }
}

/** Below which name the tiles and checkpoints of a recording are kept: beside a file, or with what this machine keeps. */
export const shelfName = ({ dataDir }: Place, named: string): string =>
  isAddress(named) ? join(dataDir, 'hub', 'hub.sqlite') : named;

async function opened(
  { dataDir }: Place,
  named: string,
): Promise<{ readonly recording: Recording; readonly close: () => Promise<void> }> {
  if (isAddress(named)) return atAddress(named, join(dataDir, 'hub'));
  if (!existsSync(named)) {
    throw new CommandError(
      EXIT.machine,
      `${named} does not exist`,
      'Check the path; `sigma sim` and `sigma up` print theirs',
    );
  }
  const recording = openSqliteRecording(named);
  return { recording, close: () => recording.close() };
}

const isAddress = (named: string): boolean => /^postgres(ql)?:\/\//.test(named);

async function atAddress(address: string, hubDir: string) {
  const { openRecordingAt } = await import('@sigma/hub');
  if (!URL.canParse(address) || !new URL(address).searchParams.get('tenant')) {
    throw new CommandError(
      EXIT.usage,
      'a recording in a database has an address with a tenant',
      'Give it as postgres://sigma_app@host:5432/name?tenant=acme',
    );
  }
  const { store, close } = await openRecordingAt(address, hubDir);
  return { recording: store, close };
}
