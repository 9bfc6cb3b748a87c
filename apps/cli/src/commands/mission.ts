import { create } from '@bufbuild/protobuf';
import {
  CoverSchema,
  DeliverSchema,
  GoToDockSchema,
  type Mission,
  type MissionGoal,
  MissionGoalSchema,
  MissionService,
  MissionStatus,
  PatrolSchema,
  PointSchema,
  PolygonSchema,
  TaskStatus,
} from '@sigma/proto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { type HubAccess, type HubFlags, openHub } from '../hub-access.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { group, hubCommand, type Shell } from '../shell.ts';
import { columns } from '../terminal.ts';

interface CreateFlags extends HubFlags {
  readonly json?: boolean;
  readonly name?: string;
  readonly priority: number;
  readonly robot?: string;
  readonly robots: number;
  readonly zone?: string;
  readonly area?: readonly (readonly [number, number])[];
  readonly point: readonly (readonly [number, number])[];
  readonly rounds: number;
  readonly from?: string;
  readonly to?: string;
  readonly item: string;
  readonly dock?: string;
}

/** `12.5,8` in metres. */
function point(text: string): readonly [number, number] {
  const match = /^(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Give x,y in metres, as in 12.5,8.');
  return [Number(match[1]), Number(match[2])];
}

const area = (text: string): readonly (readonly [number, number])[] => text.trim().split(/\s+/).map(point);

/** `sigma mission create|list|priority|cancel`. */
export function missionCommand(shell: Shell): Command {
  const mission = group('mission', 'What the fleet is to do', ['sigma mission create deliver --from a --to b']);
  for (const build of [createMission, listMissions, moveMission, cancelMission]) mission.addCommand(build(shell));
  return mission;
}

function createMission(shell: Shell): Command {
  return hubCommand('create', 'Send a mission', [
    'sigma mission create cover --zone aisles-a1 --robots 4',
    'sigma mission create cover --area "10,10 20,10 20,20 10,20"',
    'sigma mission create patrol --point 5,5 --point 40,12 --rounds 3',
    'sigma mission create deliver --from shelf-w1 --to pack-e2 --item crate-7',
    'sigma mission create dock --robot r07',
  ])
    .argument('<goal>', 'cover, patrol, deliver or dock')
    .option('--name <text>', 'what people call it')
    .option('--priority <n>', 'greater is more urgent', wholeNumber(0, 1000), 1)
    .option('--robot <id>', 'only this robot (patrol, deliver, dock)')
    .option('--robots <n>', 'most robots to use (cover); 0: as many as make sense', wholeNumber(0, 1000), 0)
    .option('--zone <id>', 'zone to cover')
    .option('--area <points>', 'outline to cover, "x,y x,y x,y" in metres', area)
    .option(
      '--point <x,y>',
      'a point of the patrol, repeatable',
      (text, before) => [...before, point(text)],
      [] as readonly (readonly [number, number])[],
    )
    .option('--rounds <n>', 'rounds of the patrol', wholeNumber(1, 10_000), 1)
    .option('--from <station>', 'where to pick up')
    .option('--to <station>', 'where to set down')
    .option('--item <name>', 'what to carry', 'crate')
    .option('--dock <id>', 'which dock; the nearest free one when absent')
    .action(async (goal: string, flags: CreateFlags) => {
      const terminal = shell.terminal(flags.json === true);
      const wanted = goalOf(goal, flags);
      const hub = openHub(flags, shell.environment);
      const { mission } = await hub.attempt(() =>
        hub.client(MissionService).createMission({
          name: flags.name ?? '',
          goal: wanted,
          priority: flags.priority,
          idempotencyKey: crypto.randomUUID(),
        }),
      );
      if (mission === undefined) throw new CommandError(EXIT.refused, 'the hub made no mission', '');
      terminal.result(missionJson(mission), `mission ${mission.id} ${statusWord(mission.status)}: ${mission.detail}`);
    });
}

/** @throws CommandError naming the option that is missing */
function goalOf(goal: string, flags: CreateFlags): MissionGoal {
  const robot = flags.robot ?? '';
  const need = (option: string, value: string | undefined): string => {
    if (value !== undefined && value !== '') return value;
    throw new CommandError(
      EXIT.usage,
      `a mission to ${goal} needs ${option}`,
      '`sigma mission create --help` has examples',
    );
  };
  const made = (value: MissionGoal['goal']): MissionGoal => create(MissionGoalSchema, { goal: value });
  const points = (list: readonly (readonly [number, number])[]) =>
    list.map(([xM, yM]) => create(PointSchema, { xM, yM }));
  switch (goal) {
    case 'cover': {
      const outline = flags.area;
      const value = create(CoverSchema, {
        robots: flags.robots,
        area:
          outline === undefined
            ? { case: 'zoneId', value: need('--zone or --area', flags.zone) }
            : { case: 'polygon', value: create(PolygonSchema, { points: points(outline) }) },
      });
      return made({ case: 'cover', value });
    }
    case 'patrol': {
      if (flags.point.length === 0) need('--point', undefined);
      const value = create(PatrolSchema, { points: points(flags.point), rounds: flags.rounds, agentId: robot });
      return made({ case: 'patrol', value });
    }
    case 'deliver': {
      const fromStation = need('--from', flags.from);
      const toStation = need('--to', flags.to);
      return made({
        case: 'deliver',
        value: create(DeliverSchema, { fromStation, toStation, item: flags.item, agentId: robot }),
      });
    }
    case 'dock':
      return made({
        case: 'goToDock',
        value: create(GoToDockSchema, { agentId: need('--robot', flags.robot), dockId: flags.dock ?? '' }),
      });
    default:
      throw new CommandError(EXIT.usage, `there is no goal '${goal}'`, 'Give cover, patrol, deliver or dock');
  }
}

const statusWord = (status: MissionStatus): string => MissionStatus[status]?.toLowerCase() ?? 'unknown';

const missionJson = (mission: Mission) => ({
  id: mission.id,
  name: mission.name,
  goal: mission.goal?.goal.case ?? '',
  status: statusWord(mission.status),
  priority: mission.priority,
  progress: mission.progress,
  detail: mission.detail,
  createdBy: mission.createdBy,
  createdTimeUs: Number(mission.createdTimeUs),
  finishedTimeUs: Number(mission.finishedTimeUs),
  tasks: mission.tasks.map(({ id, agentId, kind, status, progress, detail, history, sinceTimeUs, untilTimeUs }) => ({
    id,
    agentId,
    kind,
    status: TaskStatus[status]?.toLowerCase() ?? 'unknown',
    progress,
    detail,
    sinceTimeUs: Number(sinceTimeUs),
    untilTimeUs: Number(untilTimeUs),
    history: history.map((holder) => ({
      agentId: holder.agentId,
      reason: holder.reason,
      sinceTimeUs: Number(holder.sinceTimeUs),
      untilTimeUs: Number(holder.untilTimeUs),
    })),
  })),
});

interface ListFlags extends HubFlags {
  readonly json?: boolean;
  readonly limit: number;
  readonly status: readonly MissionStatus[];
}

const STATUSES: Readonly<Record<string, MissionStatus>> = {
  queued: MissionStatus.QUEUED,
  active: MissionStatus.ACTIVE,
  done: MissionStatus.DONE,
  failed: MissionStatus.FAILED,
  cancelled: MissionStatus.CANCELLED,
};

function statusNamed(text: string): MissionStatus {
  const status = STATUSES[text];
  if (status === undefined) throw new InvalidArgumentError(`Give one of ${Object.keys(STATUSES).join(', ')}.`);
  return status;
}

function listMissions(shell: Shell): Command {
  return hubCommand('list', 'Missions, newest first', [
    'sigma mission list --limit 20',
    'sigma mission list --status queued --status active',
  ])
    .option('--limit <n>', 'most to show', wholeNumber(1, 1000), 50)
    .addOption(
      new Option('--status <status>', 'only these; may be given more than once')
        .choices(Object.keys(STATUSES))
        .argParser((text, before: readonly MissionStatus[] = []) => [...before, statusNamed(text)])
        .default([], 'all'),
    )
    .action(async (flags: ListFlags) => {
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const wanted = { limit: flags.limit, statuses: [...flags.status] };
      const { missions } = await hub.attempt(() => hub.client(MissionService).listMissions(wanted));
      const rows = missions.map((mission) => [
        mission.id,
        statusWord(mission.status),
        `${Math.round(mission.progress * 100)} %`,
        mission.name,
        mission.detail,
      ]);
      terminal.result(
        { missions: missions.map(missionJson) },
        columns([['mission', 'status', 'done', 'name', 'detail'], ...rows]),
      );
    });
}

function moveMission(shell: Shell): Command {
  return hubCommand('priority', 'Move a mission in the queue; what is under way stays with its robot', [
    'sigma mission priority m-1 50',
    'sigma mission priority m-1 50 --if-priority 10',
  ])
    .argument('<mission>', 'its id')
    .argument('<priority>', 'greater is more urgent', wholeNumber(0, 1000))
    .option(
      '--if-priority <n>',
      'only if this is its priority yet (default: the one it has when asked)',
      wholeNumber(-1000, 1000),
    )
    .action(async (missionId: string, priority: number, flags: OrderFlags & { readonly ifPriority?: number }) => {
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const expectsPriority = flags.ifPriority ?? (await openMission(hub, missionId))?.priority;
      const moved = { missionId, priority, ...(expectsPriority !== undefined && { expectsPriority }) };
      const { mission } = await hub.attempt(() => hub.client(MissionService).setMissionPriority(moved), LOOK_AGAIN);
      if (mission === undefined) throw new CommandError(EXIT.refused, `there is no mission '${missionId}'`, '');
      terminal.result(missionJson(mission), `mission ${mission.id} has priority ${mission.priority}`);
    });
}

interface OrderFlags extends HubFlags {
  readonly json?: boolean;
}

interface CancelFlags extends OrderFlags {
  readonly reason: string;
  readonly ifStatus?: MissionStatus;
  readonly ifRobots?: readonly string[];
}

function cancelMission(shell: Shell): Command {
  return hubCommand('cancel', 'Call a mission off, as it stands when asked or as you saw it', [
    'sigma mission cancel m-1 --reason "wrong zone"',
    'sigma mission cancel m-1 --if-status queued',
    'sigma mission cancel m-1 --if-robots r03,r07',
  ])
    .argument('<mission>', 'its id')
    .option('--reason <text>', 'why, for the record', '')
    .addOption(
      new Option('--if-status <status>', 'only if it stands so yet')
        .choices(Object.keys(STATUSES))
        .argParser((text) => statusNamed(text)),
    )
    .option('--if-robots <ids>', 'only if these have its tasks yet, by commas; none: nobody', (text) =>
      text === 'none' ? [] : text.split(',').filter((id) => id !== ''),
    )
    .action(async (missionId: string, flags: CancelFlags) => {
      const terminal = shell.terminal(flags.json === true);
      const hub = openHub(flags, shell.environment);
      const { reason, ifStatus, ifRobots } = flags;
      const stands = await openMission(hub, missionId);
      const status = ifStatus ?? stands?.status;
      const holders = stands?.tasks.map(({ agentId }) => agentId).filter((id) => id !== '') ?? [];
      const agentIds = ifRobots ?? holders;
      // Of one that has ended, or never was, the hub says so by itself.
      const seen = status === undefined ? {} : { seen: { status, agentIds: [...agentIds] } };
      const { mission } = await hub.attempt(
        () => hub.client(MissionService).cancelMission({ missionId, reason, ...seen }),
        LOOK_AGAIN,
      );
      if (mission === undefined) throw new CommandError(EXIT.refused, `there is no mission '${missionId}'`, '');
      terminal.result(missionJson(mission), `mission ${mission.id} ${statusWord(mission.status)}: ${mission.detail}`);
    });
}

const LOOK_AGAIN = '`sigma mission list` shows how it stands now; then give the order again';
const MOST_LISTED = 1_000;

/** A mission that has not ended, as it stands now; undefined when there is none with this id. */
async function openMission(hub: HubAccess, missionId: string): Promise<Mission | undefined> {
  const statuses = [MissionStatus.QUEUED, MissionStatus.ACTIVE];
  for (let beforeTimeUs = 0n; ; ) {
    const wanted = { limit: MOST_LISTED, statuses, beforeTimeUs };
    const { missions } = await hub.attempt(() => hub.client(MissionService).listMissions(wanted));
    const found = missions.find(({ id }) => id === missionId);
    if (found !== undefined || missions.length < MOST_LISTED) return found;
    beforeTimeUs = missions.at(-1)?.createdTimeUs ?? 0n;
  }
}
