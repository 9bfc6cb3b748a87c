import { type Bus, tokenOf } from '@sigma/bus';
import { FLEET_CAUSES } from '@sigma/fleet-model';
import { type AgentStatus, AgentStatusSchema } from '@sigma/proto';
import type { Clock } from '../../clock.ts';
import { alertTrace, traceparent } from '../../flows/trace.ts';
import { about, all, openedMessage, packed, tell, unpacked } from '../../subjects.ts';
import type { Finding } from '../analyzer/analyzer.ts';
import { type HubRecord, stateChanged } from '../arbitration/hub-record.ts';
import type { AlertRate, AlertStore } from './alert-store.ts';
import {
  type Alert,
  type Board,
  emptyBoard,
  type Sighting,
  standingOn,
  stepBoard,
  withAlert,
  withAlerts,
} from './board.ts';
import { type CausalRule, FAILSAFE, fold, HUB, SILENT, SITE_STOP } from './causes.ts';
import { gravity } from './gravity.ts';
import type { Silences } from './silences.ts';

/** Something that is wrong, for as long as it is said to be. */
export interface Trouble {
  readonly level: number;
  readonly text: string;
  readonly advice: string;
}

const STEP_US = 250_000;
const FOLD_EVERY_US = 1_000_000;
const KEPT = 1_000;
/** Statuses come every second; a robot that misses so many of them is out of contact. */
const SILENT_AFTER_US = 5_000_000;
/** Robots say within this time that they were stopped, and until then the stop of all stands by itself. */
const SITE_STOP_LEAST_US = 3_000_000;
const STOP_LEVEL: Readonly<Record<string, number>> = { normal: 2, protective: 3, emergency: 4 };
const WARNING = 3;

/** F11 begins here: findings and failsafes become alerts that people see, acknowledge and find again. */
export class Alerts {
  /** By id; standing ones and the latest that were cleared. */
  readonly known = new Map<string, Alert>();
  /** Raised since the start. */
  raised = 0;
  readonly #clock: Clock;
  readonly #bus: Bus;
  readonly #tenant: string;
  readonly #record: HubRecord;
  readonly #store: AlertStore;
  readonly #silences: Pick<Silences, 'expire' | 'onChange'> | null;
  readonly #causes: readonly CausalRule[];
  readonly #newId: () => string;
  readonly #failsafes = new Map<string, Set<string>>();
  /** When each robot's newest status came, and whether its silence has been told. */
  readonly #statusUs = new Map<string, number>();
  readonly #silent = new Set<string>();
  /** Stops of the whole site that stand, and since when. */
  readonly #siteStops = new Map<string, number>();
  readonly #heard = new Set<(alert: Alert) => void>();
  readonly #ends: readonly (() => void)[];
  #foldedUs = 0;
  #board: Board = emptyBoard;
  #sightings: Sighting[] = [];

  constructor(options: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly tenant: string;
    readonly record: HubRecord;
    readonly store: AlertStore;
    readonly silences?: Pick<Silences, 'expire' | 'onChange'>;
    readonly newId: () => string;
    /** What explains what; a fleet's unless others are named. */
    readonly causes?: readonly CausalRule[] | undefined;
  }) {
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#tenant = options.tenant;
    this.#record = options.record;
    this.#store = options.store;
    this.#silences = options.silences ?? null;
    this.#causes = options.causes ?? FLEET_CAUSES;
    this.#newId = options.newId;
    const { bus, tenant } = options;
    bus.subscribe(all(tenant, 'finding'), (message) => this.#found(unpacked<Finding>(message.data)), {
      name: 'alerts.finding',
    });
    bus.subscribe(
      all(tenant, 'status'),
      (message) => this.#status(tokenOf(message.subject, 3) as string, openedMessage(AgentStatusSchema, message.data)),
      { name: 'alerts.status', capacity: 16_384 },
    );
    this.#ends = [
      this.#clock.every(STEP_US, () => this.step()),
      // What a silence hides or shows again is told, and otherwise as it was.
      this.#silences?.onChange(({ cause, agentId }) => {
        for (const alert of standingOn(this.#board))
          if (alert.cause === cause && (agentId === '' || alert.agentId === agentId)) this.#told(alert);
      }) ?? (() => undefined),
    ];
  }

  async restore(): Promise<void> {
    for (const alert of await this.#store.load(KEPT)) {
      this.known.set(alert.id, alert);
      if (alert.clearedTimeUs > 0) continue;
      const failsafe = alert.cause.startsWith(FAILSAFE);
      const certain = failsafe || alert.cause === SILENT || alert.agentId === HUB;
      this.#board = withAlert(this.#board, alert, { lastUs: this.#clock.nowUs(), certain });
      if (alert.cause === SILENT) this.#silent.add(alert.agentId);
      if (alert.agentId === HUB && alert.cause.startsWith(SITE_STOP))
        this.#siteStops.set(alert.cause, this.#clock.nowUs());
      // The agent's next status says whether it still stands; nobody is told of it a second time.
      if (failsafe)
        this.#failsafes.set(alert.agentId, (this.#failsafes.get(alert.agentId) ?? new Set()).add(alert.cause));
    }
  }

  /** @returns how to end it */
  onChange(heard: (alert: Alert) => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }

  close(): void {
    for (const end of this.#ends) end();
  }

  rates(): Promise<readonly AlertRate[]> {
    return this.#store.rates(this.#clock.nowUs());
  }

  /** Acknowledges it, and what it explains. @returns the alert, or null when there is none with this id. */
  async acknowledge(alertId: string, by: string): Promise<Alert | null> {
    const alert = await this.#acknowledgeOne(alertId, by);
    if (alert === null) return null;
    for (const child of standingOn(this.#board)) {
      if (child.rootId === alertId && child.level <= alert.level) await this.#acknowledgeOne(child.id, by);
    }
    return alert;
  }

  async #acknowledgeOne(alertId: string, by: string): Promise<Alert | null> {
    const before = this.known.get(alertId);
    if (before === undefined) return null;
    if (before.acknowledgedBy !== '') return before;
    const acknowledged = { acknowledgedBy: by, acknowledgedTimeUs: this.#clock.nowUs() };
    await this.#record.append(
      stateChanged(`alert/${alertId}`, { ...before }, { ...before, ...acknowledged }, by, this.#trace(alertId)),
    );
    const alert = { ...(this.known.get(alertId) ?? before), ...acknowledged };
    if (alert.clearedTimeUs === 0) this.#board = withAlert(this.#board, alert);
    this.#told(alert);
    await this.#store.put(alert);
    return alert;
  }

  /** Something that the hub itself knows of an agent or of itself (`HUB`), or that it is over. Told at once. */
  say(agentId: string, cause: string, trouble: Trouble | null): void {
    if (trouble === null) this.#sightings.push({ seen: false, agentId, cause });
    else this.#sightings.push({ seen: true, agentId, cause, ...trouble, certain: true });
    this.step();
  }

  /** Everything was stopped at once: one alert, which explains what each robot says of it. */
  siteStopped(stop: string, by: string): void {
    const cause = `${SITE_STOP}${stop}`;
    const text = `${by} gave every robot a ${stop} stop`;
    const advice = stop === 'emergency' ? 'Remove the danger, then acknowledge and reset' : 'Release the stop to go on';
    this.#siteStops.set(cause, this.#clock.nowUs());
    this.say(HUB, cause, { level: STOP_LEVEL[stop] ?? WARNING, text, advice });
  }

  /** Folds what was seen since the last step, and who was not heard. */
  step(): void {
    const nowUs = this.#clock.nowUs();
    this.#silences?.expire();
    this.#lookForSilence(nowUs);
    this.#endSiteStops(nowUs);
    const sightings = this.#sightings;
    this.#sightings = [];
    const { board, changed } = stepBoard(this.#board, sightings, nowUs, this.#newId);
    this.#board = board;
    const now = new Map(changed.map((one) => [one.id, one]));
    // What is explained changes with what stands, and a while after an explanation has ended.
    if (changed.length > 0 || nowUs - this.#foldedUs >= FOLD_EVERY_US) {
      this.#foldedUs = nowUs;
      const known = (id: string) => now.get(id) ?? this.known.get(id);
      const folded = fold(standingOn(board), known, nowUs, this.#causes);
      this.#board = withAlerts(board, folded);
      for (const alert of folded) now.set(alert.id, alert);
    }
    for (const alert of now.values()) {
      const before = this.known.get(alert.id) ?? null;
      if (before === null) this.raised++;
      void this.#changed(before, alert, 'analyzer').catch(() => undefined);
    }
  }

  #lookForSilence(nowUs: number): void {
    for (const [agentId, heardUs] of this.#statusUs) {
      if (this.#silent.has(agentId) || nowUs - heardUs < SILENT_AFTER_US) continue;
      this.#silent.add(agentId);
      const text = `nothing was heard from the robot for ${SILENT_AFTER_US / 1_000_000} s`;
      const advice = 'It keeps itself safe and works on by its own planner; look at its network, then at the robot';
      this.#sightings.push({ seen: true, agentId, cause: SILENT, level: WARNING, text, advice, certain: true });
    }
  }

  /** A stop of the whole site is over when no robot says any more that it was stopped so. */
  #endSiteStops(nowUs: number): void {
    for (const [cause, sinceUs] of this.#siteStops) {
      if (nowUs - sinceUs < SITE_STOP_LEAST_US) continue;
      const condition = `${FAILSAFE}operator_${cause.slice(SITE_STOP.length)}_stop`;
      if ([...this.#failsafes.values()].some((causes) => causes.has(condition))) continue;
      this.#siteStops.delete(cause);
      this.#sightings.push({ seen: false, agentId: HUB, cause });
    }
  }

  #found(finding: Finding): void {
    const { agentId, kind, channel, field, level, text, advice } = finding;
    const cause = `${kind}:${channel}${field === '' ? '' : `.${field}`}`;
    this.#sightings.push({ seen: true, agentId, cause, level, text, advice, certain: false });
  }

  #status(agentId: string, status: AgentStatus): void {
    this.#statusUs.set(agentId, this.#clock.nowUs());
    if (this.#silent.delete(agentId)) this.#sightings.push({ seen: false, agentId, cause: SILENT });
    const before = this.#failsafes.get(agentId) ?? new Set<string>();
    const now = new Set<string>();
    const decision = { epoch: status.epoch, sequence: Number(status.decisionSequence) };
    for (const entry of status.failsafeEntries) {
      const cause = `${FAILSAFE}${entry.condition}`;
      now.add(cause);
      if (before.has(cause)) continue;
      const level = gravity(entry.clear);
      const text = entry.cause || entry.condition;
      this.#sightings.push({ seen: true, agentId, cause, level, text, advice: entry.advice, certain: true, decision });
    }
    for (const cause of before) if (!now.has(cause)) this.#sightings.push({ seen: false, agentId, cause });
    this.#failsafes.set(agentId, now);
    const critical = status.failsafeEntries.length > 0 && status.failsafe !== '';
    if (critical && now.size > before.size) this.step();
  }

  #told(alert: Alert): void {
    this.known.set(alert.id, alert);
    if (this.known.size > KEPT * 2) this.#forget();
    for (const heard of this.#heard) heard(alert);
    tell(this.#bus, about(this.#tenant, 'alert', alert.agentId), packed(alert), 'command');
  }

  /** What is wrong is told and kept also when it cannot be recorded. */
  async #changed(before: Alert | null, alert: Alert, by: string): Promise<void> {
    this.#told(alert);
    const { count: _, ...shape } = alert;
    const { count: __, ...shapeBefore } = before ?? alert;
    if (before !== null && JSON.stringify(shape) === JSON.stringify(shapeBefore)) return;
    const was = before === null ? null : { ...before };
    const event = stateChanged(`alert/${alert.id}`, was, { ...alert }, by, this.#trace(alert.id));
    await this.#record.append(event).catch(() => undefined);
    await this.#store.put(this.known.get(alert.id) ?? alert);
  }

  #trace(alertId: string): string {
    return traceparent(alertTrace(this.#tenant, alertId), 'F11');
  }

  #forget(): void {
    for (const [id, alert] of this.known) {
      if (this.known.size <= KEPT) return;
      if (alert.clearedTimeUs > 0) this.known.delete(id);
    }
  }
}
