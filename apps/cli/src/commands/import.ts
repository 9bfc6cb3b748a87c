import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { StoreError, siteHead } from '@sigma/recorder';
import type { ImportOptions, ImportResult } from '@sigma/recorder/exports';
import { openSqliteRecording, openSqliteStore, removeRecording, sha256 } from '@sigma/recorder/sqlite';
import type { Command } from 'commander';
import { idOf } from '../feeds/feed.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { command, type Shell } from '../shell.ts';

interface ImportFlags {
  readonly out?: string;
  readonly name?: string;
  readonly tenant: string;
  readonly json?: boolean;
}

type ImportFormat = 'mcap' | 'cloudevents';

/** `sigma import FILE`: what others recorded, as a timeline that can be looked at beside ours. */
export function importCommand(shell: Shell): Command {
  return command('import', 'Make a recording of an MCAP file or of CloudEvents (JSON lines)', [
    'sigma import drive.mcap',
    'sigma import --out shop.sqlite --tenant acme shop.cloudevents.jsonl',
    'sigma record show site.sqlite .data/recordings/imported-drive.sqlite   # beside what was lived here',
  ])
    .argument('<file>', 'MCAP file, or CloudEvents 1.0, one a line')
    .option('--out <file>', 'recording to make (default: recordings/imported-NAME.sqlite in the data folder)')
    .option('--name <name>', 'of the source, behind "imported." (default: the name of the file)')
    .option('--tenant <id>', 'whose recording it becomes', 'imported')
    .action(async (file: string, flags: ImportFlags) => {
      const terminal = shell.terminal(flags.json === true);
      const format = await formatOf(file);
      const name = idOf(flags.name ?? basename(file).replace(/\.\w+$/, ''));
      const out = flags.out ?? join(shell.environment.dataDir, 'recordings', `imported-${name}.sqlite`);
      if (existsSync(out)) {
        throw new CommandError(EXIT.machine, `${out} exists already`, 'Name another with --out');
      }
      const { importCloudEvents, importMcap, NotMcapError } = await import('@sigma/recorder/exports');
      const result = await intoRecording(out, (store) => {
        const options: ImportOptions = {
          store,
          tenant: idOf(flags.tenant),
          file: basename(file),
          importedUs: Date.now() * 1000,
          sha256,
          signal: shell.interrupted,
          onProgress: ({ events }) => {
            terminal.event({ type: 'sigma.import.progress', file, events });
            terminal.progress(`${file}: ${events} events`);
          },
        };
        return format === 'mcap' ? importMcap(file, name, options) : importCloudEvents(file, options);
      }).catch((error: unknown) => {
        if (error instanceof NotMcapError) throw new CommandError(EXIT.machine, error.message, 'Give another file');
        if (error instanceof StoreError) throw new CommandError(EXIT.machine, error.message, '', { cause: error });
        throw error;
      });
      const head = await headOf(out);
      const value = { file, format, recording: out, head, ...result };
      terminal.result(value, describe(file, out, head, result));
      if (result.bad.length > 0) shell.ends(EXIT.failed);
    });
}

/** First bytes of every MCAP file (mcap.dev/spec, "Magic"), as far as they are no version. */
const MCAP_MAGIC = Buffer.from([0x89, 0x4d, 0x43, 0x41, 0x50]);

/** By what stands in the file: its name may say anything. */
async function formatOf(file: string): Promise<ImportFormat> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(EXIT.machine, `${file} cannot be read: ${error.message}`, 'Check the path');
  });
  try {
    const bytes = Buffer.alloc(64);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0).catch((error: NodeJS.ErrnoException) => {
      throw new CommandError(EXIT.machine, `${file} cannot be read: ${error.message}`, 'Check the path');
    });
    if (bytes.subarray(0, MCAP_MAGIC.length).equals(MCAP_MAGIC)) return 'mcap';
    if (bytes.subarray(0, bytesRead).toString().trimStart().startsWith('{')) return 'cloudevents';
  } finally {
    await handle.close();
  }
  throw new CommandError(EXIT.usage, `${file} is neither MCAP nor CloudEvents in JSON lines`, 'Those can be imported');
}

/** An import that fails leaves no recording behind. */
async function intoRecording(
  out: string,
  fill: (store: ImportOptions['store']) => Promise<ImportResult>,
): Promise<ImportResult> {
  let whole = false;
  const store = openSqliteStore(out);
  try {
    const result = await fill(store);
    if (result.events === 0) {
      const why = result.bad[0];
      throw new CommandError(
        EXIT.failed,
        `nothing in it could be taken${why === undefined ? '' : `: ${why.where}, ${why.why}`}`,
        'Give another file',
      );
    }
    whole = true;
    return result;
  } finally {
    await store.close().catch((error: unknown) => {
      if (whole) throw error;
    });
    if (!whole) removeRecording(out);
  }
}

async function headOf(out: string): Promise<string> {
  const recording = openSqliteRecording(out);
  try {
    return siteHead(await recording.heads(), sha256);
  } finally {
    await recording.close();
  }
}

const describe = (file: string, out: string, head: string, { chains, events, bad }: ImportResult): string =>
  [
    `${file}: ${events} events in ${chains} ${chains === 1 ? 'chain' : 'chains'}`,
    `recording  ${out}`,
    `head       ${head}`,
    ...bad.map(({ where, why }) => `left out   ${where}: ${why}`),
  ].join('\n');
