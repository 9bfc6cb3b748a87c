/** The cold tier: blocks in Parquet with their proofs, and SQL over both tiers. */
export {
  BLOCK_COLUMNS,
  type Column,
  type ColumnType,
  EVENT_COLUMNS,
  type EventClass,
  type EventRow,
  eventRow,
} from './schema.ts';
