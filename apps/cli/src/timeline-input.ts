import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LineageError, MalformedBytesError, StoreError, type Timeline } from '@sigma/recorder';
import { isBucket } from './archive-input.ts';
import { breathingTimeline } from './breathing.ts';
import { CommandError, EXIT } from './outcome.ts';
import { isAddress } from './recording-input.ts';
import type { Shell } from './shell.ts';

/**
 * Opens a recording with the parents that it is a fork of, hands it over and closes everything again.
 *
 * @param parents where parents lie that are not where the forks say
 * @throws CommandError when it or a parent is missing, damaged, altered or from a newer program
 */
export async function withTimeline<Result>(
  { environment }: Pick<Shell, 'environment'>,
  named: string,
  parents: readonly string[],
  use: (timeline: Timeline) => Promise<Result>,
): Promise<Result> {
  const { openWithParents } = await import('@sigma/sim/parents');
  if (!isAddress(named) && !isBucket(named) && !existsSync(named)) {
    throw new CommandError(
      EXIT.machine,
      `${named} does not exist`,
      'Check the path; `sigma sim` and `sigma up` print theirs',
    );
  }
  try {
    const { timeline, close } = await openWithParents(named, join(environment.dataDir, 'hub'), {
      instead: parents,
      s3: environment.s3,
    });
    try {
      return await use(breathingTimeline(timeline));
    } finally {
      await close();
    }
  } catch (error) {
    if (error instanceof StoreError) throw new CommandError(EXIT.machine, error.message, '', { cause: error });
    if (error instanceof LineageError) {
      const wayOut =
        'A fork needs the recording that it shares its beginning with, as it was; --parent names it where it lies now, under the name that it had';
      throw new CommandError(EXIT.failed, error.message, wayOut, { cause: error });
    }
    throw error instanceof MalformedBytesError ? damaged(named, error) : error;
  }
}

/** A recording whose events cannot be read: `verify` says which. */
export const damaged = (named: string, error: Error): CommandError =>
  new CommandError(EXIT.failed, `${named} is damaged: ${error.message}`, '`sigma verify` says where', {
    cause: error,
  });

/** Errors by which a fork or a trial is refused, and the way out where their words do not say it. */
const REFUSALS: Readonly<Record<string, string>> = {
  ForkRefusedError: '',
  PolicyFileError: 'Correct the rule and try again',
  FaultPlanError: '',
  BrokenChangeError: '',
  TenantError: 'Add --tenant',
};

/** @throws CommandError in place of a refusal */
export async function refusedWell<Result>(use: () => Promise<Result>): Promise<Result> {
  try {
    return await use();
  } catch (error) {
    const { name, message } = error as Error;
    if (!Object.hasOwn(REFUSALS, name)) throw error;
    throw new CommandError(EXIT.usage, message, REFUSALS[name] ?? '', { cause: error });
  }
}
