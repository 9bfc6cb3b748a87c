import { Authority, type Command, type Decision, type Param, type Proposal, type Restriction } from '@sigma/proto';
import { agentTime, namedNumber, number as numberWords, percent, plainWords, quantityOf, words } from './quantities.ts';

export type AuthorityWord = 'mission' | 'swarm' | 'operator' | 'safety' | 'rest';

/** Strict, the highest first: no number of lower proposals beats one higher. */
export const LADDER: readonly AuthorityWord[] = ['safety', 'operator', 'swarm', 'mission'];

/** One who wanted something, and how it fared. */
export interface Contender {
  readonly won: boolean;
  /** Its place among those who lost, from 1, as the record has them; 0 for the winner. */
  readonly number: number;
  readonly authority: AuthorityWord;
  readonly source: string;
  /** The command it wanted, with every parameter. */
  readonly what: string;
  /** Why it lost; for the winner, its rationale. */
  readonly why: string;
  /** Its own rationale. */
  readonly rationale: string;
  readonly confidence: string;
  /** The rule that spoke: its id where the source names one, and the hash of its text. */
  readonly rule: RuleReference | null;
}

export interface RuleReference {
  readonly id: string;
  /** Hex; empty where the decision names none. */
  readonly hash: string;
}

/** A bound in force while the decision was made, whoever set it. */
export interface BoundView {
  readonly authority: AuthorityWord;
  readonly source: string;
  readonly what: string;
  readonly why: string;
  readonly rule: RuleReference | null;
  /** It changed the winner's command. */
  readonly bit: boolean;
}

/** A parameter that the restrictions lowered. `share` is what was left of it, 0 to 1. */
export interface ClampView {
  readonly param: string;
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly share: number;
  /** Whose bound it was; empty when no restriction names the parameter. */
  readonly by: string;
}

/** A decision as the decision view shows it: every line a person reads, none of the arithmetic. */
export interface DecisionView {
  readonly sequence: string;
  readonly time: string;
  readonly title: string;
  /** The whole command, with every parameter. */
  readonly command: string;
  readonly kind: DecisionKind;
  /** Who decided: "safety · reflex:human_proximity". */
  readonly winner: string;
  readonly authority: AuthorityWord;
  readonly rationale: string;
  readonly confidence: string;
  /** The winner and all who lost, by authority, the highest first. Empty when nobody proposed anything. */
  readonly contenders: readonly Contender[];
  readonly restrictions: readonly BoundView[];
  readonly clamped: readonly ClampView[];
  readonly forbiddenBy: string;
  readonly taskId: string;
  readonly planRevision: string;
  readonly planner: string;
  readonly context: { readonly epoch: number; readonly input: string; readonly policy: string };
  /** What the plan was made from, and how many inputs the agent had folded since; null without a plan. */
  readonly basis: { readonly epoch: number; readonly input: string; readonly behind: string } | null;
}

/** What an operator looks for first: did it stop, was something refused, was something cut down, or all as planned. */
export type DecisionKind = 'stop' | 'refusal' | 'clamp' | 'plain';

const AUTHORITY: Readonly<Record<Authority, AuthorityWord>> = {
  [Authority.UNSPECIFIED]: 'rest',
  [Authority.MISSION]: 'mission',
  [Authority.SWARM]: 'swarm',
  [Authority.OPERATOR]: 'operator',
  [Authority.SAFETY]: 'safety',
};

export const authorityOf = (decision: Decision): AuthorityWord =>
  decision.chosen === undefined ? 'rest' : AUTHORITY[decision.chosen.authority];

/** Commands that bring a body to rest, in the words of the terrains. */
const STOPS = new Set(['stop', 'cutoff', 'suspend']);

export function decisionKind(decision: Decision): DecisionKind {
  if (STOPS.has(decision.command?.name ?? '')) return 'stop';
  if (decision.chosen?.authority === Authority.SAFETY) return 'stop';
  if (decision.forbiddenBy !== '' || decision.rejected.some(({ reason }) => reason === 'malformed')) return 'refusal';
  return decision.clamped.length > 0 ? 'clamp' : 'plain';
}

/** "drive: to 30.5, 55.5 m, speed 0.6 m/s": the goal and the speed, for a line of a log. */
export const decisionTitle = (decision: Decision): string => commandWords(decision.command, TITLE_PARAMS);

export function viewDecision(decision: Decision, atUs: bigint): DecisionView {
  const { chosen, context, planBasis } = decision;
  const clamped = decision.clamped.map(({ param, from, to }): ClampView => {
    const { name, text } = quantityOf(param, from);
    const share = Math.abs(from) > 0 ? Math.min(1, Math.abs(to / from)) : 0;
    return { param, name, from: text, to: quantityOf(param, to).text, share, by: bounder(decision, param, to) };
  });
  return {
    sequence: String(decision.sequence),
    time: agentTime(atUs),
    title: decisionTitle(decision),
    command: commandWords(decision.command),
    kind: decisionKind(decision),
    winner: chosen === undefined ? 'nobody proposed anything: the rest command holds' : proposer(chosen),
    authority: authorityOf(decision),
    rationale: plainWords(decision.rationale || chosen?.rationale || ''),
    confidence: percent(decision.confidence),
    contenders: contendersOf(decision),
    restrictions: decision.restrictions.map((proposal) => boundView(proposal, clamped, decision.forbiddenBy)),
    clamped,
    forbiddenBy: decision.forbiddenBy,
    taskId: decision.taskId,
    planRevision: String(decision.planRevision),
    planner: decision.planner,
    context: {
      epoch: context?.epoch ?? 0,
      input: String(context?.inputSequence ?? 0n),
      policy: context?.policyHash ?? '',
    },
    basis:
      planBasis === undefined
        ? null
        : {
            epoch: planBasis.epoch,
            input: String(planBasis.inputSequence),
            behind:
              planBasis.epoch === context?.epoch
                ? String(context.inputSequence - planBasis.inputSequence)
                : 'made in an earlier epoch',
          },
  };
}

function contendersOf(decision: Decision): readonly Contender[] {
  const { chosen } = decision;
  const lost = decision.rejected.map(({ proposal, reason, by }, k) =>
    contender(proposal, k + 1, reasonWords(reason, by)),
  );
  const all = chosen === undefined ? lost : [contender(chosen, 0, plainWords(chosen.rationale)), ...lost];
  return all.sort((a, b) => LADDER.indexOf(a.authority) - LADDER.indexOf(b.authority));
}

function contender(proposal: Proposal | undefined, number: number, why: string): Contender {
  return {
    won: number === 0,
    number,
    authority: AUTHORITY[proposal?.authority ?? Authority.UNSPECIFIED],
    source: proposal?.source ?? 'unknown',
    what: wantWords(proposal),
    why,
    rationale: plainWords(proposal?.rationale ?? ''),
    confidence: percent(proposal?.confidence ?? Number.NaN),
    rule: ruleOf(proposal),
  };
}

function boundView(proposal: Proposal, clamped: readonly ClampView[], forbiddenBy: string): BoundView {
  return {
    authority: AUTHORITY[proposal.authority],
    source: proposal.source,
    what: wantWords(proposal),
    why: plainWords(proposal.rationale),
    rule: ruleOf(proposal),
    bit: clamped.some(({ by }) => by === proposal.source) || forbiddenBy === proposal.source,
  };
}

/** A rule people wrote names itself as "rule:ID"; only such a proposal carries the hash of its text. */
function ruleOf(proposal: Proposal | undefined): RuleReference | null {
  if (proposal === undefined) return null;
  const id = proposal.source.startsWith('rule:') ? proposal.source.slice('rule:'.length) : '';
  return id === '' && proposal.ruleHash === '' ? null : { id, hash: proposal.ruleHash };
}

/** The restriction with the closest bound on the parameter; among equals the first. */
function bounder(decision: Decision, param: string, to: number): string {
  let closest = Number.POSITIVE_INFINITY;
  let by = '';
  for (const { source, wants } of decision.restrictions) {
    if (wants.case !== 'restriction') continue;
    for (const bound of wants.value.atMost) {
      if (bound.param !== param || bound.atMost >= closest || bound.atMost < Math.abs(to) - 1e-9) continue;
      closest = bound.atMost;
      by = source;
    }
  }
  return by;
}

const proposer = (proposal: Proposal | undefined): string =>
  proposal === undefined ? 'unknown' : `${AUTHORITY[proposal.authority]} · ${proposal.source}`;

function wantWords(proposal: Proposal | undefined): string {
  if (proposal === undefined) return 'nothing';
  if (proposal.wants.case === 'command') return commandWords(proposal.wants.value);
  if (proposal.wants.case === 'restriction') return restrictionWords(proposal.wants.value);
  return 'nothing';
}

/** A title holds the goal and the speed; the rest stands in the opened decision. */
const TITLE_PARAMS = 2;

/** "drive: to 30.5, 55.5 m, speed 0.6 m/s, for 1.2 s". Where and how fast come first; points are read as one. */
function commandWords(command: Command | undefined, mostParams = Number.POSITIVE_INFINITY): string {
  if (command === undefined) return 'no command';
  const all = paramsInOrder(command.params);
  const told = mostParams < Number.POSITIVE_INFINITY ? paramsInOrder(command.params.filter(tells)) : all;
  const params = told.slice(0, mostParams);
  if (params.length < all.length) return `${words(command.name)}: ${params.join(', ')}`;
  if (command.kind.case === 'setPoint' && command.kind.value.durationUs > 0n) {
    const seconds = Number(command.kind.value.durationUs) / 1e6;
    params.push(`for ${Number(seconds.toFixed(2))} s`);
  }
  return params.length === 0 ? words(command.name) : `${words(command.name)}: ${params.join(', ')}`;
}

/** Whether a line has room for it: that it drives straight on goes without saying. */
const tells = ({ name, value }: Param): boolean =>
  !(name === 'turnRadps' && value.case === 'number' && value.value === 0);

const coordinate = (value: number | undefined): string => numberWords(value ?? Number.NaN);
const FIRST = ['to', 'speedMps', 'turnRadps', 'cruiseMps'];

function paramsInOrder(params: readonly Param[]): string[] {
  const points = new Map<string, { x?: number; y?: number }>();
  const rest: Param[] = [];
  for (const param of params) {
    const [, of, axis] = /^(.*?)([xXyY])M$/.exec(param.name) ?? [];
    if (of === undefined || axis === undefined || param.value.case !== 'number') rest.push(param);
    else points.set(of, { ...points.get(of), [axis.toLowerCase()]: param.value.value });
  }
  const told = rest.map((param): [string, string] => [param.name, paramWords(param)]);
  for (const [of, { x, y }] of points) told.push([of, `${words(of || 'at')} ${coordinate(x)}, ${coordinate(y)} m`]);
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return told
    .filter(([, text]) => text !== '')
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([, text]) => text);
}

function paramWords(param: Param): string {
  switch (param.value.case) {
    case 'number':
      return namedNumber(param.name, param.value.value);
    case 'text':
      return param.value.value === '' ? '' : `${words(param.name)} ${param.value.value}`;
    case 'flag':
      return param.value.value ? words(param.name) : `not ${words(param.name)}`;
    default:
      return '';
  }
}

export function restrictionWords(restriction: Restriction): string {
  const bounds = restriction.atMost.map(({ param, atMost }) => `at most ${namedNumber(param, atMost)}`);
  const bars = restriction.forbid.map((thing) => {
    const [kind, rest] = [thing.slice(0, thing.indexOf(':')), thing.slice(thing.indexOf(':') + 1)];
    if (!thing.includes(':')) return `never ${words(thing)}`;
    return kind === 'name' ? `never ${words(rest)}` : `not in ${words(kind)} ${rest}`;
  });
  const parts = [...bounds, ...bars];
  return parts.length === 0 ? 'no bound' : parts.join(', ');
}

/** Why a proposal lost, in a sentence that names what beat it. */
export function reasonWords(reason: string, by: string): string {
  const winner = by === '' ? 'the winner' : by;
  switch (reason) {
    case 'lower_authority':
      return `lower authority than ${winner}`;
    case 'lower_severity':
      return `less severe than ${winner}`;
    case 'lower_priority':
      return `lower priority than ${winner}`;
    case 'older':
      return `older than ${winner}`;
    case 'source_order':
      return `equal to ${winner}, which comes first by name`;
    case 'forbidden':
      return `forbidden by ${winner}`;
    case 'no_confidence':
      return 'its confidence is below the policy';
    default:
      return by === '' ? words(reason) : `${words(reason)} (${by})`;
  }
}
