import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import type { PutFenceRequest, RemoveFenceRequest } from '@sigma/proto';
import type { Fence } from '../../roles/fences/fence-store.ts';
import { callerOf, type Roles } from '../context.ts';

const MOST_FENCES = 200;
const MOST_POINTS = 1_000;
const MOST_NAME = 200;
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
    removeFence: async ({ fenceId }: RemoveFenceRequest, context: HandlerContext) => {
      const receipts = await roles.fences.remove(fenceId, callerOf(context));
      if (receipts === null) throw new ConnectError(`there is no fence '${fenceId.slice(0, 63)}'`, Code.NotFound);
      return { receipts: [...receipts] };
    },
  };
}

/** @throws ConnectError invalid_argument, resource_exhausted */
function newFence(roles: Roles, request: PutFenceRequest, createdBy: string): Fence {
  const wrong = (what: string): ConnectError => new ConnectError(what, Code.InvalidArgument);
  const { name, kind, speedMps, polygon, seconds, idempotencyKey } = request;
  if (name.length > MOST_NAME || idempotencyKey.length > MOST_NAME)
    throw wrong(`a name and a key have at most ${MOST_NAME} characters`);
  if (kind !== 'restricted' && kind !== 'slow') throw wrong("a fence is 'restricted' or 'slow'");
  if (kind === 'slow' && !(speedMps > 0 && speedMps <= MOST_SPEED_MPS))
    throw wrong(`a slow fence has a speed above 0 and at most ${MOST_SPEED_MPS} m/s`);
  if (seconds > MOST_SECONDS) throw wrong(`a fence lasts at most ${MOST_SECONDS} seconds; 0: until it is taken away`);
  const points = (polygon?.points ?? []).map(({ xM, yM }) => ({ xM, yM }));
  if (points.length < 3 || points.length > MOST_POINTS) throw wrong(`a fence has 3 to ${MOST_POINTS} points`);
  if (!points.every(({ xM, yM }) => Number.isFinite(xM) && Number.isFinite(yM)))
    throw wrong('the points of a fence are finite metres');
  const fault = roles.core.areaFault(points);
  if (fault !== null) throw wrong(fault);
  if (roles.fences.list().length >= MOST_FENCES)
    throw new ConnectError(`there are ${MOST_FENCES} fences already; take some away`, Code.ResourceExhausted);
  const createdTimeUs = roles.clock.nowUs();
  const endsTimeUs = seconds === 0 ? 0 : createdTimeUs + seconds * 1_000_000;
  const speed = kind === 'slow' ? speedMps : 0;
  return {
    id: `f-${roles.newId()}`,
    name: name || `${kind} area`,
    kind,
    speedMps: speed,
    points,
    createdBy,
    createdTimeUs,
    endsTimeUs,
  };
}
