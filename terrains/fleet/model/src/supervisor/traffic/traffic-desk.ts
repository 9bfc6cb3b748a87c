import type { Intent } from '@sigma/kernel';
import { type DistanceFields, grantMoves, type TrafficAgent, type TrafficState, type Wait } from '@sigma/swarm';
import type { Ground } from '../../ground.ts';
import { cellAt, centreXM, centreYM } from '../../site/site.ts';
import type { AgentMemory, Obstacle, PlannedTask, Stop, SupervisorOutput } from '../port.ts';

/** Cells a robot may hold ahead of itself: enough to drive on without stopping at each. */
const HORIZON = 5;
/** While it still has so many of them before it, more of the same way need not be told yet. */
const ENOUGH_TOLD = 3;
/** A robot counts as being in the next cell of its way once its centre is this near the cell's centre, in cells. */
const ARRIVED = 0.3;
/** A robot out of reach keeps what it was granted for this long, then counts as an obstacle where it was last heard. */
const UNREACHABLE_US = 10_000_000;
/** A stop shorter than this changes no one's way: the others wait the moment. */
const BRIEF_STOP_US = 2_000_000;
/** A robot that has not left its cell for this long, though it may, gives its grant back. */
const STUCK_US = 12_000_000;
/** Further than this from the middle of its cell a robot that may not go on stands in its neighbours' way, m. */
const OFF_MIDDLE_M = 0.12;
/** A robot that has not come back to the middle of its cell in this time after it could have left it cannot. */
const MIDDLE_WITHIN_US = 40_000_000;
/** Obstacles take part in traffic as robots that never move; no robot's id begins like this. */
const OBSTACLE = '#obstacle ';

export interface TrafficDesk {
  readonly ground: Ground;
  readonly fields: DistanceFields;
}

/** The cell a robot is in along its granted way, from where it says it is; off its way, the cell under its centre. */
export function cellOnWay(desk: TrafficDesk, memory: AgentMemory, path: readonly number[]): number {
  const { site } = desk.ground;
  const { xM, yM } = memory.report;
  const near = ARRIVED * site.metresPerCell;
  for (let i = path.length - 1; i >= 0; i--) {
    const cell = path[i] as number;
    if (distance(xM - centreXM(site, cell), yM - centreYM(site, cell)) <= near) return cell;
  }
  const under = cellAt(site, xM, yM);
  const held = path.length > 0 && (under === memory.cell || path.includes(under));
  return held && memory.cell >= 0 ? memory.cell : under;
}

const distance = (dx: number, dy: number): number => Math.sqrt(dx * dx + dy * dy);

/** One round of right of way for everybody. */
export function directTraffic(
  desk: TrafficDesk,
  traffic: TrafficState,
  agents: ReadonlyMap<string, AgentMemory>,
  obstacles: readonly Obstacle[],
  atUs: number,
): {
  readonly traffic: TrafficState;
  readonly waits: ReadonlyMap<string, Wait>;
  readonly after: ReadonlyMap<string, string>;
} {
  const paths = new Map(traffic.members.map((member) => [member.id, member.path]));
  const reports: TrafficAgent[] = [];
  for (const [id, memory] of agents) {
    const path = paths.get(id) ?? [];
    const index = path.indexOf(memory.cell);
    const to = index + 1 < path.length ? (path[index + 1] as number) : -1;
    const lost = memory.unlinkedUs !== null && atUs - memory.unlinkedUs > UNREACHABLE_US;
    const reachable = memory.unlinkedUs === null;
    const released = hasReleased(memory) && !memory.report.halted;
    const standsLong = isHaltedLong(memory, atUs) && (memory.errand === null || hasReleased(memory));
    reports.push({
      id,
      cell: memory.cell,
      to: released ? -1 : to,
      goal: goalOf(memory),
      halted: lost || (reachable && (standsLong || isActing(memory))),
      horizon: HORIZON,
      ...(released ? { released } : {}),
    });
  }
  reports.push(...asTraffic(obstacles, reports, paths));
  const result = grantMoves(desk.ground.permitted, reports, traffic, { fields: desk.fields });
  const waits = new Map(result.waits.map((wait) => [wait.agent, wait]));
  const after = new Map<string, string>();
  for (const grant of result.grants) if (grant.after !== null) after.set(grant.agent, grant.after);
  return { traffic: result.state, waits, after };
}

/** Obstacles as robots that stand for good, save where a robot stands or still holds the cell. */
function asTraffic(
  obstacles: readonly Obstacle[],
  reports: readonly TrafficAgent[],
  paths: ReadonlyMap<string, readonly number[]>,
): TrafficAgent[] {
  if (obstacles.length === 0) return [];
  const held = new Set<number>();
  for (const { id, cell, released } of reports) {
    held.add(cell);
    if (released !== true) for (const ahead of paths.get(id) ?? []) held.add(ahead);
  }
  const open = obstacles.filter(({ cell }) => !held.has(cell));
  return open.map(({ cell }) => ({ id: OBSTACLE + cell, cell, to: -1, goal: -1, halted: true, horizon: 1 }));
}

/** The stop a robot is heading for; -1 for one without errand. */
function goalOf(memory: AgentMemory): number {
  const stop = nextStop(memory);
  return stop === null ? -1 : stop.cell;
}

export function nextStop(memory: AgentMemory): Stop | null {
  const { errand } = memory;
  return errand?.stops[errand.next] ?? null;
}

/**
 * True once the robot has confirmed that it stands and will not use the grant that was taken back. One that was told to
 * go back to the middle of its cell has done so.
 */
export function hasReleased({ withdrawn, report, told }: AgentMemory): boolean {
  const obeyed = withdrawn !== null && report.planRevision >= withdrawn && Math.abs(report.speedMps) < 0.02;
  return obeyed && (told?.middle !== true || report.halted);
}

/** Metres from where the robot is to the middle of the cell that it counts as being in. */
function offMiddleM(desk: TrafficDesk, { report, cell }: AgentMemory): number {
  const { site } = desk.ground;
  return cell < 0 ? 0 : distance(report.xM - centreXM(site, cell), report.yM - centreYM(site, cell));
}

/**
 * True when a robot has stood halted for more than a moment. What it holds is taken back then, and only once it has
 * confirmed that does traffic give its cells to others: it may recover at any moment and would drive on.
 */
export function isHaltedLong({ haltedUs, report }: AgentMemory, atUs: number): boolean {
  return report.linked && haltedUs !== null && atUs - haltedUs > BRIEF_STOP_US;
}

/** True while a robot does what it came for: nobody pushes it away from there. */
function isActing(memory: AgentMemory): boolean {
  const stop = nextStop(memory);
  return stop !== null && stop.action !== null && stop.cell === memory.cell && memory.told?.action === stop.action.name;
}

/** True when a grant has lain unused for so long that something must be in the way which traffic does not know of. */
export function isStuck(memory: AgentMemory, path: readonly number[], atUs: number): boolean {
  const { report } = memory;
  return path.length > 0 && report.linked && !report.halted && atUs - memory.cellSinceUs > STUCK_US;
}

/**
 * What the robot is to be told now, or null when it has been told already: the cells it holds ahead and, where they end
 * at its stop, what to do there.
 */
export function nextPlan(
  desk: TrafficDesk,
  memory: AgentMemory,
  task: Pick<PlannedTask, 'id' | 'kind'>,
  path: readonly number[],
  moment: { readonly wait: Wait | undefined; readonly after: string | undefined; readonly atUs: number },
): { readonly memory: AgentMemory; readonly output: SupervisorOutput } | null {
  const { wait, after, atUs } = moment;
  const cells = path.slice(path.indexOf(memory.cell) + 1);
  const stop = nextStop(memory);
  const end = cells.at(-1) ?? memory.cell;
  const action = stop !== null && stop.cell === end && atUs >= memory.retryUs ? stop.action : null;
  const idle = cells.length === 0 && action === null && !memory.report.halted;
  const stands = Math.abs(memory.report.speedMps) < 0.02 && atUs - memory.cellSinceUs < MIDDLE_WITHIN_US;
  const middle = idle && stands && offMiddleM(desk, memory) > OFF_MIDDLE_M;
  if (memory.asked === null && knows(memory, task.id, cells, action, middle)) return null;
  const intents = intentsFor(desk, memory, cells, middle ? 'middle' : action, after !== undefined);
  const revision = memory.planRevision + 1;
  const rationale = middle
    ? `${task.kind}: back to the middle of its cell`
    : explain(task.kind, memory, cells, wait, after);
  return {
    memory: {
      ...memory,
      planRevision: revision,
      asked: null,
      told: { taskId: task.id, revision, cells, action: action?.name ?? null, intents: intents.length, middle },
    },
    output: {
      type: 'plan',
      agentId: memory.report.agentId,
      plan: {
        taskId: task.id,
        revision,
        intents,
        confidence: 0.95,
        rationale,
        basis: memory.report.basis,
        alternatives: wait === undefined ? [] : [{ summary: 'drive on', reason: whyWait(wait) }],
      },
    },
  };
}

/** True when the robot knows all that it needs now: this way, or enough of its beginning, and what to do at its end. */
function knows(
  memory: AgentMemory,
  taskId: string,
  cells: readonly number[],
  action: Intent | null,
  middle: boolean,
): boolean {
  const { told } = memory;
  if (told === null || told.taskId !== taskId) return false;
  if (middle !== told.middle && (middle || cells.length === 0)) return false;
  const rest = told.cells.slice(told.cells.indexOf(memory.cell) + 1);
  if (!rest.every((cell, i) => cell === cells[i])) return false;
  if (rest.length === cells.length) return told.action === (action?.name ?? null);
  return rest.length >= ENOUGH_TOLD && told.action === null;
}

/** Slower where another leaves the cell in the same moment, so that it has left before this one enters. */
const ROTATION_SPEED_MPS = 0.3;

function intentsFor(
  desk: TrafficDesk,
  memory: AgentMemory,
  cells: readonly number[],
  then: Intent | 'middle' | null,
  rotating: boolean,
): Intent[] {
  const { site } = desk.ground;
  const action = then === 'middle' ? null : then;
  // What is done at a place is done in its middle, so a robot that stands near it goes there first.
  const way = cells.length === 0 && then !== null ? [memory.cell] : cells;
  const intents: Intent[] = way.map((cell, i) => ({
    name: 'advance',
    args: {
      xM: centreXM(site, cell),
      yM: centreYM(site, cell),
      ...(rotating && i === way.length - 1 ? { speedMps: ROTATION_SPEED_MPS } : {}),
    },
  }));
  if (action !== null) intents.push(action);
  if (intents.length === 0) intents.push({ name: 'wait', args: {} });
  return intents;
}

function explain(
  kind: string,
  memory: AgentMemory,
  cells: readonly number[],
  wait: Wait | undefined,
  after: string | undefined,
): string {
  if (wait !== undefined && cells.length === 0) return `${kind}: wait, ${whyWait(wait)}`;
  if (after !== undefined) return `${kind}: move up as ${after} leaves`;
  const { errand } = memory;
  const place = errand === null ? '' : `stop ${errand.next + 1} of ${errand.stops.length}, `;
  return `${kind}: ${place}${cells.length} cells granted`;
}

export function whyWait(wait: Wait): string {
  switch (wait.reason) {
    case 'occupied':
      return wait.blockedBy === null ? 'the next cell is taken' : `${wait.blockedBy} holds the next cell`;
    case 'right-of-way':
      return `${wait.blockedBy ?? 'another'} has right of way`;
    case 'dead-end':
      return `${wait.blockedBy ?? 'another'} is inside the dead end`;
    case 'cut-off':
      if (wait.blockedBy === null) return 'no road leads there';
      return wait.blockedBy.startsWith(OBSTACLE)
        ? 'something stands in the only way'
        : `${wait.blockedBy} stands still and cuts off the way`;
    case 'conflict':
      return `${wait.blockedBy ?? 'another'} reports the same cell`;
  }
}
