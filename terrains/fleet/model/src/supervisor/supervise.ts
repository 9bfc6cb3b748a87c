import { DistanceFields, emptyTraffic } from '@sigma/swarm';
import { fencedGround, groundOf } from '../ground.ts';
import type { Site } from '../site/site.ts';
import { type PointM, zoneFromPolygon } from '../site/zone.ts';
import { type AuctionDesk, previewTasks } from './assignment/assign.ts';
import { dispatch } from './assignment/dispatch.ts';
import { openMission } from './assignment/missions.ts';
import { keepUp } from './assignment/upkeep.ts';
import { Board, sorted } from './board.ts';
import { hear } from './hear.ts';
import { joinState, splitState } from './keep.ts';
import type {
  DrawnFence,
  MetricPoint,
  NewMission,
  SupervisorInput,
  SupervisorOutput,
  SupervisorState,
  TaskView,
} from './port.ts';
import { guide } from './traffic/guide.ts';

/** The supervisor of a fleet: missions to tasks to robots, and right of way between them. Pure. */
export interface FleetSupervisor {
  /** Raised whenever the state changes its shape: a hub that restarts drops what it cannot read. */
  readonly stateVersion: number;
  readonly initial: () => SupervisorState;
  /**
   * @param inputs in order of arrival
   * @param atUs the hub's time, microseconds, never backwards
   */
  readonly supervise: (
    state: SupervisorState,
    inputs: readonly SupervisorInput[],
    atUs: number,
  ) => { readonly state: SupervisorState; readonly outputs: readonly SupervisorOutput[] };
  /** What sending this mission now would do. Changes nothing. */
  readonly preview: (state: SupervisorState, mission: NewMission) => MissionPreview;
  /** What is wrong with an area that a person drew, in a sentence; null: nothing. */
  readonly areaFault: (points: readonly MetricPoint[]) => string | null;
  readonly split: typeof splitState;
  readonly join: typeof joinState;
}

export interface MissionPreview {
  readonly tasks: readonly TaskView[];
  readonly seconds: number;
  readonly detail: string;
}

export function fleetSupervisor(site: Site): FleetSupervisor {
  const desks = deskKeeper(site);
  return {
    stateVersion: 4,
    initial: () => ({
      agents: {},
      missions: [],
      auctions: {},
      traffic: emptyTraffic,
      obstacles: [],
      fences: [],
      madeUp: 0,
    }),
    supervise: (state, inputs, atUs) => {
      const board = new Board(desks, state, atUs);
      for (const input of inputs) hear(board, input);
      keepUp(board);
      dispatch(board);
      guide(board);
      board.tellMissions();
      return { state: board.state(), outputs: board.outputs };
    },
    preview: (state, mission) => {
      const agents = sorted(state.agents);
      const desk = desks(state.fences);
      return previewTasks(desk, openMission(desk.ground, mission, agents), agents);
    },
    areaFault: (points) => {
      const outline = zoneFromPolygon(site, points.map(pointOf));
      return outline.ok ? null : outline.message;
    },
    split: splitState,
    join: joinState,
  };
}

/** The desk for what is drawn on the floor; that of the last fences is kept, with all that is known of its ways. */
function deskKeeper(site: Site): (fences: readonly DrawnFence[]) => AuctionDesk {
  const bare = groundOf(site);
  let last: { readonly fences: readonly DrawnFence[]; readonly desk: AuctionDesk } | null = null;
  return (fences) => {
    if (last === null || (last.fences !== fences && !sameFences(last.fences, fences))) {
      const list = fences.map((fence) => ({ ...fence, points: fence.points.map(pointOf) }));
      const ground = fencedGround(bare, { version: 0, list });
      last = { fences, desk: { ground, fields: new DistanceFields(ground.permitted), estimates: new WeakMap() } };
    }
    return last.desk;
  };
}

const pointOf = ({ xM, yM }: MetricPoint): PointM => [xM, yM];

const sameFences = (a: readonly DrawnFence[], b: readonly DrawnFence[]): boolean =>
  a.length === b.length && JSON.stringify(a) === JSON.stringify(b);
