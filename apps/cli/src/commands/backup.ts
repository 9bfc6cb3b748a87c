import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreError } from '@sigma/recorder';
import { type Command, InvalidArgumentError } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { command, type Shell } from '../shell.ts';
import { columns } from '../terminal.ts';
import type { ImportsBackedUp } from '../upkeep/imports-backup.ts';

const timeText = (us: number): string => new Date(us / 1000).toISOString();

/** `sigma backup`: the hub's database and what it keeps beside it, to any moment. */
export function backupCommand(shell: Shell): Command {
  return command('backup', 'Back up a running hub: its database, its log, its keys; the next run adds what is new', [
    'sigma backup --to /mnt/backup',
    'sigma backup restore --from /mnt/backup --out .data/hub --at 2026-04-01T08:00:00Z',
    'sigma backup drill',
  ])
    .option('--to <folder>', 'where the backup is kept')
    .option('--base', 'copy everything anew instead of going on from the last base')
    .action(async (flags: { readonly to?: string; readonly base?: boolean; readonly json?: boolean }) => {
      const terminal = shell.terminal(flags.json === true);
      if (flags.to === undefined) throw new CommandError(EXIT.usage, 'no folder was named', 'sigma backup --to FOLDER');
      if (/^\w+:\/\//.test(flags.to)) {
        const wayOut = 'Name a folder; what copies folders to buckets may take it from there';
        throw new CommandError(EXIT.usage, `${flags.to} is no folder`, wayOut);
      }
      const hubDir = join(shell.environment.dataDir, 'hub');
      const { runningEmbedded } = await import('@sigma/hub');
      const ownerUrl = runningEmbedded(hubDir);
      if (ownerUrl === null) {
        const wayOut =
          'Start it (`sigma up`, `sigma hub`), or name its data folder in SIGMA_DATA; of a server of your own, back that up by its own means';
        throw new CommandError(EXIT.unreachable, `no hub with a database of its own runs on ${hubDir}`, wayOut);
      }
      const { takeBackup } = await import('@sigma/recorder/backup');
      const options = { hubDir, ownerUrl, to: flags.to, base: flags.base === true };
      const { backUpImports } = await import('../upkeep/imports-backup.ts');
      const { to } = flags;
      const report = await asMachine(takeBackup({ ...options, progress: (text) => terminal.progress(text) }));
      const imports = await asMachine(backUpImports(hubDir, to));
      const span = `to any moment from ${timeText(report.fromUs)} to ${timeText(report.throughUs)}`;
      const what = report.isNew ? `${report.files} files, ${(report.bytes / 1e6).toFixed(1)} MB` : `on ${report.base}`;
      terminal.result(
        { ...report, to, imports },
        `${to}: ${what}, ${report.segments} segments of log, ${importWords(imports)}\nrestores ${span}`,
      );
    })
    .addCommand(restoreBackupCommand(shell))
    .addCommand(drillCommand(shell));
}

function restoreBackupCommand(shell: Shell): Command {
  return command('restore', "Lay a hub's data folder out as it was at a moment", [
    'sigma backup restore --from /mnt/backup --out .data/hub',
  ])
    .requiredOption('--from <folder>', 'the folder of `sigma backup`')
    .requiredOption('--out <folder>', "the hub's data folder to make; must not exist")
    .option('--at <time>', 'as 2026-04-01T08:00:00Z (default: the newest)', moment)
    .action(
      async (flags: { readonly from: string; readonly out: string; readonly at?: number; readonly json?: boolean }) => {
        const terminal = shell.terminal(flags.json === true);
        const { restoreBackup } = await import('@sigma/recorder/backup');
        const at = flags.at === undefined ? {} : { toUs: flags.at };
        const report = await asMachine(restoreBackup({ from: flags.from, hubDir: flags.out, ...at }));
        const imports = await importsOf(flags.from, flags.out, report.toUs);
        terminal.result(
          { ...report, imports, out: flags.out },
          `${flags.out}: ${report.files} files of ${report.base}, ${report.segments} segments of log, ${imports} imports\n` +
            `started on it, the hub is that of ${timeText(report.toUs)}`,
        );
      },
    );
}

function moment(text: string): number {
  const ms = Date.parse(text);
  if (/T.*(Z|[+-]\d\d:\d\d)$/.test(text) && Number.isFinite(ms)) return ms * 1000;
  throw new InvalidArgumentError('Give a time with its zone, as 2026-04-01T08:00:00Z.');
}

function drillCommand(shell: Shell): Command {
  return command(
    'drill',
    'Make a database, back it up, destroy it, restore it to a moment, verify it, and time each step',
    ['sigma backup drill --events 100000 --json'],
  )
    .option(
      '--events <n>',
      'events before the moment, for each of two tenants, and as many behind it',
      wholeNumber(2, 10_000_000),
      20_000,
    )
    .action(async (flags: { readonly events: number; readonly json?: boolean }) => {
      const terminal = shell.terminal(flags.json === true);
      const { startEmbedded } = await import('@sigma/hub');
      const { backupDrill } = await import('@sigma/recorder/backup');
      const home = mkdtempSync(join(tmpdir(), 'sigma-drill-'));
      try {
        const report = await asMachine(
          backupDrill({
            home,
            startServer: startEmbedded,
            events: flags.events,
            nowMs: shell.nowMs,
            progress: (text) => terminal.progress(text),
          }),
        );
        const rows = report.steps.map(({ step, ms }) => [step, `${(ms / 1000).toFixed(2)} s`]);
        const told = `restored to ${timeText(report.momentUs)}: ${report.events} events, without the ${report.eventsBehind} behind it`;
        terminal.result(report, `${columns([['step', 'took'], ...rows])}\n${told}`);
        if (report.faults.length > 0)
          throw new CommandError(EXIT.failed, report.faults.join('; '), 'Report this with --json');
      } finally {
        rmSync(home, { recursive: true, force: true });
      }
    });
}

const importWords = ({ imports, copied, deleted }: ImportsBackedUp): string =>
  `${imports} imports${copied === 0 ? '' : `, ${copied} of them new`}${deleted === 0 ? '' : `, ${deleted} deleted`}`;

/** Half of a hub is none: without its imports nothing is left. */
async function importsOf(from: string, hubDir: string, toUs: number): Promise<number> {
  const { restoreImports } = await import('../upkeep/imports-backup.ts');
  try {
    return await asMachine(restoreImports(from, hubDir, toUs));
  } catch (error) {
    rmSync(hubDir, { recursive: true, force: true });
    throw error;
  }
}

async function asMachine<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof StoreError) throw new CommandError(EXIT.machine, error.message, '', { cause: error });
    throw error;
  }
}
