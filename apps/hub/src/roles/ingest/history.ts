import type { TelemetryFrame } from '@sigma/proto';
import type { Clock } from '../../clock.ts';
import type { Database } from '../../store/database.ts';
import { telemetrySamples } from '../../store/schema.ts';

/** Where accepted frames go to rest. `keep` never waits. */
export interface History {
  keep(frame: TelemetryFrame): void;
}

export const noHistory: History = { keep: () => undefined };

const WRITE_EVERY_US = 1_000_000;
/** Small enough that building one statement does not hold up a plan. */
const BATCH = 50;
const CAPACITY = 50_000;

/** F6: one sample a second of each channel into PostgreSQL, in batches, beside the live path. */
export class PostgresHistory implements History {
  /** Samples written, and samples shed because the database could not follow. */
  written = 0;
  shed = 0;
  readonly #database: Database;
  readonly #tenant: string;
  readonly #shed: (count: number, why: string) => void;
  readonly #seconds = new Map<string, bigint>();
  #waiting: TelemetryFrame[] = [];
  #writing: Promise<void> | null = null;
  readonly #end: () => void;

  /** @param onShed told of every loss, for the record (law L8) */
  constructor(database: Database, tenant: string, clock: Clock, onShed: (count: number, why: string) => void) {
    this.#database = database;
    this.#tenant = tenant;
    this.#shed = onShed;
    this.#end = clock.every(WRITE_EVERY_US, () => void this.flush());
  }

  keep(frame: TelemetryFrame): void {
    const key = `${frame.agentId} ${frame.channel}`;
    const second = frame.timeUs / 1_000_000n;
    if (this.#seconds.get(key) === second) return;
    this.#seconds.set(key, second);
    this.#waiting.push(frame);
    if (this.#waiting.length > CAPACITY)
      this.#lose(this.#waiting.splice(0, CAPACITY / 10).length, 'the queue was full');
  }

  /** Writes what waits. Resolves when it is in the database or lost. */
  flush(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async close(): Promise<void> {
    this.#end();
    await this.#writing;
    await this.flush();
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      const rows = batch.map((frame) => ({
        tenant: this.#tenant,
        agentId: frame.agentId,
        channel: frame.channel,
        timeUs: Number(frame.timeUs),
        sequence: Number(frame.sequence),
        values: frame.values,
      }));
      try {
        await this.#database.asTenant(this.#tenant, (tx) =>
          tx.insert(telemetrySamples).values(rows).onConflictDoNothing(),
        );
        this.written += batch.length;
      } catch (error) {
        this.#lose(batch.length, error instanceof Error ? String(error.cause ?? error.message) : String(error));
        return;
      }
    }
  }

  #lose(count: number, why: string): void {
    this.shed += count;
    this.#shed(count, why);
  }
}
