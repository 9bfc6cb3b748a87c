import { type ChainHead, hexOfBytes, siteHead } from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import type { Command } from 'commander';
import { withRecording } from '../recording-input.ts';
import { command, group, type Shell } from '../shell.ts';
import { columns } from '../terminal.ts';

/** `sigma record ls FILE`: which chains there are. */
export function recordCommand(shell: Shell): Command {
  const record = group('record', 'Look into recordings', ['sigma record ls .data/recordings/sim-7.sqlite']);
  const list = command('ls', 'Chains of a recording, with their lengths and heads', [
    'sigma record ls site.sqlite --json',
  ])
    .argument('<file>', 'recording')
    .action(async (file: string, flags: { readonly json?: boolean }) => {
      const terminal = shell.terminal(flags.json === true);
      const heads = await withRecording(shell.environment, file, (recording) => recording.heads());
      const head = siteHead(heads, sha256);
      const chains = heads.map(({ hash, ...chain }) => ({ ...chain, hash: hexOfBytes(hash) }));
      terminal.result({ recording: file, head, chains }, `${chainTable(heads)}\nhead ${head}`);
    });
  return record.addCommand(list);
}

const chainTable = (heads: readonly ChainHead[]): string =>
  columns([
    ['tenant', 'source', 'epoch', 'events', 'blocks', 'until', 'hash'],
    ...heads.map(({ tenant, source, epoch, sequence, blocks, atUs, hash }) => [
      tenant,
      source,
      String(epoch),
      String(sequence),
      String(blocks),
      `${(atUs / 1e6).toFixed(2)} s`,
      hexOfBytes(hash).slice(0, 16),
    ]),
  ]);
