import { Command } from 'commander';
import { accountCommand } from './commands/account.ts';
import { archiveCommand } from './commands/archive.ts';
import { backupCommand } from './commands/backup.ts';
import { compareCommand } from './commands/compare.ts';
import { doctorCommand } from './commands/doctor.ts';
import { eraseCommand } from './commands/erase.ts';
import { exportCommand } from './commands/export.ts';
import { forkCommand } from './commands/fork.ts';
import { importCommand } from './commands/import.ts';
import { ingestCommand } from './commands/ingest.ts';
import { loginCommand } from './commands/login.ts';
import { missionCommand } from './commands/mission.ts';
import { benchCommand, soakCommand } from './commands/programs.ts';
import { proveCommand } from './commands/prove.ts';
import { queryCommand } from './commands/query.ts';
import { recordCommand } from './commands/recordings.ts';
import { replayCommand } from './commands/replay.ts';
import { restoreCommand } from './commands/restore.ts';
import { robotCommand } from './commands/robot.ts';
import { edgeCommand, hubServerCommand } from './commands/serve.ts';
import { simCommand } from './commands/sim.ts';
import { syncCommand } from './commands/sync.ts';
import { upCommand } from './commands/up.ts';
import { verifyCommand } from './commands/verify.ts';
import { whatifCommand } from './commands/whatif.ts';
import { EXIT_CODES_HELP } from './outcome.ts';
import type { Shell } from './shell.ts';

export function buildProgram(shell: Shell): Command {
  const program = new Command('sigma')
    .description('An operating system for fleets of autonomous agents')
    .version('0.1.0', '-V, --version')
    .option('--events-socket <path>', 'Unix socket on which readers are given the event stream as JSON lines')
    .addHelpText('after', EXIT_CODES_HELP)
    .hook('preAction', async (program, action) => {
      const { eventsSocket } = program.opts<{ readonly eventsSocket?: string }>();
      if (eventsSocket !== undefined) await shell.listenForReaders(eventsSocket);
      shell.event({ type: 'sigma.command.started', command: pathOf(action) });
    });
  const commands = [
    upCommand,
    simCommand,
    missionCommand,
    robotCommand,
    verifyCommand,
    replayCommand,
    recordCommand,
    whatifCommand,
    forkCommand,
    compareCommand,
    exportCommand,
    proveCommand,
    archiveCommand,
    queryCommand,
    restoreCommand,
    eraseCommand,
    backupCommand,
    importCommand,
    ingestCommand,
    accountCommand,
    loginCommand,
    doctorCommand,
    benchCommand,
    soakCommand,
    hubServerCommand,
    edgeCommand,
    syncCommand,
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
