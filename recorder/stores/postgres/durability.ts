/** What a server says of itself; the names of its settings. */
export interface ServerSettings {
  readonly fsync: string;
  readonly full_page_writes: string;
  /** `synchronous_standby_names`. */
  readonly standbys: string;
  /** `neon.timeline_id`, where there is such a setting. */
  readonly neon: string | null;
}

/**
 * Whether a commit on this server is on disk when it is acknowledged. Neon runs with fsync off, and a commit there waits
 * for its safekeepers instead (its walproposer is the synchronous standby:
 * https://neon.tech/docs/reference/compatibility).
 *
 * @returns null, or why not and the way out
 */
export function durabilityFault(server: ServerSettings): { readonly what: string; readonly wayOut: string } | null {
  const { fsync, full_page_writes, standbys, neon } = server;
  if (neon !== null && neon !== '' && standbys.includes('walproposer')) return null;
  if (fsync !== 'on') {
    return {
      what: 'runs with fsync=off: a power cut would lose what it has acknowledged, or the whole database',
      wayOut: 'Set fsync = on in postgresql.conf and reload the server',
    };
  }
  if (full_page_writes !== 'on') {
    return {
      what: 'runs with full_page_writes=off: a power cut in the middle of a page would damage what is stored',
      wayOut: 'Set full_page_writes = on in postgresql.conf and reload the server',
    };
  }
  return null;
}
