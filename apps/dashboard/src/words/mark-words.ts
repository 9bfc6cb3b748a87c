import type { Mark, OnTheWay } from '@sigma/proto';
import { localTime, plainWords, words } from './quantities.ts';

/** An account as orders name it: its role in front of its address. */
const ROLE_OF_ACCOUNT = /\b(?:viewer|operator|engineer|administrator):(?=[^\s:]+@)/g;

/** An action in front of its cause, as the hub names it. */
const ACTION = /^[a-z]+(?:_[a-z]+)+(?=: )/;

/** What happened, for a line: people by their address, fields as words; what says nothing by its kind and robot. */
export const markWords = ({ kind, agentId, text, ...standing }: MarkSaid): string => {
  const said =
    text === '' ? `${words(kind)} of ${agentId}` : plainWords(text.replace(ROLE_OF_ACCOUNT, '').replace(ACTION, words));
  const stands = standingWords(standing);
  return stands === null ? said : `${said} (${stands.short})`;
};

interface Standing {
  readonly reported?: boolean;
  /** Why nothing will prove it; empty while something may. */
  readonly unprovable?: string;
}
type MarkSaid = Pick<Mark, 'kind' | 'agentId' | 'text'> & Standing;

/** How what a robot told ahead of its record stands to that record; null for what is recorded, or was heard live. */
export function standingWords({ reported = false, unprovable = '' }: Standing): StandingWords | null {
  if (!reported) return null;
  return UNPROVABLE[unprovable] ?? TO_COME;
}

interface StandingWords {
  /** For a row: one word. */
  readonly word: string;
  /** For a line. */
  readonly short: string;
  /** For its own page: what that means, and what to do. */
  readonly long: string;
}

const TO_COME: StandingWords = {
  word: 'reported',
  short: 'reported; its record is still to come',
  long: 'The robot reported it ahead of its record, which is still on its way here. Nothing proves it yet: look again when the record is here.',
};
const UNPROVABLE: Readonly<Record<string, StandingWords>> = {
  dropped: {
    word: 'unproved',
    short: 'its record was dropped on the robot; reported ahead, cannot be proved',
    long: 'The robot reported it ahead of its record, and later had no room for that record and dropped it. It cannot be proved any more; give its spool more room if it is away for long.',
  },
  damaged: {
    word: 'unproved',
    short: 'its record came damaged; reported ahead, cannot be proved here',
    long: 'The robot reported it ahead of its record, and the block with it cannot be read here. Verify the recording; where the robot still holds the block, its own recording proves it.',
  },
};

/** Robots that are named when something of many is missing. */
const NAMED = 3;

/** As short as it can be said in a row; empty when all is here. */
export const toComeWords = (lives: readonly OnTheWay[]): string => {
  const robots = new Set(lives.map(({ agentId }) => agentId));
  const [only] = robots;
  return only === undefined ? '' : `record of ${robots.size === 1 ? only : `${robots.size} robots`} to come`;
};

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
