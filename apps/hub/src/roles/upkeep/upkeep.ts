import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import type { Alerts } from '../alerts/alerts.ts';
import { HUB } from '../alerts/causes.ts';
import { type HubRecord, signal } from '../arbitration/hub-record.ts';

/** Something that is to be done once a day: archiving, retention, a backup. */
export interface UpkeepTask {
  /** A word: `archive`, `backup`. */
  readonly name: string;
  /** Seconds after midnight UTC, 0 to 86,399. */
  readonly atS: number;
  /** @returns what was done, in a line; throws when it was not, with a message for people */
  run(signal: AbortSignal): Promise<string>;
}

/** When each task was last done, by name, microseconds since 1970. */
export interface UpkeepMemory {
  read(): Readonly<Record<string, number>>;
  write(done: Readonly<Record<string, number>>): void;
}

const DAY_US = 86_400_000_000;
/** What failed is tried again so much later; the alert stands until it was done. */
const AGAIN_US = 3_600_000_000;
/** A hub that starts late does what it missed when its edges are back. */
const SETTLED_US = 60_000_000;
const WARNING = 3;
const MOST_REASON = 500;

/**
 * When a task is due next. One that was missed is due as soon as the hub has settled; one that was never done waits for
 * its first time.
 *
 * @param doneUs when it was done last, or null
 */
export function dueUs(atS: number, doneUs: number | null, nowUs: number): number {
  const latest = Math.floor((nowUs - atS * 1e6) / DAY_US) * DAY_US + atS * 1e6;
  return doneUs !== null && doneUs < latest ? nowUs + SETTLED_US : latest + DAY_US;
}

/**
 * Does each task at its time of the day, one after the other, by the wall clock. What was done and what failed is put on
 * record; a failure is an alert until the task was done.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #stopped = new AbortController();
  readonly #waiting = new Map<string, () => void>();
  #last: Promise<void> = Promise.resolve();

  constructor(options: UpkeepOptions) {
    this.#options = options;
    const done = options.memory.read();
    for (const task of options.tasks) this.#wait(task, dueUs(task.atS, done[task.name] ?? null, options.clock.nowUs()));
  }

  /** Resolves when what is under way has ended: it is told to. */
  async close(): Promise<void> {
    this.#stopped.abort(new Error('the hub ends'));
    for (const cancel of this.#waiting.values()) cancel();
    await this.#last;
  }

  #wait(task: UpkeepTask, atUs: number): void {
    const { clock } = this.#options;
    const cancel = clock.after(Math.max(0, atUs - clock.nowUs()), () => {
      this.#last = this.#last.then(() => this.#do(task));
    });
    this.#waiting.set(task.name, cancel);
  }

  async #do(task: UpkeepTask): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const { clock, memory } = this.#options;
    const fromUs = clock.nowUs();
    try {
      const what = await task.run(this.#stopped.signal);
      memory.write({ ...memory.read(), [task.name]: fromUs });
      this.#tell('hub.upkeep_done', task, { what, seconds: Math.round((clock.nowUs() - fromUs) / 1e6) }, null);
      this.#wait(task, dueUs(task.atS, fromUs, clock.nowUs()));
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      const why = (error instanceof Error ? error.message : String(error)).slice(0, MOST_REASON);
      this.#tell('hub.upkeep_failed', task, { why }, why);
      this.#wait(task, clock.nowUs() + AGAIN_US);
    }
  }

  #tell(name: `hub.${string}`, task: UpkeepTask, body: Record<string, string | number>, why: string | null): void {
    const { record, alerts } = this.#options;
    void record.append(signal(name, task.name, { task: task.name, ...body })).catch(() => undefined);
    const text = `the daily ${task.name} failed: ${why}`;
    const advice = 'Do what the message says; it is tried again every hour, and nothing is lost meanwhile';
    alerts.say(HUB, `upkeep:${task.name}`, why === null ? null : { level: WARNING, text, advice });
  }
}

export interface UpkeepOptions {
  readonly clock: Pick<Clock, 'nowUs' | 'after'>;
  readonly record: HubRecord;
  readonly alerts: Pick<Alerts, 'say'>;
  readonly tasks: readonly UpkeepTask[];
  readonly memory: UpkeepMemory;
}

/** In a file; one that cannot be read counts as nothing done yet. */
export function keptUpkeep(path: string): UpkeepMemory {
  return {
    read: () => {
      try {
        return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, number>) : {};
      } catch {
        return {};
      }
    },
    write: (done) => {
      writeFileSync(`${path}.part`, JSON.stringify(done), { flush: true });
      renameSync(`${path}.part`, path);
    },
  };
}
