/** Asking in SQL over both tiers, without what writes an archive: loaded in a few milliseconds. */
export { ColdArchive } from '../cold-archive.ts';
export { archiveObjects } from '../objects/archive-objects.ts';
export { QueryNeedsDamagedError, QuerySession } from './query.ts';
export { QueryError } from './query-child.ts';
