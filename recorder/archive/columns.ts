/** Parquet type of a column, in DuckDB's words. */
export type ColumnType = 'VARCHAR' | 'BIGINT' | 'INTEGER' | 'DOUBLE' | 'TIMESTAMP' | 'BLOB';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** For whoever writes SQL. */
  readonly what: string;
}

/** One event as it is asked for in SQL: the same columns in the archive, in hot rows, and in an exported Parquet file. */
export const EVENT_COLUMNS = [
  { name: 'tenant', type: 'VARCHAR', what: 'who owns it' },
  { name: 'source', type: 'VARCHAR', what: 'agent, hub or world that wrote it' },
  { name: 'epoch', type: 'BIGINT', what: "the writer's life, from 0" },
  { name: 'sequence', type: 'BIGINT', what: 'place in its chain, from 1' },
  { name: 'at_us', type: 'BIGINT', what: 'agent time, microseconds since the epoch began' },
  { name: 'time_us', type: 'BIGINT', what: 'wall clock, microseconds since 1970' },
  { name: 'time', type: 'TIMESTAMP', what: 'the same, as a time in UTC' },
  { name: 'type', type: 'VARCHAR', what: 'sigma.decision.v1, sigma.signal.v1, …' },
  {
    name: 'class',
    type: 'VARCHAR',
    what: 'safety, decision, stimulus, message, signal, snapshot or record: what retention goes by',
  },
  { name: 'subject', type: 'VARCHAR', what: 'what it is about: a task, a mission, an alert' },
  { name: 'traceparent', type: 'VARCHAR', what: 'W3C trace context' },
  { name: 'dataschema', type: 'VARCHAR', what: 'schema of the payload where it is not the one that type names' },
  { name: 'bytes', type: 'INTEGER', what: 'length of the payload' },
  { name: 'name', type: 'VARCHAR', what: 'of a signal: its name; of a message: its topic' },
  { name: 'chosen', type: 'VARCHAR', what: 'of a decision: the command that went out' },
  { name: 'authority', type: 'VARCHAR', what: 'of a decision: safety, operator, swarm, mission or rest' },
  { name: 'reason', type: 'VARCHAR', what: 'of a decision: its rationale' },
  { name: 'proposed_by', type: 'VARCHAR', what: 'of a decision: who proposed what was chosen' },
  { name: 'confidence', type: 'DOUBLE', what: 'of a decision: 0 to 1' },
  { name: 'rejected', type: 'INTEGER', what: 'of a decision: how many alternatives lost' },
  { name: 'task', type: 'VARCHAR', what: 'of a decision: the task it served' },
  { name: 'body', type: 'VARCHAR', what: 'the payload as JSON; null of stimuli, snapshots and sealed payloads' },
] as const satisfies readonly Column[];

/** Blocks as they were written, one in a row: what an archive is restored, verified and replayed from. */
export const BLOCK_COLUMNS = [
  { name: 'first_sequence', type: 'BIGINT', what: 'its first event' },
  { name: 'block_hash', type: 'BLOB', what: 'SHA-256 of the block' },
  { name: 'block', type: 'BLOB', what: 'its bytes' },
] as const satisfies readonly Column[];

/** Events of which retention has taken some away: the envelope where it stays, the hash of its leaf where it went. */
export const LEAF_COLUMNS = [
  { name: 'sequence', type: 'BIGINT', what: 'place in its chain' },
  { name: 'leaf', type: 'BLOB', what: 'leaf hash of an envelope that is gone' },
  { name: 'envelope', type: 'BLOB', what: 'envelope that stays' },
] as const satisfies readonly Column[];
