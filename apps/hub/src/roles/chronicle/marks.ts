import { type Bus, tokenOf } from '@sigma/bus';
import { type AgentEvent, AgentEventSchema, type AgentStatus, AgentStatusSchema } from '@sigma/proto';
import type { Clock } from '../../clock.ts';
import { cutText } from '../../identity/written-texts.ts';
import type { LiveFleet } from '../../live/live-fleet.ts';
import { all, openedMessage } from '../../subjects.ts';
import type { Alerts } from '../alerts/alerts.ts';
import type { Alert } from '../alerts/board.ts';
import { gravity } from '../alerts/gravity.ts';
import type { MissionEntry, MissionLedger } from '../arbitration/mission-ledger.ts';
import type { Act, Acts } from './acts.ts';
import type { Mark, MarkFilter, MarkKind, MarkStore } from './mark-store.ts';

const WRITE_EVERY_US = 250_000;
const BATCH = 1_000;
const CAPACITY = 50_000;
/** Marks kept; a gap before them is said. */
const KEPT = 500_000;
const PRUNE_EVERY = 10_000;
const MOST_TEXT = 300;
/** An alert raised longer ago than this is no news any more. */
const NEWS_US = 10_000_000;

const [INFO, ADVISORY, WARNING, CRITICAL] = [1, 2, 3, 4] as const;
const STOP_LEVEL: Readonly<Record<string, number>> = { normal: ADVISORY, protective: WARNING, emergency: CRITICAL };
const FAULT_ACTS = new Set(['InjectFault', 'PlacePerson']);

/** What happened, while nobody knows yet which decision answered it. */
interface Fresh extends Omit<Mark, 'id' | 'decisionSequence' | 'decisionEpoch'> {
  /** Agent time of what happened, or null where no decision belongs to it. */
  readonly atUs: bigint | null;
}

/** Folds what the hub hears into marks: what happened, when, to whom, and which decision answered it. */
export class Marks {
  written = 0;
  shed = 0;
  readonly #clock: Clock;
  readonly #fleet: LiveFleet;
  readonly #store: MarkStore;
  readonly #newId: () => string;
  readonly #kept: number;
  readonly #shed: (count: number, why: string) => void;
  readonly #heard = new Set<(mark: Mark) => void>();
  readonly #stops = new Map<string, string>();
  readonly #alerts = new Map<string, number>();
  readonly #missions = new Map<string, string>();
  readonly #ends: readonly (() => void)[];
  #fresh: Fresh[] = [];
  #waiting: Mark[] = [];
  #writing: Promise<void> | null = null;
  #sincePrune = 0;

  constructor(options: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly tenant: string;
    readonly fleet: LiveFleet;
    readonly alerts: Pick<Alerts, 'onChange'>;
    readonly missions: Pick<MissionLedger, 'onChange'>;
    readonly acts: Pick<Acts, 'onAct'>;
    readonly store: MarkStore;
    readonly newId: () => string;
    /** Told of every loss, for the record (law L8). */
    readonly onShed: (count: number, why: string) => void;
    readonly kept?: number;
  }) {
    const { bus, tenant } = options;
    this.#clock = options.clock;
    this.#fleet = options.fleet;
    this.#store = options.store;
    this.#newId = options.newId;
    this.#kept = options.kept ?? KEPT;
    this.#shed = options.onShed;
    bus.subscribe(all(tenant, 'event'), (message) => this.#event(openedMessage(AgentEventSchema, message.data)), {
      name: 'chronicle.event',
      capacity: 16_384,
    });
    bus.subscribe(
      all(tenant, 'status'),
      (message) => this.#status(tokenOf(message.subject, 3) as string, openedMessage(AgentStatusSchema, message.data)),
      { name: 'chronicle.status', capacity: 16_384 },
    );
    this.#ends = [
      options.alerts.onChange((alert) => this.#alert(alert)),
      options.missions.onChange((entry) => this.#mission(entry)),
      options.acts.onAct((act) => this.#act(act)),
      options.clock.every(WRITE_EVERY_US, () => void this.flush()),
    ];
  }

  /** Calls back with every new mark once its decision is known. @returns how to end it */
  onMark(heard: (mark: Mark) => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }

  /** Marks of a stretch of time, in order of time unless the newest were asked for. `more`: there were more than `limit`. */
  async find(
    filter: MarkFilter,
    limit: number,
  ): Promise<{ readonly marks: readonly Mark[]; readonly more: boolean; readonly keptFromUs: number }> {
    await this.flush();
    const found = await this.#store.find(filter, limit + 1);
    const marks = found.slice(0, limit);
    if (filter.choose === 'most_urgent') marks.sort((a, b) => a.timeUs - b.timeUs);
    return { marks, more: found.length > limit, keptFromUs: await this.#store.keptFromUs() };
  }

  flush(): Promise<void> {
    for (const { atUs, ...fresh } of this.#fresh.splice(0)) {
      const mark: Mark = { ...fresh, id: `k-${this.#newId()}`, ...this.#answerTo(fresh.agentId, atUs) };
      this.#waiting.push(mark);
      for (const heard of this.#heard) heard(mark);
    }
    if (this.#waiting.length > CAPACITY) this.#lose(this.#waiting.splice(0, CAPACITY / 2), 'the queue was full');
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end();
    await this.#writing;
    await this.flush();
  }

  /** The decision made in the same wake, which comes after what it answers; else the last one before. */
  #answerTo(agentId: string, atUs: bigint | null): Pick<Mark, 'decisionSequence' | 'decisionEpoch'> {
    const decisions = this.#fleet.agents.get(agentId)?.decisions ?? [];
    for (let k = decisions.length - 1; atUs !== null && k >= 0; k--) {
      const made = decisions[k];
      if (made?.decision === undefined || made.atUs > atUs) continue;
      return { decisionSequence: Number(made.decision.sequence), decisionEpoch: made.decision.context?.epoch ?? 0 };
    }
    return { decisionSequence: 0, decisionEpoch: 0 };
  }

  #note(kind: MarkKind, agentId: string, level: number, text: string, atUs: bigint | null = null): void {
    const epochTimeUs = this.#fleet.agents.get(agentId)?.link.epochTimeUs ?? 0;
    // A robot whose clock stands at 0 says nothing about when: then it is when the hub heard of it.
    const timeUs = atUs === null || epochTimeUs === 0 ? this.#clock.nowUs() : epochTimeUs + Number(atUs);
    this.#fresh.push({ timeUs, kind, agentId, level, text: cutText(text, MOST_TEXT), atUs });
  }

  #event({ agentId, atUs, signal }: AgentEvent): void {
    if (signal?.name === 'violation') {
      const { violation } = JSON.parse(signal.bodyJson) as { readonly violation?: Broken };
      if (violation !== undefined) this.#note('violation', agentId, ADVISORY, violationText(violation), atUs);
    } else if (signal?.name === 'failsafe') {
      const { change, entry } = JSON.parse(signal.bodyJson) as {
        change?: string;
        entry?: { action?: string; cause?: string; clear?: string } | null;
      };
      if (change !== 'raised' || entry == null) return;
      const text = `${entry.action ?? 'failsafe'}: ${entry.cause ?? ''}`;
      this.#note('failsafe', agentId, gravity(entry.clear ?? ''), text, atUs);
    }
  }

  #status(agentId: string, { stop, atUs }: AgentStatus): void {
    const now = stop === '' ? 'none' : stop;
    const before = this.#stops.get(agentId);
    this.#stops.set(agentId, now);
    if (before === now || (before === undefined && now === 'none')) return;
    const text = now === 'none' ? `the ${before} stop has ended` : `${now} stop`;
    this.#note('stop', agentId, STOP_LEVEL[now] ?? INFO, text, atUs);
  }

  #alert({ id, agentId, level, text, rootId, raisedTimeUs, clearedTimeUs }: Alert): void {
    if (clearedTimeUs > 0) {
      this.#alerts.delete(id);
      return;
    }
    // An alert that was restored, or that another one explains, is no news.
    if (rootId !== '' || this.#alerts.has(id) || this.#clock.nowUs() - raisedTimeUs > NEWS_US) return;
    this.#alerts.set(id, level);
    this.#note('alert', agentId, level, text);
  }

  #mission({ view, finishedTimeUs }: MissionEntry): void {
    if (this.#missions.get(view.id) === view.status) return;
    const known = this.#missions.has(view.id);
    if (finishedTimeUs > 0) this.#missions.delete(view.id);
    else this.#missions.set(view.id, view.status);
    if (known && finishedTimeUs === 0 && view.status === 'queued') return;
    const level = view.status === 'failed' ? WARNING : INFO;
    this.#note('mission', view.tasks[0]?.agentId ?? '', level, `${view.name} ${view.status}: ${view.detail}`);
  }

  #act({ actor, act, targets, summary, outcome }: Act): void {
    const kind = FAULT_ACTS.has(act) ? 'fault' : 'act';
    const [only] = targets;
    const agentId = targets.length === 1 && only !== undefined && this.#fleet.agents.has(only) ? only : '';
    this.#note(kind, agentId, kind === 'fault' ? ADVISORY : INFO, `${actor}: ${summary} (${outcome})`);
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        await this.#store.add(batch);
        this.written += batch.length;
        this.#sincePrune += batch.length;
        if (this.#sincePrune < PRUNE_EVERY && this.#kept === KEPT) continue;
        this.#sincePrune = 0;
        await this.#store.prune(this.#kept);
      } catch (error) {
        this.#lose(batch, error instanceof Error ? String(error.cause ?? error.message) : String(error));
        return;
      }
    }
  }

  /** Where marks were lost, one stands that says so. */
  #lose(lost: readonly Mark[], why: string): void {
    const gaps = lost.filter((mark) => mark.kind === 'gap');
    this.#waiting.unshift(...gaps);
    const [first] = lost.filter((mark) => mark.kind !== 'gap');
    if (first === undefined) return;
    const count = lost.length - gaps.length;
    this.shed += count;
    this.#shed(count, why);
    const text = `${count} marks from here on are lost: ${why}`.slice(0, MOST_TEXT);
    const none = { agentId: '', decisionSequence: 0, decisionEpoch: 0 };
    this.#waiting.unshift({
      ...none,
      id: `k-${this.#newId()}`,
      timeUs: first.timeUs,
      kind: 'gap',
      level: WARNING,
      text,
    });
  }
}

/** @sigma/kernel's Violation, as it came. */
type Broken =
  | {
      readonly kind: 'physical';
      readonly decisionSequence: number;
      readonly command: string;
      readonly quantity: string;
      readonly expected: number;
      readonly observed: number;
    }
  | { readonly kind: 'social'; readonly peer: string; readonly what: string };

const shown = (value: number): string => String(Number(value.toPrecision(3)));

function violationText(broken: Broken): string {
  if (broken.kind === 'social') return `${broken.peer} did not keep its promise: ${broken.what}`;
  const { command, quantity, expected, observed } = broken;
  return `${command}: ${quantity} was to be ${shown(expected)} and is ${shown(observed)}`;
}
