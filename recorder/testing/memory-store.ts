import {
  type BlockStore,
  byChain,
  type ChainHead,
  type ChainId,
  ForeignBlockError,
  NO_BLOCK,
  type RunRecording,
  runOf,
  type SealedBlock,
  sameBytes,
} from '../src/index.ts';

/**
 * A recording in memory, for tests that alter blocks and for the contract suite to be examined by. Keeps every rule of
 * the port but durability. `rows` is open so that a test can do what a vandal would.
 */
export class MemoryStore implements BlockStore, RunRecording {
  readonly rows: SealedBlock[] = [];

  async append(blocks: readonly SealedBlock[]): Promise<void> {
    const fresh: SealedBlock[] = [];
    for (const block of blocks) {
      const chain = [...this.rows, ...fresh].filter((row) => sameChain(row, block));
      const twin = chain.find((row) => row.firstSequence === block.firstSequence);
      if (twin !== undefined && sameBytes(twin.hash, block.hash)) continue;
      const last = chain[chain.length - 1];
      const end = last === undefined ? 0 : last.firstSequence + last.count - 1;
      if (block.firstSequence !== end + 1 || !sameBytes(block.previousHash, last?.hash ?? NO_BLOCK)) {
        throw new ForeignBlockError(block, block.firstSequence, `the recording ends at ${end}`);
      }
      fresh.push(block);
    }
    this.rows.push(...fresh);
  }

  async heads(): Promise<readonly ChainHead[]> {
    const heads = new Map<string, ChainHead>();
    for (const block of this.rows) {
      const { tenant, source, epoch, hash, lastAtUs: atUs, firstSequence, count } = block;
      const key = `${tenant}\0${source}\0${epoch}`;
      const blocks = (heads.get(key)?.blocks ?? 0) + 1;
      heads.set(key, { tenant, source, epoch, hash, atUs, blocks, sequence: firstSequence + count - 1 });
    }
    return [...heads.values()].sort(byChain);
  }

  async *blocks(chain: ChainId, fromSequence: number, toSequence: number) {
    for (const row of this.rows) {
      if (!sameChain(row, chain) || row.firstSequence > toSequence) continue;
      if (row.firstSequence + row.count > fromSequence) yield row;
    }
  }

  async run(chain: ChainId, fromSequence: number, toSequence: number, mostBlocks: number) {
    const blocks: SealedBlock[] = [];
    for await (const block of this.blocks(chain, fromSequence, toSequence)) blocks.push(block);
    return runOf(blocks.slice(0, mostBlocks));
  }

  async packAt() {
    return null;
  }

  async unpackedTo() {
    return Number.MAX_SAFE_INTEGER;
  }

  async snapshotBefore(chain: ChainId, atUs: number) {
    const places = this.rows
      .filter((row) => sameChain(row, chain))
      .flatMap(({ snapshots, firstSequence }) => snapshots.map((mark) => ({ ...mark, blockSequence: firstSequence })));
    return places.filter((place) => place.atUs <= atUs).at(-1) ?? null;
  }

  async close(): Promise<void> {}
}

const sameChain = (a: ChainId, b: ChainId): boolean =>
  a.tenant === b.tenant && a.source === b.source && a.epoch === b.epoch;
