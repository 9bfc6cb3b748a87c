import {
  type BlockStore,
  type ChainHead,
  type ChainId,
  decodeBlock,
  decodeEnvelope,
  decodeStub,
  EVENT_TYPE,
  isStub,
  type Recording,
  type SealedBlock,
  type Sha256,
  type StoredBlock,
  sealStub,
  siteHead,
} from '../src/index.ts';

export interface Restored {
  readonly heads: readonly ChainHead[];
  /** Site head (R13) of what was written: that of the recording it came from. */
  readonly head: string;
  readonly blocks: number;
  readonly events: number;
}

/** What was written back is not what was archived. */
export class RestoreDiffersError extends Error {
  constructor(expected: string, found: string) {
    super(`The restored recording has the head ${found}, and the original ${expected}`);
    this.name = 'RestoreDiffersError';
  }
}

/** Blocks, and bytes, that are written in one commit. */
const MOST_BLOCKS = 512;
const MOST_BYTES = 4 << 20;

/**
 * Writes every block of a recording (an archive, or an archive with what is hot behind it) into an empty store, byte for
 * byte, and compares the heads (R166).
 *
 * @throws RestoreDiffersError, ForeignBlockError where the blocks are no chain, StoreError
 */
export async function restoreRecording(
  from: Recording,
  into: BlockStore,
  sha256: Sha256,
  progress?: (chain: ChainId, sequence: number) => void,
): Promise<Restored> {
  let [blocks, events] = [0, 0];
  const heads = await from.heads();
  for (const head of heads) {
    let group: SealedBlock[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      if (group.length > 0) await into.append(group);
      [group, bytes] = [[], 0];
    };
    for await (const stored of from.blocks(head, 1, head.sequence)) {
      const block = sealed(head, stored);
      group.push(block);
      bytes += block.bytes.length;
      blocks++;
      events += block.count;
      if (group.length < MOST_BLOCKS && bytes < MOST_BYTES) continue;
      await flush();
      progress?.(head, block.firstSequence + block.count - 1);
    }
    await flush();
  }
  const expected = siteHead(heads, sha256);
  const written = await into.heads();
  const head = siteHead(written, sha256);
  if (head !== expected) throw new RestoreDiffersError(expected, head);
  return { heads: written, head, blocks, events };
}

/** A stored block with what a store wants to know of it. @throws MalformedBytesError, NewerFormatError */
function sealed({ tenant, source, epoch }: ChainId, { firstSequence, bytes, hash }: StoredBlock): SealedBlock {
  if (isStub(bytes)) return sealStub(decodeStub(bytes));
  const content = decodeBlock(bytes);
  const events = content.events.map(decodeEnvelope);
  const snapshots = events
    .filter((event) => event.type === EVENT_TYPE.snapshot)
    .map(({ sequence, atUs }) => ({ sequence, atUs }));
  return {
    tenant,
    source,
    epoch,
    bytes,
    hash,
    previousHash: content.previousHash,
    firstSequence,
    count: events.length,
    firstAtUs: events[0]?.atUs ?? 0,
    lastAtUs: events[events.length - 1]?.atUs ?? 0,
    snapshots,
  };
}
