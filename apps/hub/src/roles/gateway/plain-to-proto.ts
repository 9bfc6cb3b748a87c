import { create } from '@bufbuild/protobuf';
import {
  type Mission,
  MissionSchema,
  MissionStatus,
  type Param,
  ParamSchema,
  type Plan,
  PlanSchema,
  type Task,
  TaskHolderSchema,
  TaskSchema,
  TaskStatus,
  type MissionGoal as WireGoal,
} from '@sigma/proto';
import type { MissionEntry } from '../arbitration/mission-ledger.ts';
import type { MissionGoal, PlannedTask, SupervisorPlan, TaskView } from '../core/supervisor.ts';

/** The supervisor's plain words and their form on the wire. */

const paramsOf = (args: Readonly<Record<string, number | string | boolean>>): Param[] =>
  Object.entries(args).map(([name, value]) => {
    if (typeof value === 'number') return create(ParamSchema, { name, value: { case: 'number', value } });
    if (typeof value === 'string') return create(ParamSchema, { name, value: { case: 'text', value } });
    return create(ParamSchema, { name, value: { case: 'flag', value } });
  });

export const taskOf = (task: PlannedTask, agentId: string | null): Task =>
  create(TaskSchema, {
    id: task.id,
    missionId: task.missionId,
    agentId: agentId ?? '',
    kind: task.kind,
    argsJson: JSON.stringify(task.args),
    priority: task.priority,
  });

export const planOf = (plan: SupervisorPlan): Plan =>
  create(PlanSchema, {
    taskId: plan.taskId,
    revision: BigInt(plan.revision),
    intents: plan.intents.map(({ name, args }) => ({ name, args: paramsOf(args) })),
    confidence: plan.confidence,
    rationale: plan.rationale,
    alternatives: [...plan.alternatives],
    ...(plan.basis === null
      ? {}
      : { basis: { epoch: plan.basis.epoch, inputSequence: BigInt(plan.basis.inputSequence) } }),
  });

const TASK_STATUS: Readonly<Record<TaskView['status'], TaskStatus>> = {
  waiting: TaskStatus.WAITING,
  queued: TaskStatus.QUEUED,
  active: TaskStatus.ACTIVE,
  done: TaskStatus.DONE,
  failed: TaskStatus.FAILED,
  cancelled: TaskStatus.CANCELLED,
  refused: TaskStatus.REFUSED,
};

const MISSION_STATUS: Readonly<Record<MissionEntry['view']['status'], MissionStatus>> = {
  queued: MissionStatus.QUEUED,
  active: MissionStatus.ACTIVE,
  done: MissionStatus.DONE,
  failed: MissionStatus.FAILED,
  cancelled: MissionStatus.CANCELLED,
};

export const taskViewOf = (view: TaskView): Task => {
  const task = taskOf(view.task, view.agentId);
  task.status = TASK_STATUS[view.status];
  task.detail = view.detail;
  task.progress = view.progress;
  task.sinceTimeUs = BigInt(view.sinceUs ?? 0);
  task.untilTimeUs = BigInt(view.untilUs ?? 0);
  task.history = view.history.map(({ agentId, reason, sinceUs = 0, untilUs = 0 }) =>
    create(TaskHolderSchema, { agentId, reason, sinceTimeUs: BigInt(sinceUs), untilTimeUs: BigInt(untilUs) }),
  );
  return task;
};

export function missionOf({ view, createdTimeUs, finishedTimeUs }: MissionEntry): Mission {
  return create(MissionSchema, {
    id: view.id,
    name: view.name,
    goal: { goal: goalOnWire(view.goal) },
    status: MISSION_STATUS[view.status],
    priority: view.priority,
    createdBy: view.createdBy,
    createdTimeUs: BigInt(createdTimeUs),
    finishedTimeUs: BigInt(finishedTimeUs),
    tasks: view.tasks.map(taskViewOf),
    progress: view.progress,
    detail: view.detail,
  });
}

function goalOnWire(goal: MissionGoal): WireGoal['goal'] {
  const wire = create(MissionSchema, { goal: { goal: goalInit(goal) } }).goal as WireGoal;
  return wire.goal;
}

function goalInit(goal: MissionGoal) {
  switch (goal.kind) {
    case 'cover': {
      const { zoneId, polygon, robots } = goal;
      if (polygon !== null) {
        const points = polygon.map(({ xM, yM }) => ({ xM, yM }));
        return { case: 'cover' as const, value: { area: { case: 'polygon' as const, value: { points } }, robots } };
      }
      return { case: 'cover' as const, value: { area: { case: 'zoneId' as const, value: zoneId ?? '' }, robots } };
    }
    case 'patrol': {
      const points = goal.points.map(({ xM, yM }) => ({ xM, yM }));
      return { case: 'patrol' as const, value: { points, rounds: goal.rounds, agentId: goal.agentId ?? '' } };
    }
    case 'deliver':
      return {
        case: 'deliver' as const,
        value: { fromStation: goal.from, toStation: goal.to, item: goal.item, agentId: goal.agentId ?? '' },
      };
    case 'dock':
      return { case: 'goToDock' as const, value: { agentId: goal.agentId, dockId: goal.dockId ?? '' } };
  }
}

/** Plain form of a goal, or a sentence that says what is wrong with it. */
export function goalOf(wire: WireGoal | undefined): MissionGoal | string {
  const goal = wire?.goal;
  switch (goal?.case) {
    case 'cover': {
      const { area, robots } = goal.value;
      if (area.case === 'zoneId') return { kind: 'cover', zoneId: area.value, polygon: null, robots };
      if (area.case !== 'polygon') return 'a cover mission names a zone (zoneId) or draws a polygon';
      if (area.value.points.length < 3) return 'a polygon has at least three points';
      if (!area.value.points.every(isPoint)) return 'the points of a polygon are finite metres';
      return { kind: 'cover', zoneId: null, polygon: area.value.points.map(({ xM, yM }) => ({ xM, yM })), robots };
    }
    case 'patrol': {
      const { points, rounds, agentId } = goal.value;
      if (points.length === 0) return 'a patrol has at least one point';
      if (!points.every(isPoint)) return 'the points of a patrol are finite metres';
      return {
        kind: 'patrol',
        points: points.map(({ xM, yM }) => ({ xM, yM })),
        rounds: rounds || 1,
        agentId: agentId || null,
      };
    }
    case 'deliver': {
      const { fromStation, toStation, item, agentId } = goal.value;
      if (fromStation === '' || toStation === '')
        return 'a delivery names the station it begins at and the one it ends at';
      return { kind: 'deliver', from: fromStation, to: toStation, item, agentId: agentId || null };
    }
    case 'goToDock':
      if (goal.value.agentId === '') return 'going to a dock names the agent';
      return { kind: 'dock', agentId: goal.value.agentId, dockId: goal.value.dockId || null };
    default:
      return 'a mission has a goal: cover, patrol, deliver or goToDock';
  }
}

const isPoint = (point: { readonly xM: number; readonly yM: number }): boolean =>
  Number.isFinite(point.xM) && Number.isFinite(point.yM);
