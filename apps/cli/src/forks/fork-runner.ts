import { type ChildProcess, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ForkOrTrial, FromForkProcess } from './fork-jobs.ts';

const PROGRAM = fileURLToPath(new URL('./fork-process.ts', import.meta.url));

interface Waiting {
  readonly id: string;
  readonly job: ForkOrTrial;
}

/** What the runner tells of a piece of work: that it begins, what its process says, and that it ended without an answer. */
export type RunnerNews =
  | { readonly type: 'begun' }
  | FromForkProcess
  | { readonly type: 'ended'; readonly words: string };

/** Does one piece of work after another, each in a process of low priority, so that what is live goes first. */
export class ForkRunner {
  readonly #tell: (id: string, news: RunnerNews) => void;
  #waiting: Waiting[] = [];
  #running: { readonly id: string; readonly child: ChildProcess } | null = null;
  #closed = false;

  constructor(tell: (id: string, news: RunnerNews) => void) {
    this.#tell = tell;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  start(id: string, job: ForkOrTrial): void {
    this.#waiting.push({ id, job });
    this.#next();
  }

  /** Ends it, wherever it is; nothing more is told of it. */
  cancel(id: string): void {
    this.#waiting = this.#waiting.filter((one) => one.id !== id);
    if (this.#running?.id !== id) return;
    const { child } = this.#running;
    this.#running = null;
    child.removeAllListeners('message');
    child.kill('SIGKILL');
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    if (this.#running !== null) this.cancel(this.#running.id);
  }

  #next(): void {
    if (this.#running !== null || this.#closed) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    const { id, job } = next;
    const child = fork(PROGRAM, { execArgv: ['--disable-warning=ExperimentalWarning'], serialization: 'advanced' });
    this.#running = { id, child };
    if (child.pid !== undefined) giveWay(child.pid);
    let answered = false;
    child.on('message', (message: FromForkProcess) => {
      answered ||= message.type !== 'progress';
      this.#tell(id, message);
    });
    const over = (words: string): void => {
      if (this.#running?.child === child) {
        this.#running = null;
        if (!answered) this.#tell(id, { type: 'ended', words });
      }
      this.#next();
    };
    child.once('error', (error) => over(error.message));
    child.once('exit', (code, signal) => over(`its process ended (${signal ?? code})`));
    this.#tell(id, { type: 'begun' });
    child.send(job);
  }
}

function giveWay(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already, or the system lets nobody: then it runs as it is.
  }
}
