import { type Agent, createAgent, decodeState, step } from '@sigma/kernel';
import { decodeBlock, decodeEnvelope } from '../block.ts';
import { type ChainHead, EVENT_TYPE } from '../event.ts';
import type { Opening } from '../payload/opening.ts';
import { decodeSnapshot } from '../payload/snapshot.ts';
import { decodeSegment } from '../payload/stimulus-segment.ts';
import type { Recording } from '../store.ts';
import {
  FactGatherer,
  type FactsTerrain,
  type FactTable,
  factsOfStretch,
  joinedTables,
  type StretchFacts,
} from './facts.ts';
import type { TrialStretch } from './try-policy.ts';
import type { Trial } from './what-if.ts';

/** Facts of a chain with the block up to which they were gathered. */
export interface GatheredFacts {
  readonly table: FactTable;
  /** Last event of the block that holds the snapshot with which they end, and its hash; 0 and empty for none. */
  readonly blockEnd: number;
  readonly blockHash: Uint8Array;
}

/**
 * Runs a chain again and keeps what rules may read of it, stretch by stretch. What lies behind the last snapshot has no
 * facts.
 *
 * @param before facts of its beginning, to go on from @throws MalformedBytesError, StoreError
 */
export async function gatherFacts<World>(
  recording: Recording,
  head: ChainHead,
  opening: Opening,
  lived: Trial<World>['lived'],
  terrain: FactsTerrain<World>,
  before: GatheredFacts | null = null,
): Promise<GatheredFacts> {
  const gatherer = new FactGatherer(lived, terrain);
  const { model } = gatherer;
  const covered = before?.table.ends.at(-1) ?? 0;
  let agent: Agent<World> | null = null;
  if (opening.lineage === undefined && covered === 0) {
    const { source: id, tenant, role, seed, epoch, flags, config, atUs } = opening;
    agent = createAgent(model, { id, tenant, role, seed, epoch, flags, config, atUs });
  }
  let begun = covered;
  let end: Pick<GatheredFacts, 'blockEnd' | 'blockHash'> = before ?? { blockEnd: 0, blockHash: new Uint8Array() };
  for await (const { bytes, hash } of recording.blocks(head, Math.max(1, covered), head.sequence)) {
    const { events, firstSequence } = decodeBlock(bytes);
    for (const envelope of events) {
      const event = decodeEnvelope(envelope);
      if (event.sequence < covered) continue;
      if (event.type === EVENT_TYPE.snapshot) {
        if (agent === null) agent = decodeState(UTF8.decode(decodeSnapshot(event).state)) as Agent<World>;
        else gatherer.end(begun, event.sequence);
        begun = event.sequence;
        end = { blockEnd: firstSequence + events.length - 1, blockHash: hash };
      } else if (event.type === EVENT_TYPE.stimulusSegment && agent !== null) {
        for (const { atUs, inbox } of decodeSegment(event.data).wakes) agent = step(model, agent, inbox, atUs).agent;
      }
    }
  }
  const table = gatherer.table();
  const { blockEnd, blockHash } = end;
  return { table: before === null ? table : joinedTables(before.table, table), blockEnd, blockHash };
}

/**
 * The parts of a chain that have to be run again: where the facts cannot say that nothing differs, and what they do not
 * cover.
 *
 * @param span the time that is asked for, and the snapshot to begin with where there are no facts
 */
export function stretchesToTry<World>(
  table: FactTable,
  terrain: Pick<FactsTerrain<World>, 'facts'>,
  mayDiffer: (facts: StretchFacts) => boolean,
  head: ChainHead,
  span: { readonly fromUs: number; readonly untilUs: number; readonly first: number },
): readonly TrialStretch[] {
  const stretches: { snapshot: number; last: number }[] = [];
  const add = (snapshot: number, last: number): void => {
    const before = stretches.at(-1);
    if (before !== undefined && before.last === snapshot) before.last = last;
    else stretches.push({ snapshot, last });
  };
  for (let k = 0; k < table.snapshots.length; k++) {
    const asked = (table.untilUs[k] as number) >= span.fromUs && (table.fromUs[k] as number) < span.untilUs;
    if (asked && mayDiffer(factsOfStretch(terrain, table, k)))
      add(table.snapshots[k] as number, table.ends[k] as number);
  }
  const covered = table.ends.at(-1) ?? span.first;
  if (head.sequence > covered) add(covered, head.sequence);
  return stretches;
}

const UTF8 = new TextDecoder();
