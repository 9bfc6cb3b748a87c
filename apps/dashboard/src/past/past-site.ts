import { create } from '@bufbuild/protobuf';
import {
  type AgentDecision,
  type AgentPath,
  AgentPathSchema,
  type AgentScan,
  AgentScanSchema,
  type Alert,
  AlertSchema,
  type Fence,
  type Mission,
} from '@sigma/proto';
import { decisionKey } from '../live/decision-book.ts';
import type { LiveSite } from '../live/live-site.ts';
import { emptyPoses, type PoseColumns, turn } from '../live/poses.ts';
import { type SiteView, STALE_MS } from '../live/site-view.ts';
import { TopicBoard } from '../live/topic-board.ts';
import type { Agent, Topic } from '../live/topics.ts';
import { POSE_WIDTH } from './film/film-piece.ts';
import { type Film, rowAt, since } from './film/film-store.ts';
import { missionAt } from './mission-at.ts';
import type { PastEngine, PastProgress } from './past-engine.ts';
import { type Sighting, sightedPeople } from './sighted-people.ts';

/** Farther apart than this, two rows are not one movement. */
const JUMP_M = 2;
const SITE_DECISIONS = 2_000;

/** Gathers what comes close together: changes before they are told, film before it is shown. */
interface PastSchedule {
  readonly tell: (run: () => void) => void;
  readonly refresh: (run: () => void) => void;
}

/**
 * The site at a past moment. Robots and everything they believed are computed again by the kernel; alerts and missions
 * are those that the hub remembers, as they stood then. `moment` moves it; the topics tell.
 */
export class PastSite implements SiteView {
  readonly #engine: PastEngine;
  readonly #now: LiveSite;
  readonly #topics: TopicBoard;
  readonly #later: PastSchedule['refresh'];
  /** Where the playhead is at a frame's time. */
  readonly #playhead: (nowMs: number) => number;
  #atUs = 0;
  #ids: readonly string[] = [];
  #rows = new Map<string, number>();
  #roster = 0;
  #due = false;
  #settled: PastProgress | null = null;
  #messages = 0;
  #newest: PoseColumns = emptyPoses(0);
  #sampled: PoseColumns = emptyPoses(0);
  #people: Float32Array = new Float32Array(0);
  readonly #agents = new Map<string, Agent>();
  #all: { readonly version: number; readonly decisions: readonly AgentDecision[] } = { version: -1, decisions: [] };

  constructor(engine: PastEngine, now: LiveSite, playhead: (nowMs: number) => number, { tell, refresh }: PastSchedule) {
    this.#engine = engine;
    this.#now = now;
    this.#playhead = playhead;
    this.#later = refresh;
    this.#topics = new TopicBoard(tell);
    engine.subscribe(() => {
      const progress = engine.progress.get();
      if (progress?.state === 'settled' && progress !== this.#settled) {
        // The moment is complete: a person waits for it.
        this.#settled = progress;
        this.#refresh();
        tell(() => this.#topics.publish());
        return;
      }
      this.#refreshSoon();
    });
    for (const topic of ['missions', 'alerts', 'decisions'] as const)
      now.subscribe(topic, () => this.#topics.touch(topic));
  }

  /** Shows that moment, microseconds since 1970: at once where film of it is here, else with the film, or when that takes long. */
  moment(atUs: number): void {
    if (atUs === this.#atUs) return;
    this.#atUs = atUs;
    const { films } = this.#engine;
    if (this.#ids.length === 0 || this.#ids.some((id) => films.covers(id, atUs))) this.#refresh();
    else this.#refreshSoon();
    for (const topic of ['missions', 'alerts', 'decisions', 'fences'] as const) this.#topics.touch(topic);
  }

  #refreshSoon(): void {
    if (this.#due) return;
    this.#due = true;
    this.#later(() => {
      this.#due = false;
      this.#refresh();
    });
  }

  #refresh(): void {
    if (this.#atUs === 0) return;
    this.#adoptRoster();
    fillPoses(this.#newest, this.#ids, this.#atUs, this.#engine, this.#now);
    this.#people = this.#peopleAt(this.#atUs);
    this.#messages++;
    for (const id of this.#ids) this.#refreshAgent(id);
    for (const topic of ['missions', 'decisions', 'fences'] as const) this.#topics.touch(topic);
  }

  #adoptRoster(): void {
    const ids = this.#engine.sources ?? this.#now.ids;
    if (ids.length === this.#ids.length && ids.every((id, k) => id === this.#ids[k])) return;
    this.#ids = [...ids];
    this.#rows = new Map(ids.map((id, k) => [id, k]));
    this.#newest = emptyPoses(ids.length);
    this.#sampled = emptyPoses(ids.length);
    for (const id of this.#agents.keys()) if (!this.#rows.has(id)) this.#agents.delete(id);
    this.#roster++;
    this.#topics.touch('roster');
  }

  #refreshAgent(id: string): void {
    const film = this.#engine.films.at(id, this.#atUs);
    const status = film === undefined ? undefined : since(film.statuses, this.#atUs);
    const row = this.#rows.get(id) as number;
    const age = this.#newest.ageMs[row] as number;
    const percent = Math.round((this.#newest.battery[row] as number) * 100);
    const digest = `${percent} ${age > STALE_MS ? Math.round(age / 1_000) : ''}`;
    const before = this.#agents.get(id);
    if (before !== undefined && before.status === status && before.digest === digest) return;
    this.#agents.set(id, { id, status, digest, version: (before?.version ?? 0) + 1 });
    this.#topics.touch('agents');
  }

  #peopleAt(atUs: number): Float32Array {
    const sightings: Sighting[] = [];
    for (const id of this.#ids) {
      const film = this.#engine.films.at(id, atUs);
      if (film === undefined || atUs - film.untilUs > STALE_MS * 1_000) continue;
      sightings.push({ by: id, peopleM: since(film.people, atUs) ?? NOBODY });
    }
    return sightedPeople(sightings, this.#ids, this.#newest);
  }

  get ids() {
    return this.#ids;
  }
  get roster() {
    return this.#roster;
  }
  get messages() {
    return this.#messages;
  }
  get timeUs() {
    return BigInt(Math.round(this.#atUs));
  }
  get people() {
    return this.#people;
  }
  get newest() {
    return this.#newest;
  }
  row(id: string): number {
    return this.#rows.get(id) ?? -1;
  }
  agent(id: string): Agent | undefined {
    return this.#agents.get(id);
  }
  agents(): Iterable<Agent> {
    return this.#agents.values();
  }

  /**
   * Columns where the playhead is while this frame is drawn: smooth whatever the tables are told. Of a moment that stands
   * still they are what was gathered last: a picture for every robot whose film comes would hold up the others' film.
   */
  sample(nowMs: number): PoseColumns {
    const atUs = this.#playhead(nowMs);
    if (Math.round(atUs) === this.#atUs) return this.#newest;
    fillPoses(this.#sampled, this.#ids, atUs, this.#engine, this.#now);
    return this.#sampled;
  }

  ageMs(row: number): number {
    return this.#newest.ageMs[row] ?? Number.POSITIVE_INFINITY;
  }
  silenceMs(): number {
    return 0;
  }

  mission(id: string): Mission | undefined {
    const mission = this.#now.mission(id);
    return mission && missionAt(mission, this.#atUs, this.#shareThen);
  }
  missions(): Mission[] {
    return this.#now.missions().flatMap((mission) => missionAt(mission, this.#atUs, this.#shareThen) ?? []);
  }
  /** Nothing of what the robot itself had not heard of yet. */
  readonly #shareThen = (agentId: string, taskId: string): number => {
    const film = this.#engine.films.at(agentId, this.#atUs);
    const tasks = film === undefined ? undefined : since(film.tasks, this.#atUs);
    return tasks === undefined ? Number.NaN : (tasks.find((task) => task.taskId === taskId)?.share ?? 0);
  };
  alerts(): Alert[] {
    return this.#now.alerts().flatMap((alert) => alertAt(alert, this.#atUs) ?? []);
  }

  /** What was computed again, and before that what the page has read from the hub; each once. */
  decisions(id: string): readonly AgentDecision[] {
    const found = new Map<string, AgentDecision>();
    for (const one of this.#engine.films.decisions(id, this.#atUs)) found.set(decisionKey(one), one);
    for (const one of this.#now.decisions(id)) {
      const key = decisionKey(one);
      if (Number(one.timeUs) <= this.#atUs && !found.has(key)) found.set(key, one);
    }
    return [...found.values()].sort(latestFirst);
  }
  allDecisions(): readonly AgentDecision[] {
    const version = this.#topics.version('decisions');
    if (this.#all.version !== version) {
      const all = this.#ids.flatMap((id) => this.decisions(id));
      this.#all = { version, decisions: all.sort(latestFirst).slice(0, SITE_DECISIONS) };
    }
    return this.#all.decisions;
  }

  path(id: string): AgentPath | undefined {
    const film = this.#engine.films.at(id, this.#atUs);
    const points = film === undefined ? undefined : since(film.paths, this.#atUs);
    return points === undefined ? undefined : create(AgentPathSchema, { agentId: id, pointsM: [...points] });
  }
  scan(id: string): AgentScan | undefined {
    const scan = this.#engine.scan(id, this.#atUs);
    if (scan === undefined) return undefined;
    const { xM, yM, headingRad, rangesM } = scan;
    return create(AgentScanSchema, { agentId: id, xM, yM, headingRad, rangesM: [...rangesM] });
  }

  /** As the robots had been told, under the names that the hub still knows; as they are now while nothing is on film. */
  fences(): readonly Fence[] {
    if (!this.#ids.some((id) => this.#engine.films.at(id, this.#atUs) !== undefined)) return this.#now.fences();
    const known = new Map(this.#now.fences().map((fence) => [fence.id, fence]));
    const found = new Map<string, Fence>();
    for (const id of this.#ids) {
      const film = this.#engine.films.at(id, this.#atUs);
      for (const fence of (film === undefined ? undefined : since(film.fences, this.#atUs)) ?? [])
        if (!found.has(fence.id)) found.set(fence.id, known.get(fence.id) ?? fence);
    }
    return [...found.values()];
  }

  version(topic: Topic): number {
    return this.#topics.version(topic);
  }
  subscribe(topic: Topic, listener: () => void): () => void {
    return this.#topics.subscribe(topic, listener);
  }
}

const NOBODY = new Float32Array(0);

/**
 * Where everybody was. Between two rows of film he moves straight; where there is no film of the moment (yet), he stands
 * where he is known to have been nearest to it in time, with that distance as his age.
 */
function fillPoses(out: PoseColumns, ids: readonly string[], atUs: number, engine: PastEngine, now: LiveSite): void {
  for (let k = 0; k < out.count; k++) {
    const id = ids[k] as string;
    const film = engine.films.at(id, atUs) ?? engine.films.after(id, atUs);
    if (film === undefined || film.rows === 0) placeAsNow(out, k, id, atUs, now);
    else placeOnFilm(out, k, film, atUs);
  }
}

function placeAsNow(out: PoseColumns, k: number, id: string, atUs: number, now: LiveSite): void {
  const { newest } = now;
  const row = now.row(id);
  out.xM[k] = newest.xM[row] ?? Number.NaN;
  out.yM[k] = newest.yM[row] ?? Number.NaN;
  out.headingRad[k] = newest.headingRad[row] ?? 0;
  out.speedMps[k] = 0;
  out.battery[k] = newest.battery[row] ?? Number.NaN;
  out.ageMs[k] = row < 0 ? Number.POSITIVE_INFINITY : Math.abs(Number(now.timeUs) - atUs) / 1_000;
}

function placeOnFilm(out: PoseColumns, k: number, film: Film, atUs: number): void {
  const { poses } = film;
  const sinceMs = (atUs - film.fromUs) / 1_000;
  const a = rowAt(film, atUs) * POSE_WIDTH;
  const b = a + POSE_WIDTH < film.rows * POSE_WIDTH ? a + POSE_WIDTH : a;
  const fromMs = poses[a] as number;
  const spanMs = (poses[b] as number) - fromMs;
  const share = spanMs <= 0 ? 0 : Math.min(1, Math.max(0, (sinceMs - fromMs) / spanMs));
  const [ax, ay, bx, by] = [poses[a + 1], poses[a + 2], poses[b + 1], poses[b + 2]] as [number, number, number, number];
  const moves = Math.abs(bx - ax) < JUMP_M && Math.abs(by - ay) < JUMP_M;
  out.xM[k] = moves ? ax + (bx - ax) * share : ax;
  out.yM[k] = moves ? ay + (by - ay) * share : ay;
  out.headingRad[k] = moves ? turn(poses[a + 3] as number, poses[b + 3] as number, share) : (poses[a + 3] as number);
  out.speedMps[k] = poses[a + 4] as number;
  out.battery[k] = poses[a + 5] as number;
  out.ageMs[k] = a === b ? Math.max(0, Math.abs(sinceMs - fromMs) - ROW_MS) : 0;
}

/** Two rows lie this far apart: the last one is not old before the next is due. */
const ROW_MS = 100;

/** The alert as it stood then: raised before, perhaps not yet acknowledged or cleared. */
function alertAt(alert: Alert, atUs: number): Alert | undefined {
  if (Number(alert.raisedTimeUs) > atUs) return undefined;
  const cleared = alert.clearedTimeUs > 0n && Number(alert.clearedTimeUs) <= atUs;
  const acknowledged = alert.acknowledgedTimeUs > 0n && Number(alert.acknowledgedTimeUs) <= atUs;
  if (cleared === alert.clearedTimeUs > 0n && acknowledged === (alert.acknowledgedBy !== '')) return alert;
  return create(AlertSchema, {
    ...alert,
    clearedTimeUs: cleared ? alert.clearedTimeUs : 0n,
    acknowledgedBy: acknowledged ? alert.acknowledgedBy : '',
    acknowledgedTimeUs: acknowledged ? alert.acknowledgedTimeUs : 0n,
  });
}

const latestFirst = (a: AgentDecision, b: AgentDecision): number =>
  a.timeUs === b.timeUs ? 0 : a.timeUs < b.timeUs ? 1 : -1;
