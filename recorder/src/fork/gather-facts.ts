import { type Agent, createAgent, decodeState, step } from '@sigma/kernel';
import { decodeBlock, decodeEnvelope } from '../block.ts';
import { type ChainHead, EVENT_TYPE } from '../event.ts';
import type { Opening } from '../payload/opening.ts';
import { decodeSnapshot } from '../payload/snapshot.ts';
import { decodeSegment } from '../payload/stimulus-segment.ts';
import type { Recording } from '../store.ts';
import { isStub } from '../sync/gap.ts';
import { decisionNumber } from './decision-events.ts';
import { FactCollector } from './fact-collector.ts';
import type { FactsTerrain, KeptStretch } from './facts.ts';
import type { Trial } from './what-if.ts';

/**
 * Runs a chain again and keeps what rules may read of it, stretch by stretch. What lies behind the last snapshot has no
 * facts, nor has what lies around dropped events (R127): from the snapshot before them to the one after.
 *
 * @param after the last stretch that is known already; from the beginning without one
 * @throws MalformedBytesError, StoreError
 */
export async function* gatherFacts<World>(
  recording: Recording,
  head: ChainHead,
  opening: Opening,
  lived: Trial<World>['lived'],
  terrain: FactsTerrain<World>,
  after: Omit<KeptStretch, 'bytes'> | null = null,
): AsyncIterable<KeptStretch> {
  const collector = new FactCollector(lived, terrain);
  const { model } = collector;
  const covered = after?.end ?? 0;
  let agent: Agent<World> | null = null;
  if (opening.lineage === undefined && covered === 0) {
    const { source: id, tenant, role, seed, epoch, flags, config, atUs } = opening;
    agent = createAgent(model, { id, tenant, role, seed, epoch, flags, config, atUs });
  }
  let begun = covered;
  let fromHash = after?.blockHash ?? new Uint8Array();
  let isLost = false;
  for await (const { bytes, hash } of recording.blocks(head, Math.max(1, covered), head.sequence)) {
    if (isStub(bytes)) {
      agent = null;
      isLost = true;
      continue;
    }
    const { events, firstSequence } = decodeBlock(bytes);
    for (const envelope of events) {
      const event = decodeEnvelope(envelope);
      if (event.sequence < covered) continue;
      if (event.type === EVENT_TYPE.decision) collector.decided(decisionNumber(event.data), event.sequence);
      else if (event.type === EVENT_TYPE.snapshot) {
        if (agent === null) {
          agent = decodeState(UTF8.decode(decodeSnapshot(event).state)) as Agent<World>;
          // What was gathered before the gap, and decisions behind it, belong to no stretch.
          if (isLost) {
            collector.take();
            fromHash = hash;
            isLost = false;
          }
        } else {
          const blockEnd = firstSequence + events.length - 1;
          const bounds = { snapshot: begun, end: event.sequence, untilUs: event.atUs };
          yield { ...bounds, blockEnd, blockHash: hash, fromHash, bytes: collector.take() };
          fromHash = hash;
        }
        begun = event.sequence;
      } else if (event.type === EVENT_TYPE.stimulusSegment && agent !== null) {
        for (const { atUs, inbox } of decodeSegment(event.data).wakes) {
          agent = step(model, agent, inbox, atUs).agent;
          collector.concluded(agent);
        }
      }
    }
  }
}

const UTF8 = new TextDecoder();
