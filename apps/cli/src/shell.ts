import type { QueryProcess } from '@sigma/recorder/query-process';
import { Command, Option } from 'commander';
import type { Environment } from './environment.ts';
import type { ExitCode } from './outcome.ts';
import type { Terminal } from './terminal.ts';

/** What a command is given besides its arguments. */
export interface Shell {
  readonly environment: Environment;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
  readonly terminal: (json: boolean) => Terminal;
  /** Tells the event stream which command begins, by what people call it: `sigma archive`. */
  readonly begins: (command: string) => void;
  /** Gives the event stream to everybody who connects to this Unix socket. */
  readonly listenForReaders: (path: string) => Promise<void>;
  /** How the process will end when the command has returned. */
  readonly ends: (code: ExitCode) => void;
  /** The process of the first query, where one was begun with the program, which ends it. */
  readonly queryBegun?: QueryProcess | null;
}

/** A command that only holds others. */
export const group = (name: string, description: string, examples: readonly string[]): Command =>
  new Command(name).description(description).addHelpText('after', examplesHelp(examples));

const examplesHelp = (examples: readonly string[]): string =>
  `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}\n`;

/** A command with `--json`, a description and at least one example in its help. */
export function command(name: string, description: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(description)
    .addOption(new Option('--json', 'one JSON line on stdout instead of text'))
    .addHelpText('after', examplesHelp(examples));
}

/** A command that talks to a hub. */
export const hubCommand = (name: string, description: string, examples: readonly string[]): Command =>
  command(name, description, examples).option(
    '--hub <url>',
    'address of the hub (default: SIGMA_HUB, or the one `sigma up` started)',
  );
