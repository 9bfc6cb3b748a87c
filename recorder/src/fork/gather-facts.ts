import { type Agent, createAgent, decodeState, step } from '@sigma/kernel';
import type { ChainHead } from '../event.ts';
import type { Opening } from '../payload/opening.ts';
import { decodeSnapshot } from '../payload/snapshot.ts';
import { decodeSegment, EVERYTHING } from '../payload/stimulus-segment.ts';
import type { Recording } from '../store.ts';
import { FactCollector } from './fact-collector.ts';
import type { FactsTerrain, KeptStretch } from './facts.ts';
import { type LivedStretch, livedStretches } from './lived-stretches.ts';
import type { Trial } from './what-if.ts';

/**
 * Runs a chain again and keeps what rules may read of it, stretch by stretch. What lies behind the last snapshot has no
 * facts, nor has what lies around dropped events (R127): from the snapshot before them to the one after.
 *
 * @param from sequence of the snapshot to begin at, 0 for the beginning of the chain
 * @throws MalformedBytesError, StoreError
 */
export async function* gatherFacts<World>(
  recording: Recording,
  head: ChainHead,
  opening: Opening,
  lived: Trial<World>['lived'],
  terrain: FactsTerrain<World>,
  from = 0,
): AsyncIterable<KeptStretch> {
  const gatherer = new FactGatherer(opening, lived, terrain);
  // A fork begins with a snapshot (R111).
  const first = Math.max(from, opening.lineage === undefined ? 0 : 2);
  for await (const stretch of livedStretches(recording, head, first, head.sequence)) yield gatherer.gather(stretch);
}

/** Runs stretches of a chain again and gathers their facts. */
export class FactGatherer<World> {
  /** Cycles run. */
  wakes = 0;
  readonly #opening: Opening;
  readonly #collector: FactCollector<World>;
  #agent: Agent<World> | null = null;
  /** The snapshot at which the agent stands. */
  #place = -1;

  constructor(opening: Opening, lived: Trial<World>['lived'], terrain: FactsTerrain<World>) {
    this.#opening = opening;
    this.#collector = new FactCollector(lived, terrain);
  }

  /** The belief at the end of what was gathered last. */
  get world(): World | null {
    return this.#agent?.world ?? null;
  }

  /** @throws MalformedBytesError */
  gather(stretch: LivedStretch): KeptStretch {
    const { snapshot, end, untilUs, blockEnd, blockHash, fromHash, segments, decisions } = stretch;
    const collector = this.#collector;
    const { model } = collector;
    let agent = snapshot === this.#place && this.#agent !== null ? this.#agent : this.#beginning(stretch);
    for (const segment of segments) {
      const { wakes } = decodeSegment(segment, EVERYTHING);
      this.wakes += wakes.length;
      for (const { atUs, inbox } of wakes) {
        agent = step(model, agent, inbox, atUs).agent;
        collector.concluded(agent);
      }
    }
    for (const [number, event] of decisions) collector.decided(number, event);
    this.#agent = agent;
    this.#place = end;
    return { snapshot, end, untilUs, blockEnd, blockHash, fromHash, bytes: collector.take() };
  }

  #beginning({ state }: LivedStretch): Agent<World> {
    if (state !== null) return stateOf(state);
    const { source: id, tenant, role, seed, epoch, flags, config, atUs } = this.#opening;
    return createAgent(this.#collector.model, { id, tenant, role, seed, epoch, flags, config, atUs });
  }
}

/** The agent that a snapshot holds. @throws MalformedBytesError */
export const stateOf = <World>(event: Parameters<typeof decodeSnapshot>[0]): Agent<World> =>
  decodeState(UTF8.decode(decodeSnapshot(event).state)) as Agent<World>;

const UTF8 = new TextDecoder();
