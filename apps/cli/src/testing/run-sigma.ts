import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Command, CommanderError } from 'commander';
import { readEnvironment } from '../environment.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { buildProgram } from '../program.ts';
import type { Shell } from '../shell.ts';
import { openTerminal } from '../terminal.ts';

const SIGMA = fileURLToPath(new URL('../../bin/sigma.mjs', import.meta.url));

const NODE = ['--disable-warning=ExperimentalWarning'];

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
    terminal: (json) => openTerminal(streams, () => undefined, 'sigma', json, nowMs),
    begins: () => undefined,
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
      error += `sigma: ${failure.message}\n${failure.wayOut === '' ? '' : `  ${failure.wayOut}\n`}`;
    } else if (failure instanceof CommanderError) code = failure.exitCode === 0 ? EXIT.ok : EXIT.usage;
    else throw failure;
  }
  return { code, out, error };
}

const everyCommand = (root: Command): Command[] => [
  root,
  ...root.commands.flatMap((one) => everyCommand(one as Command)),
];

/** Where a program of `sigma` is started, and what is handed over to it. */
export interface Start {
  readonly cwd?: string;
  /** Becomes descriptor 3. */
  readonly events?: number;
}

/** Starts `sigma` as a person does: a program with its exit code, its streams and its descriptors. */
export const startSigma = (args: readonly string[], env: Variables, how: Start = {}): Promise<Ended> =>
  started(process.execPath, [...NODE, SIGMA, ...args], env, how);

/** The same in a process where no file may grow beyond that many blocks of 512 bytes, as on a disk that is full. */
export const runSigmaOnFullDisk = (args: readonly string[], env: Variables, mostFileBlocks: number): Promise<Ended> =>
  started('sh', ['-c', `ulimit -f ${mostFileBlocks}; exec "$@"`, 'sh', process.execPath, ...NODE, SIGMA, ...args], env);

function started(
  program: string,
  args: readonly string[],
  env: Variables,
  { cwd, events }: Start = {},
): Promise<Ended> {
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', ...(events === undefined ? [] : [events])],
  });
  let out = '';
  let error = '';
  child.stdout?.on('data', (text: Buffer) => (out += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (error += text.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, error })));
}
