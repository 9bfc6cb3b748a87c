// The process in which one query runs. SQL is hostile input, and DuckDB is a large native library: what goes wrong here
// ends here. It is given files that were checked, a time and a memory, and nothing of the environment. It may be started
// before there is a query, so that loading DuckDB is done when one comes.

import { boundsOf, NO_BOUNDS } from './bounds.ts';
import { type DeskAnswer, QueryDesk } from './query-desk.ts';
import type { FromQuery, QueryFault, QueryLimits, ToQuery } from './query-messages.ts';

const MEMORY_CHECK_MS = 50;
/** What the process takes before DuckDB has taken anything. */
const BASE_MB = 200;

const say = (message: FromQuery): void => void process.send?.(message);

/** Says why there is no answer, and ends. */
function end(fault: QueryFault, message: string): void {
  process.send?.({ type: 'fault', fault, message } satisfies FromQuery, () => process.exit(1));
}

const heard: ToQuery[] = [];
let listening: ((message: ToQuery) => void) | null = null;
process.on('message', (message: ToQuery) => {
  if (listening === null) heard.push(message);
  else listening(message);
  listening = null;
});
process.on('disconnect', () => process.exit(0));

const next = (): Promise<ToQuery> =>
  new Promise((resolve) => {
    const message = heard.shift();
    if (message !== undefined) resolve(message);
    else listening = resolve;
  });

async function bounded(desk: QueryDesk, sql: string): Promise<void> {
  const tree = await desk.valueOf('SELECT json_serialize_sql($1::VARCHAR)::VARCHAR', sql);
  const parsed = JSON.parse(String(tree)) as { readonly error: boolean };
  const timeOf = async (text: string): Promise<number | null> => {
    const us = await desk.valueOf('SELECT epoch_us(TRY_CAST($1::VARCHAR AS TIMESTAMP))', text);
    return us === null ? null : Number(us);
  };
  say({ type: 'bounds', bounds: parsed.error ? NO_BOUNDS : await boundsOf(parsed, timeOf) });
}

/** One table over all files, and then no way to any other file, extension or setting. */
async function closeIn(desk: QueryDesk, order: Extract<ToQuery, { type: 'files' }>): Promise<void> {
  const list = order.files.map((file) => `'${file.replaceAll("'", "''")}'`).join(', ');
  // Files of ours have the same columns; taking those of all files together has the footer of each read beforehand.
  const how = order.foreign ? ', union_by_name = true' : '';
  const from = order.files.length === 0 ? '' : ` FROM read_parquet([${list}]${how})`;
  const all =
    from === '' ? `SELECT ${order.columns} WHERE false` : `SELECT ${order.columns}${from} WHERE ${order.where}`;
  if (order.texts !== null) await desk.holdTexts(order.texts);
  const said = order.texts === null ? all : withTexts(all);
  await desk.run(`
    CREATE VIEW events AS ${said};
    CREATE VIEW decisions AS SELECT * FROM events WHERE type = 'sigma.decision.v1';
    SET allowed_paths = [${list}];
    SET enable_external_access = false;
    SET lock_configuration = true`);
}

/** Events with the column `text`: what is referred to in them, each text in a line of its own; null where nothing is. */
function withTexts(events: string): string {
  const references = `regexp_extract_all(concat_ws(' ', subject, body), 'text:[0-9a-f]{32}')`;
  const known = `list_filter(list_transform(${references}, lambda one: known[one]), lambda one: one IS NOT NULL)`;
  const text = `nullif(array_to_string(${known}, chr(10)), '') AS text`;
  const all = '(SELECT map(list(reference), list(text)) AS known FROM texts)';
  return `SELECT events.*, ${text} FROM (${events}) AS events, ${all}`;
}

async function give(answer: DeskAnswer, limits: QueryLimits): Promise<void> {
  say({ type: 'columns', columns: answer.columns });
  let left = limits.rows;
  for await (const rows of answer.rows) {
    say({ type: 'rows', rows: rows.slice(0, left) });
    left -= rows.length;
    if (left < 0) {
      say({ type: 'end', cut: true });
      return;
    }
    await next();
  }
  say({ type: 'end', cut: false });
}

async function main(): Promise<void> {
  const desk = await QueryDesk.open();
  // What is used for the first time takes longer: the parser of SQL, and the functions that every query needs.
  await desk.run("SELECT json_serialize_sql('SELECT 1'), epoch_us(TRY_CAST('' AS TIMESTAMP))");
  const asked = await next();
  if (asked.type !== 'sql') throw new TypeError('no query came first');
  const { sql, limits } = asked;
  await desk.run(`SET memory_limit = '${limits.memoryMb}MB'`);
  setInterval(() => {
    const usedMb = process.memoryUsage.rss() / 1e6;
    if (usedMb > limits.memoryMb + BASE_MB) end('memory', `it needs more than ${limits.memoryMb} MB`);
  }, MEMORY_CHECK_MS).unref();
  await bounded(desk, sql);
  const order = await next();
  if (order.type !== 'files') throw new TypeError('no files came second');
  await closeIn(desk, order);
  await give(await desk.answer(sql), limits);
}

try {
  await main();
  process.disconnect();
} catch (error) {
  const { message } = error as Error;
  const fault = error instanceof TypeError ? 'defect' : /^Out of Memory/i.test(message) ? 'memory' : 'sql';
  end(fault, message.split('\n\n')[0] ?? message);
}
