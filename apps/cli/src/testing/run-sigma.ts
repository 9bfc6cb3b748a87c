import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Command, CommanderError } from 'commander';
import { readEnvironment } from '../environment.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { buildProgram } from '../program.ts';
import type { Shell } from '../shell.ts';
import { openTerminal } from '../terminal.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** How a run of `sigma` ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

type Variables = Readonly<Record<string, string>>;

/** Runs `sigma` within this process: a second cheaper than to start one. What is no expected failure is thrown. */
export async function runSigma(
  args: readonly string[],
  env: Variables,
  interrupted: AbortSignal = new AbortController().signal,
): Promise<Ended> {
  let [code, out, error]: [number, string, string] = [EXIT.ok, '', ''];
  const streams = {
    out: { write: (text: string) => (out += text) },
    error: { write: (text: string) => (error += text) },
  };
  const nowMs = (): number => performance.now();
  const shell: Shell = {
    environment: readEnvironment(env),
    interrupted,
    nowMs,
    terminal: (json) => openTerminal(streams, () => undefined, json, nowMs),
    event: () => undefined,
    listenForReaders: async () => undefined,
    ends: (ended) => {
      code = ended;
    },
  };
  const program = await buildProgram(shell, args);
  for (const one of everyCommand(program)) {
    one.configureOutput({ writeOut: (text) => (out += text), writeErr: (text) => (error += text) });
  }
  try {
    await program.parseAsync(['node', 'sigma', ...args]);
  } catch (failure) {
    if (failure instanceof CommandError) {
      code = failure.exitCode;
      error += `sigma: ${failure.message}\n  ${failure.wayOut}\n`;
    } else if (failure instanceof CommanderError) code = failure.exitCode === 0 ? EXIT.ok : EXIT.usage;
    else throw failure;
  }
  return { code, out, error };
}

const everyCommand = (root: Command): Command[] => [
  root,
  ...root.commands.flatMap((one) => everyCommand(one as Command)),
];

/** Runs `sigma` in a process where no file may grow beyond that many blocks of 512 bytes, as on a disk that is full. */
export function runSigmaOnFullDisk(args: readonly string[], env: Variables, mostFileBlocks: number): Promise<Ended> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN, ...args];
  const child = spawn('sh', ['-c', `ulimit -f ${mostFileBlocks}; exec "$@"`, 'sh', ...node], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let error = '';
  child.stdout.on('data', (text: Buffer) => (out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (error += text.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, error })));
}
