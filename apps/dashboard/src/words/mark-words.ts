import type { Mark, OnTheWay } from '@sigma/proto';
import { localTime, plainWords, words } from './quantities.ts';

/** An account as orders name it: its role in front of its address. */
const ROLE_OF_ACCOUNT = /\b(?:viewer|operator|engineer|administrator):(?=[^\s:]+@)/g;

/** What happened, for a line: people by their address, fields as words; what says nothing by its kind and robot. */
export const markWords = ({ kind, agentId, text, reported = false }: MarkSaid): string =>
  (text === '' ? `${words(kind)} of ${agentId}` : plainWords(text.replace(ROLE_OF_ACCOUNT, ''))) +
  (reported ? ' (reported; its record is still to come)' : '');

type MarkSaid = Pick<Mark, 'kind' | 'agentId' | 'text'> & { readonly reported?: boolean };

/** Robots that are named when something of many is missing. */
const NAMED = 3;

/** Whose record is not wholly here, and up to when it is; empty when all is. */
export function onTheWayWords(lives: readonly OnTheWay[]): string {
  if (lives.length === 0) return '';
  const each = lives.slice(0, NAMED).map(({ agentId, upToTimeUs, outOfReach }) => {
    const upTo = upToTimeUs === 0n ? 'nothing is here yet' : `here up to ${localTime(upToTimeUs)}`;
    return `${agentId} (${upTo}${outOfReach ? ', out of reach' : ''})`;
  });
  const others = lives.length > NAMED ? ` and ${lives.length - NAMED} others` : '';
  return `not all is here: the record is still to come of ${each.join(', ')}${others}`;
}
