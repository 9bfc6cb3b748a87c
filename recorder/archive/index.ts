/** The cold tier: blocks in Parquet with their proofs, and SQL over both tiers. */
export type { Moved } from '../stores/moved.ts';

export { releaseFromSqlite } from '../stores/sqlite/release.ts';
export { type ArchiveOptions, type ArchiveReport, archiveRecording } from './archive-recording.ts';
export { ColdArchive } from './cold-archive.ts';
export { BLOCK_COLUMNS, type Column, EVENT_COLUMNS } from './columns.ts';
export { ArchiveDamageError, type ArchivedObject } from './manifest.ts';
export { openMoved, readMark, writeMark } from './mark.ts';
export { archiveObjects } from './objects/archive-objects.ts';
export { folderObjects } from './objects/folder.ts';
export { type ObjectStore, ObjectStoreError } from './objects/object-store.ts';
export type { S3Access } from './objects/s3.ts';
export { type Bounds, NO_BOUNDS } from './query/bounds.ts';
export type { QueryTiers } from './query/needed.ts';
export {
  type QueryAnswer,
  QueryNeedsDamagedError,
  type QueryOptions,
  QuerySession,
  queryEvents,
} from './query/query.ts';
export { QueryError } from './query/query-child.ts';
export type { Cell, QueryLimits, ReferredText } from './query/query-messages.ts';
export { releasable } from './release.ts';
export { RestoreDiffersError, restoreRecording } from './restore.ts';
export { parseRetention, type Retention, RetentionError, retentionOf } from './retention.ts';
export { type EventClass, type EventRow, eventRow } from './schema.ts';
export { checkTree, thinArchive } from './thin.ts';
export { tieredRecording } from './tiered-recording.ts';
