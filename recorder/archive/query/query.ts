import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ArchiveDamageError } from '../manifest.ts';
import { EVENT_COLUMNS } from '../schema.ts';
import { type Bounds, narrower } from './bounds.ts';
import { type Needed, neededFor, type QueryTiers } from './needed.ts';
import type { Cell, FromQuery, QueryFault, QueryLimits, ToQuery } from './query-messages.ts';

export interface QueryOptions {
  /** What the tables hold: only these tenants, sources, epochs and times. */
  readonly only: Bounds;
  readonly limits: QueryLimits;
  /** Answer without the events of damaged objects, instead of not answering. */
  readonly withoutDamaged?: boolean;
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

/** The query was not answered: it is no query, or it went past a bound. */
export class QueryError extends Error {
  readonly fault: QueryFault;

  constructor(fault: QueryFault, message: string) {
    super(message);
    this.name = 'QueryError';
    this.fault = fault;
  }
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

/**
 * Asks in SQL over both tiers: `events` and `decisions`, each event once (R167). The query runs in a process of its own
 * that reads nothing but objects which were checked, and is ended at its bounds (R168).
 *
 * @throws QueryError, QueryNeedsDamagedError, StoreError
 */
export async function queryEvents(sql: string, tiers: QueryTiers, options: QueryOptions): Promise<QueryAnswer> {
  const folder = await mkdtemp(join(tmpdir(), 'sigma-query-'));
  const desk = new QueryProcess(options.limits, folder, options.signal);
  try {
    desk.say({ type: 'sql', sql, limits: options.limits });
    const { bounds } = await desk.hear('bounds');
    desk.pause();
    const wanted = narrower(bounds, options.only);
    const needed = await neededFor(tiers, wanted);
    if (needed.damaged.length > 0 && options.withoutDamaged !== true) throw new QueryNeedsDamagedError(needed.damaged);
    const hotFile = join(folder, 'hot.parquet');
    const hotEvents = needed.hot.length === 0 ? 0 : await hotRows(hotFile, needed, wanted);
    const files = [...needed.files, ...tiers.files, ...(hotEvents > 0 ? [hotFile] : [])];
    const bare = files.length === 0;
    desk.say({ type: 'files', files, columns: columnsSql(bare), where: whereSql(options.only) });
    const { columns } = await desk.hear('columns');
    return answer(desk, columns, needed, hotEvents);
  } catch (error) {
    await desk.end();
    throw error;
  }
}

/** DuckDB is loaded here only where rows are to be made: what is archived is read by the process of the query alone. */
async function hotRows(path: string, { hot }: Needed, bounds: Bounds): Promise<number> {
  const { writeHotRows } = await import('./hot-rows.ts');
  return writeHotRows(path, hot, bounds);
}

function answer(desk: QueryProcess, columns: QueryAnswer['columns'], needed: Needed, hotEvents: number): QueryAnswer {
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
      await desk.end();
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

type Told<Type extends FromQuery['type']> = Extract<FromQuery, { readonly type: Type }>;

/** The process in which a query runs, seen from outside. Its time counts only while it is being waited for. */
class QueryProcess {
  readonly #child: ChildProcess;
  readonly #limits: QueryLimits;
  readonly #folder: string;
  readonly #heard: FromQuery[] = [];
  #leftMs: number;
  #fault: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(limits: QueryLimits, folder: string, signal: AbortSignal | undefined) {
    this.#limits = limits;
    this.#folder = folder;
    this.#leftMs = limits.timeoutMs;
    this.#child = fork(fileURLToPath(new URL('./query-process.ts', import.meta.url)), {
      cwd: folder,
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning'],
      serialization: 'json',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child.on('message', (message: FromQuery) => {
      if (message.type === 'fault') this.#fail(new QueryError(message.fault, message.message));
      else this.#heard.push(message);
      this.#wake?.();
    });
    this.#child.on('error', (error) => this.#fail(new QueryError('defect', error.message)));
    this.#child.on('exit', (code, by) => {
      this.#fail(new QueryError('defect', `the process of the query ended by itself (${by ?? code})`));
    });
    signal?.addEventListener('abort', () => this.#fail(signal.reason as Error), { once: true });
  }

  say(message: ToQuery): void {
    if (this.#child.connected) this.#child.send(message);
  }

  /** Nothing is being waited for: what the caller does now is not the query's time. */
  pause(): void {
    this.#wake = null;
  }

  async hear<Type extends FromQuery['type']>(...types: readonly Type[]): Promise<Told<Type>> {
    const from = performance.now();
    const limit = setTimeout(() => {
      this.#fail(
        new QueryError('time', `it ran for ${this.#limits.timeoutMs / 1000} s without an end and was stopped`),
      );
    }, this.#leftMs);
    try {
      for (;;) {
        const message = this.#heard.shift();
        if (message !== undefined && types.includes(message.type as Type)) return message as Told<Type>;
        if (message === undefined && this.#fault !== null) throw this.#fault;
        if (message !== undefined) throw new QueryError('defect', `the process of the query said '${message.type}'`);
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    } finally {
      clearTimeout(limit);
      this.#leftMs -= performance.now() - from;
    }
  }

  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) {
      const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
      this.#child.kill('SIGKILL');
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  #fail(error: Error): void {
    this.#fault ??= error;
    this.#wake?.();
  }
}
