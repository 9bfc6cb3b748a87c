import type { ChainId } from './event.ts';
import { eventsOf, type Materialised, NoSuchEventError, Playback } from './playback.ts';
import type { Reexecutors } from './reexecutor.ts';
import type { Recording } from './store.ts';

/** The moment to materialise: agent time in microseconds, or an event, meaning the agent time it happened at. */
export type Moment = number | { readonly chain: ChainId; readonly sequence: number };

/**
 * The whole site at one moment: for each source its last snapshot before it, then the kernel run on from there over
 * the recorded inputs, wakes at that very microsecond included. Who asks for one moment after another keeps a `Playback`.
 *
 * @throws NoSuchEventError, MalformedBytesError, StoreError. Does not verify: `verify` does.
 */
export async function replayAt(
  recording: Recording,
  moment: Moment,
  reexecutors: Reexecutors,
): Promise<readonly Materialised[]> {
  return new Playback(recording, reexecutors).at(await momentUs(recording, moment));
}

/** @throws NoSuchEventError when the recording holds no such event */
export async function momentUs(recording: Recording, moment: Moment): Promise<number> {
  if (typeof moment === 'number') return moment;
  const { chain, sequence } = moment;
  for await (const event of eventsOf(recording, chain, sequence, sequence)) return event.atUs;
  throw new NoSuchEventError(chain, sequence);
}
