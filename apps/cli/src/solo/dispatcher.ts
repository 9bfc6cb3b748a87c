import { create } from '@bufbuild/protobuf';
import type { MissionGoal, Site } from '@sigma/fleet-model';
import {
  CoverSchema,
  DeliverSchema,
  GoToDockSchema,
  MissionGoalSchema,
  MissionService,
  MissionStatus,
  PatrolSchema,
  PointSchema,
  PolygonSchema,
  TaskStatus,
  type MissionGoal as WireGoal,
} from '@sigma/proto';
import { missionAt, missionsWanted } from '@sigma/sim';
import type { HubAccess } from '../hub-access.ts';

const LOOK_EVERY_MS = 1_000;
const RECENT = 200;
/** Most missions sent in one go, so that a start does not flood the hub. */
const MOST_AT_ONCE = 20;

export interface Dispatcher {
  /** Missions done since it began, whoever sent them and whenever. */
  readonly completed: () => number;
  readonly stop: () => void;
}

/** Keeps a simulated fleet busy the way a person would: by sending missions to the hub. */
export function dispatchWork(
  hub: HubAccess,
  site: Site,
  seed: number,
  robots: number,
  onError: (error: unknown) => void,
): Dispatcher {
  let before: ReadonlySet<string> | null = null;
  const done = new Set<string>();
  let index = 0;
  let ended = false;
  const look = async (): Promise<void> => {
    const missions = hub.client(MissionService);
    const { missions: recent } = await missions.listMissions({ limit: RECENT });
    before ??= new Set(recent.filter(({ status }) => status === MissionStatus.DONE).map(({ id }) => id));
    let open = 0;
    for (const { id, status, tasks } of recent) {
      if (status === MissionStatus.DONE && !before.has(id)) done.add(id);
      if (status === MissionStatus.QUEUED || status === MissionStatus.ACTIVE) {
        open += Math.max(1, tasks.filter(({ status: of }) => OPEN.has(of)).length);
      }
    }
    for (let wanted = Math.min(MOST_AT_ONCE, missionsWanted(robots, open)); wanted > 0 && !ended; wanted--) {
      const mission = missionAt(site, seed, index++);
      if (mission === null) return;
      const { name, goal, priority } = mission;
      await missions.createMission({ name, goal: wireGoal(goal), priority, idempotencyKey: '' });
    }
  };
  const again = (): void => {
    if (ended) return;
    hub
      .attempt(look)
      .catch(onError)
      .finally(() => {
        timer = setTimeout(again, LOOK_EVERY_MS);
      });
  };
  let timer = setTimeout(again, 0);
  return {
    completed: () => done.size,
    stop: () => {
      ended = true;
      clearTimeout(timer);
    },
  };
}

const OPEN: ReadonlySet<TaskStatus> = new Set([TaskStatus.WAITING, TaskStatus.QUEUED, TaskStatus.ACTIVE]);

function wireGoal(goal: MissionGoal): WireGoal {
  const points = (list: readonly { readonly xM: number; readonly yM: number }[]) =>
    list.map(({ xM, yM }) => create(PointSchema, { xM, yM }));
  const made = (value: WireGoal['goal']): WireGoal => create(MissionGoalSchema, { goal: value });
  switch (goal.kind) {
    case 'cover': {
      const area =
        goal.zoneId === null
          ? { case: 'polygon' as const, value: create(PolygonSchema, { points: points(goal.polygon ?? []) }) }
          : { case: 'zoneId' as const, value: goal.zoneId };
      return made({ case: 'cover', value: create(CoverSchema, { area, robots: goal.robots }) });
    }
    case 'patrol': {
      const value = create(PatrolSchema, {
        points: points(goal.points),
        rounds: goal.rounds,
        agentId: goal.agentId ?? '',
      });
      return made({ case: 'patrol', value });
    }
    case 'deliver': {
      const { from, to, item, agentId } = goal;
      const value = create(DeliverSchema, { fromStation: from, toStation: to, item, agentId: agentId ?? '' });
      return made({ case: 'deliver', value });
    }
    case 'dock':
      return made({
        case: 'goToDock',
        value: create(GoToDockSchema, { agentId: goal.agentId, dockId: goal.dockId ?? '' }),
      });
  }
}
