import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { type MissionService, type MissionGoal as WireGoal, MissionStatus as WireStatus } from '@sigma/proto';
import type { MissionEntry } from '../roles/arbitration/mission-ledger.ts';
import type { MissionGoal, MissionStatus, NewMission } from '../roles/core/supervisor.ts';
import { goalOf, missionOf, taskViewOf } from '../roles/gateway/plain-to-proto.ts';
import { callerOf, limitOf, momentOf, type Roles, rejected } from './context.ts';

const DEFAULT_LIMIT = 100;
const MOST_LIMIT = 1_000;
const MOST_KEY = 200;
const MOST_PRIORITY = 1_000;
const CHANGE_WAIT_US = 1_000_000;

export function missionQueries(roles: Roles): ServiceImpl<typeof MissionService> {
  return {
    createMission: async ({ name, goal, priority, idempotencyKey }, context) => {
      if (idempotencyKey.length > MOST_KEY)
        throw new ConnectError(`a key has at most ${MOST_KEY} characters`, Code.InvalidArgument);
      checkPriority(priority);
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
    listMissions: async ({ limit, beforeTimeUs, statuses }) => {
      const most = limitOf(limit, DEFAULT_LIMIT, MOST_LIMIT);
      const before = beforeTimeUs === 0n ? null : momentOf(beforeTimeUs, 'before_time_us');
      const filter = { beforeTimeUs: before, statuses: statuses.map(plainStatus) };
      return { missions: (await roles.missions.page(filter, most)).map(missionOf) };
    },
    setMissionPriority: async ({ missionId, priority, expectsPriority }, context) => {
      checkPriority(priority);
      const entry = expectsPriority === undefined ? openMission(roles, missionId) : knownMission(roles, missionId);
      const by = callerOf(context);
      await roles.missions.setPriority(missionId, priority, by, expectsPriority ?? null).catch(rejected);
      await whenChanged(roles, missionId, (now) => now.view.priority === priority);
      return { mission: missionOf(roles.missions.entries.get(missionId) ?? entry) };
    },
    cancelMission: async ({ missionId, reason, seen }, context) => {
      const entry = seen === undefined ? openMission(roles, missionId) : knownMission(roles, missionId);
      const why = reason || 'cancelled by an operator';
      const as = seen === undefined ? null : { status: plainStatus(seen.status), agentIds: seen.agentIds };
      await roles.missions.cancel(missionId, why, callerOf(context), as).catch(rejected);
      await whenChanged(roles, missionId, (now) => now.finishedTimeUs > 0);
      return { mission: missionOf(roles.missions.entries.get(missionId) ?? entry) };
    },
  };
}

function plainGoal(goal: WireGoal | undefined): MissionGoal {
  const plain = goalOf(goal);
  if (typeof plain === 'string') throw new ConnectError(plain, Code.InvalidArgument);
  return plain;
}

function checkPriority(priority: number): void {
  if (Math.abs(priority) <= MOST_PRIORITY) return;
  throw new ConnectError(`priority is -${MOST_PRIORITY} to ${MOST_PRIORITY}`, Code.InvalidArgument);
}

/** @throws ConnectError not_found */
function knownMission(roles: Roles, missionId: string): MissionEntry {
  const entry = roles.missions.entries.get(missionId);
  if (entry !== undefined) return entry;
  throw new ConnectError(`there is no mission '${missionId.slice(0, 63)}'`, Code.NotFound);
}

/** @throws ConnectError not_found, failed_precondition for one that has ended */
function openMission(roles: Roles, missionId: string): MissionEntry {
  const entry = knownMission(roles, missionId);
  if (entry.finishedTimeUs === 0) return entry;
  throw new ConnectError(`mission '${missionId}' is ${entry.view.status} already`, Code.FailedPrecondition);
}

const PLAIN_STATUS: Readonly<Record<number, MissionStatus>> = {
  [WireStatus.QUEUED]: 'queued',
  [WireStatus.ACTIVE]: 'active',
  [WireStatus.DONE]: 'done',
  [WireStatus.FAILED]: 'failed',
  [WireStatus.CANCELLED]: 'cancelled',
};

function plainStatus(status: WireStatus): MissionStatus {
  const plain = PLAIN_STATUS[status];
  if (plain !== undefined) return plain;
  throw new ConnectError('a status is queued, active, done, failed or cancelled', Code.InvalidArgument);
}

/** Resolves when it holds for the mission, at once where it does, or after a second: then it is still on its way. */
function whenChanged(roles: Roles, missionId: string, holds: (entry: MissionEntry) => boolean): Promise<void> {
  const now = roles.missions.entries.get(missionId);
  if (now !== undefined && holds(now)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      forget();
      cancel();
      resolve();
    };
    const forget = roles.missions.onChange((entry) => {
      if (entry.view.id === missionId && holds(entry)) done();
    });
    const cancel = roles.clock.after(CHANGE_WAIT_US, done);
  });
}
