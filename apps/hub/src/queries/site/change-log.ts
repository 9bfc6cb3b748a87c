import type { DecisionMade } from '@sigma/proto';
import type { LiveAgent } from '../../live/live-fleet.ts';
import type { Alert } from '../../roles/alerts/board.ts';
import type { MissionEntry } from '../../roles/arbitration/mission-ledger.ts';
import type { Mark } from '../../roles/chronicle/mark-store.ts';
import type { Roles } from '../context.ts';

/** Of decisions, marks, missions and alerts so many are kept for watchers whose stream goes on after a break. */
const RECENT = 2_000;

/** How far a watcher has heard. */
interface HeardUpTo {
  readonly revision: number;
  readonly roster: number;
  readonly decisions: number;
  readonly marks: number;
}

/** What a watcher has not heard. */
interface Unheard {
  readonly roster: number;
  readonly statuses: readonly LiveAgent[];
  readonly paths: readonly LiveAgent[];
  readonly missions: readonly MissionEntry[];
  readonly alerts: readonly Alert[];
  readonly fences: boolean;
  readonly decisions: readonly MadeBy[];
  readonly decisionsLeftOut: number;
  readonly marks: readonly Mark[];
  readonly marksLeftOut: number;
}

interface MadeBy {
  readonly agent: LiveAgent;
  readonly made: DecisionMade;
}

/**
 * When what a watcher is told of changed last, counted in revisions. A page that follows another robot, or that lost its
 * line, opens a new stream and says how far it had heard: it is told what changed since, and not ten thousand statuses
 * that it knows. One for all watchers, and as long as the hub.
 */
export class ChangeLog {
  readonly #hub: string;
  #revision = 0;
  readonly #statuses = new Map<LiveAgent, number>();
  readonly #paths = new Map<LiveAgent, number>();
  readonly #missions = new Map<string, { readonly entry: MissionEntry; readonly revision: number }>();
  readonly #alerts = new Map<string, { readonly alert: Alert; readonly revision: number }>();
  #fences = 0;
  readonly #decisions = new Recent<MadeBy>(RECENT);
  readonly #marks = new Recent<Mark>(RECENT);
  /** Who had not heard this has missed something that is not kept. */
  #forgotten = 0;

  constructor({ fleet, leases, missions, alerts, fences, marks, newId }: Roles) {
    this.#hub = newId();
    fleet.onChange((agent, topic) => {
      if (topic === 'status') this.#statuses.set(agent, ++this.#revision);
      else if (topic === 'wanted') this.#paths.set(agent, ++this.#revision);
    });
    fleet.onDecision((agent, made) => this.#decisions.add({ agent, made }));
    leases.onChange((agentId) => {
      const agent = fleet.agents.get(agentId);
      if (agent !== undefined) this.#statuses.set(agent, ++this.#revision);
    });
    missions.onChange((entry) => this.#put(this.#missions, entry.view.id, { entry, revision: ++this.#revision }));
    alerts.onChange((alert) => this.#put(this.#alerts, alert.id, { alert, revision: ++this.#revision }));
    fences.onChange(() => {
      this.#fences = ++this.#revision;
    });
    marks.onMark((mark) => this.#marks.add(mark));
  }

  /** The last to change stands last, and the first of too many goes. */
  #put<T extends { readonly revision: number }>(all: Map<string, T>, id: string, value: T): void {
    all.delete(id);
    all.set(id, value);
    if (all.size <= RECENT) return;
    const [oldest] = all;
    if (oldest === undefined) return;
    this.#forgotten = Math.max(this.#forgotten, oldest[1].revision);
    all.delete(oldest[0]);
  }

  /** Where a watcher stands who has heard everything up to now, and this roster. */
  placeAfter(roster: number): string {
    return [this.#hub, this.#revision, roster, this.#decisions.count, this.#marks.count].join(' ');
  }

  /** Null for a place in another hub's log, for one from too long ago, and for none. */
  heardUpTo(place: string): HeardUpTo | null {
    const [hub, ...counts] = place.split(' ');
    const [revision, roster, decisions, marks] = counts.map(Number);
    if (hub !== this.#hub || counts.length !== 4 || !counts.every((count) => /^\d{1,15}$/.test(count))) return null;
    return Number(revision) < this.#forgotten ? null : ({ revision, roster, decisions, marks } as HeardUpTo);
  }

  since({ revision, roster, decisions, marks }: HeardUpTo): Unheard {
    const later = (agents: ReadonlyMap<LiveAgent, number>): LiveAgent[] =>
      [...agents].flatMap(([agent, changed]) => (changed > revision ? [agent] : []));
    const made = this.#decisions.after(decisions);
    const marked = this.#marks.after(marks);
    return {
      roster,
      statuses: later(this.#statuses),
      paths: later(this.#paths),
      missions: [...this.#missions.values()].filter((one) => one.revision > revision).map(({ entry }) => entry),
      alerts: [...this.#alerts.values()].filter((one) => one.revision > revision).map(({ alert }) => alert),
      fences: this.#fences > revision,
      decisions: made.kept,
      decisionsLeftOut: made.leftOut,
      marks: marked.kept,
      marksLeftOut: marked.leftOut,
    };
  }
}

/** The last so many of a row, and how many there ever were. */
class Recent<T> {
  readonly #most: number;
  readonly #kept: T[] = [];
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#count;
  }

  add(one: T): void {
    this.#kept[this.#count++ % this.#most] = one;
  }

  /** Those after the first `count`, in order, and how many of them are not kept. */
  after(count: number): { readonly kept: readonly T[]; readonly leftOut: number } {
    const from = Math.max(Math.min(count, this.#count), this.#count - this.#kept.length);
    const kept = Array.from({ length: this.#count - from }, (_, k) => this.#kept[(from + k) % this.#most] as T);
    return { kept, leftOut: Math.max(0, from - count) };
  }
}
