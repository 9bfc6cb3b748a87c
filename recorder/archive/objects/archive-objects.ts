import { folderObjects } from './folder.ts';
import { type ObjectStore, ObjectStoreError } from './object-store.ts';
import type { S3Access } from './s3.ts';

/**
 * The store behind the name of an archive: a folder, or `s3://bucket/prefix?endpoint=URL&region=NAME`. What speaks S3 is
 * loaded on demand.
 *
 * @param access of the bucket's server; null where there is none
 * @throws RangeError for an address that is none, ObjectStoreError for a bucket without a key
 */
export async function archiveObjects(named: string, access: S3Access | null): Promise<ObjectStore> {
  if (!named.startsWith('s3://')) return folderObjects(named);
  const { parseS3Address, s3Objects } = await import('./s3.ts');
  const place = parseS3Address(named);
  if (access !== null) return s3Objects(place, access);
  throw new ObjectStoreError(named, 'needs an access key', 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
}
