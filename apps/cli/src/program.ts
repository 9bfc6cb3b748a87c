import { parseArgs } from 'node:util';
import { Command } from 'commander';
import { EXIT_CODES_HELP } from './outcome.ts';
import type { Shell } from './shell.ts';

/** The commands in the order of the help; each is loaded when it is asked for, so that none waits for the others. */
const COMMANDS: Readonly<Record<string, (shell: Shell) => Promise<Command>>> = {
  up: async (shell) => (await import('./commands/up.ts')).upCommand(shell),
  sim: async (shell) => (await import('./commands/sim.ts')).simCommand(shell),
  mission: async (shell) => (await import('./commands/mission.ts')).missionCommand(shell),
  robot: async (shell) => (await import('./commands/robot.ts')).robotCommand(shell),
  verify: async (shell) => (await import('./commands/verify.ts')).verifyCommand(shell),
  replay: async (shell) => (await import('./commands/replay.ts')).replayCommand(shell),
  record: async (shell) => (await import('./commands/recordings.ts')).recordCommand(shell),
  whatif: async (shell) => (await import('./commands/whatif.ts')).whatifCommand(shell),
  fork: async (shell) => (await import('./commands/fork.ts')).forkCommand(shell),
  compare: async (shell) => (await import('./commands/compare.ts')).compareCommand(shell),
  export: async (shell) => (await import('./commands/export.ts')).exportCommand(shell),
  prove: async (shell) => (await import('./commands/prove.ts')).proveCommand(shell),
  archive: async (shell) => (await import('./commands/archive.ts')).archiveCommand(shell),
  query: async (shell) => (await import('./commands/query.ts')).queryCommand(shell),
  restore: async (shell) => (await import('./commands/restore.ts')).restoreCommand(shell),
  erase: async (shell) => (await import('./commands/erase.ts')).eraseCommand(shell),
  backup: async (shell) => (await import('./commands/backup.ts')).backupCommand(shell),
  import: async (shell) => (await import('./commands/import.ts')).importCommand(shell),
  ingest: async (shell) => (await import('./commands/ingest.ts')).ingestCommand(shell),
  account: async (shell) => (await import('./commands/account.ts')).accountCommand(shell),
  login: async (shell) => (await import('./commands/login.ts')).loginCommand(shell),
  doctor: async (shell) => (await import('./commands/doctor.ts')).doctorCommand(shell),
  bench: async (shell) => (await import('./commands/programs.ts')).benchCommand(shell),
  soak: async (shell) => (await import('./commands/programs.ts')).soakCommand(shell),
  hub: async (shell) => (await import('./commands/serve.ts')).hubServerCommand(shell),
  edge: async (shell) => (await import('./commands/serve.ts')).edgeCommand(shell),
  sync: async (shell) => (await import('./commands/sync.ts')).syncCommand(shell),
};

const EVENTS_SOCKET = 'events-socket';

const EVENTS_HELP = `
Event stream, as JSON lines (how far a command is, and how it ended):
  $ sigma sim --seed 7 3>events.jsonl                      descriptor 3, where one is handed over
  $ SIGMA_EVENTS_FD=5 sigma sim --seed 7 5>events.jsonl    another one
  $ sigma --events-socket /run/sigma.sock up               for all who connect`;

/**
 * The program that answers these words: with the one command that they name, with all of them when they name none.
 *
 * @param words what stands behind `sigma`
 */
export async function buildProgram(shell: Shell, words: readonly string[]): Promise<Command> {
  const program = new Command('sigma')
    .description('An operating system for fleets of autonomous agents')
    .version('0.1.0', '-V, --version')
    .option(`--${EVENTS_SOCKET} <path>`, 'Unix socket on which readers are given the event stream as JSON lines')
    .addHelpText('after', `${EVENTS_HELP}\n${EXIT_CODES_HELP}`)
    .hook('preAction', async (program, action) => {
      const { eventsSocket } = program.opts<{ readonly eventsSocket?: string }>();
      if (eventsSocket !== undefined) await shell.listenForReaders(eventsSocket);
      shell.begins(pathOf(action));
    });
  const named = commandNamed(words);
  const wanted = Object.entries(COMMANDS).filter(([name]) => named === null || name === named);
  for (const one of await Promise.all(wanted.map(([, load]) => load(shell)))) program.addCommand(one);
  for (const one of everyCommand(program)) {
    one.exitOverride().showHelpAfterError(`(${pathOf(one)} --help shows how)`);
  }
  return program;
}

/** The command that the words name before anything else but options of the program; null: none of ours. */
function commandNamed(words: readonly string[]): string | null {
  const options = { [EVENTS_SOCKET]: { type: 'string' } } as const;
  const { tokens } = parseArgs({ args: [...words], options, strict: false, tokens: true });
  const first = tokens.find((token) => token.kind !== 'option' || token.name !== EVENTS_SOCKET);
  return first?.kind === 'positional' && Object.hasOwn(COMMANDS, first.value) ? first.value : null;
}

const pathOf = (one: Command): string => (one.parent === null ? one.name() : `${pathOf(one.parent)} ${one.name()}`);

const everyCommand = (root: Command): Command[] => [
  root,
  ...root.commands.flatMap((one) => everyCommand(one as Command)),
];
