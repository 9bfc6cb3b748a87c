import type { QueryProcess } from '@sigma/recorder/query-process';
import { CommanderError } from 'commander';
import { readEnvironment } from './environment.ts';
import { EventOutlets } from './event-stream.ts';
import { CommandError, EXIT } from './outcome.ts';
import type { Shell } from './shell.ts';
import { openTerminal } from './terminal.ts';

/** Where the event stream goes without being asked to, if a file, pipe or socket stands there. */
const UNASKED = 3;

const nowMs = (): number => performance.now();

/** What stands around a command line. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Node, the program, and what stands behind `sigma`. */
  readonly argv: readonly string[];
  readonly queryBegun: QueryProcess | null;
}

/** Runs the command that a line names. @returns how the program ends, an exit code; what went wrong was told */
export async function runCommandLine(around: Surroundings): Promise<number> {
  answerClosedPipes();
  return runNamed(around)
    .catch(explain)
    .finally(() => around.queryBegun?.end());
}

async function runNamed({ env, argv, queryBegun }: Surroundings): Promise<number> {
  const environment = readEnvironment(env);
  const events = new EventOutlets(environment.eventsDescriptor);
  if (environment.eventsDescriptor !== UNASKED && !events.connected) {
    const what = `SIGMA_EVENTS_FD: descriptor ${environment.eventsDescriptor} is no file, pipe or socket here`;
    throw new CommandError(
      EXIT.usage,
      what,
      `Hand one over, as in: sigma … ${environment.eventsDescriptor}>events.jsonl`,
    );
  }
  let outcome: number = EXIT.ok;
  let command = 'sigma';
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interrupt.abort(new CommandError(EXIT.interrupted, `stopped by ${signal}`, '')));
  }
  const shell: Shell = {
    environment,
    interrupted: interrupt.signal,
    nowMs,
    terminal: (json) => openTerminal({ out: process.stdout, error: process.stderr }, events.emit, command, json, nowMs),
    begins: (begun) => {
      command = begun;
      events.emit({ type: 'sigma.command.started', command });
    },
    listenForReaders: (path) => events.listen(path),
    ends: (code) => {
      outcome = code;
    },
    queryBegun,
  };
  const startedMs = nowMs();
  let ended: number = EXIT.defect;
  try {
    const { buildProgram } = await import('./program.ts');
    const program = await buildProgram(shell, argv.slice(2));
    await program.parseAsync(argv);
    ended = outcome;
  } catch (error) {
    ended = explain(error);
  } finally {
    events.emit({ type: 'sigma.command.ended', exitCode: ended, seconds: (nowMs() - startedMs) / 1000 });
    const left = await events.end();
    if (left > 0) process.stderr.write(`sigma: a reader of the event stream left ${left} bytes of it unread\n`);
  }
  return ended;
}

/** What went wrong, as one or two lines for a person; a stack only for a defect of this program. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed its own message; help and version are no failures.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (error instanceof CommandError) {
    process.stderr.write(`sigma: ${error.message}\n${error.wayOut === '' ? '' : `  ${error.wayOut}\n`}`);
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`sigma: a defect of sigma itself; please report it with this text:\n${text}\n`);
  return EXIT.defect;
}

/** A reader that has seen enough, such as `head`, closes the pipe: that is its right and no failure. */
function answerClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(EXIT.ok);
    });
  }
}
