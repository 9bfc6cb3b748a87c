import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRun } from './sigma-program.ts';

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
