import { type ChildProcess, spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { type Question, type QuestionAnswer, type QuestionDesk, QuestionRefusal } from '@sigma/hub';
import { EXIT } from '../outcome.ts';

export interface SoloQuestionsOptions {
  readonly tenant: string;
  /** The checkout, whose `sigma` does the work. */
  readonly root: string;
  /** What it is to take for SIGMA_DATA. */
  readonly dataDir: string;
  /** Recordings and archives that there are now: files, folders, buckets, addresses of databases. */
  readonly places: () => readonly string[];
}

/** Behind what the hub and its robots do. */
const LOW_PRIORITY = 10;
const MOST_WAITING = 4;
const MEMORY_MB = 512;
/** Beside the query itself: reading what is hot, and fetching what is cold. */
const GRACE_S = 40;
/** Whoever is told to end and does not is ended after this. */
const END_MS = 2_000;
const MOST_BYTES = 8_000_000;
const MOST_WORDS = 2_000;

/**
 * Answers questions by `sigma query`, one at a time, each in a process of low priority that sees this tenant alone (laws L7
 * and L8): what is written in SQL reaches neither the hub's memory nor its time.
 */
export class SoloQuestions implements QuestionDesk {
  readonly #options: SoloQuestionsOptions;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SoloQuestionsOptions) {
    this.#options = options;
  }

  async ask(question: Question, signal: AbortSignal): Promise<QuestionAnswer> {
    if (this.#waiting >= MOST_WAITING)
      throw new QuestionRefusal('busy', `${MOST_WAITING} other questions are asked already; ask again in a minute`);
    this.#waiting++;
    const before = this.#last;
    const answer = before.then(async () => {
      signal.throwIfAborted();
      return this.#answer(question, signal);
    });
    this.#last = answer.catch(() => undefined).finally(() => this.#waiting--);
    return answer;
  }

  async #answer(question: Question, signal: AbortSignal): Promise<QuestionAnswer> {
    const { root, dataDir } = this.#options;
    const child = spawn(process.execPath, [join(root, 'apps/cli/bin/sigma.mjs'), ...this.#words(question)], {
      // The keys of a bucket come from the environment that the hub was started with.
      env: { ...process.env, SIGMA_DATA: dataDir },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // Who ends before it has read them says why by itself.
    child.stdin.on('error', () => undefined);
    // In memory alone: what people wrote is on no disk but sealed.
    child.stdin.end(question.texts === null ? '' : JSON.stringify(question.texts));
    const { code, out, error } = await ended(child, question.timeoutS + GRACE_S, signal);
    signal.throwIfAborted();
    if (code !== EXIT.ok) throw refusalOf(code, error);
    return JSON.parse(out) as QuestionAnswer;
  }

  #words({ sql, sources, fromTimeUs, toTimeUs, rows, timeoutS, texts }: Question): readonly string[] {
    const { tenant, places } = this.#options;
    const each = (option: string, values: readonly string[]): readonly string[] =>
      values.map((value) => `--${option}=${value}`);
    const time = (option: string, us: number): readonly string[] => (us === 0 ? [] : [`--${option}=${timeText(us)}`]);
    return [
      ...['query', '--json', `--tenant=${tenant}`, `--rows=${rows}`, `--timeout=${timeoutS}`, `--memory=${MEMORY_MB}`],
      ...(texts === null ? [] : ['--texts']),
      ...[...each('over', places()), ...each('source', sources), ...time('from', fromTimeUs), ...time('to', toTimeUs)],
      // What stands behind is SQL, never an option; with a space before it, never the name of a file (`@FILE`) either.
      ...['--', ` ${sql}`],
    ];
  }
}

function timeText(us: number): string {
  const time = new Date(us / 1000);
  if (Number.isNaN(time.getTime()))
    throw new QuestionRefusal('invalid', 'that is no time between the years 1 and 9999');
  return time.toISOString();
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

/** What the program said until its end; it is ended when it says too much, takes too long, or nobody waits any more. */
async function ended(child: ChildProcess, mostS: number, signal: AbortSignal): Promise<Ended> {
  let refused: QuestionRefusal | null = null;
  let killing: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    killing ??= setTimeout(() => child.kill('SIGKILL'), END_MS);
  };
  const refuse = (words: string): void => {
    refused ??= new QuestionRefusal('bound', words);
    stop();
  };
  const out: Buffer[] = [];
  let [bytes, error] = [0, ''];
  child.stdout?.on('data', (text: Buffer) => {
    bytes += text.length;
    if (bytes > MOST_BYTES) refuse(`the answer is longer than ${MOST_BYTES / 1e6} MB: ask for fewer rows or columns`);
    else out.push(text);
  });
  child.stderr?.on('data', (text: Buffer) => {
    if (error.length < MOST_WORDS) error += text.toString();
  });
  const limit = setTimeout(() => refuse(`it took longer than ${mostS} s in all: ask for less`), mostS * 1000);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('spawn', () => giveWay(child.pid));
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (refused !== null) throw refused;
    return { code, out: Buffer.concat(out).toString(), error };
  } finally {
    clearTimeout(limit);
    clearTimeout(killing);
    signal.removeEventListener('abort', stop);
  }
}

function giveWay(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, LOW_PRIORITY);
  } catch {
    // It has ended already, or the system lets nobody: then it runs as it is.
  }
}

const KINDS: Readonly<Record<number, QuestionRefusal['kind']>> = {
  [EXIT.usage]: 'invalid',
  [EXIT.failed]: 'bound',
  [EXIT.machine]: 'damaged',
};

/** What `sigma query` says of a question that it does not answer, for whoever asked it from afar. */
function refusalOf(code: number | null, said: string): Error {
  const kind = KINDS[code ?? EXIT.defect];
  const words = /^sigma: (.*)$/m.exec(said)?.[1];
  if (kind === undefined || words === undefined) return new Error(`sigma query ended with ${code}: ${said}`);
  return new QuestionRefusal(kind, words);
}
