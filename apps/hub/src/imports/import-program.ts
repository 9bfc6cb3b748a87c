import { type ChildProcess, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ConvertJob, FromImportProcess, ReadJob } from './import-jobs.ts';

const PROGRAM = fileURLToPath(new URL('./import-process.ts', import.meta.url));
const MOST_HEAP_MB = 1_024;
/** Whoever looks at an import asks again soon; the process rests so long, and then it ends. */
const RESTS_MS = 60_000;

type Answer = Extract<FromImportProcess, { type: 'answer' }>['answer'];

/** The process ended, took too long, or said why it has no answer. */
export class NoAnswerError extends Error {
  /** The file is not what it should be. */
  readonly refused: boolean;

  constructor(words: string, refused = false) {
    super(words);
    this.name = 'NoAnswerError';
    this.refused = refused;
  }
}

interface Asked {
  readonly job: ConvertJob | ReadJob;
  readonly mostMs: number;
  readonly onProgress: (events: number) => void;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: NoAnswerError) => void;
}

/**
 * One job after another in a process of low priority that knows nothing of the hub's surroundings. It is begun when
 * something is asked, killed when an answer takes too long, and ends when nothing has been asked for a while.
 */
export class ImportProgram {
  readonly #confined: readonly string[];
  readonly #waiting: Asked[] = [];
  #child: ChildProcess | null = null;
  #asked: Asked | null = null;
  #late: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param only folder that it may write in, and then it can neither start another process nor load native code; null for
   * one that makes recordings: where files are confined, Node lets nobody bring them to the disk for certain (fsync)
   */
  constructor(only: string | null) {
    this.#confined = only === null ? [] : ['--permission', '--allow-fs-read=*', `--allow-fs-write=${only}/*`];
  }

  /** @throws NoAnswerError */
  ask(
    job: ConvertJob | ReadJob,
    mostMs: number,
    onProgress: (events: number) => void = () => undefined,
  ): Promise<Answer> {
    if (this.#closed) return Promise.reject(new NoAnswerError('the hub is closing'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, mostMs, onProgress, resolve, reject });
      this.#next();
    });
  }

  /** Ends what is being done with that recording, and what waits to be. */
  drop(recording: string): void {
    const dropped = this.#waiting.filter(({ job }) => job.recording === recording);
    for (const one of dropped) {
      this.#waiting.splice(this.#waiting.indexOf(one), 1);
      one.reject(new NoAnswerError('somebody ended it'));
    }
    // What is open of it is let go as well.
    if (this.#asked === null || this.#asked.job.recording === recording) this.#kill('somebody ended it');
  }

  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new NoAnswerError('the hub is closing'));
    this.#kill('the hub is closing');
  }

  #next(): void {
    if (this.#asked !== null) return;
    const next = this.#waiting.shift();
    clearTimeout(this.#late);
    if (next === undefined) {
      this.#late = setTimeout(() => this.#kill('it rests'), RESTS_MS).unref();
      return;
    }
    this.#asked = next;
    this.#late = setTimeout(() => this.#kill(`it took longer than ${next.mostMs / 1000} s`), next.mostMs).unref();
    this.#child ??= this.#begin();
    this.#child.send(next.job);
  }

  #begin(): ChildProcess {
    const child = fork(PROGRAM, {
      execArgv: [
        '--disable-warning=ExperimentalWarning',
        '--disable-warning=SecurityWarning',
        `--max-old-space-size=${MOST_HEAP_MB}`,
        ...this.#confined,
      ],
      env: {},
      serialization: 'advanced',
    });
    if (child.pid !== undefined) giveWay(child.pid);
    child.on('message', (said: FromImportProcess) => {
      if (this.#child === child) this.#hear(said);
    });
    child.once('error', (error) => this.#ended(child, error.message));
    child.once('exit', (code, signal) => this.#ended(child, `its process ended (${signal ?? code})`));
    return child;
  }

  #hear(said: FromImportProcess): void {
    const asked = this.#asked;
    if (asked === null) return;
    if (said.type === 'progress') {
      asked.onProgress(said.events);
      return;
    }
    this.#asked = null;
    if (said.type === 'answer') asked.resolve(said.answer);
    else asked.reject(new NoAnswerError(said.words, said.refused));
    this.#next();
  }

  #ended(child: ChildProcess, words: string): void {
    if (this.#child !== child) return;
    this.#child = null;
    const asked = this.#asked;
    this.#asked = null;
    asked?.reject(new NoAnswerError(words));
    if (!this.#closed) this.#next();
  }

  #kill(words: string): void {
    clearTimeout(this.#late);
    const child = this.#child;
    if (child === null) return;
    child.kill('SIGKILL');
    this.#ended(child, words);
  }
}

function giveWay(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already, or the system lets nobody: then it runs as it is.
  }
}
