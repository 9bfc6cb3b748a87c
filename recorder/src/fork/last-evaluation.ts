import type { Rates, Stimulus } from '@sigma/kernel';
import { decodeSegment } from '../payload/stimulus-segment.ts';
import type { LivedStretch } from './lived-stretches.ts';

/**
 * When the rules of a situation were evaluated last in a stretch, by what is on record alone: at a wake whose number says
 * so, unless something interrupted the agent behind it (kernel K5). A violation, a change of the chain or of the failsafe
 * is on record as an event of that moment, whatever else interrupts is a stimulus.
 *
 * @param wakes how many there are in it
 * @param wakesBefore how many the agent had lived before it
 * @returns agent time; null where it takes the life itself to tell
 */
export function lastEvaluation(
  { segments, saidUs }: LivedStretch,
  wakes: number,
  wakesBefore: number,
  { situationEvery, supervisionEvery }: Rates,
): number | null {
  let number = wakesBefore + wakes;
  for (const segment of segments.toReversed()) {
    for (const { atUs, inbox } of decodeSegment(segment, INTERRUPTIONS).wakes.toReversed()) {
      if (number % situationEvery === 0 || number % supervisionEvery === 0) return saidUs > atUs ? null : atUs;
      if (inbox.some(interrupts)) return null;
      number--;
    }
  }
  return null;
}

const INTERRUPTIONS = { channels: new Set<string>(), topics: new Set<string>() };

const interrupts = ({ kind }: Stimulus): boolean =>
  kind === 'order' || kind === 'plan' || kind === 'result' || kind === 'signal';
