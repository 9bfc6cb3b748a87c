import { Authority, type Command, type Decision, type Param, type Proposal, type Restriction } from '@sigma/proto';
import { agentTime, namedNumber, number as numberWords, percent, plainWords, words } from './quantities.ts';

/** A decision as the decision view shows it: every line a person reads, none of the arithmetic. */
export interface DecisionView {
  readonly sequence: string;
  readonly time: string;
  readonly title: string;
  /** The whole command, with every parameter. */
  readonly command: string;
  /** Who decided: "safety · reflex:human_proximity". */
  readonly winner: string;
  readonly authority: AuthorityWord;
  readonly rationale: string;
  readonly confidence: string;
  readonly losers: readonly { readonly what: string; readonly who: string; readonly why: string }[];
  readonly restrictions: readonly { readonly what: string; readonly who: string; readonly why: string }[];
  readonly clamped: readonly string[];
  readonly forbiddenBy: string;
  readonly taskId: string;
  readonly planRevision: string;
  readonly planner: string;
  readonly context: string;
  readonly rule: string;
}

export type AuthorityWord = 'mission' | 'swarm' | 'operator' | 'safety' | 'rest';

const AUTHORITY: Readonly<Record<Authority, AuthorityWord>> = {
  [Authority.UNSPECIFIED]: 'rest',
  [Authority.MISSION]: 'mission',
  [Authority.SWARM]: 'swarm',
  [Authority.OPERATOR]: 'operator',
  [Authority.SAFETY]: 'safety',
};

export function viewDecision(decision: Decision, atUs: bigint): DecisionView {
  const chosen = decision.chosen;
  const context = decision.context;
  return {
    sequence: String(decision.sequence),
    time: agentTime(atUs),
    title: commandWords(decision.command, TITLE_PARAMS),
    command: commandWords(decision.command),
    winner: chosen === undefined ? 'nobody proposed anything: the rest command holds' : proposer(chosen),
    authority: chosen === undefined ? 'rest' : AUTHORITY[chosen.authority],
    rationale: plainWords(decision.rationale || chosen?.rationale || ''),
    confidence: percent(decision.confidence),
    losers: decision.rejected.map(({ proposal, reason, by }) => ({
      what: wantWords(proposal),
      who: proposer(proposal),
      why: reasonWords(reason, by),
    })),
    restrictions: decision.restrictions.map((proposal) => ({
      what: wantWords(proposal),
      who: proposer(proposal),
      why: plainWords(proposal.rationale),
    })),
    clamped: decision.clamped.map(
      ({ param, from, to }) => `${namedNumber(param, from)} lowered to ${namedNumber(param, to)}`,
    ),
    forbiddenBy: decision.forbiddenBy,
    taskId: decision.taskId,
    planRevision: String(decision.planRevision),
    planner: decision.planner,
    context:
      context === undefined
        ? ''
        : `epoch ${context.epoch}, input ${context.inputSequence}${context.policyHash === '' ? '' : `, policy ${context.policyHash.slice(0, 12)}`}`,
    rule: chosen?.ruleHash ?? '',
  };
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
  const params = all.slice(0, mostParams);
  if (params.length < all.length) return `${words(command.name)}: ${params.join(', ')}`;
  if (command.kind.case === 'setPoint' && command.kind.value.durationUs > 0n) {
    const seconds = Number(command.kind.value.durationUs) / 1e6;
    params.push(`for ${Number(seconds.toFixed(2))} s`);
  }
  return params.length === 0 ? words(command.name) : `${words(command.name)}: ${params.join(', ')}`;
}

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
