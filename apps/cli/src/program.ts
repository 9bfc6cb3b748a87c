import { Command, Option } from 'commander';
import { doctorCommand } from './commands/doctor.ts';
import { ingestCommand } from './commands/ingest.ts';
import { loginCommand } from './commands/login.ts';
import { missionCommand } from './commands/mission.ts';
import { benchCommand, soakCommand } from './commands/programs.ts';
import { recordCommand, replayCommand, verifyCommand } from './commands/recordings.ts';
import { robotCommand } from './commands/robot.ts';
import { edgeCommand, hubServerCommand } from './commands/serve.ts';
import { simCommand } from './commands/sim.ts';
import { upCommand } from './commands/up.ts';
import type { Environment } from './environment.ts';
import { EXIT_CODES_HELP, type ExitCode } from './outcome.ts';
import type { Terminal } from './terminal.ts';

/** What a command is given besides its arguments. */
export interface Shell {
  readonly environment: Environment;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
  readonly terminal: (json: boolean) => Terminal;
  /** How the process will end when the command has returned. */
  readonly ends: (code: ExitCode) => void;
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

export function buildProgram(shell: Shell): Command {
  const program = new Command('sigma')
    .description('An operating system for fleets of autonomous agents')
    .version('0.1.0', '-V, --version')
    .addHelpText('after', EXIT_CODES_HELP);
  const commands = [
    upCommand,
    simCommand,
    missionCommand,
    robotCommand,
    verifyCommand,
    replayCommand,
    recordCommand,
    ingestCommand,
    loginCommand,
    doctorCommand,
    benchCommand,
    soakCommand,
    hubServerCommand,
    edgeCommand,
  ];
  for (const build of commands) program.addCommand(build(shell));
  for (const one of everyCommand(program)) {
    one.exitOverride().showHelpAfterError(`(${pathOf(one)} --help shows how)`);
  }
  return program;
}

const pathOf = (one: Command): string => (one.parent === null ? one.name() : `${pathOf(one.parent)} ${one.name()}`);

const everyCommand = (root: Command): Command[] => [
  root,
  ...root.commands.flatMap((one) => everyCommand(one as Command)),
];
