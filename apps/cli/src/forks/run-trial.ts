import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Command } from '@sigma/kernel';
import type { DecidedSideSchema, FlipSchema } from '@sigma/proto';
import { type DecisionSide, type Life, type TrialGap, zeroOf } from '@sigma/recorder';
import {
  ForkRefusedError,
  openWithParents,
  type PolicyFile,
  parsePolicyFile,
  tenantTimeline,
  type WhatIfReport,
  whatIf,
} from '@sigma/sim';
import type { TrialJob, TriedRule } from './fork-jobs.ts';

const HOUR_US = 3_600_000_000;
/** Facts pay where much is tried: gathered once, they spare running most of it again. */
const FACTS_FROM_US = 600_000_000;
const MOST_FLIPS = 5_000;

/** Tries a rule on a stretch of a recording. @throws ForkRefusedError, PolicyFileError, StoreError */
export async function tryNow(job: TrialJob, progress: (done: number) => void): Promise<TriedRule> {
  const { timeline, close } = await openWithParents(job.recording, job.hubDir, { s3: job.s3 });
  await close();
  const { lives } = tenantTimeline(timeline, job.tenant);
  const robots = lives.filter(({ opening }) => opening.model === 'fleet');
  if (robots.length === 0) throw new ForkRefusedError('nothing is recorded of any robot here');
  const zeros = new Map(robots.map((life) => [chainKey(life), zeroOf(life)]));
  const endUs = Math.max(...robots.map((life) => zeroOf(life) + life.endUs));
  const beganUs = Math.min(...robots.map((life) => zeroOf(life) + (life.pieces[0]?.opening.atUs ?? 0)));
  const untilUs = job.toTimeUs === 0 ? endUs + 1 : Math.min(endUs + 1, job.toTimeUs);
  const fromUs = Math.max(beganUs, job.fromTimeUs === 0 ? untilUs - HOUR_US : job.fromTimeUs);
  if (fromUs >= untilUs) throw new ForkRefusedError('nothing is recorded of that time; choose another');
  const agents = job.agents.length === 0 ? [...new Set(robots.map(({ source }) => source))] : job.agents;
  const policy = parsePolicyFile('rule', job.rule);
  const report = await whatIf({
    ...{ policy, tenant: job.tenant, agents, fromUs: null, untilUs: null },
    ...{ fromTimeUs: fromUs, untilTimeUs: untilUs },
    recordings: [job.recording],
    threads: 1,
    hubDir: job.hubDir,
    s3: job.s3,
    facts: untilUs - fromUs >= FACTS_FROM_US,
    onProgress: (_done, _of, _flips, share) => progress(share),
  });
  return triedOf(report, policy, zeros, fromUs, untilUs);
}

type Chain = Pick<Life, 'source' | 'epoch'>;

const chainKey = ({ source, epoch }: Chain): string => `${source}@${epoch}`;

function triedOf(
  { chains, flips }: WhatIfReport,
  policy: PolicyFile,
  zeros: ReadonlyMap<string, number>,
  fromUs: number,
  untilUs: number,
): TriedRule {
  const zeroUs = (chain: Chain): number => zeros.get(chainKey(chain)) ?? 0;
  const tried = chains.filter(({ leftOutBecause }) => leftOutBecause === null);
  const sum = (of: (chain: (typeof tried)[number]) => number): number => tried.reduce((all, one) => all + of(one), 0);
  const left = chains.filter(({ leftOutBecause }) => leftOutBecause !== null);
  return {
    fromTimeUs: fromUs,
    toTimeUs: untilUs,
    agents: new Set(tried.map(({ source }) => source)).size,
    leftOut: [
      ...left.map(({ source, leftOutBecause }) => `${source}: ${leftOutBecause}`),
      ...chains.flatMap((chain) => chain.gaps.map((gap) => gapWords(chain.source, gap, zeroUs(chain)))),
    ],
    wakes: sum(({ wakes }) => wakes),
    evaluations: sum(({ evaluations }) => evaluations),
    flips: flips.slice(0, MOST_FLIPS).map((flip) => flipOf(flip, policy, zeroUs(flip))),
  };
}

/** What of an agent's life could not be weighed, in times of the day. */
function gapWords(agent: string, { firstSequence, lastSequence, fromUs, untilUs }: TrialGap, zeroUs: number): string {
  const clock = (us: number): string => new Date((zeroUs + us) / 1000).toISOString().slice(11, 19);
  const until = untilUs === null ? 'on' : `to ${clock(untilUs)}`;
  return `${agent} from ${clock(fromUs)} ${until} UTC (events ${firstSequence} to ${lastSequence} were dropped for want of room)`;
}

function flipOf(
  flip: WhatIfReport['flips'][number],
  { lines }: PolicyFile,
  zeroUs: number,
): MessageInitShape<typeof FlipSchema> {
  const { source, epoch, event, decision, atUs, untilUs, was, would, rules, did, wouldHaveDone } = flip;
  const time = (us: number): bigint => BigInt(Math.round(zeroUs + us));
  return {
    ...{ agentId: source, epoch, eventSequence: BigInt(event), fromTimeUs: time(atUs), untilTimeUs: time(untilUs) },
    was: sideOf(was),
    would: sideOf(would),
    rules: rules.map(({ rule, change, verdict }) => ({ rule, change, verdict, line: lines[rule] ?? 0 })),
    decisionSequence: BigInt(decision),
    didM: did,
    wouldHaveDoneM: wouldHaveDone,
  };
}

function sideOf({ command, authority, source, rationale }: DecisionSide): MessageInitShape<typeof DecidedSideSchema> {
  const { name, params } = command;
  return { authority, source, rationale, command: commandOf(name, params) };
}

const commandOf = (name: string, params: Command['params']) => ({
  name,
  params: Object.entries(params).map(([param, value]) => ({ name: param, value: wireValue(value) })),
});

function wireValue(value: Command['params'][string]) {
  if (typeof value === 'number') return { case: 'number' as const, value };
  if (typeof value === 'boolean') return { case: 'flag' as const, value };
  return { case: 'text' as const, value: String(value) };
}
