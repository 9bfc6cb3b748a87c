import { existsSync } from 'node:fs';
import { type Recording, StoreError } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { CommandError, EXIT } from './outcome.ts';

/**
 * Opens a recording for reading, hands it over and closes it again.
 *
 * @throws CommandError when the file is missing, damaged or from a newer program
 */
export async function withRecording<Result>(
  path: string,
  use: (recording: Recording) => Promise<Result>,
): Promise<Result> {
  if (!existsSync(path)) {
    throw new CommandError(
      EXIT.machine,
      `${path} does not exist`,
      'Check the path; `sigma sim` and `sigma up` print theirs',
    );
  }
  try {
    const recording = openSqliteRecording(path);
    try {
      return await use(recording);
    } finally {
      await recording.close();
    }
  } catch (error) {
    if (error instanceof StoreError) throw new CommandError(EXIT.machine, error.message, '', { cause: error });
    throw error;
  }
}
