import {
  type ChainHead,
  type ChainId,
  decodeBlock,
  type Recording,
  type SnapshotPlace,
  type StoredBlock,
} from '@sigma/recorder';
import type { Hub } from '../../live/hub.ts';

/**
 * The hub's recording as it stood when it was opened, read block by block over the network. The hub is an untrusted
 * party here: what it sends is checked, never believed.
 */
export class HubRecording implements Recording {
  readonly #record: Hub['record'];
  #heads: readonly ChainHead[] | undefined;

  constructor(record: Hub['record']) {
    this.#record = record;
  }

  async heads(): Promise<readonly ChainHead[]> {
    if (this.#heads !== undefined) return this.#heads;
    const { heads } = await this.#record.listChains({});
    this.#heads = heads
      .map((head): ChainHead => {
        const { tenant, source, epoch, hash } = head;
        const [sequence, atUs, blocks] = [Number(head.sequence), Number(head.atUs), Number(head.blocks)];
        return { tenant, source, epoch, sequence, hash, atUs, blocks };
      })
      .sort((a, b) => byText(a.tenant, b.tenant) || byText(a.source, b.source) || a.epoch - b.epoch);
    return this.#heads;
  }

  /** Up to the head that was read first: what is written meanwhile belongs to the next look. */
  async *blocks(chain: ChainId, fromSequence: number, toSequence: number): AsyncIterable<StoredBlock> {
    const head = (await this.heads()).find(
      (one) => one.tenant === chain.tenant && one.source === chain.source && one.epoch === chain.epoch,
    );
    const last = Math.min(toSequence, head?.sequence ?? 0);
    if (last < fromSequence) return;
    const request = {
      source: chain.source,
      epoch: chain.epoch,
      fromSequence: BigInt(fromSequence),
      toSequence: BigInt(last),
    };
    for await (const { block, hash } of this.#record.readBlocks(request)) {
      yield { firstSequence: firstSequenceOf(block), bytes: block, hash };
    }
  }

  /** Verification starts from the first byte; the hub keeps no index of snapshots for strangers. */
  async snapshotBefore(): Promise<SnapshotPlace | null> {
    return null;
  }

  async close(): Promise<void> {}
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Where the block says it belongs; a block that cannot be read is filed under 0 and fails when it is checked. */
function firstSequenceOf(block: Uint8Array): number {
  try {
    return decodeBlock(block).firstSequence;
  } catch {
    return 0;
  }
}
