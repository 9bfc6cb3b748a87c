import { Observable } from '../live/observable.ts';
import type { PastScan } from './film/film-piece.ts';
import { FilmStore } from './film/film-store.ts';
import type { PastAsk, PastNews, ProblemKind } from './past-words.ts';

/** What is needed of a worker. */
export interface PastWorker {
  postMessage(ask: PastAsk): void;
  onmessage: ((event: MessageEvent<PastNews>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  terminate(): void;
}

/** How far the film of the moment asked for has come. */
export interface PastProgress {
  readonly timeUs: number;
  readonly state: 'working' | 'settled' | 'failed';
  readonly done: number;
  /** 0 until the moment is located. */
  readonly of: number;
  /** Why it failed; else empty. */
  readonly words: string;
  /** From the question to the answer, once it is settled. */
  readonly tookMs: number;
}

export interface PastProblem {
  readonly source: string;
  readonly kind: ProblemKind;
  readonly words: string;
}

const FILM_BYTES = 96 * 2 ** 20;

/**
 * The past on film: asks workers to compute moments again, keeps what they film, and says how far they are. Workers are
 * started with the first moment that is asked for and end with `end`.
 */
export class PastEngine {
  readonly films = new FilmStore(FILM_BYTES);
  readonly progress = new Observable<PastProgress | null>(null);
  readonly problems = new Observable<ReadonlyMap<string, PastProblem>>(new Map());
  /** First and last moment on record, microseconds; null until a moment was located. */
  readonly range = new Observable<{ readonly fromUs: number; readonly toUs: number } | null>(null);
  readonly #make: () => PastWorker;
  readonly #size: number;
  readonly #nowMs: () => number;
  #askedMs = 0;
  #reportedMs = Number.NEGATIVE_INFINITY;
  #workers: readonly PastWorker[] = [];
  #id = 0;
  #settled = 0;
  #done: number[] = [];
  #of: number[] = [];
  #filmed: number[] = [];
  #sources: readonly string[] | null = null;
  #scans = new Map<string, PastScan>();
  #asked: { readonly source: string; readonly timeUs: number } | null = null;
  readonly #listeners = new Set<() => void>();

  /** `size` workers share the chains. */
  constructor(make: () => PastWorker, size: number, nowMs: () => number) {
    this.#make = make;
    this.#size = size;
    this.#nowMs = nowMs;
  }

  /** Agents on record at the moment last located; null before any was. */
  get sources(): readonly string[] | null {
    return this.#sources;
  }

  /** From the moment asked for, everything up to here is on film; -Infinity while that moment is not. */
  get filmedUntilUs(): number {
    return Math.min(...this.#filmed);
  }

  /** Calls back whenever there is more film. */
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Starts the workers and lets them read who wrote what, so that the first look back is as quick as the others. */
  warm(timeUs: number): void {
    if (this.#workers.length > 0) return;
    this.#start();
    for (const worker of this.#workers) worker.postMessage({ type: 'warm', timeUs });
  }

  /** Films a moment and what lies around it; replaces what was asked before. */
  show(timeUs: number, first: string | null, aheadUs: number, behindUs: number): void {
    this.#start();
    const id = ++this.#id;
    this.#settled = 0;
    this.#done = this.#workers.map(() => 0);
    this.#of = this.#workers.map(() => 0);
    this.#filmed = this.#workers.map(() => Number.NEGATIVE_INFINITY);
    this.#askedMs = this.#nowMs();
    this.progress.set({ timeUs, state: 'working', done: 0, of: 0, words: '', tookMs: 0 });
    for (const worker of this.#workers) worker.postMessage({ type: 'show', id, timeUs, first, aheadUs, behindUs });
    for (const stretch of this.films.trim(timeUs))
      for (const worker of this.#workers) worker.postMessage({ type: 'forget', stretch });
  }

  /** The robot's last scan that was computed; another is asked for when it is of another moment. */
  scan(source: string, timeUs: number): PastScan | undefined {
    const known = this.#scans.get(source);
    if (known !== undefined && Math.abs(known.timeUs - timeUs) <= SCAN_FRESH_US) return known;
    if (this.#asked === null && this.films.covers(source, timeUs)) {
      this.#asked = { source, timeUs };
      for (const worker of this.#workers) worker.postMessage({ type: 'scan', source, timeUs });
    }
    return known !== undefined && Math.abs(known.timeUs - timeUs) < SCAN_KEPT_US ? known : undefined;
  }

  end(): void {
    for (const worker of this.#workers) worker.terminate();
    this.#workers = [];
  }

  #start(): void {
    if (this.#workers.length > 0) return;
    this.#workers = Array.from({ length: this.#size }, (_, index) => {
      const worker = this.#make();
      worker.onmessage = ({ data }) => this.#hear(index, data);
      worker.onerror = (event) => this.#fail(event.message || 'the part that computes the past could not be loaded');
      worker.postMessage({ type: 'open', index, of: this.#size });
      return worker;
    });
  }

  #hear(index: number, news: PastNews): void {
    if (news.type === 'film') for (const piece of news.pieces) this.films.add(piece);
    else if (news.type === 'problem') this.#putProblem(news);
    else if (news.type === 'scan') this.#putScan(news);
    else if (news.type === 'failed') this.#fail(news.words);
    else if (news.type === 'located') {
      this.#sources = news.sources;
      this.#reach(news.fromUs, news.toUs);
    } else if (news.id === this.#id) this.#advance(index, news);
    if (news.type === 'film' || news.type === 'located') this.#changed();
  }

  #reach(fromUs: number, toUs: number): void {
    const before = this.range.get();
    if (before?.fromUs !== fromUs || before.toUs !== toUs) this.range.set({ fromUs, toUs });
  }

  #advance(index: number, news: Extract<PastNews, { type: 'progress' | 'settled' | 'filmed' }>): void {
    if (news.type === 'filmed') {
      this.#filmed[index] = news.untilUs;
      return;
    }
    if (news.type === 'progress') {
      this.#done[index] = news.done;
      this.#of[index] = news.of;
    } else {
      this.#filmed[index] = news.timeUs;
      this.#settled++;
    }
    this.#report();
  }

  #putProblem({ source, kind, words }: Extract<PastNews, { type: 'problem' }>): void {
    if (this.problems.get().get(source)?.words === words) return;
    this.problems.set(new Map(this.problems.get()).set(source, { source, kind, words }));
  }

  #putScan({ source, scan }: Extract<PastNews, { type: 'scan' }>): void {
    if (this.#asked?.source === source) this.#asked = null;
    if (scan === null) return;
    this.#scans = new Map([[source, scan]]);
    this.#changed();
  }

  #report(): void {
    const before = this.progress.get();
    if (before === null) return;
    const settled = this.#settled === this.#workers.length;
    const nowMs = this.#nowMs();
    if (!settled && nowMs - this.#reportedMs < REPORT_MS) return;
    this.#reportedMs = nowMs;
    const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
    const state = settled ? 'settled' : 'working';
    const tookMs = settled ? nowMs - this.#askedMs : 0;
    this.progress.set({ timeUs: before.timeUs, state, done: sum(this.#done), of: sum(this.#of), words: '', tookMs });
    this.#changed();
  }

  #fail(words: string): void {
    const before = this.progress.get();
    this.progress.set({ timeUs: before?.timeUs ?? 0, state: 'failed', done: 0, of: 0, words, tookMs: 0 });
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** Progress is told this often. */
const REPORT_MS = 100;
const SCAN_FRESH_US = 150_000;
const SCAN_KEPT_US = 1_000_000;
