import { create } from '@bufbuild/protobuf';
import type { Agent, FailsafeEntry, TerrainModel } from '@sigma/kernel';
import { AgentStatusSchema, FailsafeEntrySchema, TelemetryFrameSchema } from '@sigma/proto';
import type { Report } from './ports.ts';
import type { Uplink, UplinkFrame } from './uplink.ts';

/** A status goes out at least this often, and after a change no sooner than this after the one before. */
const STATUS_EVERY_US = 1_000_000;
const STATUS_GAP_US = 50_000;

/** What the hub hears of one agent without asking: telemetry at the report's rates, status on change and every second. */
export class UplinkReport<World> {
  readonly #model: TerrainModel<World>;
  readonly #report: Report<World>;
  readonly #body: string;
  readonly #epochTimeUs: number;
  readonly #dueUs: number[];
  readonly #sequences: number[];
  #statusUs = Number.NEGATIVE_INFINITY;
  #told: Told | null = null;

  constructor(model: TerrainModel<World>, report: Report<World>, body: string, epochTimeUs: number) {
    this.#model = model;
    this.#report = report;
    this.#body = body;
    this.#epochTimeUs = epochTimeUs;
    this.#dueUs = report.channels.map(() => 0);
    this.#sequences = report.channels.map(() => 0);
  }

  telemetry(agent: Agent<World>, atUs: number, tell: (uplink: Uplink) => void): void {
    const { channels } = this.#report;
    for (let i = 0; i < channels.length; i++) {
      if (atUs < (this.#dueUs[i] as number)) continue;
      const { channel, everyUs, values } = channels[i] as Report<World>['channels'][number];
      this.#dueUs[i] = (Math.floor(atUs / everyUs) + 1) * everyUs;
      const row = values(agent, atUs);
      if (row === null) continue;
      const sequence = (this.#sequences[i] as number) + 1;
      this.#sequences[i] = sequence;
      const value = create(TelemetryFrameSchema, {
        agentId: agent.id,
        channel,
        sequence: BigInt(sequence),
        atUs: BigInt(atUs),
        timeUs: BigInt(this.#epochTimeUs + atUs),
        values: row as number[],
        inputSequence: BigInt(agent.inputSequence),
        epoch: agent.epoch,
      });
      tell({ class: 'telemetry', frame: { case: 'telemetry', value } });
    }
  }

  /** Goes on with a life in which nothing changed since the agent's own last change: then went a status, and each second after. */
  resume(agent: Agent<World>): void {
    const { decision, commandSinceUs, tasks, plan, failsafe, wokeUs } = agent;
    const changes = [...tasks, ...failsafe.entries].map(({ sinceUs }) => sinceUs);
    const lastUs = Math.max(decision?.atUs ?? 0, commandSinceUs, plan?.intentSinceUs ?? 0, ...changes);
    this.#told = toldOf(agent);
    this.#statusUs = lastUs + Math.floor((wokeUs - lastUs) / STATUS_EVERY_US) * STATUS_EVERY_US;
  }

  /** The status when it is due, or null. A change that matters for safety does not wait for the gap. */
  status(agent: Agent<World>, atUs: number, recordedSequence: number): UplinkFrame | null {
    const now = toldOf(agent);
    const sinceUs = atUs - this.#statusUs;
    if (sinceUs < STATUS_EVERY_US) {
      if (this.#told !== null && !differs(this.#told, now)) return null;
      const urgent = this.#told === null || this.#told.failsafe !== now.failsafe || this.#told.stop !== now.stop;
      if (!urgent && sinceUs < STATUS_GAP_US) return null;
    }
    this.#statusUs = atUs;
    this.#told = now;
    return { case: 'status', value: this.#statusOf(agent, atUs, recordedSequence) };
  }

  #statusOf(agent: Agent<World>, atUs: number, recordedSequence: number) {
    const { plan, decision, failsafe } = agent;
    const task = shownTask(agent);
    return create(AgentStatusSchema, {
      agentId: agent.id,
      epoch: agent.epoch,
      atUs: BigInt(atUs),
      role: agent.role,
      mode: agent.mode,
      chain: agent.chain.active,
      failsafe: failsafe.selected ?? '',
      failsafeEntries: failsafe.entries.map((entry) => {
        const condition = this.#model.failsafe.conditions.find(({ id }) => id === entry.condition);
        return create(FailsafeEntrySchema, {
          condition: entry.condition,
          action: entry.action,
          cause: entry.cause,
          advice: condition?.advice ?? '',
          sinceUs: BigInt(entry.sinceUs),
          present: entry.present,
          acknowledgedBy: entry.acknowledgedBy ?? '',
          holding: entry.holding,
          clear: condition?.clear ?? '',
        });
      }),
      stop: agent.stop,
      leaseHolder: agent.lease?.holder ?? '',
      taskId: task?.task.id ?? '',
      taskStatus: task?.status ?? '',
      taskProgress: task === null ? 0 : (this.#report.taskProgress?.(agent.world, task.task.id) ?? 0),
      planRevision: BigInt(agent.planRevisions.primary),
      planCursor: plan?.cursor ?? 0,
      planLength: plan?.intents.length ?? 0,
      decisionSequence: BigInt(agent.decisionSequence),
      command: agent.command.name,
      authority: decision?.authority ?? 'rest',
      rationale: decision?.rationale ?? '',
      body: this.#body,
      recordedSequence: BigInt(recordedSequence),
    });
  }
}

/** The active task, or else the newest one the agent knows. */
const shownTask = <World>(agent: Agent<World>) =>
  agent.tasks.find(({ status }) => status === 'active') ?? agent.tasks.at(-1) ?? null;

/** What makes a status worth sending again. */
interface Told {
  readonly mode: string;
  readonly stop: string;
  readonly chain: string;
  readonly failsafe: string | null;
  readonly entries: readonly FailsafeEntry[];
  readonly lease: unknown;
  readonly tasks: unknown;
  readonly revision: number;
  readonly cursor: number;
  readonly decision: number;
  readonly command: string;
}

const toldOf = <World>(agent: Agent<World>): Told => ({
  mode: agent.mode,
  stop: agent.stop,
  chain: agent.chain.active,
  failsafe: agent.failsafe.selected,
  entries: agent.failsafe.entries,
  lease: agent.lease,
  tasks: agent.tasks,
  revision: agent.planRevisions.primary,
  cursor: agent.plan?.cursor ?? 0,
  decision: agent.decisionSequence,
  command: agent.command.name,
});

const differs = (a: Told, b: Told): boolean =>
  a.decision !== b.decision ||
  a.command !== b.command ||
  a.mode !== b.mode ||
  a.stop !== b.stop ||
  a.chain !== b.chain ||
  a.failsafe !== b.failsafe ||
  !sameEntries(a.entries, b.entries) ||
  a.lease !== b.lease ||
  a.tasks !== b.tasks ||
  a.revision !== b.revision ||
  a.cursor !== b.cursor;

function sameEntries(a: readonly FailsafeEntry[], b: readonly FailsafeEntry[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((entry, i) => entry === b[i] || sameEntry(entry, b[i] as FailsafeEntry));
}

const sameEntry = (a: FailsafeEntry, b: FailsafeEntry): boolean =>
  a.condition === b.condition &&
  a.action === b.action &&
  a.present === b.present &&
  a.holding === b.holding &&
  a.acknowledgedBy === b.acknowledgedBy;
