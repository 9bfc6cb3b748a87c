import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import * as schema from './schema.ts';

export type Tables = NodePgDatabase<typeof schema>;
/** The tables within one transaction of one tenant. */
export type Transaction = Tables;

/** The hub's database, reached only as the application role and only as one tenant at a time. */
export interface Database {
  /** One transaction that sees and writes rows of `tenant` and no others. */
  asTenant<T>(tenant: string, work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** For a library that makes its own queries: connections that stand under one tenant for good. */
  bound(tenant: string): Tables;
  close(): Promise<void>;
}

/** The database was written by a newer hub. */
export class NewerSchemaError extends Error {
  readonly found: string;
  readonly known: string;

  constructor(found: string, known: string) {
    super(
      `the database stands at schema '${found}', newer than '${known}' which this hub knows; start the newer hub, or give this one its own data directory`,
    );
    this.name = 'NewerSchemaError';
    this.found = found;
    this.known = known;
  }
}

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));
/** Neither owner nor superuser: what the hub works as. */
export const APPLICATION_ROLE = 'sigma_app';
/** Settings of the schema itself belong to no customer; ids never begin with a dash, so no tenant can have this name. */
const SCHEMA_OWNER = '-schema';

/**
 * Brings the database to this hub's schema and opens it. `url` is the owner's connection; `password` becomes that of the
 * application role.
 * @throws NewerSchemaError
 */
export async function openDatabase(url: string, password: string): Promise<Database> {
  await prepare(url, password);
  const connectionString = applicationUrl(url, password);
  const connect = (options: pg.PoolConfig): pg.Pool => poolOf({ connectionString, ...options });
  const pool = connect({ max: 8 });
  const pools = [pool];
  return {
    asTenant: (tenant, work) => transaction(pool, tenant, work),
    bound: (tenant) => {
      const own = connect({ max: 4, options: `-c sigma.tenant=${tenant}` });
      pools.push(own);
      return drizzle(own, { schema });
    },
    close: async () => {
      await Promise.all(pools.map((open) => open.end()));
    },
  };
}

/** Reads the database beside a hub that keeps it, as the application role. @param url of that role */
export function openDatabaseBeside(url: string): Pick<Database, 'asTenant' | 'close'> {
  const pool = poolOf({ connectionString: url, max: 1 });
  return { asTenant: (tenant, work) => transaction(pool, tenant, work), close: () => pool.end() };
}

/** Connections of which one may break while nobody asks anything of it, also while it is being closed. */
function poolOf(options: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(options);
  // The next query opens another connection and reports what is wrong.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** The address of the same database for the application role; an empty password: none is in it. */
export function applicationUrl(ownerUrl: string, password: string): string {
  const address = new URL(ownerUrl);
  address.username = APPLICATION_ROLE;
  address.password = password;
  return address.href;
}

/**
 * One transaction. Drizzle's own keeps its connection for ever when BEGIN fails, and hides the cause when ROLLBACK fails
 * too; here a connection that could not be put back in order is closed, and its transaction ends with it.
 */
async function transaction<T>(pool: pg.Pool, tenant: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let whole = false;
  try {
    await client.query('BEGIN');
    await client.query(`SELECT set_config('sigma.tenant', $1, true)`, [tenant]);
    const result = await work(drizzle(client, { schema }));
    await client.query('COMMIT');
    whole = true;
    return result;
  } catch (error) {
    whole = await client.query('ROLLBACK').then(
      () => true,
      () => false,
    );
    throw error;
  } finally {
    client.release(!whole);
  }
}

async function prepare(url: string, password: string): Promise<void> {
  const owner = poolOf({ connectionString: url, max: 1 });
  try {
    const known = knownMigrations();
    const newest = known.at(-1) as Migration;
    await refuseNewer(owner, known, newest);
    await owner.query(
      `do $$ begin if not exists (select from pg_roles where rolname = '${APPLICATION_ROLE}') then create role ${APPLICATION_ROLE}; end if; end $$`,
    );
    await owner.query(
      `alter role ${APPLICATION_ROLE} with login nosuperuser nobypassrls nocreatedb nocreaterole password ${pg.escapeLiteral(password)}`,
    );
    await migrate(drizzle(owner), { migrationsFolder: MIGRATIONS });
    await owner.query(
      `insert into settings (tenant, name, value) values ($1, 'schema', $2) on conflict (tenant, name) do update set value = excluded.value`,
      [SCHEMA_OWNER, newest.tag],
    );
  } finally {
    await owner.end();
  }
}

interface Migration {
  readonly tag: string;
  readonly when: number;
}

function knownMigrations(): readonly Migration[] {
  const journal = JSON.parse(readFileSync(`${MIGRATIONS}/meta/_journal.json`, 'utf8')) as { entries: Migration[] };
  return journal.entries;
}

async function refuseNewer(owner: pg.Pool, known: readonly Migration[], newest: Migration): Promise<void> {
  const exists = await owner.query(`select to_regclass('public.settings') as settings`);
  if (exists.rows[0]?.settings === null) return;
  const found = await owner.query(`select value from settings where tenant = $1 and name = 'schema'`, [SCHEMA_OWNER]);
  const tag = found.rows[0]?.value as string | undefined;
  if (tag !== undefined && !known.some((migration) => migration.tag === tag))
    throw new NewerSchemaError(tag, newest.tag);
}
