import pg from 'pg';
import { markOf, type PostgresDatabase } from './database.ts';

const CHANNEL = 'sigma_recorder';
/** Notifications of one tenant from one process stand at least so far apart: a writer is not slowed by its own news. */
const RING_EVERY_MS = 20;

/** Hears when a tenant's recording has grown. */
export interface Ear {
  /** Waits until it rang since the last `wait` ended, for so long at most, or until the signal is aborted. */
  wait(atMostMs: number, signal: AbortSignal | undefined): Promise<void>;
  stop(): void;
}

/**
 * LISTEN and NOTIFY between processes: a hint to look, never the truth, which is the version in the table. A
 * notification is sent after its commit and in a transaction of its own without a sync, for inside the commit it would
 * make all commits of the whole server wait for one another (NOTIFY locks the queue until its transaction has ended).
 * One that is lost, with its sender or with a connection, costs the time until the listener looks by itself.
 */
export class HeadBell {
  readonly #database: PostgresDatabase;
  readonly #url: string;
  readonly #ears = new Map<string, Set<() => void>>();
  readonly #sending = new Map<string, 'once' | 'again'>();
  #listening: Promise<pg.Client | null> | null = null;
  #closed = false;
  #sends = Promise.resolve();

  constructor(database: PostgresDatabase, url: string) {
    this.#database = database;
    this.#url = url;
  }

  /** Tells every process that listens. Returns at once; what rings soon after another is told together, a little later. */
  ring(tenant: string): void {
    if (this.#sending.has(tenant)) this.#sending.set(tenant, 'again');
    else {
      this.#sending.set(tenant, 'once');
      this.#sends = Promise.all([this.#sends, this.#send(tenant)]).then(() => {});
    }
  }

  listen(tenant: string): Ear {
    const mark = markOf(tenant);
    let rang = true;
    let wake = (): void => {};
    const hear = (): void => {
      rang = true;
      wake();
    };
    const ears = this.#ears.get(mark) ?? new Set();
    this.#ears.set(mark, ears.add(hear));
    return {
      wait: async (atMostMs, signal) => {
        if (this.#listening === null && !this.#closed) this.#listening = this.#connect();
        if (!rang && !this.#closed && signal?.aborted !== true) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(() => wake(), atMostMs);
            wake = () => {
              clearTimeout(timer);
              signal?.removeEventListener('abort', hear);
              resolve();
            };
            signal?.addEventListener('abort', hear);
          });
          wake = () => {};
        }
        rang = false;
      },
      stop: () => {
        ears.delete(hear);
        if (ears.size === 0) this.#ears.delete(mark);
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wakeAll();
    await this.#sends;
    await (await this.#listening)?.end();
  }

  async #send(tenant: string): Promise<void> {
    for (;;) {
      try {
        await this.#database.pool.query(`SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`, [
          CHANNEL,
          markOf(tenant),
        ]);
      } catch {
        // A hint that was lost: listeners look by themselves.
      }
      if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, RING_EVERY_MS));
      if (this.#sending.get(tenant) !== 'again') break;
      this.#sending.set(tenant, 'once');
    }
    this.#sending.delete(tenant);
  }

  /** @returns null when there is no connection to be had; the next `wait` tries again. */
  async #connect(): Promise<pg.Client | null> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'sigma-recorder watch',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
    const gone = (): void => {
      this.#listening = null;
      this.#wakeAll();
    };
    client.on('error', gone);
    client.on('notification', ({ payload }) => {
      for (const hear of this.#ears.get(payload ?? '') ?? []) hear();
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      client.once('end', gone);
      // What was committed before it listened was not heard.
      this.#wakeAll();
      return client;
    } catch {
      this.#listening = null;
      await client.end().catch(() => {});
      return null;
    }
  }

  #wakeAll(): void {
    for (const ears of this.#ears.values()) for (const hear of ears) hear();
  }
}
