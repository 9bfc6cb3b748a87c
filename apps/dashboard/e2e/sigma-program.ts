import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Started as a program and never imported: what the page meets is what a person starts. */
const MAIN = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));
const QUIETLY = '--disable-warning=ExperimentalWarning';
const PATIENCE_MS = 60_000;

/** A run of `sigma`. */
export interface Run {
  /** Waits for words, and gives what stands in their brackets. @throws Error with all it said, when it ends before */
  readonly says: (words: RegExp) => Promise<string>;
  /** As Ctrl-C does; once it has ended, that is all. @returns its exit code and everything that it said */
  readonly end: () => Promise<string>;
}

/** Runs `sigma` with these words, and with what is given in its environment besides. */
export function startRun(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const child = spawn(process.execPath, [QUIETLY, MAIN, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let said = '';
  const heard = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      for (const look of heard) look();
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const says = (words: RegExp): Promise<string> => {
    const found = new Promise<string>((resolve, reject) => {
      const look = (): void => {
        const [, told] = words.exec(said) ?? [];
        if (told !== undefined) resolve(told);
      };
      heard.add(look);
      look();
      void exited.then((code) => reject(new Error(`sigma ${flags[0]} ended with ${code}:\n${said}`)));
    });
    return withPatience(found, child, flags);
  };
  const end = async (): Promise<string> => {
    child.kill('SIGINT');
    const code = await withPatience(exited, child, flags);
    return `${code}\n${said}`;
  };
  return { says, end };
}

/** What does not happen in time is not waited for: the process is killed, and it is told. */
async function withPatience<Result>(
  wanted: Promise<Result>,
  child: ChildProcess,
  [command]: readonly string[],
): Promise<Result> {
  let late: NodeJS.Timeout | undefined;
  const giveUp = new Promise<never>((_, reject) => {
    late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`sigma ${command} did not answer within ${PATIENCE_MS / 1000} s`));
    }, PATIENCE_MS);
  });
  try {
    return await Promise.race([wanted, giveUp]);
  } finally {
    clearTimeout(late);
  }
}

/** What `sigma` says with these words, once it has ended. @throws when it fails */
export async function outputOf(flags: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [QUIETLY, MAIN, ...flags])).stdout;
}
