import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type ChainHead, exportTlog, formatNoteKey, logKey } from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import { type Command, Option } from 'commander';
import { signingKeyFrom } from '../key-input.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { withRecording } from '../recording-input.ts';
import { command, type Shell } from '../shell.ts';
import { columns } from '../terminal.ts';

interface ExportFlags {
  readonly format: 'tlog';
  readonly out: string;
  readonly source?: string;
  readonly key?: string;
  readonly json?: boolean;
}

/** `sigma export FILE`: a recording in the words of others. */
export function exportCommand(shell: Shell): Command {
  return command('export', 'Write a recording in a form that others can check', [
    'sigma export --format tlog --out proof .data/recordings/sim-7.sqlite',
    'sigma export --format tlog --out proof --source r17 --key site.key site.sqlite',
  ])
    .argument('<file>', 'recording')
    .addOption(
      new Option('--format <format>', 'tlog: a signed C2SP tiled log for each chain').choices(['tlog']).default('tlog'),
    )
    .requiredOption('--out <folder>', 'where to write; one folder for each chain')
    .option('--source <id>', 'only this robot, hub or world')
    .option(
      '--key <file>',
      'Ed25519 seed, 32 bytes; made when it does not exist (default: export.key in the data folder)',
    )
    .action(async (file: string, flags: ExportFlags) => {
      const terminal = shell.terminal(flags.json === true);
      const keyFile = resolve(flags.key ?? join(shell.environment.dataDir, 'export.key'));
      const key = signingKeyFrom(keyFile);
      const logs = await withRecording(shell.environment, file, async (recording) => {
        const heads = chosen(await recording.heads(), flags.source, file);
        const written = [];
        for (const head of heads) {
          shell.interrupted.throwIfAborted();
          const folder = join(flags.out, head.source, String(head.epoch));
          const log = await exportTlog(recording, head, (path, bytes) => keep(join(folder, path), bytes), sha256, {
            key,
          });
          terminal.progress(`${head.source}: ${log.size} events`);
          written.push({
            source: head.source,
            epoch: head.epoch,
            folder,
            origin: log.origin,
            events: log.size,
            wideEvents: log.wideEvents,
            publicKey: formatNoteKey(logKey(head, key.publicKey), sha256),
          });
        }
        return written;
      });
      const rows = logs.map(({ folder, events, publicKey }) => [folder, String(events), publicKey]);
      terminal.result({ recording: file, format: flags.format, logs }, columns([['folder', 'events', 'key'], ...rows]));
    });
}

function chosen(heads: readonly ChainHead[], source: string | undefined, file: string): readonly ChainHead[] {
  const found = source === undefined ? heads : heads.filter((head) => head.source === source);
  if (found.length > 0) return found;
  const sources = [...new Set(heads.map((head) => head.source))].join(', ');
  throw new CommandError(EXIT.usage, `${file} holds no chain of '${source ?? ''}'`, `It holds ${sources}`);
}

function keep(path: string, bytes: Uint8Array): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  } catch (error) {
    throw new CommandError(EXIT.machine, `${path}: ${(error as Error).message}`, 'Name another folder with --out');
  }
}
