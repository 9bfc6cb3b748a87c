import type { Task } from '@sigma/kernel';
import { type Alternative, type Life, type PlacedOrder, type Timeline, UnknownAlternativeError } from '@sigma/recorder';
import type { ForkRequest, ForkResult, PolicyFile } from '@sigma/sim';
import { type Command, InvalidArgumentError } from 'commander';
import { A_RECORDING, each, numberAbove, wholeNumber } from '../arguments.ts';
import { A_MOMENT, type EventName, isEvent, type MomentName, momentNamed } from '../moment-name.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { withRecording } from '../recording-input.ts';
import { command, type Shell } from '../shell.ts';
import { columns, type Terminal } from '../terminal.ts';
import { timeLeft } from '../time-left.ts';
import { refusedWell, withTimeline } from '../timeline-input.ts';
import { readPolicy } from './whatif.ts';

interface ForkFlags {
  readonly at?: MomentName;
  readonly for: number;
  readonly out?: string;
  readonly policy?: string;
  readonly parameter: readonly (readonly [string, number])[];
  readonly mission: readonly (readonly [string, string])[];
  readonly fault: readonly string[];
  readonly without: readonly string[];
  readonly alternative?: number;
  readonly alternatives?: boolean;
  readonly agents: readonly string[];
  readonly tenant?: string;
  readonly parent: readonly string[];
  readonly everybody?: boolean;
  readonly json?: boolean;
}

/** `sigma fork RECORDING --at …`: another life from a moment on. */
export function forkCommand(shell: Shell): Command {
  return command(
    'fork',
    'Let a recording go on otherwise from a moment or a decision: another policy, parameter, mission, fault, or an ' +
      'alternative that was rejected. A simulated world runs on (closed loop; what the hub said is what was recorded); ' +
      'without one each agent is given what was recorded (open loop)',
    [
      'sigma fork sim-7.sqlite --at 35 --policy slow-by-people.yaml --for 30 --out fork.sqlite',
      'sigma fork sim-7.sqlite --alternatives',
      'sigma fork sim-7.sqlite --at r08#497 --alternatives',
      'sigma fork sim-7.sqlite --at r08#497 --alternative 1 --for 20 --out otherwise.sqlite',
      'sigma fork sim-7.sqlite --at 60 --mission r03=\'{"kind":"goto","args":{"xM":12,"yM":9}}\' --for 60 --out sent.sqlite',
    ],
  )
    .argument('<recording>', A_RECORDING)
    .option('--at <moment>', A_MOMENT, momentNamed)
    .option('--for <seconds>', 'how long it goes on', numberAbove(0, 86_400), 30)
    .option('--out <file>', 'the fork, a file that is not there yet')
    .option('--policy <file>', 'policy or rules, as for sigma whatif')
    .option('--parameter <name=value>', 'a number of the model, such as chain.strikes=2 (repeatable)', parameters, [])
    .option('--mission <agent=json>', 'a task: kind, args, and priority if not 10 (repeatable)', missions, [])
    .option('--fault <spec>', 'NAME:ROBOT@SECONDS[+SECONDS][=VALUE], in a simulated world (repeatable)', each, [])
    .option('--without <id>', 'leave a failsafe condition or reflex out (repeatable)', each, [])
    .option('--alternative <n>', 'run what the decision named by --at rejected as its n-th', wholeNumber(1, 1000))
    .option('--alternatives', 'only list what it rejected, and which of that can be run; of everybody without --at')
    .option('--agents <ids>', 'whom the policy and the parameters concern, by commas (default: all)', list, [])
    .option('--tenant <id>', 'whose lives, where the recording holds several tenants')
    .option('--parent <place>', 'where a parent of a fork lies now (repeatable)', each, [])
    .option('--everybody', 'recompute everybody, as a check of what is reused')
    .action(async (recording: string, flags: ForkFlags) => {
      const terminal = shell.terminal(flags.json === true);
      const { tenantTimeline } = await import('@sigma/sim');
      await withTimeline(shell, recording, flags.parent, async (all) => {
        const timeline = await refusedWell(async () => tenantTimeline(all, flags.tenant ?? null));
        if (flags.alternatives === true && flags.at === undefined) await countAlternatives(shell, terminal, timeline);
        else if (flags.alternatives === true) await listAlternatives(terminal, timeline, momentIn(flags));
        else {
          const named = [...flags.agents, ...flags.mission.map(([agent]) => agent)];
          await run(shell, terminal, await withThose(timeline, momentIn(flags), named), recording, flags);
        }
      });
    });
}

/**
 * The timeline of those who share a clock with whom an event is named of; seconds are of the newest run that has them, a
 * time of the day of who lived then.
 */
async function withThose(timeline: Timeline, at: MomentName, named: Iterable<string>): Promise<Timeline> {
  const { runAt, runTimeline } = await import('@sigma/recorder');
  if (typeof at === 'number') return { ...timeline, lives: runAt(timeline.lives, at) };
  if (isEvent(at)) return runTimeline(timeline, lifeNamed(timeline, at));
  const { livesIn, momentOfDay } = await import('../moment-in.ts');
  return { ...timeline, lives: livesIn(timeline.lives, momentOfDay(at), named) };
}

/** @throws CommandError when no moment is given */
function momentIn({ at }: ForkFlags): MomentName {
  if (at !== undefined) return at;
  throw new CommandError(EXIT.usage, 'a fork needs a moment to begin at', 'Add --at SECONDS or --at AGENT#NUMBER');
}

const list = (text: string): readonly string[] => text.split(',').filter((part) => part !== '');

function pair(text: string, like: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`Write ${like}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function parameters(
  text: string,
  before: readonly (readonly [string, number])[],
): readonly (readonly [string, number])[] {
  const [name, value] = pair(text, 'NAME=NUMBER, as in chain.strikes=2');
  if (value.trim() === '' || !Number.isFinite(Number(value)))
    throw new InvalidArgumentError(`'${value}' is no number.`);
  return [...before, [name, Number(value)]];
}

const missions = (
  text: string,
  before: readonly (readonly [string, string])[],
): readonly (readonly [string, string])[] => [
  ...before,
  pair(text, `AGENT=JSON, as in r03='{"kind":"goto","args":{"xM":12,"yM":9}}'`),
];

async function run(
  shell: Shell,
  terminal: Terminal,
  timeline: Timeline,
  recording: string,
  flags: ForkFlags,
): Promise<void> {
  const { out } = flags;
  if (out === undefined) throw new CommandError(EXIT.usage, 'a fork needs a file to go to', 'Add --out FILE');
  const { makeFork } = await import('@sigma/sim');
  const request = await refusedWell(async () => requestOf(shell, timeline, recording, flags));
  const startedMs = shell.nowMs();
  const result = await refusedWell(() =>
    makeFork(timeline, request, out, {
      signal: shell.interrupted,
      onProgress: (done, of, touched) => {
        const left = timeLeft(done / of, (shell.nowMs() - startedMs) / 1000);
        terminal.progress(`${progressText(done, of)}, ${touched} agents recomputed${left}`);
      },
    }),
  );
  const tookS = Math.round(shell.nowMs() - startedMs) / 1000;
  const refused = await refusedOrders(shell, out, request);
  const text = [describe(result, request, tookS), ...refused.map(refusalText)].join('\n');
  terminal.result({ ...result, change: request.what, refused, tookS }, text);
  if (refused.length > 0) shell.ends(EXIT.refused);
}

interface RefusedOrder {
  readonly agent: string;
  readonly reason: string;
}

const refusalText = ({ agent, reason }: RefusedOrder): string =>
  `${agent} refused what this fork told it: ${reason}. It goes on as if nothing had been said; correct that and fork again`;

/** What a robot was told and would not do stands in its life, and nowhere in what came of it. */
async function refusedOrders(
  shell: Shell,
  out: string,
  { orders, atUs }: ForkRequest,
): Promise<readonly RefusedOrder[]> {
  const told = new Set(orders.map(({ agent }) => agent));
  if (told.size === 0) return [];
  const { decodeSignal, EVENT_TYPE, eventsOf } = await import('@sigma/recorder');
  return withRecording(shell.environment, out, async (recording) => {
    const found: RefusedOrder[] = [];
    for (const head of await recording.heads()) {
      if (!told.has(head.source)) continue;
      for await (const event of eventsOf(recording, head)) {
        if (event.atUs > atUs + HEARD_US) break;
        if (event.type !== EVENT_TYPE.signal) continue;
        const { name, body } = decodeSignal(event.data);
        const { issuer, reason } = body as { readonly issuer?: string; readonly reason?: string };
        if (name === 'order_refused' && issuer === 'fork') found.push({ agent: head.source, reason: reason ?? '' });
      }
    }
    return found;
  });
}

/** Orders of a fork are heard with its first wakes. */
const HEARD_US = 1_000_000;

/** A closed loop counts microseconds, an open one the agents that are done. */
const progressText = (done: number, of: number): string =>
  of >= 1e6 ? `${(done / 1e6).toFixed(0)} of ${(of / 1e6).toFixed(0)} s` : `${done} of ${of} agents`;

async function requestOf(shell: Shell, timeline: Timeline, recording: string, flags: ForkFlags): Promise<ForkRequest> {
  const { parseFault } = await import('@sigma/sim');
  const at = momentIn(flags);
  const atUs = await momentOf(timeline, at);
  const policy: PolicyFile | null =
    flags.policy === undefined ? null : await readPolicy(shell, flags.policy, recording);
  const chosen = flags.alternative === undefined ? null : await alternativeAt(timeline, at, flags.alternative);
  const named = chosen === null ? [] : [chosen.agent];
  const faults = flags.fault.map(parseFault);
  const late = faults.findIndex((fault) => fault.atUs >= atUs + flags.for * 1e6);
  if (late >= 0)
    throw new CommandError(
      EXIT.usage,
      `the fault ${flags.fault[late]} begins when the fork has ended`,
      'Give a longer --for',
    );
  const orders = [...flags.mission.map(([agent, text]) => missionOrder(agent, text, atUs)), ...(chosen?.orders ?? [])];
  const without = [...flags.without, ...(chosen?.without ?? [])];
  const whats = [
    ...(policy === null ? [] : [`policy ${policy.file}`]),
    ...flags.parameter.map(([name, value]) => `${name}=${value}`),
    ...flags.without.map((id) => `without ${id}`),
    ...flags.mission.map(([agent, text]) => `mission of ${agent}: ${text}`),
    ...flags.fault.map((spec) => `fault ${spec}`),
    ...(chosen === null ? [] : [chosen.what]),
  ];
  return {
    atUs,
    forUs: Math.round(flags.for * 1e6),
    agents: [...new Set([...flags.agents, ...named])],
    policy,
    parameters: Object.fromEntries(flags.parameter),
    without,
    orders,
    faults,
    what: whats.length === 0 ? 'nothing' : whats.join('; '),
    everybody: flags.everybody === true,
  };
}

function missionOrder(agent: string, text: string, atUs: number): PlacedOrder {
  let said: Partial<Task>;
  try {
    said = JSON.parse(text) as Partial<Task>;
  } catch (error) {
    throw new CommandError(
      EXIT.usage,
      `--mission ${agent}: ${(error as Error).message}`,
      'Write it as JSON: {"kind":"goto","args":{…}}',
    );
  }
  const { kind, args = null, priority = 10 } = said ?? {};
  if (typeof kind !== 'string')
    throw new CommandError(
      EXIT.usage,
      `--mission ${agent}: a task has a kind`,
      'As in {"kind":"goto","args":{"xM":12,"yM":9}}',
    );
  const task: Task = { id: `fork-${agent}-${atUs}`, missionId: 'fork', kind, args, priority };
  return { agent, atUs, order: { type: 'assign', task } };
}

/** @throws CommandError when nothing is recorded of that source, ForkRefusedError when it has no such event any more */
async function momentOf(timeline: Timeline, moment: MomentName): Promise<number> {
  if (typeof moment === 'number') return moment;
  if (isEvent(moment)) {
    const { momentOfEvent } = await import('@sigma/sim');
    return momentOfEvent(lifeNamed(timeline, moment), moment.sequence);
  }
  const { zeroOf } = await import('@sigma/recorder');
  const [life] = timeline.lives;
  return life === undefined ? 0 : moment.timeUs - zeroOf(life);
}

function lifeNamed({ lives }: Timeline, { source, epoch }: EventName): Life {
  const life = lives.findLast((one) => one.source === source && (epoch === null || one.epoch === epoch));
  if (life !== undefined) return life;
  const known = [...new Set(lives.map((one) => one.source))].join(', ');
  throw new CommandError(EXIT.usage, `nothing is recorded of '${source}'`, `It holds ${known}`);
}

async function decidedAt(timeline: Timeline, at: MomentName) {
  const { alternativesAt } = await import('@sigma/sim');
  if (!isEvent(at)) {
    throw new CommandError(
      EXIT.usage,
      'alternatives belong to a decision',
      'Name it with --at AGENT#NUMBER; sigma whatif and sigma compare print such names',
    );
  }
  return refusedWell(() => alternativesAt(timeline, lifeNamed(timeline, at), at.sequence));
}

async function alternativeAt(timeline: Timeline, at: MomentName, number: number) {
  const { agent, decision, alternatives } = await decidedAt(timeline, at);
  const alternative = alternatives[number - 1];
  if (alternative === undefined) {
    throw new CommandError(
      EXIT.usage,
      new UnknownAlternativeError(number, decision).message,
      'List them with --alternatives',
    );
  }
  const { source, command: goes } = alternative.proposal;
  if (!alternative.runnable) {
    throw new CommandError(
      EXIT.refused,
      `alternative ${number} (${source}: ${goes.name}) cannot be run: ${alternative.because}`,
      'List them with --alternatives',
    );
  }
  const left = alternative.without.length === 0 ? '' : `, without ${alternative.without.join(', ')}`;
  return {
    agent,
    orders: alternative.orders,
    without: alternative.without,
    what: `alternative ${number} of decision ${decision.sequence}: ${source}, ${goes.name}${left}`,
  };
}

async function listAlternatives(terminal: Terminal, timeline: Timeline, at: MomentName): Promise<void> {
  const { agent, decision, alternatives } = await decidedAt(timeline, at);
  const rows = alternatives.map((one) => [
    String(one.number),
    one.proposal.source,
    one.proposal.command.name,
    `${one.lost.reason} to ${one.lost.by}`,
    runText(one),
  ]);
  const chosen = `${agent}, decision ${decision.sequence}: ${decision.command.name} (${decision.rationale})`;
  const text =
    alternatives.length === 0
      ? `${chosen}\nnothing was rejected`
      : `${chosen}\n${columns([['n', 'source', 'command', 'lost by', 'can be run'], ...rows])}`;
  terminal.result({ agent, decision, alternatives }, text);
}

/** Everything that everybody rejected, by why it can be run or cannot. */
async function countAlternatives(shell: Shell, terminal: Terminal, timeline: Timeline): Promise<void> {
  const { alternativesIn } = await import('@sigma/sim');
  const { decisions, rejecting, alternatives } = await refusedWell(() =>
    alternativesIn(timeline, {
      signal: shell.interrupted,
      onProgress: (done, of) => terminal.progress(`${done} of ${of} robots`),
    }),
  );
  const kinds = new Map<string, { count: number; example: string }>();
  for (const { agent, event, alternative } of alternatives) {
    const kind = runText(alternative);
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { count: 1, example: `--at ${agent}#${event}` });
    else known.count++;
  }
  const runnable = alternatives.filter(({ alternative }) => alternative.runnable).length;
  const rows = [...kinds].sort(([, a], [, b]) => b.count - a.count);
  terminal.result(
    { decisions, rejecting, alternatives: alternatives.length, runnable, kinds: Object.fromEntries(rows) },
    [
      `${decisions} decisions, ${rejecting} of them rejected something: ${alternatives.length} alternatives, ${runnable} can be run`,
      columns([
        ['times', 'such as', 'can be run'],
        ...rows.map(([kind, { count, example }]) => [String(count), example, kind]),
      ]),
    ].join('\n'),
  );
}

const runText = (one: Alternative): string =>
  one.runnable ? (one.without.length === 0 ? 'yes' : `yes, without ${one.without.join(', ')}`) : `no: ${one.because}`;

function endText({ cutShort, lost }: ForkResult): readonly string[] {
  if (lost !== null) {
    const { source, firstSequence, lastSequence } = lost;
    return [
      `It ends where events ${firstSequence} to ${lastSequence} of ${source} were dropped for want of room: what was lived then nobody knows.`,
    ];
  }
  return cutShort ? ['It ends where the recording ends: what the hub would have said then, nobody knows.'] : [];
}

function describe(result: ForkResult, { what }: ForkRequest, tookS: number): string {
  const { recording, parent, loop, atUs, endUs, touched, robots, wakes, recomputed, looked, head } = result;
  const seconds = (us: number): string => (us / 1e6).toFixed(2);
  const how =
    loop === 'closed'
      ? 'closed loop: world, bodies and robots were computed; what the hub said is what was recorded'
      : 'open loop: each agent was given what was recorded, whatever it did';
  const rows = touched.map(({ id, fromUs, divergedUs }) => [
    id,
    `${seconds(fromUs)} s`,
    loop === 'open' ? 'not known' : divergedUs === null ? 'never' : `${seconds(divergedUs)} s`,
  ]);
  return [
    `${recording}: a fork of ${parent} at ${seconds(atUs)} s up to ${seconds(endUs)} s: ${what}`,
    how,
    `${touched.length} of ${robots} robots recomputed, ${recomputed} of ${wakes} cycles (with those that led up to the fork)${looked === 0 ? '' : `, ${looked} looked at by the rules`}; ${tookS.toFixed(1)} s`,
    ...(rows.length === 0 ? [] : [columns([['robot', 'recomputed from', 'sensed otherwise from'], ...rows])]),
    ...endText(result),
    `head ${head}`,
    `Next: sigma compare ${parent} ${recording}; sigma verify ${recording}`,
  ].join('\n');
}
