import { fromBinary } from '@bufbuild/protobuf';
import type { Decision } from '@sigma/kernel';
import { StateChangeSchema } from '@sigma/proto';
import { decodeDecision, decodeSignal, EVENT_TYPE, isRunnerSignal, type RecordedEvent } from '../../src/index.ts';
import type { ChainEvent, OpenedChain } from '../run.ts';
import { agentAttributes, decisionAttributes, missionAttributes, taskAttributes } from './conventions.ts';
import { derivedId, readTraceparent, type Span, type SpanEvent } from './otlp-json.ts';

/** A span that has begun. */
interface Begun {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startUs: number;
}

interface Mission extends Begun {
  name: string;
  readonly by: string;
  status: string;
  lastUs: number;
}

interface Task extends Begun {
  readonly missionId: string;
  status: string;
}

interface Life extends Begun {
  readonly events: SpanEvent[];
  decision: { readonly startUs: number; readonly sequence: number; readonly decision: Decision } | null;
  lastUs: number;
  readonly tasks: Map<string, Task>;
}

/** States in which a task or a mission is over. */
const OVER: ReadonlySet<string> = new Set(['done', 'failed', 'cancelled', 'refused']);
const WENT_WRONG: ReadonlySet<string> = new Set(['failed', 'refused']);
/** Signals kept in the span of one agent; those beyond are counted. */
const MOST_EVENTS = 1_000;

export type Emit = (chain: OpenedChain, span: Span) => void;

/**
 * Makes spans of a recording's events as they come by time: a mission is a trace; in it each agent's task, and in that
 * each decision for as long as it was in force. What an agent decides without a task stands in a trace of its own life,
 * with its signals as events of that span. Ids follow from what is recorded: exporting twice gives the same spans, and the
 * trace that was live when a mission was ordered is the one that it has here.
 */
export class SpanMaker {
  readonly #emit: Emit;
  readonly #missions = new Map<string, { readonly chain: OpenedChain; readonly mission: Mission }>();
  readonly #lives = new Map<OpenedChain, Life>();

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** @throws MalformedBytesError for a payload that is not what its type says */
  take({ chain, event, timeUs }: ChainEvent): void {
    const life = this.#lifeOf(chain, timeUs);
    life.lastUs = timeUs;
    if (event.type === EVENT_TYPE.decision) this.#decided(chain, life, event, timeUs);
    else if (event.type === EVENT_TYPE.signal) this.#signalled(chain, life, event, timeUs);
    else if (event.type === EVENT_TYPE.stateChange) this.#changed(chain, event, timeUs);
  }

  /** Ends what is still open with the last that was heard of it. */
  end(): void {
    for (const [chain, life] of this.#lives) {
      this.#endDecision(chain, life, life.lastUs);
      for (const [taskId, task] of life.tasks) this.#endTask(chain, taskId, task, life.lastUs);
    }
    for (const [id, { chain, mission }] of this.#missions) this.#endMission(chain, id, mission);
    for (const [chain, { traceId, spanId, parentSpanId, startUs, lastUs, events }] of this.#lives) {
      const { source, model } = chain.opening;
      const attributes = { ...agentAttributes(source), 'sigma.model': model, 'sigma.epoch': chain.opening.epoch };
      const name = `agent ${source}`;
      const span = { traceId, spanId, parentSpanId, name, startUs, endUs: lastUs, attributes, events, error: null };
      this.#emit(chain, span);
    }
  }

  #lifeOf(chain: OpenedChain, timeUs: number): Life {
    let life = this.#lives.get(chain);
    if (life === undefined) {
      const { tenant, source, epoch } = chain.opening;
      life = {
        traceId: derivedId(16, 'life', tenant, source, epoch),
        spanId: derivedId(8, 'life', tenant, source, epoch),
        parentSpanId: '',
        startUs: timeUs,
        events: [],
        decision: null,
        lastUs: timeUs,
        tasks: new Map(),
      };
      this.#lives.set(chain, life);
    }
    return life;
  }

  #decided(chain: OpenedChain, life: Life, event: RecordedEvent, timeUs: number): void {
    const decision = decodeDecision(event.data, event.atUs);
    this.#endDecision(chain, life, timeUs);
    life.decision = { startUs: timeUs, sequence: event.sequence, decision };
  }

  #endDecision(chain: OpenedChain, life: Life, endUs: number): void {
    if (life.decision === null) return;
    const { startUs, sequence, decision } = life.decision;
    life.decision = null;
    const { tenant, source, epoch } = chain.opening;
    const parent = (decision.taskId === null ? undefined : life.tasks.get(decision.taskId)) ?? life;
    this.#emit(chain, {
      traceId: parent.traceId,
      spanId: derivedId(8, 'decision', tenant, source, epoch, sequence),
      parentSpanId: parent.spanId,
      name: `decide ${decision.command.name}`,
      startUs,
      endUs,
      attributes: decisionAttributes(source, decision),
      events: [],
      error: null,
    });
  }

  #signalled(chain: OpenedChain, life: Life, { data }: RecordedEvent, timeUs: number): void {
    const { name, body } = decodeSignal(data);
    if (name === 'task') {
      this.#taskChanged(chain, life, body as TaskSignal, timeUs);
      return;
    }
    if (life.events.length >= MOST_EVENTS) return;
    const attributes = { 'sigma.signal': JSON.stringify(body), 'sigma.of_runner': isRunnerSignal(name) };
    life.events.push({ timeUs, name, attributes });
  }

  #taskChanged(chain: OpenedChain, life: Life, { taskId, missionId, status }: TaskSignal, timeUs: number): void {
    const known = life.tasks.get(taskId);
    const task = known ?? this.#begunTask(chain, taskId, missionId, timeUs);
    task.status = status;
    life.tasks.set(taskId, task);
    if (!OVER.has(status)) return;
    // The decision in force belongs to the task that is over now; the next one begins with the next decision.
    this.#endDecision(chain, life, timeUs);
    life.tasks.delete(taskId);
    this.#endTask(chain, taskId, task, timeUs);
  }

  #begunTask({ opening }: OpenedChain, taskId: string, missionId: string, startUs: number): Task {
    const { tenant, source, epoch } = opening;
    const mission = this.#missions.get(missionId)?.mission;
    return {
      traceId: mission?.traceId ?? derivedId(16, 'mission', tenant, missionId),
      spanId: derivedId(8, 'task', tenant, source, epoch, taskId, startUs),
      parentSpanId: mission?.spanId ?? '',
      startUs,
      missionId,
      status: '',
    };
  }

  #endTask(chain: OpenedChain, taskId: string, task: Task, endUs: number): void {
    const { missionId, status, ...begun } = task;
    this.#emit(chain, {
      ...begun,
      name: `task ${taskId}`,
      endUs,
      attributes: taskAttributes(chain.opening.source, taskId, missionId, status),
      events: [],
      error: WENT_WRONG.has(status) ? status : null,
    });
  }

  #changed(chain: OpenedChain, event: RecordedEvent, timeUs: number): void {
    const { target, patchJson, by } = fromBinary(StateChangeSchema, event.data);
    if (!target.startsWith(MISSION)) return;
    const id = target.slice(MISSION.length);
    const patch = JSON.parse(patchJson === '' ? '{}' : patchJson) as {
      readonly name?: string;
      readonly status?: string;
    };
    const mission = this.#missions.get(id)?.mission ?? this.#begunMission(chain, id, event, by, timeUs);
    mission.name = patch.name ?? mission.name;
    mission.status = patch.status ?? mission.status;
    mission.lastUs = timeUs;
    if (OVER.has(mission.status)) {
      this.#missions.delete(id);
      this.#endMission(chain, id, mission);
    } else this.#missions.set(id, { chain, mission });
  }

  #begunMission({ opening }: OpenedChain, id: string, event: RecordedEvent, by: string, startUs: number): Mission {
    const live = readTraceparent(event.traceparent);
    return {
      traceId: live?.traceId ?? derivedId(16, 'mission', opening.tenant, id),
      spanId: live?.spanId ?? derivedId(8, 'mission', opening.tenant, id),
      parentSpanId: '',
      startUs,
      name: id,
      by,
      status: '',
      lastUs: startUs,
    };
  }

  #endMission(chain: OpenedChain, id: string, mission: Mission): void {
    const { name, by, status, lastUs, ...begun } = mission;
    this.#emit(chain, {
      ...begun,
      name: `mission ${id}`,
      endUs: lastUs,
      attributes: { ...missionAttributes(id, name, by), 'sigma.mission.status': status },
      events: [],
      error: WENT_WRONG.has(status) ? status : null,
    });
  }
}

const MISSION = 'mission/';

interface TaskSignal {
  readonly taskId: string;
  readonly missionId: string;
  readonly status: string;
}
