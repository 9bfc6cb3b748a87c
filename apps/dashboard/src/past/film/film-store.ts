import type { AgentDecision, AgentStatus, Fence } from '@sigma/proto';
import { type FilmPiece, POSE_WIDTH, type Since, type StretchId, type TaskShare } from './film-piece.ts';

/** One stretch of one agent, as far as it is filmed. */
export interface Film extends StretchId {
  readonly fromUs: number;
  untilUs: number;
  complete: boolean;
  readonly exact: boolean;
  /** Rows of `POSE_WIDTH`; those beyond `rows` are room for more. */
  poses: Float32Array;
  rows: number;
  readonly statuses: Since<AgentStatus>[];
  readonly decisions: AgentDecision[];
  readonly paths: Since<Float32Array>[];
  readonly people: Since<Float32Array>[];
  readonly fences: Since<readonly Fence[]>[];
  readonly tasks: Since<readonly TaskShare[]>[];
  /** Of `bytes`, what lies in the lists. */
  listed: number;
  bytes: number;
}

/** What things weigh in memory, about. */
const FILM_BYTES = 1_000;
const STATUS_BYTES = 600;
const DECISION_BYTES = 2_500;
/** An array of numbers beside its numbers. */
const ARRAY_BYTES = 250;
const FENCE_BYTES = 1_000;
const TASK_BYTES = 100;
const FIRST_ROWS = 128;

/** All film of the past that the page holds, within a bound; what lies farthest from the shown moment goes first. */
export class FilmStore {
  readonly #mostBytes: number;
  readonly #bySource = new Map<string, Film[]>();
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  sources(): Iterable<string> {
    return this.#bySource.keys();
  }

  add(piece: FilmPiece): void {
    const films = this.#bySource.get(piece.source) ?? [];
    this.#bySource.set(piece.source, films);
    let film = films.find((one) => one.epoch === piece.epoch && one.sequence === piece.sequence);
    if (film === undefined) {
      film = emptyFilm(piece);
      const at = films.findLastIndex((one) => one.fromUs <= piece.fromUs);
      films.splice(at + 1, 0, film);
    }
    const before = film.bytes;
    appendPoses(film, piece.poses);
    film.untilUs = Math.max(film.untilUs, piece.untilUs);
    film.complete ||= piece.complete;
    film.statuses.push(...piece.statuses);
    film.decisions.push(...piece.decisions);
    film.paths.push(...piece.paths);
    film.people.push(...piece.people);
    film.fences.push(...piece.fences);
    film.tasks.push(...piece.tasks);
    film.listed += bytesIn(piece);
    film.bytes = FILM_BYTES + film.poses.byteLength + film.listed;
    this.#bytes += film.bytes - before;
  }

  /** The last stretch of the agent that had begun at that moment. */
  at(source: string, timeUs: number): Film | undefined {
    return this.#bySource.get(source)?.findLast((film) => film.fromUs <= timeUs);
  }

  /** The first stretch after that moment, for whoever has none before it. */
  after(source: string, timeUs: number): Film | undefined {
    return this.#bySource.get(source)?.find((film) => film.fromUs > timeUs);
  }

  /** Whether the agent's film has every row up to that moment. */
  covers(source: string, timeUs: number): boolean {
    const film = this.at(source, timeUs);
    return film !== undefined && (timeUs <= film.untilUs || film.complete);
  }

  /** Decisions of the agent on film, made at or before that moment, newest first. */
  decisions(source: string, timeUs: number): AgentDecision[] {
    const found: AgentDecision[] = [];
    for (const film of (this.#bySource.get(source) ?? []).toReversed()) {
      if (film.fromUs > timeUs) continue;
      for (let k = film.decisions.length - 1; k >= 0; k--) {
        const decision = film.decisions[k] as AgentDecision;
        if (Number(decision.timeUs) <= timeUs) found.push(decision);
      }
    }
    return found;
  }

  /** Lets go of what is too much, the farthest from `aroundUs` first. @returns the stretches that went */
  trim(aroundUs: number): readonly StretchId[] {
    if (this.#bytes <= this.#mostBytes) return [];
    const all = [...this.#bySource.values()].flat();
    all.sort((a, b) => Math.abs(b.fromUs - aroundUs) - Math.abs(a.fromUs - aroundUs));
    const gone: StretchId[] = [];
    for (const film of all) {
      if (this.#bytes <= this.#mostBytes) break;
      const films = this.#bySource.get(film.source) as Film[];
      films.splice(films.indexOf(film), 1);
      if (films.length === 0) this.#bySource.delete(film.source);
      this.#bytes -= film.bytes;
      gone.push({ source: film.source, epoch: film.epoch, sequence: film.sequence });
    }
    return gone;
  }
}

function emptyFilm({ source, epoch, sequence, fromUs, exact }: FilmPiece): Film {
  const lists = { statuses: [], decisions: [], paths: [], people: [], fences: [], tasks: [] };
  const poses = new Float32Array(0);
  return {
    source,
    epoch,
    sequence,
    fromUs,
    untilUs: fromUs,
    complete: false,
    exact,
    poses,
    rows: 0,
    ...lists,
    listed: 0,
    bytes: 0,
  };
}

function bytesIn({ statuses, decisions, paths, people, fences, tasks }: FilmPiece): number {
  let bytes = statuses.length * STATUS_BYTES + decisions.length * DECISION_BYTES;
  for (const { value } of [...paths, ...people]) bytes += ARRAY_BYTES + value.byteLength;
  for (const { value } of fences) bytes += ARRAY_BYTES + value.length * FENCE_BYTES;
  for (const { value } of tasks) bytes += ARRAY_BYTES + value.length * TASK_BYTES;
  return bytes;
}

function appendPoses(film: Film, added: Float32Array): void {
  const needed = film.rows * POSE_WIDTH + added.length;
  if (needed > film.poses.length) {
    const grown = new Float32Array(Math.max(needed, film.poses.length * 2, FIRST_ROWS * POSE_WIDTH));
    grown.set(film.poses.subarray(0, film.rows * POSE_WIDTH));
    film.poses = grown;
  }
  film.poses.set(added, film.rows * POSE_WIDTH);
  film.rows = needed / POSE_WIDTH;
}

/** The last row at or before that moment, or the first; -1 for a film without rows. */
export function rowAt(film: Film, timeUs: number): number {
  const sinceMs = (timeUs - film.fromUs) / 1_000;
  let low = 0;
  let high = film.rows - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((film.poses[middle * POSE_WIDTH] as number) <= sinceMs) low = middle;
    else high = middle - 1;
  }
  return Math.min(low, film.rows - 1);
}

/** What held at that moment, or undefined. */
export function since<T>(list: readonly Since<T>[], timeUs: number): T | undefined {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as Since<T>).timeUs <= timeUs) low = middle + 1;
    else high = middle;
  }
  return list[low - 1]?.value;
}
