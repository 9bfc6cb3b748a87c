import { existsSync } from 'node:fs';
import { type Recording, StoreError } from '@sigma/recorder';
import { openProofShelf } from '@sigma/recorder/proof-shelf';
import { openSqliteStore, removeRecording, sha256 } from '@sigma/recorder/sqlite';
import type { Command } from 'commander';
import { archiveCache, archiveStore } from '../archive-input.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { withRecording } from '../recording-input.ts';
import { command, type Shell } from '../shell.ts';

interface RestoreFlags {
  readonly out: string;
  readonly tenant?: string;
  readonly hot?: string;
  readonly json?: boolean;
}

/** `sigma restore ARCHIVE`: the archived blocks, and what is hot behind them, as a recording again. */
export function restoreCommand(shell: Shell): Command {
  return command(
    'restore',
    'Write the blocks that were archived back into a recording, byte for byte, and compare its head',
    [
      'sigma restore /mnt/archive --out back.sqlite',
      'sigma restore s3://sigma/site-1 --hot site.sqlite --out whole.sqlite --json',
    ],
  )
    .argument('<archive>', 'folder, or s3://bucket/prefix?endpoint=URL&region=NAME')
    .requiredOption('--out <file>', 'recording to write; must not exist')
    .option('--tenant <id>', 'only this tenant')
    .option('--hot <recording>', 'put what this recording holds behind the archived events')
    .action(async (named: string, flags: RestoreFlags) => {
      const terminal = shell.terminal(flags.json === true);
      if (existsSync(flags.out)) {
        throw new CommandError(EXIT.usage, `${flags.out} exists`, 'Name a path that is free: nothing is overwritten');
      }
      const { ColdArchive, tieredRecording } = await import('@sigma/recorder/archive');
      const store = await archiveStore(shell.environment, named, 'read');
      try {
        const tenants = flags.tenant === undefined ? {} : { tenants: [flags.tenant] };
        const cold = await ColdArchive.open(store, { cacheDir: archiveCache(shell.environment), ...tenants });
        try {
          if (cold.manifests.length === 0) {
            throw new CommandError(
              EXIT.machine,
              `${named} holds no manifest`,
              'Name the place that `sigma archive` wrote to',
            );
          }
          const said = (text: string) => terminal.progress(text);
          const restored =
            flags.hot === undefined
              ? await writeBack(cold, flags.out, said)
              : await withRecording(shell.environment, flags.hot, (hot) =>
                  writeBack(tieredRecording(hot, cold), flags.out, said),
                );
          await keepCheckpoints(flags.out, cold.chains);
          const { head, blocks, events } = restored;
          terminal.result(
            { archive: store.address, recording: flags.out, head, chains: restored.heads.length, blocks, events },
            `${flags.out}: ${events} events in ${blocks} blocks of ${restored.heads.length} chains\nhead ${head}`,
          );
        } finally {
          await cold.close();
        }
      } catch (error) {
        if (error instanceof StoreError) throw new CommandError(EXIT.machine, error.message, '', { cause: error });
        throw error;
      }
    });
}

/** A recording that is not the original is not left lying about. */
async function writeBack(from: Recording, out: string, said: (text: string) => void) {
  const { RestoreDiffersError, restoreRecording } = await import('@sigma/recorder/archive');
  const into = openSqliteStore(out);
  let whole = false;
  try {
    const restored = await restoreRecording(from, into, sha256, ({ source }, sequence) =>
      said(`${source}: ${sequence}`),
    );
    whole = true;
    return restored;
  } catch (error) {
    if (!(error instanceof RestoreDiffersError)) throw error;
    throw new CommandError(EXIT.failed, error.message, 'Check the archive with `sigma archive --check`');
  } finally {
    await into.close();
    if (!whole) removeRecording(out);
  }
}

/** Signed heads that were archived with the chains lie beside the restored recording again. */
async function keepCheckpoints(
  out: string,
  chains: readonly { tenant: string; source: string; epoch: number; checkpoints: readonly string[] }[],
): Promise<void> {
  if (chains.every(({ checkpoints }) => checkpoints.length === 0)) return;
  const shelf = openProofShelf(out);
  for (const chain of chains) {
    for (const note of chain.checkpoints) await shelf.keep(chain, Number(note.split('\n')[1]), note);
  }
  await shelf.close();
}
