import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Started as a program and never imported: what the page meets is what a person starts. */
const MAIN = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));
const PATIENCE_MS = 60_000;

/** `sigma up` as a person starts it: a real hub with its database, and real edges of a simulated fleet. */
export interface SoloSystem {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  /** Ends it as Ctrl-C does. @returns what it said at its end, with its exit code in front */
  readonly stop: () => Promise<string>;
}

/**
 * Starts a system in a folder of its own, with work that never ends or with none, and reads from its own words where it is and how to sign in.
 *
 * @throws Error with everything that it said, when it does not come up
 */
export async function startSystem(robots: number, people: number, work: boolean): Promise<SoloSystem> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sigma-system-'));
  const size = ['--robots', String(robots), '--people', String(people)];
  const flags = ['up', '--port', '0', '--data', dataDir, ...size, ...(work ? [] : ['--no-work'])];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
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
  const stop = async (): Promise<string> => {
    child.kill('SIGINT');
    const code = await withPatience(exited, child);
    await rm(dataDir, { recursive: true, force: true });
    return `${code}\n${said}`;
  };
  const up = new Promise<readonly [url: string, email: string, password: string]>((resolve, reject) => {
    const look = (): void => {
      const [, url] = /Mission Control at (\S+)/.exec(said) ?? [];
      const [, email, password] = /sign in as (\S+), password (\S+) \(shown/.exec(said) ?? [];
      if (url !== undefined && email !== undefined && password !== undefined) resolve([url, email, password]);
    };
    heard.add(look);
    void exited.then((code) => reject(new Error(`sigma up ended with ${code}:\n${said}`)));
  });
  try {
    const [url, email, password] = await withPatience(up, child);
    return { url, email, password, stop };
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

/** What does not happen in time is not waited for: the process is killed, and it is told. */
async function withPatience<Result>(wanted: Promise<Result>, child: ChildProcess): Promise<Result> {
  let late: NodeJS.Timeout | undefined;
  const giveUp = new Promise<never>((_, reject) => {
    late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`sigma up did not answer within ${PATIENCE_MS / 1000} s`));
    }, PATIENCE_MS);
  });
  try {
    return await Promise.race([wanted, giveUp]);
  } finally {
    clearTimeout(late);
  }
}
