import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { StoreCorruptError, StoreFailedError, StoreNewerError } from '../../src/store.ts';
import { durabilityFault } from './durability.ts';
import { storeError } from './errors.ts';
import * as schema from './schema.ts';

export type Transaction = NodePgDatabase<typeof schema>;

const MIGRATIONS = fileURLToPath(new URL('./migrations', import.meta.url));
/** Two programs that start at once bring the schema up to date one after the other. Any number that nobody else uses. */
const PREPARE_LOCK = 0x5367_6d52;

export interface PostgresOptions {
  /** After this time the server gives a statement up, and nothing of it is written. 30 s unless told. */
  readonly statementTimeoutMs?: number;
  /** Connections at most, for all tenants together. 8 unless told. */
  readonly connections?: number;
  /** How often `watch` looks by itself, should a notification be lost. Once a second unless told. */
  readonly pollMs?: number;
}

/**
 * Makes the schema `recorder`, or brings it up to date, and lets `loginRole` use it: a role that is neither owner nor
 * superuser, made by whoever runs the database.
 *
 * @param ownerUrl connection of a role that may create schemas and roles
 * @throws StoreNewerError, StoreError
 */
export async function preparePostgres(ownerUrl: string, loginRole: string): Promise<void> {
  const path = pathOf(ownerUrl);
  const owner = new pg.Pool({ connectionString: ownerUrl, max: 1 });
  owner.on('error', () => {});
  try {
    await owner.query('SELECT pg_advisory_lock($1)', [PREPARE_LOCK]);
    const exists = await owner.query(`SELECT to_regclass('recorder.migrations') AS migrations`);
    if (exists.rows[0]?.migrations !== null) await checkSchema(path, owner, 'may be older');
    await migrate(drizzle(owner), {
      migrationsFolder: MIGRATIONS,
      migrationsSchema: 'recorder',
      migrationsTable: 'migrations',
    });
    await owner.query(`GRANT sigma_recorder TO ${pg.escapeIdentifier(loginRole)}`);
  } catch (error) {
    throw storeError(path, error, 'open');
  } finally {
    await owner.end();
  }
}

/** Connections of the application role, and transactions that stand under one tenant. */
export class PostgresDatabase {
  /** The address without the password, for errors. */
  readonly path: string;
  readonly pool: pg.Pool;

  private constructor(path: string, pool: pg.Pool) {
    this.path = path;
    this.pool = pool;
  }

  /** @throws StoreError when the server cannot be reached, is not durable, or its schema is not this program's */
  static async open(url: string, options: PostgresOptions = {}): Promise<PostgresDatabase> {
    const path = pathOf(url);
    const statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
    const pool = new pg.Pool({
      connectionString: url,
      max: options.connections ?? 8,
      application_name: 'sigma-recorder',
      connectionTimeoutMillis: 10_000,
      statement_timeout: statementTimeoutMs,
      // A server that does not even answer that it gave up is taken for gone.
      query_timeout: statementTimeoutMs + Math.min(5_000, statementTimeoutMs),
      keepAlive: true,
    });
    const broke = (): void => {
      // A connection broke while nothing waited on it; the next query opens another and reports what is wrong.
    };
    pool.on('error', broke).on('connect', (client) => void client.on('error', broke));
    try {
      await checkServer(path, pool);
      await checkSchema(path, pool, 'must be ours');
      return new PostgresDatabase(path, pool);
    } catch (error) {
      await pool.end();
      throw storeError(path, error, 'open');
    }
  }

  /** One transaction that reads the rows of `tenant` and no others, all of one moment. */
  async reading<T>(tenant: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.connected(async (client) => {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
        await client.query(`SELECT set_config('sigma.tenant', $1, true)`, [tenant]);
        const result = await work(drizzle(client, { schema }));
        await client.query('COMMIT');
        return result;
      });
    } catch (error) {
      throw storeError(this.path, error, 'read');
    }
  }

  /**
   * Lends a connection. Drizzle's own `transaction` keeps it for ever when BEGIN fails, and hides why when ROLLBACK fails
   * too; here whatever failed is closed, and its transaction ends with it.
   */
  async connected<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let whole = false;
    try {
      const result = await work(client);
      whole = true;
      return result;
    } finally {
      client.release(!whole);
    }
  }
}

async function checkServer(path: string, pool: pg.Pool): Promise<void> {
  const answer = await pool.query(`
    SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
      current_setting('synchronous_standby_names') AS standbys, current_setting('neon.timeline_id', true) AS neon,
      current_setting('server_encoding') AS encoding, current_user AS role,
      (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS unbound,
      (SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('recorder.blocks')) AS owns`);
  const said = answer.rows[0];
  const fault = durabilityFault(said);
  if (fault !== null) throw new StoreFailedError(path, fault.what, fault.wayOut);
  if (said.encoding !== 'UTF8') {
    throw new StoreFailedError(
      path,
      `keeps its texts in ${said.encoding}, not in UTF8`,
      'Create the database with ENCODING UTF8',
    );
  }
  if (said.unbound === true || said.owns === true) {
    throw new StoreFailedError(
      path,
      `the role ${said.role} is ${said.unbound ? 'above row-level security' : 'the owner of the tables'}: nothing would keep tenants apart`,
      'Connect as a role that is neither superuser nor owner, and prepare the database for it',
    );
  }
}

async function checkSchema(path: string, pool: pg.Pool, wanted: 'must be ours' | 'may be older'): Promise<void> {
  const journal = JSON.parse(readFileSync(`${MIGRATIONS}/meta/_journal.json`, 'utf8')) as { entries: unknown[] };
  const known = journal.entries.length;
  const answer = await pool.query('SELECT count(*)::int AS version FROM recorder.migrations');
  const version = answer.rows[0].version as number;
  if (version > known) {
    throw new StoreNewerError(
      path,
      `has schema version ${version}; this program knows versions up to ${known}`,
      'Open it with the newer sigma that wrote it; nothing was changed',
    );
  }
  if (version < known && wanted === 'must be ours') {
    throw new StoreCorruptError(
      path,
      `has schema version ${version}, older than ${known}`,
      'Run preparePostgres as the owner to bring it up to date',
    );
  }
}

/** Where the server is, without the password; a text that is no address is not repeated. */
function pathOf(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `postgres://${host}${pathname}`;
  } catch {
    return 'postgres';
  }
}

/** Names a tenant to those who listen for its commits, and to nobody else. */
export const markOf = (tenant: string): string => hash('sha256', tenant).slice(0, 32);
