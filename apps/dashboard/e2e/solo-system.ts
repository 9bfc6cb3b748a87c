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
  /** Where it keeps everything, until it is stopped. */
  readonly dataDir: string;
  /** Ends it as Ctrl-C does, and starts it again over what it kept. @returns where it is now */
  readonly again: () => Promise<string>;
  /** Ends it as Ctrl-C does; what it kept stays. @returns what it said at its end, with its exit code in front */
  readonly end: () => Promise<string>;
  /** Ends it, and leaves nothing. @returns as `end` */
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
  let run = startRun(flags);
  const end = () => run.end();
  const stop = async (): Promise<string> => {
    const said = await end();
    await rm(dataDir, { recursive: true, force: true });
    return said;
  };
  const again = async (): Promise<string> => {
    await end();
    run = startRun(flags);
    return run.says(URL_WORDS);
  };
  try {
    const [url, email, password] = [
      await run.says(URL_WORDS),
      await run.says(/sign in as (\S+), password \S+ \(shown/),
      await run.says(/sign in as \S+, password (\S+) \(shown/),
    ];
    return { url, email, password, dataDir, again, end, stop };
  } catch (error) {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
}

const URL_WORDS = /Mission Control at (\S+)/;

interface Run {
  /** Waits for words, and gives what stands in their brackets. @throws Error with all it said, when it ends before */
  readonly says: (words: RegExp) => Promise<string>;
  /** As Ctrl-C does; once it has ended, that is all. @returns its exit code and everything that it said */
  readonly end: () => Promise<string>;
}

/** Runs `sigma` with these words, and with what is given in its environment besides. */
function startRun(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...flags], {
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
      void exited.then((code) => reject(new Error(`sigma up ended with ${code}:\n${said}`)));
    });
    return withPatience(found, child);
  };
  const end = async (): Promise<string> => {
    child.kill('SIGINT');
    const code = await withPatience(exited, child);
    return `${code}\n${said}`;
  };
  return { says, end };
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
