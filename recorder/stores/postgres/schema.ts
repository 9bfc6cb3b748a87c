import { sql } from 'drizzle-orm';
import { bigint, customType, integer, pgPolicy, pgSchema, primaryKey, text, unique } from 'drizzle-orm/pg-core';

/**
 * Recordings in PostgreSQL, in a schema of their own. Each row carries its tenant, and the policy of each table shows and
 * takes only rows of the tenant that the transaction has named in `sigma.tenant` (law L7); without one it shows none. What
 * Drizzle has no words for stands in the migrations: the partitions, forced policies, rights, and `commit_blocks`, the
 * one function through which blocks come in.
 */
export const recorder = pgSchema('recorder');

const tenant = () => text('tenant').notNull();
const ownRowsOnly = () =>
  pgPolicy('own_rows_only', {
    as: 'permissive',
    for: 'all',
    to: 'public',
    using: sql`tenant = current_setting('sigma.tenant', true)`,
    withCheck: sql`tenant = current_setting('sigma.tenant', true)`,
  });
/** Sequences and versions up to 2^53 - 1, agent times in microseconds up to 2^52 - 1: exact as doubles. */
const whole = (name: string) => bigint(name, { mode: 'number' });
/** As plain bytes. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Buffer): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
const bytea = customType<{ data: Uint8Array; driverData: Buffer }>({ dataType: () => 'bytea', fromDriver: bytesOf });

/** Where each tenant stands. Its row is locked by every commit until it is done: that orders the versions. */
export const tenants = recorder.table(
  'tenants',
  {
    tenant: text('tenant').primaryKey(),
    /** Version of the block that was committed last. */
    version: whole('version').notNull(),
    /** Chains so far; the next one's number less one. */
    chains: integer('chains').notNull(),
  },
  () => [ownRowsOnly()],
);

/** The end of every chain. */
export const chains = recorder.table(
  'chains',
  {
    tenant: tenant(),
    /** Number within the tenant. */
    chain: integer('chain').notNull(),
    source: text('source').notNull(),
    epoch: whole('epoch').notNull(),
    /** Of the last event. */
    sequence: whole('sequence').notNull(),
    /** Of the last block. */
    hash: bytea('hash').notNull(),
    atUs: whole('at_us').notNull(),
    blocks: whole('blocks').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.chain] }),
    unique('chain_name').on(table.tenant, table.source, table.epoch),
    ownRowsOnly(),
  ],
);

/** Blocks as they rest and travel. Partitioned by hash of the tenant. Nobody who appends may change or delete them. */
export const blocks = recorder.table(
  'blocks',
  {
    tenant: tenant(),
    chain: integer('chain').notNull(),
    firstSequence: whole('first_sequence').notNull(),
    version: whole('version').notNull(),
    /** Counts the blocks of a chain, from 1; of a pack the first one's. */
    ordinal: whole('ordinal').notNull(),
    /** Events. */
    count: integer('count').notNull(),
    /** Blocks that `bytes` is a pack of (R109), the version and the hash being those of the last; 0: it is one block. */
    packed: integer('packed').notNull().default(0),
    firstAtUs: whole('first_at_us').notNull(),
    lastAtUs: whole('last_at_us').notNull(),
    hash: bytea('hash').notNull(),
    bytes: bytea('bytes').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.chain, table.firstSequence] }),
    unique('block_version').on(table.tenant, table.version),
    ownRowsOnly(),
  ],
);

/** Where snapshots stand, derived from the blocks. */
export const snapshots = recorder.table(
  'snapshots',
  {
    tenant: tenant(),
    chain: integer('chain').notNull(),
    atUs: whole('at_us').notNull(),
    sequence: whole('sequence').notNull(),
    blockSequence: whole('block_sequence').notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.chain, table.atUs, table.sequence] }), ownRowsOnly()],
);
