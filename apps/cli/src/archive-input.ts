import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectStore } from '@sigma/recorder/archive';
import type { Environment } from './environment.ts';
import { CommandError, EXIT } from './outcome.ts';

export const isBucket = (named: string): boolean => named.startsWith('s3://');

/** Whether what was named is an archive: a bucket, or a folder. @throws CommandError when this user may not look */
export const isArchive = (named: string): boolean => isBucket(named) || isFolder(named);

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    const what = `${path} may not be looked at (${(error as NodeJS.ErrnoException).code})`;
    throw new CommandError(EXIT.machine, what, 'Give this user the right to enter its folders, or name another', {
      cause: error,
    });
  }
}

/** Where objects of distant archives are kept once fetched. */
export const archiveCache = ({ dataDir }: Pick<Environment, 'dataDir'>): string => join(dataDir, 'archive-cache');

/**
 * The store behind the address of an archive: a folder, or `s3://bucket/prefix?endpoint=URL&region=NAME`. Loaded on
 * demand.
 *
 * @param how `read` wants a folder that exists
 * @throws CommandError
 */
export async function archiveStore(
  { s3 }: Partial<Pick<Environment, 's3'>>,
  named: string,
  how: 'read' | 'write',
): Promise<ObjectStore> {
  if (how === 'read' && !isArchive(named)) {
    throw new CommandError(
      EXIT.machine,
      `${named} is no archive`,
      'Name the folder or bucket that `sigma archive` wrote to',
    );
  }
  if (isBucket(named) && (s3 === null || s3 === undefined)) {
    const wayOut = 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
    throw new CommandError(EXIT.usage, `${named} needs an access key`, wayOut);
  }
  const { archiveObjects } = await import('@sigma/recorder/query');
  try {
    return await archiveObjects(named, s3 ?? null);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CommandError(EXIT.usage, error.message, 'Correct the address');
  }
}
