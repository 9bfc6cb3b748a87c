import { decodeBlock, decodeEnvelope } from '../block.ts';
import type { ChainId, RecordedEvent } from '../event.ts';
import type { Recording, StoredBlock } from '../store.ts';
import { decodeStub, isStub, stubCount } from '../sync/gap.ts';

/** Events that a bounded recording had to drop (R127), next to each other. */
export interface DroppedStretch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Agent time of the last of them. */
  readonly lastAtUs: number;
}

/** What was dropped where this block stood; null of a block that is there. */
export function droppedIn({ bytes }: Pick<StoredBlock, 'bytes'>): DroppedStretch | null {
  if (!isStub(bytes)) return null;
  const stub = decodeStub(bytes);
  const { firstSequence, lastAtUs } = stub;
  return { firstSequence, lastSequence: firstSequence + stubCount(stub) - 1, lastAtUs };
}

/** Events of a chain that are still there, both ends inclusive. @throws MalformedBytesError, StoreError */
export async function* keptEvents(
  recording: Recording,
  chain: ChainId,
  fromSequence = 1,
  toSequence = Number.MAX_SAFE_INTEGER,
): AsyncIterable<RecordedEvent> {
  for await (const { bytes } of recording.blocks(chain, fromSequence, toSequence)) {
    if (isStub(bytes)) continue;
    for (const envelope of decodeBlock(bytes).events) {
      const event = decodeEnvelope(envelope);
      if (event.sequence >= fromSequence && event.sequence <= toSequence) yield event;
    }
  }
}

/** Whether any of these events was dropped. */
export async function isDropped(
  recording: Recording,
  chain: ChainId,
  fromSequence: number,
  toSequence: number,
): Promise<boolean> {
  for await (const { bytes } of recording.blocks(chain, fromSequence, toSequence)) if (isStub(bytes)) return true;
  return false;
}
