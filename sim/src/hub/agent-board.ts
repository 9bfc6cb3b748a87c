import type { AgentReport, ReportedTaskStatus, SupervisorInput } from '@sigma/fleet-model';
import { decodeState, type KernelEvent } from '@sigma/kernel';
import type { AgentStatus, ConnectRequest, TelemetryFrame } from '@sigma/proto';

/** A robot that has not been heard for this long is out of reach. */
/** What every body of this fleet can be sent to do. */
const TASK_KINDS = ['cover', 'goto', 'patrol', 'deliver', 'dock'] as const;
const SILENT_US = 2_000_000;

type Frame = Exclude<ConnectRequest['frame'], { case: undefined }>;

interface Seat {
  readonly agentId: string;
  readonly body: string;
  heardUs: number;
  status: AgentStatus | null;
  pose: TelemetryFrame | null;
  linked: boolean;
  fresh: boolean;
}

/** The telemetry channel that tells where a robot is: found by the names of its fields. */
const STATE_CHANNEL = 'state';

/** What the hub knows of every robot by its frames, and what of it the supervisor must hear. */
export class AgentBoard {
  readonly #seats = new Map<string, Seat>();
  readonly #columns: Readonly<Record<string, number>>;
  #inputs: SupervisorInput[] = [];
  #asked = false;

  /** @param stateFields names of the fields of the state channel, in their order */
  constructor(agents: readonly { readonly id: string; readonly body: string }[], stateFields: readonly string[]) {
    for (const { id, body } of agents) {
      const seat = { agentId: id, body, heardUs: 0, status: null, pose: null, linked: false, fresh: false };
      this.#seats.set(id, seat);
    }
    this.#columns = Object.fromEntries(stateFields.map((field, i) => [field, i]));
  }

  /** True when a robot waits for a plan. */
  get asked(): boolean {
    return this.#asked;
  }

  /** @returns the kernel's events in the frame, for whoever raises alerts */
  hear(agentId: string, frame: Frame, atUs: number): KernelEvent | null {
    const seat = this.#seats.get(agentId);
    if (seat === undefined) return null;
    seat.heardUs = atUs;
    seat.linked = true;
    switch (frame.case) {
      case 'telemetry':
        if (frame.value.channel !== STATE_CHANNEL) return null;
        seat.pose = frame.value;
        seat.fresh = true;
        return null;
      case 'status':
        seat.status = frame.value;
        seat.fresh = true;
        return null;
      case 'ask': {
        const { task, reason, basis, planRevision } = frame.value;
        if (task === undefined) return null;
        // The question and the state it was asked in belong together: the supervisor hears the state first.
        this.#report(seat);
        this.#inputs.push({
          type: 'asked',
          agentId,
          taskId: task.id,
          reason,
          basis: basis === undefined ? null : { epoch: basis.epoch, inputSequence: Number(basis.inputSequence) },
          planRevision: Number(planRevision),
        });
        this.#asked = true;
        return null;
      }
      case 'event':
        return this.#heed(agentId, frame.value.signal?.name ?? '', frame.value.signal?.bodyJson ?? '');
      default:
        return null;
    }
  }

  /** Everything new since the last call, in order of hearing. */
  take(atUs: number): readonly SupervisorInput[] {
    for (const seat of this.#seats.values()) {
      if (seat.linked && atUs - seat.heardUs > SILENT_US) {
        seat.linked = false;
        seat.fresh = true;
      }
      if (seat.fresh) this.#report(seat);
    }
    const inputs = this.#inputs;
    this.#inputs = [];
    this.#asked = false;
    return inputs;
  }

  #heed(agentId: string, name: string, bodyJson: string): KernelEvent | null {
    if (name.includes('.')) return null;
    const event = decodeState(bodyJson) as KernelEvent;
    if (event.type === 'task') {
      const { taskId, status, reason } = event;
      const known: ReportedTaskStatus = status;
      this.#inputs.push({ type: 'task', agentId, taskId, status: known, detail: reason, progress: 0 });
    }
    return event;
  }

  #report(seat: Seat): void {
    const { status, pose } = seat;
    seat.fresh = false;
    if (status === null || pose === null) return;
    const value = (field: string): number => pose.values[this.#columns[field] ?? -1] ?? Number.NaN;
    const report: AgentReport = {
      type: 'agent',
      agentId: seat.agentId,
      body: seat.body,
      linked: seat.linked,
      xM: value('xM'),
      yM: value('yM'),
      headingRad: value('headingRad'),
      speedMps: value('speedMps'),
      battery: value('battery'),
      halted: value('halted') > 0.5,
      mode: status.mode,
      capabilities: TASK_KINDS,
      taskId: status.taskId === '' ? null : status.taskId,
      taskStatus: status.taskStatus === '' ? null : status.taskStatus,
      planRevision: Number(status.planRevision),
      planCursor: status.planCursor,
      basis: { epoch: pose.epoch, inputSequence: Number(pose.inputSequence) },
    };
    this.#inputs.push(report);
  }
}
