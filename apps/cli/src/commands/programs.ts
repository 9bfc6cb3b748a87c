import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from 'commander';
import { CommandError, EXIT } from '../outcome.ts';
import { command, type Shell } from '../shell.ts';

/** `sigma bench NAME`: the benches are a program of their own, above this one. */
export function benchCommand(shell: Shell): Command {
  return command('bench', 'Measure, as JSON lines beside a peer or the machine itself', [
    'sigma bench',
    'sigma bench kernel recorder',
  ])
    .argument('[names...]', 'kernel, recorder, sim, reflex, decide; all when none is named')
    .action((names: string[]) => run(shell, 'bench/src/main.ts', names));
}

/** `sigma soak`: seed after seed until one fails. */
export function soakCommand(shell: Shell): Command {
  return command('soak', 'Try seed after seed until an invariant breaks, and print the seed that repeats it', [
    'sigma soak',
    'sigma soak --from 100 --seeds 50',
  ])
    .option('--from <seed>', 'first seed', '1')
    .option('--seeds <n>', 'how many; without end when absent')
    .action((flags: { readonly from: string; readonly seeds?: string }) => {
      const seeds = flags.seeds === undefined ? [] : ['--seeds', flags.seeds];
      return run(shell, 'sim/src/soak.ts', ['--from', flags.from, ...seeds]);
    });
}

/** Runs another program of the checkout under the same Node, with our own streams. */
async function run(shell: Shell, script: string, args: readonly string[]): Promise<void> {
  const node = ['--disable-warning=ExperimentalWarning', join(shell.environment.root, script), ...args];
  const child = spawn(process.execPath, node, { stdio: 'inherit' });
  shell.interrupted.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  shell.interrupted.throwIfAborted();
  if (code === EXIT.ok) return;
  const known = code === EXIT.failed || code === EXIT.usage ? code : EXIT.defect;
  throw new CommandError(known, `${script} ended with code ${code}`, 'Its own message stands above');
}
