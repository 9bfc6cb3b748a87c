import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FromQuery, QueryFault, QueryLimits, ToQuery } from './query-messages.ts';

/** The query was not answered: it is no query, or it went past a bound. */
export class QueryError extends Error {
  readonly fault: QueryFault;

  constructor(fault: QueryFault, message: string) {
    super(message);
    this.name = 'QueryError';
    this.fault = fault;
  }
}

type Told<Type extends FromQuery['type']> = Extract<FromQuery, { readonly type: Type }>;

/** Where code of this checkout is kept as it was compiled: stripping types and compiling take longer than a query. */
const COMPILED = fileURLToPath(new URL('../../../node_modules/.cache/compiled', import.meta.url));

/**
 * The process in which one query runs, seen from outside. Started at once, so that DuckDB is loaded by the time there is
 * a query; the time of the query counts from `begin`, and only while it is being waited for.
 */
export class QueryProcess {
  readonly #child: ChildProcess;
  /** For files that only this query reads. */
  readonly folder = mkdtempSync(join(tmpdir(), 'sigma-query-'));
  readonly #heard: FromQuery[] = [];
  #timeoutMs = 0;
  #leftMs = 0;
  #fault: Error | null = null;
  #wake: (() => void) | null = null;

  constructor() {
    this.#child = fork(fileURLToPath(new URL('./query-process.ts', import.meta.url)), {
      cwd: this.folder,
      // Nothing of the environment but where compiled code of this program is kept.
      env: { NODE_COMPILE_CACHE: getCompileCacheDir() ?? COMPILED },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      serialization: 'json',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child.on('message', (message: FromQuery) => {
      if (message.type === 'fault') this.#fail(new QueryError(message.fault, message.message));
      else this.#heard.push(message);
      this.#wake?.();
    });
    this.#child.on('error', (error) => this.#fail(new QueryError('defect', error.message)));
    let ended: string | null = null;
    // What it said last may be heard behind its end.
    const over = (): void => {
      if (ended !== null && !this.#child.connected) this.#fail(new QueryError('defect', ended));
    };
    this.#child.on('exit', (code, by) => {
      ended = `the process of the query ended by itself (${by ?? code})`;
      over();
    });
    this.#child.on('disconnect', over);
  }

  /** Whether it can still be asked: a process in waiting may have been ended by others. */
  get alive(): boolean {
    return this.#fault === null;
  }

  begin(sql: string, limits: QueryLimits, signal: AbortSignal | undefined): void {
    this.#timeoutMs = limits.timeoutMs;
    this.#leftMs = limits.timeoutMs;
    signal?.addEventListener('abort', () => this.#fail(signal.reason as Error), { once: true });
    this.say({ type: 'sql', sql, limits });
  }

  /** Who has said all that it had to say and is gone hears it no more, and need not. */
  say(message: ToQuery): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Nothing is being waited for: what the caller does now is not the query's time. */
  pause(): void {
    this.#wake = null;
  }

  async hear<Type extends FromQuery['type']>(...types: readonly Type[]): Promise<Told<Type>> {
    const from = performance.now();
    const limit = setTimeout(() => {
      this.#fail(new QueryError('time', `it ran for ${this.#timeoutMs / 1000} s without an end and was stopped`));
    }, this.#leftMs);
    try {
      for (;;) {
        const message = this.#heard.shift();
        if (message !== undefined && types.includes(message.type as Type)) return message as Told<Type>;
        if (message === undefined && this.#fault !== null) throw this.#fault;
        if (message !== undefined) throw new QueryError('defect', `the process of the query said '${message.type}'`);
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    } finally {
      clearTimeout(limit);
      this.#leftMs -= performance.now() - from;
    }
  }

  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) {
      const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
      this.#child.kill('SIGKILL');
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  #fail(error: Error): void {
    this.#fault ??= error;
    this.#wake?.();
  }
}
