import { eventsOf, type Followed, followedEvents, isStub, type Life, LifeReader, LostLifeError } from '@sigma/recorder';
import { ForkRefusedError } from './fork-request.ts';

/** The time of the world goes in such steps. */
const STEP_US = 10_000;
/** So many stretches that were lost one after another are looked through for a moment at which everybody is known. */
const MOST_LOOKS = 200;

/**
 * Refuses a moment at which somebody's life cannot be run because events were dropped (recorder/SPEC.md R127), and names
 * the nearest ones at which everybody's can.
 *
 * @throws ForkRefusedError, StoreError, MalformedBytesError
 */
export async function mustBeKnown(lives: readonly Life[], atUs: number): Promise<void> {
  const first = await lostAt(lives, atUs);
  if (first === null) return;
  const before = await nearest(lives, first, ({ lost }) => Math.floor(lost.fromUs / STEP_US) * STEP_US);
  const after = await nearest(lives, first, ({ lost }) =>
    lost.untilUs === null ? null : (Math.floor(lost.untilUs / STEP_US) + 1) * STEP_US,
  );
  const moments = [before, after].filter((one) => one !== null).map((us) => `${(us / 1e6).toFixed(2)} s`);
  const wayOut = moments.length === 0 ? 'no other moment is known' : `the nearest moments are ${moments.join(' and ')}`;
  throw new ForkRefusedError(`${first.message}; ${wayOut}`);
}

/**
 * Agent time of an event in the newest recording of a life.
 *
 * @throws ForkRefusedError when there is none, or it was dropped: then with the nearest that are there
 */
export async function momentOfEvent({ source, pieces }: Life, sequence: number): Promise<number> {
  const { recording, head } = pieces.at(-1) as Life['pieces'][number];
  for await (const { bytes } of recording.blocks(head, sequence, sequence)) {
    if (isStub(bytes)) throw await droppedAt(source, followedEvents(recording, head, sequence), sequence);
    for await (const { atUs } of eventsOf(recording, head, sequence, sequence)) return atUs;
  }
  throw new ForkRefusedError(`${source} has no event ${sequence}; its events are 1 to ${head.sequence}`);
}

async function droppedAt(source: string, events: AsyncIterable<Followed>, sequence: number): Promise<ForkRefusedError> {
  for await (const followed of events) {
    if (followed.type !== 'lost') continue;
    const { firstSequence, lastSequence, resumedAt } = followed.lost;
    const behind = resumedAt === 0 ? '' : ` and ${source}#${resumedAt + 1}`;
    const nearest = `the nearest that can be forked are ${source}#${firstSequence - 1}${behind}`;
    return new ForkRefusedError(
      `${source}#${sequence} was dropped for want of room, with events ${firstSequence} to ${lastSequence}; ${nearest}`,
    );
  }
  return new ForkRefusedError(`${source}#${sequence} was dropped for want of room`);
}

async function nearest(
  lives: readonly Life[],
  first: LostLifeError,
  next: (lost: LostLifeError) => number | null,
): Promise<number | null> {
  let lost: LostLifeError | null = first;
  for (let looks = 0; lost !== null && looks < MOST_LOOKS; looks++) {
    const atUs: number | null = next(lost);
    if (atUs === null || atUs <= 0 || !lives.some(({ endUs }) => endUs >= atUs)) return null;
    lost = await lostAt(lives, atUs);
    if (lost === null) return atUs;
  }
  return null;
}

/** Why the first of these lives cannot be run at a moment, or null when all can. */
async function lostAt(lives: readonly Life[], atUs: number): Promise<LostLifeError | null> {
  for (const life of lives) {
    if ((life.pieces[0]?.fromUs ?? 0) >= atUs) continue;
    try {
      await LifeReader.leadingUpTo(life, atUs, atUs - 1);
    } catch (error) {
      if (error instanceof LostLifeError) return error;
      throw error;
    }
  }
  return null;
}
