import type { Json } from '@sigma/kernel';
import {
  type Alternative,
  type Life,
  type PlacedOrder,
  type Run,
  runsBetween,
  runsOf,
  runTimeline,
  type Timeline,
  zeroOf,
} from '@sigma/recorder';
import {
  alternativesAt,
  compareForks,
  ForkRefusedError,
  type ForkRequest,
  type ForkResult,
  makeFork,
  momentOfEvent,
  openWithParents,
  type PolicyFile,
  parsePolicyFile,
  tenantTimeline,
} from '@sigma/sim';
import { toComparison } from './compared.ts';
import type { ForkJob, MadeFork, NamedEvent } from './fork-jobs.ts';

/** Of the whole work, the fork itself takes about so much; the rest is comparing. */
const FORKING = 0.8;

/** Makes a fork and holds it against what it was forked from. @throws ForkRefusedError and whatever makes a recording unreadable */
export async function forkNow(job: ForkJob, progress: (done: number) => void) {
  const parent = await openWithParents(job.recording, job.hubDir, { s3: job.s3 });
  try {
    const timeline = runOf(tenantTimeline(parent.timeline, job.tenant), job);
    const request = await requestOf(timeline, job);
    const result = await makeFork(timeline, request, job.out, {
      onProgress: (done, of) => progress((FORKING * done) / of),
    });
    const zeroUs = zeroIn(timeline);
    const made = madeOf(result, request, zeroUs);
    const fork = await openWithParents(job.out, job.hubDir, { s3: job.s3 });
    try {
      let compared = 0;
      const forked = tenantTimeline(fork.timeline, job.tenant);
      const comparison = await compareForks(timeline, forked, () =>
        progress(FORKING + (1 - FORKING) * (compared++ / Math.max(1, timeline.lives.length))),
      );
      return { made, comparison: toComparison(comparison, zeroUs) };
    } finally {
      await fork.close();
    }
  } finally {
    await parent.close();
  }
}

function madeOf(result: ForkResult, { what }: ForkRequest, zeroUs: number): MadeFork {
  const { atUs, endUs, loop, cutShort, touched, robots, wakes, recomputed, head } = result;
  const time = (us: number): bigint => BigInt(Math.round(zeroUs + us));
  return {
    ...{ what, loop, cutShort, head },
    atTimeUs: time(atUs),
    endTimeUs: time(endUs),
    touched: touched.map(({ id, fromUs, divergedUs }) => ({
      agentId: id,
      fromTimeUs: time(fromUs),
      divergedTimeUs: divergedUs === null ? 0n : time(divergedUs),
    })),
    agents: robots,
    wakes: BigInt(Math.round(wakes)),
    recomputed: BigInt(recomputed),
  };
}

/**
 * The lives that share a clock with whom the fork begins with: of a hub those of one of its edges, of one start of it.
 *
 * @throws ForkRefusedError where that is not known
 */
function runOf(timeline: Timeline, { start, beside, agents, tasks }: ForkJob): Timeline {
  if ('event' in start) return runTimeline(timeline, lifeOf(timeline, start.event));
  const { atTimeUs } = start;
  const runs = runsOf(timeline.lives);
  const concerned = [...agents, ...tasks.map(({ agent }) => agent)];
  const then = runsBetween(runs, atTimeUs, atTimeUs, beside === '' ? concerned : [beside]);
  const [run, other] = then;
  if (run !== undefined && other !== undefined)
    throw new ForkRefusedError(
      `${then.length} edges were at work then, each with a clock of its own: select a robot of the one that is meant (${firstOf(run)} or ${firstOf(other)}, for instance), or fork from a decision`,
    );
  // Of a time at which nobody lived the nearest run says when there was somebody.
  const nearest = run ?? runs.findLast(({ zeroUs, fromUs }) => zeroUs + fromUs < atTimeUs) ?? runs[0];
  return nearest === undefined ? timeline : { ...timeline, lives: nearest.lives };
}

const firstOf = ({ lives }: Run): string => lives.find(({ opening }) => opening.model === 'fleet')?.source ?? '';

const zeroIn = ({ lives }: Timeline): number => {
  const [life] = lives;
  return life === undefined ? 0 : zeroOf(life);
};

async function requestOf(timeline: Timeline, job: ForkJob): Promise<ForkRequest> {
  const { start, alternative, rule, parameters, without, tasks, agents, forUs } = job;
  const zeroUs = zeroIn(timeline);
  const atUs =
    'atTimeUs' in start
      ? start.atTimeUs - zeroUs
      : await momentOfEvent(lifeOf(timeline, start.event), start.event.sequence);
  mustBeOnRecord(timeline, atUs, zeroUs);
  const chosen = alternative === 0 ? null : await alternativeAt(timeline, start, alternative);
  const policy = rule === '' ? null : parsePolicyFile('rule', rule);
  const whats = [
    ...(policy === null ? [] : [policyWords(policy)]),
    ...Object.entries(parameters).map(([name, value]) => `${name}=${value}`),
    ...without.map((id) => `without ${id}`),
    ...tasks.map(({ agent, kind }) => `${agent} is sent to ${kind}`),
    ...(chosen === null ? [] : [chosen.what]),
  ];
  return {
    ...{ atUs, forUs, parameters, faults: [] },
    policy,
    agents: [...new Set([...agents, ...(chosen === null ? [] : [chosen.agent])])],
    without: [...without, ...(chosen?.without ?? [])],
    orders: [...tasks.map((task) => orderOf(task, atUs)), ...(chosen?.orders ?? [])],
    what: whats.length === 0 ? 'nothing is changed' : whats.join('; '),
  };
}

const policyWords = ({ whole, version, rules, without }: PolicyFile): string =>
  whole
    ? `under policy ${version}`
    : [...rules.map(({ id }) => `with ${id}`), ...without.map((id) => `without ${id}`)].join(', ');

/** Said in times of the day: seconds of a recording mean nothing to whoever looks at a site. */
function mustBeOnRecord({ lives }: Timeline, atUs: number, zeroUs: number): void {
  const robots = lives.filter(({ opening }) => opening.model === 'fleet');
  const fromUs = Math.min(...robots.map(({ pieces }) => pieces[0]?.opening.atUs ?? 0));
  const untilUs = Math.max(...robots.map(({ endUs }) => endUs));
  if (atUs > fromUs && atUs <= untilUs) return;
  const clock = (us: number): string => new Date((zeroUs + us) / 1000).toISOString().slice(11, 23);
  throw new ForkRefusedError(
    `${clock(atUs)} UTC is not on record: the recording goes from ${clock(fromUs)} to ${clock(untilUs)}`,
  );
}

function orderOf({ agent, kind, argsJson, priority }: ForkJob['tasks'][number], atUs: number): PlacedOrder {
  let args: Json;
  try {
    args = JSON.parse(argsJson === '' ? 'null' : argsJson) as Json;
  } catch (error) {
    throw new ForkRefusedError(`the task of ${agent} is not written as JSON: ${(error as Error).message}`);
  }
  const task = { id: `fork-${agent}-${atUs}`, missionId: 'fork', kind, args, priority: priority || 10 };
  return { agent, atUs, order: { type: 'assign', task } };
}

function lifeOf({ lives }: Timeline, { source, epoch }: NamedEvent): Life {
  const life = lives.find((one) => one.source === source && one.epoch === epoch);
  if (life !== undefined) return life;
  throw new ForkRefusedError(`nothing is recorded of '${source.slice(0, 63)}' in epoch ${epoch}`);
}

async function alternativeAt(timeline: Timeline, start: ForkJob['start'], number: number) {
  if (!('event' in start)) throw new ForkRefusedError('an alternative belongs to a decision: name its event');
  const { event } = start;
  const { agent, decision, alternatives } = await alternativesAt(timeline, lifeOf(timeline, event), event.sequence);
  const alternative: Alternative | undefined = alternatives[number - 1];
  if (alternative === undefined)
    throw new ForkRefusedError(
      `decision ${decision.sequence} of ${agent} rejected ${alternatives.length}, not ${number}`,
    );
  const { source, command } = alternative.proposal;
  if (!alternative.runnable)
    throw new ForkRefusedError(`${source} (${command.name}) cannot be run: ${alternative.because}`);
  const left = alternative.without.length === 0 ? '' : `, without ${alternative.without.join(', ')}`;
  const what = `${agent} does what ${source} wanted (${command.name})${left}`;
  return { agent, orders: alternative.orders, without: alternative.without, what };
}
