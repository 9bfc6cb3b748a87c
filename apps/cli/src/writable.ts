import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { CommandError, EXIT } from './outcome.ts';

/**
 * Looks, before anything is changed, whether a file may be written and others laid beside it: tried, since neither modes
 * nor owners say so on every medium.
 *
 * @param doing what wants to write, as the beginning of a sentence: `An erasure`
 * @throws CommandError naming the file or folder that may not be written
 */
export function mustBeWritable(file: string, doing: string): void {
  const trial = `${file}.${process.pid}.trial`;
  let named = file;
  try {
    if (existsSync(file)) closeSync(openSync(file, 'r+'));
    named = dirname(file);
    closeSync(openSync(trial, 'wx'));
    rmSync(trial);
  } catch (error) {
    const wayOut =
      `${doing} writes the recording and what lies beside it, with new files in its folder: call it as who owns them, or ` +
      'give this user the right to write them and the folder';
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(EXIT.machine, `${named} cannot be written (${code}); it is as it was`, wayOut);
  }
}
