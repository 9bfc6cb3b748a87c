import { createHash } from 'node:crypto';
import { cutText } from '../../identity/text-reference.ts';
import { gravity } from '../alerts/gravity.ts';

/** What befell an agent, in the words of a time bar. */
export interface Happened {
  readonly kind: 'violation' | 'failsafe' | 'stop';
  /** AlertLevel. */
  readonly level: number;
  readonly text: string;
}

const MOST_TEXT = 300;
/** Far longer than any signal that a kernel writes. */
const MOST_BODY = 64 * 1024;
const [INFO, ADVISORY, WARNING, CRITICAL] = [1, 2, 3, 4] as const;
const STOP_LEVEL: Readonly<Record<string, number>> = { normal: ADVISORY, protective: WARNING, emergency: CRITICAL };

/** As long as a mark's text may be, and nothing in it that a database cannot hold. */
export const markText = (text: string): string => cutText(text.replaceAll('\0', ''), MOST_TEXT);

/**
 * What a signal of the kernel says: the same whether it comes as a frame of the moment or as a recorded event.
 *
 * @returns null for what no mark is made of, and for what is not what its name says
 */
export function happenedIn(name: string, bodyJson: string): Happened | null {
  if ((name !== 'violation' && name !== 'failsafe') || bodyJson.length > MOST_BODY) return null;
  let body: Partial<Record<'violation' | 'change' | 'entry', unknown>> | null;
  try {
    body = JSON.parse(bodyJson);
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null) return null;
  if (name === 'violation') {
    const text = violationText(body.violation);
    return text === null ? null : { kind: 'violation', level: ADVISORY, text: markText(text) };
  }
  const { change, entry } = body;
  if (change !== 'raised' || typeof entry !== 'object' || entry === null) return null;
  const { action, cause, clear } = entry as { action?: unknown; cause?: unknown; clear?: unknown };
  const text = `${wordOf(action, 'failsafe')}: ${wordOf(cause, '')}`;
  return { kind: 'failsafe', level: gravity(wordOf(clear, '')), text: markText(text) };
}

/** A stop that began, or that ended where `now` is `none`. */
export function stopped(before: string, now: string): Happened {
  const text = now === 'none' ? `the ${before} stop has ended` : `${now} stop`;
  return { kind: 'stop', level: STOP_LEVEL[now] ?? INFO, text: markText(text) };
}

/** One id for one thing that happened, however often and by whichever way it comes. */
export function markIdOf(agentId: string, epoch: number, atUs: number, { kind, text }: Happened): string {
  const digest = createHash('sha256').update([agentId, epoch, atUs, kind, text].join('\0')).digest('base64url');
  return `e-${digest.slice(0, 22)}`;
}

/** Clocks go wrong by less: what an agent says of a later moment it cannot know. */
const AHEAD_US = 60_000_000;
/** The year 2000: a clock before that was never set. */
const CLOCKS_FROM_US = 946_684_800_000_000;

/** Whether who opened a chain at that wall time can have known it. */
export const hasClock = (openedUs: number): boolean => openedUs >= CLOCKS_FROM_US;

/**
 * Wall time of a moment of an agent: that of its opening, run on by its own time; where it cannot know the time, that of
 * when it was heard of.
 *
 * @param openedUs wall time at which agent time was 0; 0: it does not say
 */
export function wallTimeOf(openedUs: number, atUs: number, heardUs: number): number {
  const timeUs = openedUs + atUs;
  return !hasClock(openedUs) || timeUs > heardUs + AHEAD_US ? heardUs : timeUs;
}

const wordOf = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
/** Canonical JSON writes what JSON has no number for in another way; nobody is helped by its looks. */
const shown = (value: unknown): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(3))) : 'not a number';

/** @param broken @sigma/kernel's Violation, as it came */
function violationText(broken: unknown): string | null {
  if (typeof broken !== 'object' || broken === null) return null;
  const { kind, peer, what, command, quantity, expected, observed } = broken as Readonly<Record<string, unknown>>;
  if (kind === 'social') return `${wordOf(peer, 'a peer')} did not keep its promise: ${wordOf(what, '')}`;
  if (kind !== 'physical') return null;
  return `${wordOf(command, 'a command')}: ${wordOf(quantity, '')} was to be ${shown(expected)} and is ${shown(observed)}`;
}
