import { createRequire } from 'node:module';
import type * as duckdb from '@duckdb/node-bindings';
import { isPlain, plainName, plainRows } from './plain-cells.ts';
import type { Cell, ReferredText } from './query-messages.ts';

/** What a query gives: its columns, and its rows as they are fetched. */
export interface DeskAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: AsyncIterable<Cell[][]>;
}

/** What DuckDB may never do here, whatever is asked: fetch or load anything, or write anywhere. */
const CLOSED: Readonly<Record<string, string>> = {
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
  allow_community_extensions: 'false',
  temp_directory: '',
};

/** A statement of SQL that may not be asked here. */
class Refusal extends Error {}

/**
 * DuckDB in memory for one query, by its own calls: to load the 180 files of the library around them takes as long as
 * two questions. That library reads what answers seldom hold (`plain-cells.ts` says what it need not).
 */
export class QueryDesk {
  readonly #native: typeof duckdb;
  readonly #connection: duckdb.Connection;

  private constructor(native: typeof duckdb, connection: duckdb.Connection) {
    this.#native = native;
    this.#connection = connection;
  }

  static async open(): Promise<QueryDesk> {
    const native = loaded();
    const config = native.create_config();
    for (const [name, value] of Object.entries(CLOSED)) native.set_config(config, name, value);
    const database = await native.open(':memory:', config);
    return new QueryDesk(native, await native.connect(database));
  }

  /** Runs statements of this program, one behind the other. */
  async run(sql: string): Promise<void> {
    await this.#native.query(this.#connection, sql);
  }

  /** The one value of a statement of this program that has one parameter. */
  async valueOf(sql: string, text: string): Promise<Cell> {
    const statement = await this.#native.prepare(this.#connection, sql);
    this.#native.bind_varchar(statement, 1, text);
    const { rows } = await this.#read(await this.#native.execute_prepared(statement));
    for await (const [row] of rows) return row?.[0] ?? null;
    return null;
  }

  /** Makes the table `texts` of references and what they stand for. */
  async holdTexts(texts: readonly ReferredText[]): Promise<void> {
    const native = this.#native;
    await this.run('CREATE TABLE texts (reference VARCHAR, text VARCHAR)');
    const rows = native.appender_create(this.#connection, null, 'texts');
    for (const [reference, text] of texts) {
      native.append_varchar(rows, reference);
      native.append_varchar(rows, text);
      native.appender_end_row(rows);
    }
    native.appender_close_sync(rows);
  }

  /** Runs a stranger's statement, if it is one and only reads. @throws Refusal, Error with DuckDB's words */
  async answer(sql: string): Promise<DeskAnswer> {
    const native = this.#native;
    const { extracted_statements: given, statement_count: count } = await native.extract_statements(
      this.#connection,
      sql,
    );
    const fault = count === 0 ? native.extract_statements_error(given) : '';
    if (fault) throw new Error(fault);
    if (count !== 1) throw new Refusal(`${count} statements were given; give one`);
    const statement = await native.prepare_extracted_statement(this.#connection, given, 0);
    const type = native.prepared_statement_type(statement);
    const { StatementType } = native;
    if (type !== StatementType.SELECT) {
      throw new Refusal(`a query reads (SELECT, WITH, FROM, DESCRIBE); this is ${StatementType[type]}`);
    }
    return this.#read(await native.execute_prepared_streaming(statement));
  }

  async #read(result: duckdb.Result): Promise<DeskAnswer> {
    const native = this.#native;
    const places = Array.from({ length: native.column_count(result) }, (_, column) => column);
    const types: readonly number[] = places.map((column) => native.column_type(result, column));
    if (!isPlain(types)) {
      const { libraryAnswer } = await import('./library-answer.ts');
      return libraryAnswer(result);
    }
    async function* rows(): AsyncIterable<Cell[][]> {
      for (;;) {
        const chunk = await native.fetch_chunk(result);
        if (chunk === null || native.data_chunk_get_size(chunk) === 0) return;
        yield plainRows(native, chunk, types);
      }
    }
    const names = distinct(places.map((column) => native.column_name(result, column)));
    return { columns: names.map((name, i) => ({ name, type: plainName(types[i] as number) })), rows: rows() };
  }
}

/**
 * DuckDB's calls. Their package looks first which C library this machine has, which takes long; npm has installed what
 * fits this machine, and what is missing or does not fit cannot be loaded.
 */
function loaded(): typeof duckdb {
  const own = createRequire(import.meta.url);
  const theirs = createRequire(own.resolve('@duckdb/node-bindings'));
  try {
    return theirs(`@duckdb/node-bindings-${process.platform}-${process.arch}/duckdb.node`) as typeof duckdb;
  } catch {
    return own('@duckdb/node-bindings') as typeof duckdb;
  }
}

/** `n`, `n:1`, `n:2`: as DuckDB's library names columns that have one name. */
function distinct(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return before === 0 ? name : `${name}:${before}`;
  });
}
