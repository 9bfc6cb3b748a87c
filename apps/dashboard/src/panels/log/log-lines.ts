import type { AgentDecision } from '@sigma/proto';
import {
  type AuthorityWord,
  authorityOf,
  type DecisionKind,
  decisionKind,
  decisionTitle,
} from '../../words/decision-words.ts';
import { standingWords } from '../../words/mark-words.ts';
import { plainWords } from '../../words/quantities.ts';

/** A decision as one line of a log: what is shown and searched, without the decision itself, so that many fit. */
export interface LogLine {
  readonly key: string;
  readonly agentId: string;
  readonly epoch: number;
  readonly sequence: bigint;
  /** Wall time, microseconds since 1970. */
  readonly timeUs: bigint;
  readonly authority: AuthorityWord;
  readonly kind: DecisionKind;
  readonly title: string;
  readonly why: string;
  readonly source: string;
  readonly lost: number;
  /** Reported ahead of its record, or never proved by it; empty: recorded, or heard live. */
  readonly standing: string;
}

/** From where older lines are read: a moment of the site, or a place in one agent's life. */
export type LogPlace = Pick<LogLine, 'timeUs' | 'epoch' | 'sequence'>;

/** What the log shows; empty fields show everything. */
export interface LogFilter {
  readonly agentId: string;
  readonly authorities: readonly AuthorityWord[];
  readonly kinds: readonly DecisionKind[];
  /** Lower case. */
  readonly text: string;
}

export const NO_FILTER: LogFilter = { agentId: '', authorities: [], kinds: [], text: '' };

export const isFiltered = ({ agentId, authorities, kinds, text }: LogFilter): boolean =>
  agentId !== '' || authorities.length > 0 || kinds.length > 0 || text !== '';

const keyOf = (one: AgentDecision): string =>
  `${one.agentId} ${one.decision?.context?.epoch ?? 0} ${one.decision?.sequence ?? 0n}`;

/** Undefined for a message that carries no decision. */
export function lineOf(one: AgentDecision): LogLine | undefined {
  const { decision } = one;
  if (decision === undefined) return undefined;
  return {
    key: keyOf(one),
    agentId: one.agentId,
    epoch: decision.context?.epoch ?? 0,
    sequence: decision.sequence,
    timeUs: one.timeUs,
    authority: authorityOf(decision),
    kind: decisionKind(decision),
    title: decisionTitle(decision),
    why: plainWords(decision.rationale || decision.chosen?.rationale || ''),
    source: decision.chosen?.source ?? '',
    lost: decision.rejected.length,
    standing: standingWords(one)?.word ?? '',
  };
}

export function passes(line: LogLine, { agentId, authorities, kinds, text }: LogFilter): boolean {
  if (agentId !== '' && line.agentId !== agentId) return false;
  if (authorities.length > 0 && !authorities.includes(line.authority)) return false;
  if (kinds.length > 0 && !kinds.includes(line.kind)) return false;
  if (text === '') return true;
  return (
    line.title.toLowerCase().includes(text) ||
    line.why.toLowerCase().includes(text) ||
    line.source.toLowerCase().includes(text) ||
    line.agentId.toLowerCase().includes(text)
  );
}

/** Oldest first; among equals by agent and place in its life, so that the order never flickers. */
export function byTime(a: LogLine, b: LogLine): number {
  if (a.timeUs !== b.timeUs) return a.timeUs < b.timeUs ? -1 : 1;
  if (a.agentId !== b.agentId) return a.agentId < b.agentId ? -1 : 1;
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  return a.sequence < b.sequence ? -1 : a.sequence > b.sequence ? 1 : 0;
}
