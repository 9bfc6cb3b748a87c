import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Recording } from '@sigma/recorder';
import type { Bounds, Cell, ColdArchive, QueryOptions, QueryTiers, ReferredText } from '@sigma/recorder/archive';
import { type Command, Option } from 'commander';
import { archiveCache, archiveStore, isArchive } from '../archive-input.ts';
import { each, wholeNumber } from '../arguments.ts';
import { wallNamed } from '../moment-name.ts';
import { CommandError, EXIT } from '../outcome.ts';
import type { HubQuestion, PrintedAnswer } from '../questions/hub-asker.ts';
import { command, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';

interface QueryFlags {
  readonly over: readonly string[];
  /** Address of a hub to ask; true: the known one. */
  readonly hub?: string | true;
  readonly tenant: readonly string[];
  readonly source: readonly string[];
  readonly from?: number;
  readonly to?: number;
  readonly format: 'table' | 'csv';
  readonly rows: number;
  readonly timeout: number;
  readonly memory: number;
  readonly withoutDamaged?: boolean;
  readonly texts?: boolean;
  readonly json?: boolean;
}

/** `sigma query [SQL]`: one table over recordings and archives, asked once or from a prompt. */
export function queryCommand(shell: Shell): Command {
  return command('query', 'Ask recordings and archives in SQL (DuckDB), as the tables events and decisions', [
    `sigma query "SELECT reason, count(*) FROM decisions WHERE source = 'r17' GROUP BY 1 ORDER BY 2 DESC" --over site.sqlite --over /mnt/archive`,
    `sigma query "SELECT * FROM events WHERE class = 'safety'" --from 2026-04-01 --to 2026-04-30 --over s3://sigma/site-1 --format csv`,
    'sigma query "DESCRIBE events" --over site.sqlite',
    'sigma query --over site.sqlite --over /mnt/archive   # asks for SQL, again and again',
    `sigma query "SELECT reason, count(*) FROM decisions GROUP BY 1" --hub https://hub.example`,
  ])
    .argument(
      '[sql]',
      'one statement that reads; @FILE takes it from a file; without it, statements are read from stdin',
    )
    .option(
      '--over <place>',
      'recording, postgres:// address with tenant, archive (folder or s3://), or Parquet file (repeatable)',
      each,
      [],
    )
    .option('--hub [url]', 'ask a hub instead: what it shows, and what of it was archived')
    .option('--tenant <id>', 'only this tenant (repeatable)', each, [])
    .option('--source <id>', 'only this agent, hub or world (repeatable)', each, [])
    .option('--from <time>', 'only events of this time and later: 2026-04-01, or 2026-04-01T08:00Z', wallNamed)
    .option('--to <time>', 'only events before this time', wallNamed)
    .addOption(new Option('--format <format>', 'how rows are printed').choices(['table', 'csv']).default('table'))
    .option('--rows <n>', 'most rows that are printed', wholeNumber(1, 100_000_000), 10_000)
    .option('--timeout <s>', 'seconds after which the query is stopped', wholeNumber(1, 86_400), 60)
    .option('--memory <mb>', 'most memory of the query', wholeNumber(64, 1_000_000), 1_024)
    .option('--without-damaged', 'answer without the events of archive files that are missing or altered')
    .addOption(new Option('--texts', 'what references stand for comes from stdin, as JSON').hideHelp())
    .action(async (text: string | undefined, flags: QueryFlags) => {
      const terminal = shell.terminal(flags.json === true);
      const sql = text === undefined ? null : sqlOf(text);
      if (flags.hub !== undefined) {
        const { hubAsker } = await import('../questions/hub-asker.ts');
        const hub = flags.hub === true ? {} : { hub: flags.hub };
        const question = hubQuestion(flags);
        const asker = hubAsker(shell, hub, question);
        const ask = async (one: string): Promise<void> => {
          const answer = await asker(one);
          await print(terminal, answer, flags);
          if (answer.objects + answer.hotEvents === 0)
            await tellUnknown(hubAsker(shell, hub, evermore(question)), flags);
        };
        if (sql !== null) await ask(sql);
        else await prompt(shell, ask);
        return;
      }
      if (flags.over.length === 0)
        throw new CommandError(EXIT.usage, 'nothing was named that is to be asked', 'Give --over PLACE, or --hub');
      const options: QueryOptions = {
        only: boundsOf(flags),
        limits: { timeoutMs: flags.timeout * 1000, memoryMb: flags.memory, rows: flags.rows },
        withoutDamaged: flags.withoutDamaged === true,
        ...(flags.texts === true && { texts: await textsFromStdin() }),
        signal: shell.interrupted,
      };
      const [{ QuerySession }, { QueryProcess }] = await Promise.all([
        import('@sigma/recorder/query'),
        import('@sigma/recorder/query-process'),
      ]);
      // Loading DuckDB there takes longer than everything else here.
      const first = shell.queryBegun ?? new QueryProcess();
      await withTiers(shell, flags.over, async (tiers) => {
        await tellAbsent(tiers, flags);
        const session = new QuerySession(tiers, { asksAgain: sql === null, first });
        const ask = async (one: string): Promise<void> => print(terminal, await session.ask(one, options), flags);
        try {
          if (sql !== null) await ask(sql);
          else await prompt(shell, (one) => explained(() => ask(one)));
        } finally {
          await session.close();
        }
      }).finally(() => first.end());
    });
}

/** What a hub hands over, which alone can open texts. */
async function textsFromStdin(): Promise<readonly ReferredText[]> {
  const { json } = await import('node:stream/consumers');
  return (await json(process.stdin)) as readonly ReferredText[];
}

const boundsOf = ({ tenant, source, from, to }: QueryFlags): Bounds => ({
  tenants: tenant.length === 0 ? null : tenant,
  sources: source.length === 0 ? null : source,
  epochs: null,
  fromUs: from ?? null,
  toUs: to === undefined ? null : to - 1,
});

function sqlOf(text: string): string {
  const sql = text.startsWith('@') ? sqlIn(text.slice(1)) : text;
  if (sql.trim() !== '') return sql;
  throw new CommandError(EXIT.usage, 'the statement is empty', 'Leave it out to be asked for statements');
}

function sqlIn(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(EXIT.machine, `${path}: ${(error as Error).message}`, 'Check the path');
  }
}

/** Opens everything that was named, and closes it again. */
async function withTiers(
  shell: Shell,
  over: readonly string[],
  use: (tiers: QueryTiers) => Promise<void>,
): Promise<void> {
  const open: { close(): Promise<void> }[] = [];
  try {
    await explained(async () => use(await opened(shell, over, open)));
  } finally {
    for (const one of open) await one.close();
  }
}

async function opened(shell: Shell, over: readonly string[], open: { close(): Promise<void> }[]): Promise<QueryTiers> {
  const { ColdArchive: Cold } = await import('@sigma/recorder/query');
  const tiers = { hot: [] as Recording[], cold: [] as ColdArchive[], files: [] as string[] };
  const archives = new Set<string>();
  for (const named of over) {
    if (isArchive(named)) archives.add(named);
    else if (named.endsWith('.parquet')) tiers.files.push(existing(named));
    else {
      const { hotRecording } = await import('../recording-input.ts');
      const one = await hotRecording(shell.environment, named);
      open.push(one);
      tiers.hot.push(one.recording);
      for (const { archive } of one.moved) archives.add(archive);
    }
  }
  for (const named of archives) {
    const store = await archiveStore(shell.environment, named, 'read');
    const archive = await Cold.open(store, { cacheDir: archiveCache(shell.environment) });
    open.push(archive);
    tiers.cold.push(archive);
    // Before its first night an archive is empty and no mistake; a folder that was misspelt looks the same.
    if (archive.manifests.length === 0) process.stderr.write(`nothing is archived in ${named}\n`);
  }
  return tiers;
}

/**
 * No rows may be a misspelt name: who is asked about and is not there is told beside the answer. Which other tenants there
 * are is not said: a hub asks so for those who see but one (L7).
 */
async function tellAbsent({ hot, cold, files }: QueryTiers, { tenant, source }: QueryFlags): Promise<void> {
  // Of a file of others only the question itself finds out whom it holds.
  if (files.length > 0 || tenant.length + source.length === 0) return;
  const heads = (await Promise.all([...hot, ...cold].map((one) => one.heads()))).flat();
  const nobody = tenant.filter((name) => !heads.some((head) => head.tenant === name));
  if (nobody.length > 0) process.stderr.write(`nothing in it is of tenant ${nobody.join(', ')}\n`);
  const ours = heads.filter((head) => tenant.length === 0 || tenant.includes(head.tenant));
  const known = [...new Set(ours.map((head) => head.source))].sort();
  const absent = source.filter((name) => !known.includes(name));
  if (absent.length === 0 || known.length === 0) return;
  const more = known.length > MOST_NAMED ? ` and ${known.length - MOST_NAMED} more` : '';
  const listed = known.slice(0, MOST_NAMED).join(', ');
  process.stderr.write(`nothing in it is of source ${absent.join(', ')}; there is ${listed}${more}\n`);
}

const MOST_NAMED = 20;

/** The same of a hub: which of those that were asked about it has never shown. */
async function tellUnknown(asker: (sql: string) => Promise<PrintedAnswer>, { source }: QueryFlags): Promise<void> {
  if (source.length === 0) return;
  const known = new Set<Cell>();
  for await (const [name] of (await asker('SELECT DISTINCT source FROM events')).rows) known.add(name ?? null);
  const absent = source.filter((name) => !known.has(name));
  if (absent.length > 0)
    process.stderr.write(`the hub shows nothing of ${absent.join(', ')}; \`sigma robot list\` names its robots\n`);
}

const evermore = (question: HubQuestion): HubQuestion => ({ ...question, fromUs: 0, toUs: 0, rows: 10_000 });

/** What a question can fail of, for a person. @throws CommandError */
async function explained(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { QueryError, QueryNeedsDamagedError } = await import('@sigma/recorder/query');
    const { StoreError } = await import('@sigma/recorder');
    if (error instanceof StoreError) throw new CommandError(EXIT.machine, error.message, '', { cause: error });
    if (error instanceof QueryNeedsDamagedError) {
      const wayOut = 'Put the files back from a copy, ask for less (--from, --to, --source), or add --without-damaged';
      throw new CommandError(EXIT.failed, error.message, wayOut);
    }
    if (!(error instanceof QueryError)) throw error;
    const ways = {
      sql: '`sigma query "DESCRIBE events"` lists the columns',
      time: 'Ask for less, or give --timeout',
      memory: 'Ask for less, or give --memory',
      defect: 'Ask again',
    };
    const wayOut = /^Permission Error/.test(error.message) ? ONLY_READS : ways[error.fault];
    throw new CommandError(error.fault === 'sql' ? EXIT.usage : EXIT.failed, error.message, wayOut);
  }
}

const ONLY_READS = 'A query reads what --over names and nothing else; what it answers goes to a file by > FILE';

/** Statements from stdin, each to its semicolon, until the end of it or `.quit`; one that fails is not the last. */
async function prompt(shell: Shell, ask: (sql: string) => Promise<void>): Promise<void> {
  const shown = process.stdin.isTTY === true;
  const lines = createInterface({ input: process.stdin, terminal: shown, ...(shown && { output: process.stdout }) });
  shell.interrupted.addEventListener('abort', () => lines.close(), { once: true });
  lines.setPrompt(PROMPT);
  if (shown) process.stdout.write(`${WELCOME}\n`);
  if (shown) lines.prompt();
  let statement = '';
  try {
    for await (const line of lines) {
      if (statement === '' && /^\s*\.(quit|exit|q)\s*$/.test(line)) break;
      statement += `${line}\n`;
      const whole = /;\s*$/.test(statement) ? statement.trim() : '';
      if (whole !== '' || statement.trim() === '') statement = '';
      if (whole !== '') await asked(shell, ask, whole);
      lines.setPrompt(statement === '' ? PROMPT : MORE);
      if (shown) lines.prompt();
    }
    if (statement.trim() !== '') await asked(shell, ask, statement.trim());
  } finally {
    lines.close();
  }
}

const PROMPT = 'sigma> ';
const MORE = '  ...> ';
const WELCOME = 'Tables: events, decisions. A statement ends with a semicolon; .quit or Ctrl-D ends.';

async function asked(shell: Shell, ask: (sql: string) => Promise<void>, sql: string): Promise<void> {
  try {
    await ask(sql);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`${error.message}\n`);
    shell.ends(error.exitCode);
  }
}

function existing(path: string): string {
  // The process that reads it stands elsewhere.
  if (existsSync(path)) return resolve(path);
  throw new CommandError(EXIT.machine, `${path} does not exist`, 'Check the path given with --over');
}

/** Bounds of a hub are its own, where they are closer; what only a file can be asked with is refused. */
function hubQuestion({ over, tenant, source, from, to, rows, timeout, withoutDamaged }: QueryFlags): HubQuestion {
  if (over.length > 0 || tenant.length > 0 || withoutDamaged === true) {
    const wayOut = 'Leave out --over, --tenant and --without-damaged, or --hub';
    throw new CommandError(EXIT.usage, 'a hub is asked of all that it shows of its own tenant', wayOut);
  }
  return { sources: source, fromUs: from ?? 0, toUs: to ?? 0, rows, timeoutS: timeout };
}

async function print(terminal: Terminal, answer: PrintedAnswer, { format, rows: most }: QueryFlags): Promise<void> {
  const heading = answer.columns.map(({ name }) => name);
  const rows: (readonly Cell[])[] = [];
  let printed = 0;
  const asCsv = format === 'csv' && !terminal.json;
  if (asCsv) {
    terminal.say(heading.map(csvCell).join(','));
    for await (const row of answer.rows) {
      terminal.say(row.map(csvCell).join(','));
      printed++;
    }
  } else for await (const row of answer.rows) rows.push(row);
  const { columns: types, objects, objectsLeftOut, hotEvents } = answer;
  const damaged = answer.damaged.map(({ path, key, what }) => ({ archive: path, key, what }));
  const cut = answer.isCut();
  const facts = { cut, objects, objectsLeftOut, hotEvents, damaged };
  // Rows that were printed one by one are not kept: there may be more than there is memory.
  if (asCsv) terminal.result({ columns: types, printed, ...facts }, '');
  else {
    const told = { columns: types, rows, ...facts };
    terminal.result(told, terminal.json ? '' : columns([heading, ...rows.map((row) => row.map(shown))]));
    terminal.say(
      `${rows.length} row${rows.length === 1 ? '' : 's'}; ${objects} archive files read, ${objectsLeftOut} not needed, ${hotEvents} hot events`,
    );
  }
  for (const { what } of damaged) process.stderr.write(`left out: ${what}\n`);
  if (cut && !terminal.json) process.stderr.write(`only the first ${most} rows are shown; give --rows for more\n`);
}

const shown = (cell: Cell): string =>
  cell === null ? '' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell).replaceAll('\n', ' ');

/** RFC 4180. */
function csvCell(cell: Cell): string {
  const text = cell === null ? '' : typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
