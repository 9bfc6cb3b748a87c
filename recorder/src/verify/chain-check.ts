import { type BlockScan, NO_BLOCK, scanBlock } from '../block.ts';
import { type ChainId, chainName, hexOfBytes, type Sha256, sameBytes } from '../event.ts';
import type { StoredBlock } from '../store.ts';
import { decodeStub, isStub, type Stub, stubCount } from '../sync/gap.ts';
import type { Failure, FailureKind, Sides } from './report.ts';

/** A block that is as it was written, or what is wrong with it and where. */
export type BlockVerdict =
  | ({ readonly ok: true; readonly scan: BlockScan } & Before)
  /** In the place of blocks that were dropped. A gap further on must say so. */
  | ({ readonly ok: true; readonly scan: null; readonly stub: Stub } & Before)
  | ({ readonly ok: false; readonly failure: Failure } & Before);

/** What lies between this block and the last one. */
interface Before {
  /** Events that are missing. */
  readonly gap: Failure | null;
  /** Events of the damaged block before this one, whose failure is already told. */
  readonly extent: { readonly fromSequence: number; readonly toSequence: number } | null;
}

const NO_SIDES: Sides = { recorded: null, expected: null };

/**
 * Walks one chain block by block: hash over the stored bytes, link to the block before, sequence, owner, time. Goes on
 * behind a damaged block, so that every damage is named and what lies between them still counts.
 */
export class ChainCheck {
  readonly #chain: ChainId;
  readonly #sha256: Sha256;
  /** Hashes the next block may link to: that of the last block's bytes and, behind a damaged one, the one stored beside it. */
  #links: readonly Uint8Array[] = [NO_BLOCK];
  #sequence = 0;
  #atUs = 0;
  #blocks = 0;
  #endOpen = false;

  constructor(chain: ChainId, sha256: Sha256) {
    this.#chain = chain;
    this.#sha256 = sha256;
  }

  /** Last sequence reached, damaged blocks included. */
  get sequence(): number {
    return this.#sequence;
  }

  /** True when the last block is damaged, so that nobody knows how far it reaches. */
  get endOpen(): boolean {
    return this.#endOpen;
  }

  get atUs(): number {
    return this.#atUs;
  }

  get blocks(): number {
    return this.#blocks;
  }

  /** Hash of the last block's bytes. */
  get hash(): Uint8Array {
    return this.#links[0] ?? NO_BLOCK;
  }

  check(block: StoredBlock): BlockVerdict {
    this.#blocks++;
    if (isStub(block.bytes)) return this.#stub(block);
    const hash = this.#sha256(block.bytes);
    const before = this.#links;
    const intact = sameBytes(hash, block.hash);
    this.#links = intact ? [hash] : [hash, block.hash];
    const filed = block.firstSequence;
    const expected = this.#sequence + 1;
    const content = read(block.bytes);
    const linked = !(content instanceof Error) && before.some((link) => sameBytes(link, content.previousHash));
    const behindDamage = this.#endOpen;
    this.#endOpen = !intact || content instanceof Error;
    // What a damaged block says of its length is worth nothing: it reaches up to the block that links to it.
    const hole = filed > expected ? { fromSequence: expected, toSequence: filed - 1 } : null;
    const extent = behindDamage && linked ? hole : null;
    const gap =
      hole === null || extent !== null ? null : this.failure('missing', expected, filed - 1, 'these are gone');
    const end = this.#endOpen || content instanceof Error ? filed : filed + content.sequences.length - 1;
    this.#sequence = Math.max(this.#sequence, end);
    const fail = (kind: FailureKind, what: string, sides?: Sides): BlockVerdict => ({
      ok: false,
      failure: this.failure(kind, filed, end, what, sides),
      gap,
      extent,
    });
    if (!intact) {
      const sides = { recorded: hexOfBytes(block.hash), expected: hexOfBytes(hash) };
      return fail(
        'bytes',
        'the block that begins here does not hold the bytes that were hashed when it was written',
        sides,
      );
    }
    if (content instanceof Error) return fail('format', content.message);
    const { tenant, source, epoch } = this.#chain;
    if (content.tenant !== tenant || content.source !== source || content.epoch !== epoch) {
      const sides = { recorded: chainName(content), expected: chainName(this.#chain) };
      return fail('foreign', `the block belongs to ${chainName(content)}`, sides);
    }
    const disorder = filed < expected ? `${expected} belongs here` : this.#disorder(content, filed);
    if (disorder !== null) return fail('order', disorder);
    if (gap === null && !linked) {
      const sides = { recorded: hexOfBytes(content.previousHash), expected: hexOfBytes(before[0] ?? NO_BLOCK) };
      return fail('link', 'it does not carry the hash of the block before it: one of the two was replaced', sides);
    }
    return { ok: true, scan: content, gap, extent };
  }

  #stub({ firstSequence: filed, hash, bytes }: StoredBlock): BlockVerdict {
    const [links, expected, behindDamage] = [this.#links, this.#sequence + 1, this.#endOpen];
    this.#links = [hash];
    this.#endOpen = false;
    const stub = readStub(bytes);
    const hole = filed > expected ? { fromSequence: expected, toSequence: filed - 1 } : null;
    const linked = !(stub instanceof Error) && links.some((link) => sameBytes(link, stub.previousHash));
    const extent = behindDamage && linked ? hole : null;
    const gap =
      hole === null || extent !== null ? null : this.failure('missing', expected, filed - 1, 'these are gone');
    const end = stub instanceof Error ? filed : filed + stubCount(stub) - 1;
    this.#sequence = Math.max(this.#sequence, end);
    const fail = (kind: FailureKind, what: string): BlockVerdict => {
      return { ok: false, failure: this.failure(kind, filed, end, what), gap, extent };
    };
    if (stub instanceof Error) return fail('format', stub.message);
    const { tenant, source, epoch } = this.#chain;
    if (stub.tenant !== tenant || stub.source !== source || stub.epoch !== epoch) {
      return fail('foreign', `the stub belongs to ${chainName(stub)}`);
    }
    if (stub.firstSequence !== filed || filed < expected) {
      return fail('order', `a stub for event ${stub.firstSequence} on stands where ${expected} belongs`);
    }
    if (!sameBytes(stub.dropped.at(-1)?.hash ?? NO_BLOCK, hash)) {
      return fail('bytes', 'the stub is not filed under the hash of the last block that it stands for');
    }
    if (gap === null && !linked) return fail('link', 'the stub does not carry the hash of the block before it');
    this.#atUs = Math.max(this.#atUs, stub.lastAtUs);
    return { ok: true, scan: null, stub, gap, extent };
  }

  #disorder({ firstSequence: first, sequences, atUs: times }: BlockScan, filed: number): string | null {
    if (first !== filed) return `a block that begins with event ${first} stands where ${filed} belongs`;
    for (let i = 0; i < sequences.length; i++) {
      const sequence = sequences[i] as number;
      const atUs = times[i] as number;
      if (sequence !== first + i) return `event ${sequence} stands where ${first + i} belongs`;
      if (atUs < this.#atUs) return `event ${sequence} is dated ${atUs} us, after one of ${this.#atUs} us`;
      this.#atUs = atUs;
    }
    return null;
  }

  failure(kind: FailureKind, fromSequence: number, toSequence: number, what: string, sides: Sides = NO_SIDES): Failure {
    const where = toSequence > fromSequence ? `events ${fromSequence} to ${toSequence}` : `event ${fromSequence}`;
    const message = `${chainName(this.#chain)}, ${where}: ${what}`;
    return { kind, fromSequence, toSequence, message, recorded: sides.recorded, expected: sides.expected };
  }
}

function readStub(bytes: Uint8Array): Stub | Error {
  try {
    return decodeStub(bytes);
  } catch (error) {
    return error as Error;
  }
}

function read(bytes: Uint8Array): BlockScan | Error {
  try {
    return scanBlock(bytes);
  } catch (error) {
    return error as Error;
  }
}
