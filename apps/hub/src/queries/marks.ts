import { create, type MessageShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { type AgentDecision, type ListMarksRequestSchema, MarkSchema, OnTheWaySchema } from '@sigma/proto';
import type { Mark, MarkFilter } from '../roles/chronicle/mark-store.ts';
import { momentOf, type Roles } from './context.ts';

const KINDS = new Set(['violation', 'failsafe', 'stop', 'alert', 'mission', 'act', 'fault', 'gap', 'decision']);
const DECISION = 'decision';
const MOST_ON_THE_WAY = 1_000;

export const markOf = (
  mark: Omit<Mark, 'id' | 'kind' | 'unprovable'> & { readonly kind: string; readonly unprovable?: string },
) =>
  create(MarkSchema, {
    timeUs: BigInt(mark.timeUs),
    kind: mark.kind,
    agentId: mark.agentId,
    decisionSequence: BigInt(mark.decisionSequence),
    decisionEpoch: mark.decisionEpoch,
    level: mark.level,
    text: mark.text,
    reported: mark.reported === true,
    unprovable: mark.unprovable ?? '',
  });

/** Lives of robots of which something may have happened that no mark tells of yet. */
function onTheWay({ fleet, index }: Roles, agentId: string) {
  const robots = [...fleet.agents.values()].filter(({ link }) => link.role !== 'feed');
  const away = new Map(robots.flatMap(({ link }) => (link.linked ? [] : [[link.agentId, link.epoch] as const])));
  const linked = new Map(
    robots.flatMap(({ link, status }) =>
      link.linked && status !== null
        ? [[link.agentId, { epoch: status.epoch, atUs: Number(status.atUs) }] as const]
        : [],
    ),
  );
  return index
    .homecomings(away, linked)
    .filter(({ source }) => agentId === '' || source === agentId)
    .slice(0, MOST_ON_THE_WAY)
    .map(({ source, epoch, upToUs, missing }) =>
      create(OnTheWaySchema, {
        agentId: source,
        epoch,
        upToTimeUs: BigInt(upToUs),
        missingEvents: BigInt(missing),
        outOfReach: away.has(source),
      }),
    );
}

/** Marks of a stretch of time; decisions among them only when they are asked for by name. */
export async function findMarks(roles: Roles, request: MessageShape<typeof ListMarksRequestSchema>, limit: number) {
  const { kinds, agentId, newestFirst, oldestFirst } = request;
  const wrong = kinds.find((kind) => !KINDS.has(kind));
  if (wrong !== undefined)
    throw new ConnectError(
      `there is no kind '${wrong.slice(0, 40)}'; kinds: ${[...KINDS].join(', ')}`,
      Code.InvalidArgument,
    );
  if (newestFirst && oldestFirst)
    throw new ConnectError('the newest or the oldest first, not both', Code.InvalidArgument);
  const choose: MarkFilter['choose'] = newestFirst ? 'newest' : oldestFirst ? 'oldest' : 'most_urgent';
  const fromTimeUs = momentOf(request.fromTimeUs, 'from_time_us');
  const toTimeUs = request.toTimeUs === 0n ? Number.MAX_SAFE_INTEGER : momentOf(request.toTimeUs, 'to_time_us');
  const others = kinds.filter((kind) => kind !== DECISION);
  const only = kinds.length > 0 && others.length === 0;
  const none = { marks: [] as readonly Mark[], more: false, keptFromUs: 0 };
  const filter = { fromTimeUs, toTimeUs, kinds: others, agentId, choose };
  const found = only ? none : await roles.marks.find(filter, limit);
  if (!kinds.includes(DECISION)) {
    const marks = found.marks.map(markOf);
    return { marks, more: found.more, keptFromTimeUs: BigInt(found.keptFromUs), onTheWay: onTheWay(roles, agentId) };
  }
  const span = { fromTimeUs, toTimeUs, agentId, oldest: choose === 'oldest' };
  const decisions = (await roles.decisions.between(span, limit + 1)).map(markOfDecision);
  const both = [...found.marks.map(markOf), ...decisions];
  const sign = choose === 'newest' ? -1 : 1;
  const inOrder = both.sort((a, b) => sign * Number(a.timeUs - b.timeUs));
  // Decisions are the least urgent of all: where room is short, the others keep theirs.
  const marks = choose === 'most_urgent' ? leastUrgentOut(inOrder, limit) : inOrder.slice(0, limit);
  const more = found.more || both.length > limit;
  return { marks, more, keptFromTimeUs: BigInt(found.keptFromUs), onTheWay: onTheWay(roles, agentId) };
}

type WireMark = MessageShape<typeof MarkSchema>;

function leastUrgentOut(marks: readonly WireMark[], limit: number): WireMark[] {
  let spare = marks.length - limit;
  return marks.filter((mark) => mark.kind !== DECISION || spare-- <= 0).slice(0, limit);
}

function markOfDecision({ agentId, timeUs, decision, reported, unprovable }: AgentDecision): WireMark {
  return markOf({
    timeUs: Number(timeUs),
    kind: DECISION,
    agentId,
    decisionSequence: Number(decision?.sequence ?? 0n),
    decisionEpoch: decision?.context?.epoch ?? 0,
    level: 0,
    text: decision?.rationale ?? '',
    reported,
    unprovable,
  });
}
