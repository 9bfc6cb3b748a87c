import { type Bus, tokenOf } from '@sigma/bus';
import { type AgentEvent, AgentEventSchema, type AgentStatus, AgentStatusSchema } from '@sigma/proto';
import type { Clock } from '../../clock.ts';
import type { LiveFleet } from '../../live/live-fleet.ts';
import { all, openedMessage } from '../../subjects.ts';
import type { Alerts } from '../alerts/alerts.ts';
import type { Alert } from '../alerts/board.ts';
import type { MissionEntry, MissionLedger } from '../arbitration/mission-ledger.ts';
import type { Act, Acts } from './acts.ts';
import { type Happened, happenedIn, markIdOf, markText, stopped, wallTimeOf } from './happened.ts';
import type { Mark, MarkFilter, MarkKind, MarkStore, Unprovable } from './mark-store.ts';

const WRITE_EVERY_US = 250_000;
const BATCH = 1_000;
const CAPACITY = 50_000;
/** Marks kept; a gap before them is said. */
const KEPT = 500_000;
const PRUNE_EVERY = 10_000;
/** Marks of agents of which pages have been told lately, so that what comes twice is told once. */
const TOLD = 20_000;
/** An alert raised longer ago than this is no news any more. */
const NEWS_US = 10_000_000;
/** For the decision that answers it a mark waits no longer: a robot waits a second for its recorder, then tells all. */
const ANSWER_US = 3_000_000;

const [INFO, ADVISORY, WARNING] = [1, 2, 3] as const;
const FAULT_ACTS = new Set(['InjectFault', 'PlacePerson']);

/** What happened, while nobody knows yet which decision answered it. */
interface Fresh extends Omit<Mark, 'decisionSequence' | 'decisionEpoch'> {
  /** When in the life of an agent, or null where no decision belongs to it. */
  readonly lived: { readonly epoch: number; readonly atUs: bigint; readonly heardUs: number } | null;
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
  readonly #told = new Set<string>();
  readonly #asking = new Set<Promise<void>>();
  readonly #alerts = new Map<string, number>();
  readonly #missions = new Map<string, string>();
  readonly #ends: readonly (() => void)[];
  readonly #fresh: Fresh[] = [];
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

  /** Keeps what was heard and answered. */
  flush(): Promise<void> {
    const tooMany = this.#fresh.length > CAPACITY;
    return this.#keep((fresh) => tooMany || this.#isAnswered(fresh));
  }

  #keep(isDue: (fresh: Fresh) => boolean): Promise<void> {
    for (const one of this.#fresh.splice(0)) {
      if (!isDue(one)) {
        this.#fresh.push(one);
        continue;
      }
      const { lived, ...fresh } = one;
      const mark: Mark = { ...fresh, ...this.#answerTo(fresh.agentId, lived) };
      this.#waiting.push(mark);
      this.#tell(mark);
    }
    if (this.#waiting.length > CAPACITY) this.#lose(this.#waiting.splice(0, CAPACITY / 2), 'the queue was full');
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  /**
   * Marks of what came home on record (recorder/SPEC.md R192): what was heard live stays one mark, and takes from the
   * record which decision answered it. What is older than marks are kept is left out.
   *
   * @throws what the store throws; then call again with the same
   */
  addRecorded(found: readonly Mark[]): Promise<void> {
    return this.#addOfAgents(found, (batch) => this.#store.addRecorded(batch));
  }

  /** Marks that are told ahead of the record (recorder/SPEC.md R193): reported, until it proves them. @throws as above */
  addReported(found: readonly Mark[]): Promise<void> {
    const reported = found.map((mark): Mark => ({ ...mark, reported: true }));
    return this.#addOfAgents(reported, (batch) => this.#store.addReported(batch));
  }

  /** What was reported and is not so. @throws as above */
  async retract(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#store.retract(ids);
  }

  /** What was reported, and no record will ever prove. @throws as above */
  async giveUp(ids: readonly string[], why: Unprovable): Promise<void> {
    if (ids.length > 0) await this.#store.giveUp(ids, why);
  }

  async #addOfAgents(
    found: readonly Mark[],
    add: (batch: readonly Mark[]) => Promise<ReadonlySet<string>>,
  ): Promise<void> {
    await this.flush();
    const keptFromUs = await this.#store.keptFromUs();
    const marks = found.filter(({ timeUs }) => timeUs >= keptFromUs);
    for (let from = 0; from < marks.length; from += BATCH) {
      const batch = marks.slice(from, from + BATCH);
      const fresh = await add(batch);
      this.written += fresh.size;
      this.#sincePrune += fresh.size;
      for (const mark of batch) if (fresh.has(mark.id)) this.#tell(mark);
      await this.#prune();
    }
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end();
    await Promise.all(this.#asking);
    await this.#writing;
    await this.#keep(() => true);
  }

  /** Pages hear of a mark once, by whichever way it came. */
  #tell(mark: Mark): void {
    if (mark.id.startsWith('e-')) {
      if (this.#told.has(mark.id)) return;
      this.#told.add(mark.id);
      if (this.#told.size > TOLD) this.#told.delete(this.#told.values().next().value as string);
    }
    for (const heard of this.#heard) heard(mark);
  }

  /**
   * Whether all has come that was decided up to then. What safety has to say leaves a robot at once, what it decided only
   * when that is recorded, so it comes later, however slow the disk is.
   */
  #isAnswered({ agentId, lived }: Fresh): boolean {
    const agent = this.#fleet.agents.get(agentId);
    if (lived === null || agent === undefined || this.#clock.nowUs() - lived.heardUs >= ANSWER_US) return true;
    const { decisions, status } = agent;
    const newest = decisions.at(-1);
    const newestEpoch = newest?.decision?.context?.epoch ?? lived.epoch;
    if (newestEpoch > lived.epoch || (status?.epoch ?? 0) > lived.epoch) return true;
    const ofThisLife = newestEpoch === lived.epoch ? newest : undefined;
    if (ofThisLife !== undefined && ofThisLife.atUs >= lived.atUs) return true;
    if (status?.epoch !== lived.epoch || status.atUs < lived.atUs) return false;
    return status.decisionSequence <= (ofThisLife?.decision?.sequence ?? 0n);
  }

  /** The decision made in the same wake, which comes after what it answers; else the last one before. */
  #answerTo(agentId: string, lived: Fresh['lived']): Pick<Mark, 'decisionSequence' | 'decisionEpoch'> {
    const decisions = this.#fleet.agents.get(agentId)?.decisions ?? [];
    for (let k = decisions.length - 1; lived !== null && k >= 0; k--) {
      const made = decisions[k];
      if (made?.decision === undefined || made.atUs > lived.atUs) continue;
      const epoch = made.decision.context?.epoch ?? lived.epoch;
      if (epoch > lived.epoch) continue;
      // A decision of an earlier life answers nothing of this one.
      if (epoch < lived.epoch) break;
      return { decisionSequence: Number(made.decision.sequence), decisionEpoch: epoch };
    }
    return { decisionSequence: 0, decisionEpoch: 0 };
  }

  #note(kind: MarkKind, agentId: string, level: number, text: string): void {
    const id = `k-${this.#newId()}`;
    this.#fresh.push({ id, timeUs: this.#clock.nowUs(), kind, agentId, level, text: markText(text), lived: null });
  }

  #lived(agentId: string, happened: Happened, atUs: bigint): void {
    const { epoch = 0, epochTimeUs = 0 } = this.#fleet.agents.get(agentId)?.link ?? {};
    // Without a clock at all nothing tells what comes again from what happens again.
    const id = epochTimeUs === 0 ? `k-${this.#newId()}` : markIdOf(agentId, epoch, Number(atUs), happened);
    const heardUs = this.#clock.nowUs();
    const timeUs = wallTimeOf(epochTimeUs, Number(atUs), heardUs);
    this.#fresh.push({ id, timeUs, agentId, ...happened, lived: { epoch, atUs, heardUs } });
  }

  #event({ agentId, atUs, signal }: AgentEvent): void {
    const happened = signal === undefined ? null : happenedIn(signal.name, signal.bodyJson);
    if (happened !== null) this.#lived(agentId, happened, atUs);
  }

  #status(agentId: string, { stop, atUs }: AgentStatus): void {
    const now = stop === '' ? 'none' : stop;
    const before = this.#stops.get(agentId);
    this.#stops.set(agentId, now);
    if (before !== undefined && before !== now) this.#lived(agentId, stopped(before, now), atUs);
    if (before !== undefined || now === 'none') return;
    const asking = this.#foundStopped(agentId, stopped('none', now), atUs).finally(() => this.#asking.delete(asking));
    this.#asking.add(asking);
  }

  /** A stop that is in force when this life of the hub first hears of the robot: an earlier one may have marked it. */
  async #foundStopped(agentId: string, happened: Happened, atUs: bigint): Promise<void> {
    const all = {
      fromTimeUs: 0,
      toTimeUs: Number.MAX_SAFE_INTEGER,
      kinds: ['stop'],
      agentId,
      choose: 'newest',
    } as const;
    const [last] = await this.#store.find(all, 1).catch(() => []);
    if (last?.text !== happened.text) this.#lived(agentId, happened, atUs);
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
        await this.#prune();
      } catch (error) {
        this.#lose(batch, error instanceof Error ? String(error.cause ?? error.message) : String(error));
        return;
      }
    }
  }

  async #prune(): Promise<void> {
    if (this.#sincePrune < PRUNE_EVERY && this.#kept === KEPT) return;
    this.#sincePrune = 0;
    await this.#store.prune(this.#kept);
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
    const text = `${count} marks from here on are lost: ${why}`;
    const none = { agentId: '', decisionSequence: 0, decisionEpoch: 0 };
    this.#waiting.unshift({
      ...none,
      id: `k-${this.#newId()}`,
      timeUs: first.timeUs,
      kind: 'gap',
      level: WARNING,
      text: markText(text),
    });
  }
}
