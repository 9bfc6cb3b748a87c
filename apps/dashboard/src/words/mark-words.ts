import type { Mark } from '@sigma/proto';
import { plainWords, words } from './quantities.ts';

/** An account as orders name it: its role in front of its address. */
const ROLE_OF_ACCOUNT = /\b(?:viewer|operator|engineer|administrator):(?=[^\s:]+@)/g;

/** What happened, for a line: people by their address, fields as words; what says nothing by its kind and robot. */
export const markWords = ({ kind, agentId, text }: Pick<Mark, 'kind' | 'agentId' | 'text'>): string =>
  text === '' ? `${words(kind)} of ${agentId}` : plainWords(text.replace(ROLE_OF_ACCOUNT, ''));
