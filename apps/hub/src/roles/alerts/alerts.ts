import { fromBinary } from '@bufbuild/protobuf';
import { type Bus, tokenOf } from '@sigma/bus';
import { type AgentStatus, AgentStatusSchema } from '@sigma/proto';
import { desc } from 'drizzle-orm';
import type { Clock } from '../../clock.ts';
import { alertTrace, traceparent } from '../../flows/trace.ts';
import type { Database } from '../../store/database.ts';
import { alerts as alertRows } from '../../store/schema.ts';
import { about, all, packed, tell, unpacked } from '../../subjects.ts';
import type { Finding } from '../analyzer/analyzer.ts';
import { type HubRecord, stateChanged } from '../arbitration/hub-record.ts';
import { type Alert, type Board, emptyBoard, type Sighting, stepBoard, withAlert } from './board.ts';

export interface AlertStore {
  /** Standing alerts, and those cleared last. */
  load(limit: number): Promise<readonly Alert[]>;
  put(alert: Alert): Promise<void>;
}

const STEP_US = 250_000;
const KEPT = 1_000;
/** Statuses come every second; a robot that misses so many of them is out of contact. */
const SILENT_AFTER_US = 5_000_000;
const SILENT = 'link:silent';
/** Stands where the agent stands in an alert about the hub itself. */
const HUB = 'hub';
const ADVISORY = 2;
const WARNING = 3;
const CRITICAL = 4;
const FAILSAFE = 'failsafe:';

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
  readonly #newId: () => string;
  readonly #failsafes = new Map<string, Set<string>>();
  /** When each robot's newest status came, and whether its silence has been told. */
  readonly #statusUs = new Map<string, number>();
  readonly #silent = new Set<string>();
  readonly #heard = new Set<(alert: Alert) => void>();
  readonly #end: () => void;
  #board: Board = emptyBoard;
  #sightings: Sighting[] = [];

  constructor(options: {
    readonly bus: Bus;
    readonly clock: Clock;
    readonly tenant: string;
    readonly record: HubRecord;
    readonly store: AlertStore;
    readonly newId: () => string;
  }) {
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#tenant = options.tenant;
    this.#record = options.record;
    this.#store = options.store;
    this.#newId = options.newId;
    const { bus, tenant } = options;
    bus.subscribe(all(tenant, 'finding'), (message) => this.#found(unpacked<Finding>(message.data)), {
      name: 'alerts.finding',
    });
    bus.subscribe(
      all(tenant, 'status'),
      (message) => this.#status(tokenOf(message.subject, 3) as string, fromBinary(AgentStatusSchema, message.data)),
      { name: 'alerts.status', capacity: 16_384 },
    );
    this.#end = this.#clock.every(STEP_US, () => this.step());
  }

  async restore(): Promise<void> {
    for (const alert of await this.#store.load(KEPT)) {
      this.known.set(alert.id, alert);
      if (alert.clearedTimeUs > 0) continue;
      const failsafe = alert.cause.startsWith(FAILSAFE);
      const certain = failsafe || alert.cause === SILENT || alert.agentId === HUB;
      this.#board = withAlert(this.#board, alert, { lastUs: this.#clock.nowUs(), certain });
      if (alert.cause === SILENT) this.#silent.add(alert.agentId);
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
    this.#end();
  }

  /** @returns the alert, or null when there is none with this id. */
  async acknowledge(alertId: string, by: string): Promise<Alert | null> {
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

  /** Something about the hub itself, or that it is over. Told at once. */
  aboutHub(cause: string, trouble: { readonly text: string; readonly advice: string } | null): void {
    const about = { agentId: HUB, cause };
    if (trouble === null) this.#sightings.push({ seen: false, ...about });
    else this.#sightings.push({ seen: true, ...about, ...trouble, level: CRITICAL, certain: true });
    this.step();
  }

  /** Folds what was seen since the last step, and who was not heard. */
  step(): void {
    const nowUs = this.#clock.nowUs();
    for (const [agentId, heardUs] of this.#statusUs) {
      if (this.#silent.has(agentId) || nowUs - heardUs < SILENT_AFTER_US) continue;
      this.#silent.add(agentId);
      const text = `nothing was heard from the robot for ${SILENT_AFTER_US / 1_000_000} s`;
      const advice = 'It keeps itself safe and works on by its own planner; look at its network, then at the robot';
      this.#sightings.push({ seen: true, agentId, cause: SILENT, level: WARNING, text, advice, certain: true });
    }
    const sightings = this.#sightings;
    this.#sightings = [];
    const { board, changed } = stepBoard(this.#board, sightings, nowUs, this.#newId);
    this.#board = board;
    for (const alert of new Map(changed.map((one) => [one.id, one])).values()) {
      const before = this.known.get(alert.id) ?? null;
      if (before === null) this.raised++;
      void this.#changed(before, alert, 'analyzer').catch(() => undefined);
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
    for (const entry of status.failsafeEntries) {
      const cause = `${FAILSAFE}${entry.condition}`;
      now.add(cause);
      if (before.has(cause)) continue;
      const level = gravity(entry.clear);
      const text = entry.cause || entry.condition;
      this.#sightings.push({ seen: true, agentId, cause, level, text, advice: entry.advice, certain: true });
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
    await this.#store.put(alert);
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

export const memoryAlerts = (): AlertStore => ({ load: async () => [], put: async () => undefined });

export function postgresAlerts(database: Database, tenant: string): AlertStore {
  return {
    load: (limit) =>
      database.asTenant(tenant, (tx) => tx.select().from(alertRows).orderBy(desc(alertRows.raisedTimeUs)).limit(limit)),
    put: async (alert) => {
      await database.asTenant(tenant, (tx) =>
        tx
          .insert(alertRows)
          .values(alert)
          .onConflictDoUpdate({ target: [alertRows.tenant, alertRows.id], set: alert }),
      );
    },
  };
}

/** How urgently a failsafe needs a person: what ends by itself needs none, what only a person ends needs one soon. */
function gravity(clear: string): number {
  if (clear === 'when_clears') return ADVISORY;
  return clear === 'on_acknowledge' || clear === 'on_mode_change' ? WARNING : CRITICAL;
}
