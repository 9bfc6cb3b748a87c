import { DistanceFields, emptyTraffic } from '@sigma/swarm';
import { groundOf } from '../ground.ts';
import type { Site } from '../site/site.ts';
import { type AuctionDesk, previewTasks } from './assign.ts';
import { Board, sorted } from './board.ts';
import { dispatch } from './dispatch.ts';
import { guide } from './guide.ts';
import { hear } from './hear.ts';
import { joinState, splitState } from './keep.ts';
import { openMission } from './missions.ts';
import type { NewMission, SupervisorInput, SupervisorOutput, SupervisorState, TaskView } from './port.ts';
import { keepUp } from './upkeep.ts';

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
  readonly split: typeof splitState;
  readonly join: typeof joinState;
}

export interface MissionPreview {
  readonly tasks: readonly TaskView[];
  readonly seconds: number;
  readonly detail: string;
}

export function fleetSupervisor(site: Site): FleetSupervisor {
  const ground = groundOf(site);
  const desk: AuctionDesk = { ground, fields: new DistanceFields(ground.permitted), estimates: new WeakMap() };
  return {
    stateVersion: 3,
    initial: () => ({ agents: {}, missions: [], auctions: {}, traffic: emptyTraffic, obstacles: [], madeUp: 0 }),
    supervise: (state, inputs, atUs) => {
      const board = new Board(desk, state, atUs);
      for (const input of inputs) hear(board, input);
      keepUp(board);
      dispatch(board);
      guide(board);
      board.tellMissions();
      return { state: board.state(), outputs: board.outputs };
    },
    preview: (state, mission) => {
      const agents = sorted(state.agents);
      return previewTasks(desk, openMission(ground, mission, agents), agents);
    },
    split: splitState,
    join: joinState,
  };
}
