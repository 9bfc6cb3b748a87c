import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** How a run of `sigma` ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

export interface RunLimits {
  /** No file may grow beyond this many blocks of 512 bytes, as on a disk that is full. */
  readonly mostFileBlocks?: number;
}

/** Runs `sigma` as a person does. */
export function runSigma(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { mostFileBlocks }: RunLimits = {},
): Promise<Ended> {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN, ...args];
  const limited = ['sh', '-c', `ulimit -f ${mostFileBlocks}; exec "$@"`, 'sh', ...node];
  const [program = '', ...rest] = mostFileBlocks === undefined ? node : limited;
  const child = spawn(program, rest, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let error = '';
  child.stdout.on('data', (text: Buffer) => (out += text.toString()));
  child.stderr.on('data', (text: Buffer) => (error += text.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, error })));
}
