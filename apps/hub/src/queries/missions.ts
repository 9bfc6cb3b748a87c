import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { MissionService, MissionGoal as WireGoal } from '@sigma/proto';
import type { MissionGoal, NewMission } from '../roles/core/supervisor.ts';
import { goalOf, missionOf, taskViewOf } from '../roles/gateway/plain-to-proto.ts';
import { callerOf, type Roles } from './context.ts';

const DEFAULT_LIMIT = 100;
const MOST_LIMIT = 1_000;
const MOST_NAME = 200;
const MOST_PRIORITY = 1_000;
const CANCEL_WAIT_US = 1_000_000;

export function missionQueries(roles: Roles): ServiceImpl<typeof MissionService> {
  return {
    createMission: async ({ name, goal, priority, idempotencyKey }, context) => {
      if (name.length > MOST_NAME || idempotencyKey.length > MOST_NAME) {
        throw new ConnectError(`a name and a key have at most ${MOST_NAME} characters`, Code.InvalidArgument);
      }
      if (Math.abs(priority) > MOST_PRIORITY)
        throw new ConnectError(`priority is -${MOST_PRIORITY} to ${MOST_PRIORITY}`, Code.InvalidArgument);
      const plain = plainGoal(goal);
      const createdBy = callerOf(context);
      const mission: NewMission = {
        id: `m-${roles.newId()}`,
        name: name || plain.kind,
        goal: plain,
        priority,
        createdBy,
      };
      const key = idempotencyKey === '' ? null : `${createdBy} ${idempotencyKey}`;
      return { mission: missionOf(await roles.missions.create(mission, key)) };
    },
    previewMission: ({ goal }) => {
      const plain = plainGoal(goal);
      const mission: NewMission = { id: 'preview', name: 'preview', goal: plain, priority: 0, createdBy: '' };
      const { tasks, seconds, detail } = roles.core.preview(mission);
      return { tasks: tasks.map(taskViewOf), seconds, detail };
    },
    listMissions: ({ limit }) => {
      if (limit > MOST_LIMIT) throw new ConnectError(`limit is 1 to ${MOST_LIMIT}`, Code.InvalidArgument);
      const newest = [...roles.missions.entries.values()].sort((a, b) => b.createdTimeUs - a.createdTimeUs);
      return { missions: newest.slice(0, limit || DEFAULT_LIMIT).map(missionOf) };
    },
    cancelMission: async ({ missionId, reason }, context) => {
      const entry = roles.missions.entries.get(missionId);
      if (entry === undefined) throw new ConnectError(`there is no mission '${missionId.slice(0, 63)}'`, Code.NotFound);
      if (entry.finishedTimeUs > 0)
        throw new ConnectError(`mission '${missionId}' is ${entry.view.status} already`, Code.FailedPrecondition);
      const ended = whenEnded(roles, missionId);
      await roles.missions.cancel(missionId, reason || 'cancelled by an operator', callerOf(context));
      await ended;
      return { mission: missionOf(roles.missions.entries.get(missionId) ?? entry) };
    },
  };
}

function plainGoal(goal: WireGoal | undefined): MissionGoal {
  const plain = goalOf(goal);
  if (typeof plain === 'string') throw new ConnectError(plain, Code.InvalidArgument);
  return plain;
}

/** Resolves when the mission has ended, or after a second: then it is still on its way. */
function whenEnded(roles: Roles, missionId: string): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      forget();
      cancel();
      resolve();
    };
    const forget = roles.missions.onChange((entry) => {
      if (entry.view.id === missionId && entry.finishedTimeUs > 0) done();
    });
    const cancel = roles.clock.after(CANCEL_WAIT_US, done);
  });
}
