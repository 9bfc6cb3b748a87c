import type { Agent, Decision } from '@sigma/kernel';
import {
  type Alternative,
  alternativesOf,
  decodeDecision,
  EVENT_TYPE,
  followedEvents,
  type Life,
  type Timeline,
} from '@sigma/recorder';
import { modelsOn } from '../recording.ts';
import { stateAfter } from './alternatives-at.ts';
import { LivedWorld } from './lived-world.ts';

/** A rejected alternative with its place on record. */
export interface PlacedAlternative {
  readonly agent: string;
  readonly event: number;
  readonly atUs: number;
  readonly alternative: Alternative;
}

/** Everything that robots of a timeline rejected. */
export interface RejectedIn {
  /** Decisions, and those of them that rejected something. */
  readonly decisions: number;
  readonly rejecting: number;
  readonly alternatives: readonly PlacedAlternative[];
}

/**
 * Walks through every decision of the newest recording of each robot's life: what it rejected, and how each could be run or
 * why it cannot.
 *
 * @param onProgress lives done, of so many @throws ForkRefusedError, StoreError, MalformedBytesError
 */
export async function alternativesIn(
  timeline: Timeline,
  options: { readonly onProgress?: (done: number, of: number) => void; readonly signal?: AbortSignal } = {},
): Promise<RejectedIn> {
  const lives = timeline.lives.filter(({ opening }) => opening.model === 'fleet');
  const simulated = LivedWorld.lifeIn(timeline.lives) !== null;
  const models = await modelsOn(timeline);
  const alternatives: PlacedAlternative[] = [];
  let decisions = 0;
  let rejecting = 0;
  for (const [k, life] of lives.entries()) {
    const { recording, head } = life.pieces.at(-1) as Life['pieces'][number];
    for await (const followed of followedEvents(recording, head, 1)) {
      if (followed.type === 'lost') continue;
      const { type, data, atUs, sequence } = followed.event;
      if (type !== EVENT_TYPE.decision) continue;
      options.signal?.throwIfAborted();
      decisions++;
      const decision = decodeDecision(data, atUs);
      if (decision.rejected.length === 0) continue;
      rejecting++;
      const agent = needsState(decision, simulated) ? await stateAfter(models, life, atUs) : stranger(life);
      for (const alternative of alternativesOf({ decision, agent, simulated }))
        alternatives.push({ agent: life.source, event: sequence, atUs, alternative });
    }
    options.onProgress?.(k + 1, lives.length);
  }
  return { decisions, rejecting, alternatives };
}

/** Only what lost to safety depends on the conditions that stood. */
const needsState = ({ chosen }: Decision, simulated: boolean): boolean => simulated && chosen?.authority === 'safety';

const stranger = ({ source }: Life): Pick<Agent<unknown>, 'id' | 'failsafe'> => ({
  id: source,
  failsafe: {
    entries: [],
    delayLeftUs: {},
    selected: null,
    selectedBy: null,
    takeover: false,
    deferUntilUs: null,
    updatedUs: 0,
  },
});
