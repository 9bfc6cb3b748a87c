import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgPolicy,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
} from 'drizzle-orm/pg-core';

/**
 * Everything the hub keeps. Each row carries its tenant, filled in from the connection's `sigma.tenant`; the policy of
 * each table shows and takes only rows of that tenant (law L7), and without one shows none.
 */
const tenant = () => text('tenant').notNull().default(sql`current_setting('sigma.tenant')`);
const ownRowsOnly = () =>
  pgPolicy('own_rows_only', {
    as: 'permissive',
    for: 'all',
    to: 'public',
    using: sql`tenant = current_setting('sigma.tenant', true)`,
    withCheck: sql`tenant = current_setting('sigma.tenant', true)`,
  });
/** Microseconds since 1970; exact in a double until the year 2255. */
const timeUs = (name: string) => bigint(name, { mode: 'number' });
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const instant = (name: string) => timestamp(name, { withTimezone: true });

/** Which migration the database stands at, by name, and what else is known by one word. */
export const settings = pgTable(
  'settings',
  { tenant: tenant(), name: text('name').notNull(), value: text('value').notNull() },
  (table) => [primaryKey({ columns: [table.tenant, table.name] }), ownRowsOnly()],
);

export const user = pgTable(
  'user',
  {
    tenant: tenant(),
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    email: text('email').notNull(),
    emailVerified: boolean('email_verified').notNull().default(false),
    image: text('image'),
    /** viewer, operator, engineer or administrator. */
    role: text('role').notNull().default('viewer'),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
    /** When a call of this person was last let in; 0: never. Written at most once a minute. */
    seenTimeUs: timeUs('seen_time_us').notNull().default(0),
  },
  (table) => [unique('user_email').on(table.tenant, table.email), ownRowsOnly()],
);

export const session = pgTable(
  'session',
  {
    tenant: tenant(),
    id: text('id').primaryKey(),
    expiresAt: instant('expires_at').notNull(),
    token: text('token').notNull().unique(),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
    ipAddress: text('ip_address'),
    userAgent: text('user_agent'),
    userId: text('user_id')
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
  },
  (table) => [index('session_user').on(table.userId), ownRowsOnly()],
);

export const account = pgTable(
  'account',
  {
    tenant: tenant(),
    id: text('id').primaryKey(),
    accountId: text('account_id').notNull(),
    /** Who vouches for `accountId`; together they name an account. */
    issuer: text('issuer').notNull(),
    providerId: text('provider_id').notNull(),
    userId: text('user_id')
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
    accessToken: text('access_token'),
    refreshToken: text('refresh_token'),
    idToken: text('id_token'),
    accessTokenExpiresAt: instant('access_token_expires_at'),
    refreshTokenExpiresAt: instant('refresh_token_expires_at'),
    scope: text('scope'),
    /** Salted scrypt hash. */
    password: text('password'),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [
    index('account_user').on(table.userId),
    unique('account_key').on(table.tenant, table.issuer, table.accountId),
    ownRowsOnly(),
  ],
);

export const verification = pgTable(
  'verification',
  {
    tenant: tenant(),
    id: text('id').primaryKey(),
    identifier: text('identifier').notNull(),
    value: text('value').notNull(),
    expiresAt: instant('expires_at').notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [index('verification_identifier').on(table.identifier), ownRowsOnly()],
);

export const missions = pgTable(
  'missions',
  {
    tenant: tenant(),
    id: text('id').notNull(),
    status: text('status').notNull(),
    createdTimeUs: timeUs('created_time_us').notNull(),
    finishedTimeUs: timeUs('finished_time_us').notNull().default(0),
    idempotencyKey: text('idempotency_key'),
    /** The mission as the supervisor last told it: MissionView of the supervisor's port. */
    view: jsonb('view').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.id] }),
    unique('mission_key').on(table.tenant, table.idempotencyKey),
    index('missions_newest').on(table.tenant, table.createdTimeUs),
    ownRowsOnly(),
  ],
);

export const alerts = pgTable(
  'alerts',
  {
    tenant: tenant(),
    id: text('id').notNull(),
    level: integer('level').notNull(),
    agentId: text('agent_id').notNull(),
    cause: text('cause').notNull(),
    text: text('text').notNull(),
    advice: text('advice').notNull(),
    raisedTimeUs: timeUs('raised_time_us').notNull(),
    clearedTimeUs: timeUs('cleared_time_us').notNull().default(0),
    acknowledgedBy: text('acknowledged_by').notNull().default(''),
    acknowledgedTimeUs: timeUs('acknowledged_time_us').notNull().default(0),
    count: integer('count').notNull(),
    decisionSequence: timeUs('decision_sequence').notNull().default(0),
    decisionEpoch: timeUs('decision_epoch').notNull().default(0),
    /** The alert that explains this one, or empty. */
    rootId: text('root_id').notNull().default(''),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.id] }),
    index('alerts_standing').on(table.tenant, table.clearedTimeUs),
    index('alerts_raised').on(table.tenant, table.raisedTimeUs),
    ownRowsOnly(),
  ],
);

export const controlLeases = pgTable(
  'control_leases',
  {
    tenant: tenant(),
    agentId: text('agent_id').notNull(),
    leaseId: text('lease_id').notNull(),
    holder: text('holder').notNull(),
    expiresTimeUs: timeUs('expires_time_us').notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.agentId] }), ownRowsOnly()],
);

/** One sample a second of each channel of each agent. NaN: no reading. */
export const telemetrySamples = pgTable(
  'telemetry_samples',
  {
    tenant: tenant(),
    agentId: text('agent_id').notNull(),
    channel: text('channel').notNull(),
    timeUs: timeUs('time_us').notNull(),
    sequence: timeUs('sequence').notNull(),
    values: doublePrecision('values').array().notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.agentId, table.channel, table.timeUs] }), ownRowsOnly()],
);

/** What a planner knew when it was last kept, so that a hub that was killed goes on where it stood. */
export const plannerStates = pgTable(
  'planner_states',
  {
    tenant: tenant(),
    name: text('name').notNull(),
    version: text('version').notNull(),
    atUs: timeUs('at_us').notNull(),
    state: text('state').notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.name] }), ownRowsOnly()],
);

/** Decisions of agents as they came, found again by agent, epoch and sequence. Older ones go when there are too many. */
export const decisions = pgTable(
  'decisions',
  {
    tenant: tenant(),
    agentId: text('agent_id').notNull(),
    epoch: bigint('epoch', { mode: 'number' }).notNull(),
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    timeUs: timeUs('time_us').notNull(),
    /** sigma.v1.DecisionMade. */
    made: bytea('made').notNull(),
    /** Authority of what was chosen, in one word; `rest` where nobody proposed anything. */
    authority: text('authority').notNull().default(''),
    /** Rationale, source and command in lower case, for whoever looks for a word. */
    words: text('words').notNull().default(''),
    /** Told ahead of the record, which is still to prove it (recorder/SPEC.md R193). */
    reported: boolean('reported').notNull().default(false),
    /** `dropped` or `damaged`: why no record will prove what was reported; else empty. */
    unprovable: text('unprovable').$type<'' | 'dropped' | 'damaged'>().notNull().default(''),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.agentId, table.epoch, table.sequence] }),
    index('decisions_by_time').on(table.tenant, table.timeUs),
    ownRowsOnly(),
  ],
);

/** What people did through the hub, for reading; what proves it stands in the hub's own chain. */
export const acts = pgTable(
  'acts',
  {
    tenant: tenant(),
    id: text('id').notNull(),
    timeUs: timeUs('time_us').notNull(),
    actor: text('actor').notNull(),
    act: text('act').notNull(),
    /** `*`: every robot. */
    targets: text('targets').array().notNull(),
    summary: text('summary').notNull(),
    outcome: text('outcome').notNull(),
    reason: text('reason').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.id] }),
    index('acts_by_time').on(table.tenant, table.timeUs),
    ownRowsOnly(),
  ],
);

/** What happened when, for a time bar. Older ones go when there are too many; `settings` says since when they are whole. */
export const marks = pgTable(
  'marks',
  {
    tenant: tenant(),
    id: text('id').notNull(),
    timeUs: timeUs('time_us').notNull(),
    kind: text('kind').notNull(),
    agentId: text('agent_id').notNull(),
    decisionSequence: timeUs('decision_sequence').notNull(),
    decisionEpoch: timeUs('decision_epoch').notNull(),
    level: integer('level').notNull(),
    text: text('text').notNull(),
    /** Told ahead of the record, which is still to prove it (recorder/SPEC.md R193). */
    reported: boolean('reported').notNull().default(false),
    /** `dropped` or `damaged`: why no record will prove what was reported; else empty. */
    unprovable: text('unprovable').$type<'' | 'dropped' | 'damaged'>().notNull().default(''),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.id] }),
    index('marks_by_time').on(table.tenant, table.timeUs),
    ownRowsOnly(),
  ],
);

export const silences = pgTable(
  'silences',
  {
    tenant: tenant(),
    id: text('id').notNull(),
    cause: text('cause').notNull(),
    /** Empty: of all agents. */
    agentId: text('agent_id').notNull(),
    untilTimeUs: timeUs('until_time_us').notNull(),
    by: text('by').notNull(),
    reason: text('reason').notNull(),
    createdTimeUs: timeUs('created_time_us').notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] }), ownRowsOnly()],
);

/** What people drew on the floor. One that was taken away stays a while, so that its key makes no second one. */
export const fences = pgTable(
  'fences',
  {
    tenant: tenant(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    kind: text('kind').notNull(),
    speedMps: doublePrecision('speed_mps').notNull(),
    /** x and y of each point in turn, metres. */
    pointsM: doublePrecision('points_m').array().notNull(),
    createdBy: text('created_by').notNull(),
    createdTimeUs: timeUs('created_time_us').notNull(),
    /** 0: until it is taken away. */
    endsTimeUs: timeUs('ends_time_us').notNull(),
    /** 0 while it is in force. */
    endedTimeUs: timeUs('ended_time_us').notNull().default(0),
    idempotencyKey: text('idempotency_key'),
    /** Counts what was made of it, from 1. */
    version: integer('version').notNull().default(1),
    note: text('note').notNull().default(''),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.id] }),
    unique('fence_key').on(table.tenant, table.idempotencyKey),
    ownRowsOnly(),
  ],
);

/** Notes of fences as they were: what two people made of one of them is merged over it. */
export const fenceNotes = pgTable(
  'fence_notes',
  {
    tenant: tenant(),
    fenceId: text('fence_id').notNull(),
    /** Of the fence, from which on it was so. */
    version: integer('version').notNull(),
    note: text('note').notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.fenceId, table.version] }), ownRowsOnly()],
);

/** What people wrote, sealed for whoever wrote it (recorder/SPEC.md R172): elsewhere only `text:<id>` stands. */
export const texts = pgTable(
  'texts',
  {
    tenant: tenant(),
    id: text('id').notNull(),
    /** As in the event that has it on record. */
    sealed: bytea('sealed').notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] }), ownRowsOnly()],
);

/** Faults that were injected into simulated robots and neither cleared nor over. */
export const activeFaults = pgTable(
  'active_faults',
  {
    tenant: tenant(),
    agentId: text('agent_id').notNull(),
    fault: text('fault').notNull(),
    /** Life of the agent that it was injected into: the next one begins without it. */
    epoch: bigint('epoch', { mode: 'number' }).notNull(),
    /** 0: until it is cleared. */
    endsTimeUs: timeUs('ends_time_us').notNull(),
    by: text('by').notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.agentId, table.fault] }), ownRowsOnly()],
);

/** The key of each edge, as it was first seen: what its chains' heads are believed under. */
export const edgeKeys = pgTable(
  'edge_keys',
  {
    tenant: tenant(),
    edgeId: text('edge_id').notNull(),
    /** Ed25519, 32 bytes. */
    publicKey: bytea('public_key').notNull(),
    pinnedTimeUs: timeUs('pinned_time_us').notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.edgeId] }), ownRowsOnly()],
);

/** Moments of batches that their blocks do not tell (recorder/SPEC.md R128). */
export const syncMarks = pgTable(
  'sync_marks',
  {
    tenant: tenant(),
    source: text('source').notNull(),
    epoch: bigint('epoch', { mode: 'number' }).notNull(),
    /** Of the batch: its last and its first event. */
    lastSequence: bigint('last_sequence', { mode: 'number' }).notNull(),
    firstSequence: bigint('first_sequence', { mode: 'number' }).notNull(),
    timeUs: timeUs('time_us').notNull(),
    /** Tells moments of one microsecond apart. */
    count: bigint('count', { mode: 'number' }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant, table.source, table.epoch, table.lastSequence, table.firstSequence] }),
    index('sync_marks_newest').on(table.tenant, table.timeUs, table.count),
    ownRowsOnly(),
  ],
);

/** Up to where chains that came home were read into marks and decisions (recorder/SPEC.md R192). */
export const readPlaces = pgTable(
  'read_places',
  {
    tenant: tenant(),
    source: text('source').notNull(),
    epoch: bigint('epoch', { mode: 'number' }).notNull(),
    /** The last event of which marks were made, and the last of which decisions were. */
    marked: bigint('marked', { mode: 'number' }).notNull(),
    decided: bigint('decided', { mode: 'number' }).notNull(),
    /** What must be known to read on behind `marked`: ReadState of the chronicle. */
    state: jsonb('state').notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.source, table.epoch] }), ownRowsOnly()],
);

/** Events that robots told ahead of their record, until it proves them (recorder/SPEC.md R193). */
export const reportedEvents = pgTable(
  'reported_events',
  {
    tenant: tenant(),
    source: text('source').notNull(),
    epoch: bigint('epoch', { mode: 'number' }).notNull(),
    sequence: bigint('sequence', { mode: 'number' }).notNull(),
    /** SHA-256 of the envelope. */
    digest: bytea('digest').notNull(),
    /** Of the mark that was made of it; empty: none. */
    markId: text('mark_id').notNull(),
    /** Sequence of the decision that it is; 0: it is none. */
    decision: bigint('decision', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.source, table.epoch, table.sequence] }), ownRowsOnly()],
);

/** The greatest head of each chain that this hub cosigned, and what it last refused of it. */
export const witnessedHeads = pgTable(
  'witnessed_heads',
  {
    tenant: tenant(),
    /** Name of the chain among logs. */
    origin: text('origin').notNull(),
    /** Of the edge that signed it: under another key it is another log. */
    publicKey: bytea('public_key').notNull(),
    edgeId: text('edge_id').notNull(),
    size: bigint('size', { mode: 'number' }).notNull(),
    /** Checkpoint, signed by the edge. */
    note: text('note').notNull(),
    seenTimeUs: timeUs('seen_time_us').notNull(),
    /** Kind of the refusal that stands; empty: none. */
    refusal: text('refusal').notNull().default(''),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.origin, table.publicKey] }), ownRowsOnly()],
);
