import { EVENT_COLUMNS } from '../columns.ts';
import type { ArchiveDamageError } from '../manifest.ts';
import { type Bounds, narrower } from './bounds.ts';
import { HotRows } from './hot-rows.ts';
import { type Needed, neededFor, type QueryTiers } from './needed.ts';
import { QueryProcess } from './query-child.ts';
import type { Cell, QueryLimits, ReferredText } from './query-messages.ts';

export interface QueryOptions {
  /** What the tables hold: only these tenants, sources, epochs and times. */
  readonly only: Bounds;
  readonly limits: QueryLimits;
  /** Answer without the events of damaged objects, instead of not answering. */
  readonly withoutDamaged?: boolean;
  /** What references (R190) in events stand for: with them the tables have the column `text`. They stay in memory. */
  readonly texts?: readonly ReferredText[];
  readonly signal?: AbortSignal;
}

export interface QueryAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** In the query's order, at most as many as the limit says; ends the process when it has been read or is left. */
  readonly rows: AsyncIterable<readonly Cell[]>;
  /** Whether there were more rows than the limit; known when all were read. */
  readonly isCut: () => boolean;
  readonly objects: number;
  readonly objectsLeftOut: number;
  readonly hotEvents: number;
  /** What the answer does without, when that was allowed. */
  readonly damaged: readonly ArchiveDamageError[];
}

/** The query needs what the archive cannot give. */
export class QueryNeedsDamagedError extends Error {
  readonly damaged: readonly ArchiveDamageError[];

  constructor(damaged: readonly ArchiveDamageError[]) {
    super(
      `${damaged.length} archive objects that the query needs are damaged: ${damaged.map((one) => one.what).join('; ')}`,
    );
    this.name = 'QueryNeedsDamagedError';
    this.damaged = damaged;
  }
}

export interface SessionOptions {
  /** Whether more than one query is to be expected. */
  readonly asksAgain: boolean;
  /** The process of the first query, where it was started beforehand; the session ends it. */
  readonly first?: QueryProcess | undefined;
}

/**
 * Asks in SQL over both tiers: `events` and `decisions`, each event once (R167). A query runs in a process of its own
 * that reads nothing but objects which were checked, and is ended at its bounds (R168); who asks again and again keeps
 * one in waiting for the next, with DuckDB loaded, and keeps the rows that were made of hot events.
 */
export class QuerySession {
  readonly #tiers: QueryTiers;
  readonly #asksAgain: boolean;
  readonly #hot: HotRows;
  #spare: QueryProcess | null;
  #asked = false;
  #closed = false;

  constructor(tiers: QueryTiers, { asksAgain, first = new QueryProcess() }: SessionOptions) {
    this.#tiers = tiers;
    this.#asksAgain = asksAgain;
    this.#hot = new HotRows(asksAgain);
    this.#spare = first;
  }

  /** @throws QueryError, QueryNeedsDamagedError, StoreError */
  async ask(sql: string, options: QueryOptions): Promise<QueryAnswer> {
    const desk = this.#spare?.alive === true ? this.#spare : new QueryProcess();
    this.#spare = null;
    try {
      desk.begin(sql, options.limits, options.signal);
      const { bounds } = await desk.hear('bounds');
      desk.pause();
      if (this.#asked) for (const archive of this.#tiers.cold) await archive.refresh();
      this.#asked = true;
      const wanted = narrower(bounds, options.only);
      const needed = await neededFor(this.#tiers, wanted);
      if (needed.damaged.length > 0 && options.withoutDamaged !== true)
        throw new QueryNeedsDamagedError(needed.damaged);
      const hot = await this.#hot.files(needed.hot, wanted, desk.folder);
      const files = [...needed.files, ...this.#tiers.files, ...hot.files];
      const foreign = this.#tiers.files.length > 0;
      const columns = columnsSql(files.length === 0);
      const { texts = null } = options;
      desk.say({ type: 'files', files, foreign, columns, where: whereSql(options.only), texts });
      const heading = await desk.hear('columns');
      return this.#answer(desk, heading.columns, needed, hot.events);
    } catch (error) {
      await this.#ended(desk);
      throw error;
    }
  }

  /** Answers whose rows were not read to their end can be read on, unless they were made of hot events. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#spare?.end();
    this.#spare = null;
    await this.#hot.close();
  }

  #answer(desk: QueryProcess, columns: QueryAnswer['columns'], needed: Needed, hotEvents: number): QueryAnswer {
    const ended = (): Promise<void> => this.#ended(desk);
    let cut = false;
    async function* rows(): AsyncIterable<readonly Cell[]> {
      try {
        for (;;) {
          const told = await desk.hear('rows', 'end');
          if (told.type === 'end') {
            cut = told.cut;
            return;
          }
          desk.pause();
          yield* told.rows;
          desk.say({ type: 'more' });
        }
      } finally {
        await ended();
      }
    }
    const { files, leftOut, damaged } = needed;
    return {
      columns,
      rows: rows(),
      isCut: () => cut,
      objects: files.length,
      objectsLeftOut: leftOut,
      hotEvents,
      damaged,
    };
  }

  async #ended(desk: QueryProcess): Promise<void> {
    await desk.end();
    if (this.#asksAgain && !this.#closed) this.#spare ??= new QueryProcess();
  }
}

/** Asks once. @throws QueryError, QueryNeedsDamagedError, StoreError */
export async function queryEvents(sql: string, tiers: QueryTiers, options: QueryOptions): Promise<QueryAnswer> {
  const session = new QuerySession(tiers, { asksAgain: false });
  try {
    return await session.ask(sql, options);
  } finally {
    await session.close();
  }
}

/** Names of columns, or nothing of each type where there is no file to take them from. */
const columnsSql = (bare: boolean): string =>
  EVENT_COLUMNS.map(({ name, type }) => (bare ? `NULL::${type} AS "${name}"` : `"${name}"`)).join(', ');

/** Only what was asked for by option; texts of users never stand in it as SQL. */
function whereSql({ tenants, sources, epochs, fromUs, toUs }: Bounds): string {
  const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
  const among = (column: string, values: readonly string[] | null): readonly string[] =>
    values === null ? [] : [values.length === 0 ? 'false' : `${column} IN (${values.join(', ')})`];
  const conditions = [
    ...among('tenant', tenants?.map(text) ?? null),
    ...among('source', sources?.map(text) ?? null),
    ...among('epoch', epochs?.map(String) ?? null),
    ...(fromUs === null ? [] : [`time_us >= ${fromUs}`]),
    ...(toUs === null ? [] : [`time_us <= ${toUs}`]),
  ];
  return conditions.length === 0 ? 'true' : conditions.join(' AND ');
}
