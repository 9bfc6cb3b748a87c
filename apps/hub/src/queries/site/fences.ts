import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import type { FenceShape, PutFenceRequest, RemoveFenceRequest, ReviseFenceRequest } from '@sigma/proto';
import type { FenceChange } from '../../roles/fences/fence-desk.ts';
import type { Fence } from '../../roles/fences/fence-store.ts';
import { callerOf, type Roles, rejected } from '../context.ts';

const MOST_FENCES = 200;
const MOST_POINTS = 1_000;
const MOST_KEY = 200;
const MOST_SPEED_MPS = 10;
const MOST_SECONDS = 30 * 86_400;

export const fenceOf = (fence: Fence) => ({
  ...fence,
  polygon: { points: fence.points.map(({ xM, yM }) => ({ xM, yM })) },
  createdTimeUs: BigInt(fence.createdTimeUs),
  endsTimeUs: BigInt(fence.endsTimeUs),
});

/** The fences' part of SiteService. */
export function fenceQueries(roles: Roles) {
  return {
    listFences: () => ({ fences: roles.fences.list().map(fenceOf) }),
    putFence: async (request: PutFenceRequest, context: HandlerContext) => {
      const by = callerOf(context);
      const fence = newFence(roles, request, by);
      const key = request.idempotencyKey === '' ? null : `${by} ${request.idempotencyKey}`;
      const put = await roles.fences.put(fence, key);
      return { fence: fenceOf(put.fence), receipts: [...put.receipts] };
    },
    reviseFence: async (request: ReviseFenceRequest, context: HandlerContext) => {
      const { fenceId, version, onlyIfInForce } = request;
      const change = fenceChange(roles, request);
      const revised = roles.fences.revise(fenceId, version, onlyIfInForce, change, callerOf(context));
      const { fence, receipts, conflicts } = found(await revised.catch(rejected), fenceId);
      const lines = conflicts.map(({ base, ours, theirs }) => ({
        base: [...base],
        ours: [...ours],
        theirs: [...theirs],
      }));
      return { fence: fenceOf(fence), receipts: [...receipts], conflicts: lines };
    },
    removeFence: async ({ fenceId, expectsVersion }: RemoveFenceRequest, context: HandlerContext) => {
      const removed = roles.fences.remove(fenceId, callerOf(context), expectsVersion);
      return { receipts: [...found(await removed.catch(rejected), fenceId)] };
    },
  };
}

function found<T>(one: T | null, fenceId: string): T {
  if (one === null) throw new ConnectError(`there is no fence '${fenceId.slice(0, 63)}'`, Code.NotFound);
  return one;
}

const wrong = (what: string): ConnectError => new ConnectError(what, Code.InvalidArgument);

/** @throws ConnectError invalid_argument */
function fenceChange(roles: Roles, { version, shape, name, note }: ReviseFenceRequest): FenceChange {
  if (version === 0) throw wrong('a change names the version of the fence that it was made of');
  return {
    ...(shape !== undefined && { shape: shapeOf(roles, shape) }),
    ...(name !== undefined && { name }),
    ...(note !== undefined && { note }),
  };
}

/** @throws ConnectError invalid_argument, resource_exhausted */
function newFence(roles: Roles, request: PutFenceRequest, createdBy: string): Fence {
  const { name, kind, seconds, idempotencyKey, note } = request;
  if (idempotencyKey.length > MOST_KEY) throw wrong(`a key has at most ${MOST_KEY} characters`);
  if (seconds > MOST_SECONDS) throw wrong(`a fence lasts at most ${MOST_SECONDS} seconds; 0: until it is taken away`);
  const shape = shapeOf(roles, request);
  if (roles.fences.list().length >= MOST_FENCES)
    throw new ConnectError(`there are ${MOST_FENCES} fences already; take some away`, Code.ResourceExhausted);
  const createdTimeUs = roles.clock.nowUs();
  return {
    ...shape,
    id: `f-${roles.newId()}`,
    name: name || `${kind} area`,
    createdBy,
    createdTimeUs,
    endsTimeUs: seconds === 0 ? 0 : createdTimeUs + seconds * 1_000_000,
    version: 1,
    note,
  };
}

/** @throws ConnectError invalid_argument */
function shapeOf(
  roles: Roles,
  { kind, speedMps, polygon }: Pick<FenceShape, 'kind' | 'speedMps' | 'polygon'>,
): Pick<Fence, 'kind' | 'speedMps' | 'points'> {
  if (kind !== 'restricted' && kind !== 'slow') throw wrong("a fence is 'restricted' or 'slow'");
  if (kind === 'slow' && !(speedMps > 0 && speedMps <= MOST_SPEED_MPS))
    throw wrong(`a slow fence has a speed above 0 and at most ${MOST_SPEED_MPS} m/s`);
  const points = (polygon?.points ?? []).map(({ xM, yM }) => ({ xM, yM }));
  if (points.length < 3 || points.length > MOST_POINTS) throw wrong(`a fence has 3 to ${MOST_POINTS} points`);
  if (!points.every(({ xM, yM }) => Number.isFinite(xM) && Number.isFinite(yM)))
    throw wrong('the points of a fence are finite metres');
  const fault = roles.core.areaFault(points);
  if (fault !== null) throw wrong(fault);
  return { kind, speedMps: kind === 'slow' ? speedMps : 0, points };
}
