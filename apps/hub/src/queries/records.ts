import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { RecordService } from '@sigma/proto';
import {
  type ChainHead,
  type ChainId,
  chainName,
  decodeBlock,
  decodeEnvelope,
  decodeOpening,
  NoSuchEventError,
  type Opening,
  type Recording,
  TilesDifferError,
} from '@sigma/recorder';
import { limitOf, momentOf, type Roles } from './context.ts';
import { findMarks } from './marks.ts';
import { TooManyProofsError } from './proof-desk.ts';
import { readStretches } from './record-stretches.ts';

/** What of a recording the hub shows: any store of the recorder, and where it lies. */
export interface BlockReader extends Pick<Recording, 'heads' | 'blocks' | 'snapshotBefore'> {
  readonly path: string;
}

const DEFAULT_MARKS = 1_000;
const MOST_MARKS = 10_000;
/** First try for the snapshot after a moment; each further one looks twice as far ahead. */
const LOOK_AHEAD_US = 10_000_000;

export const recordQueries = (roles: Roles): ServiceImpl<typeof RecordService> => ({
  ...blockQueries(roles),
  listMarks: (request) => findMarks(roles, request, limitOf(request.limit, DEFAULT_MARKS, MOST_MARKS)),
  proveEvent: async ({ source, epoch, sequence }) => {
    const chain = { tenant: roles.tenant, source, epoch };
    try {
      return await roles.proofs.prove(chain, Number(sequence));
    } catch (error) {
      throw refusedProof(error, chain);
    }
  },
});

function refusedProof(error: unknown, chain: ChainId): unknown {
  if (error instanceof NoSuchEventError) return new ConnectError(error.message, Code.NotFound);
  if (error instanceof TooManyProofsError) return new ConnectError(error.message, Code.ResourceExhausted);
  if (!(error instanceof TilesDifferError)) return error;
  const what = `nothing is proved of ${chainName(chain)}: ${error.message}. Verify the recording`;
  return new ConnectError(what, Code.DataLoss);
}

/** Everything that is answered from the recording alone. */
export function blockQueries(
  roles: Pick<Roles, 'tenant' | 'blocks'>,
): Omit<ServiceImpl<typeof RecordService>, 'listMarks' | 'proveEvent'> {
  /** [L7] a recording may hold chains of others. */
  const ownHeads = async () => (await roles.blocks.heads()).filter((head) => head.tenant === roles.tenant);
  const openings = new Openings(roles.blocks);
  return {
    listChains: async () => {
      const heads = (await ownHeads()).map((head) => ({
        ...head,
        sequence: BigInt(head.sequence),
        atUs: BigInt(head.atUs),
        blocks: BigInt(head.blocks),
      }));
      return { heads, path: roles.blocks.path };
    },
    async *readBlocks({ source, epoch, fromSequence, toSequence }, context) {
      const wanted = (await ownHeads()).filter(
        (head) => source === '' || (head.source === source && head.epoch === epoch),
      );
      if (source !== '' && wanted.length === 0) {
        throw new ConnectError(`nothing is recorded of '${source.slice(0, 63)}' in epoch ${epoch}`, Code.NotFound);
      }
      for (const head of wanted) {
        const to = toSequence === 0n ? head.sequence : Number(toSequence);
        for await (const { bytes, hash } of roles.blocks.blocks(head, Math.max(1, Number(fromSequence)), to)) {
          if (context.signal.aborted) return;
          yield { block: bytes, hash };
        }
      }
    },
    async *readStretches(request, { signal }) {
      yield* readStretches(roles.blocks, await ownHeads(), request, signal);
    },
    locateMoment: async ({ timeUs }) => {
      const momentUs = momentOf(timeUs, 'time_us');
      const lives = await Promise.all((await ownHeads()).map(async (head) => ({ head, ...(await openings.of(head)) })));
      const present = lives.filter(({ head, beganUs }) => {
        const next = lives.some(
          (one) => one.head.source === head.source && one.head.epoch > head.epoch && one.beganUs <= momentUs,
        );
        return beganUs <= momentUs && !next;
      });
      const chains = await Promise.all(
        present.map(async ({ head, opening, zeroUs }) => {
          const stretch = await stretchOf(roles.blocks, head, momentUs - zeroUs);
          const { source, epoch } = head;
          return { source, epoch, ...stretch, epochTimeUs: BigInt(zeroUs), model: opening.model, role: opening.role };
        }),
      );
      const from = lives.reduce((least, { beganUs }) => Math.min(least, beganUs), Number.POSITIVE_INFINITY);
      const to = lives.reduce((most, { head, zeroUs }) => Math.max(most, zeroUs + head.atUs), 0);
      return { chains, fromTimeUs: BigInt(Number.isFinite(from) ? from : 0), toTimeUs: BigInt(to) };
    },
  };
}

interface Life {
  readonly opening: Opening;
  /** Wall time at which the chain's own time was 0, and at which it begins. */
  readonly zeroUs: number;
  readonly beganUs: number;
}

/** The opening of each chain, read once: it never changes. */
class Openings {
  readonly #blocks: BlockReader;
  readonly #known = new Map<string, Promise<Life>>();

  constructor(blocks: BlockReader) {
    this.#blocks = blocks;
  }

  of(head: ChainHead): Promise<Life> {
    const name = chainName(head);
    let life = this.#known.get(name);
    if (life === undefined) {
      life = this.#read(head);
      life.catch(() => this.#known.delete(name));
      this.#known.set(name, life);
    }
    return life;
  }

  async #read(head: ChainHead): Promise<Life> {
    for await (const { bytes } of this.#blocks.blocks(head, 1, 1)) {
      const [first] = decodeBlock(bytes).events;
      if (first === undefined) break;
      const opening = decodeOpening(decodeEnvelope(first));
      return { opening, zeroUs: opening.timeUs - opening.atUs, beganUs: opening.timeUs };
    }
    throw new ConnectError(`${chainName(head)} has no opening`, Code.DataLoss);
  }
}

/** From the block of the last snapshot at or before the moment to just before a snapshot after it, or to the head. */
async function stretchOf(blocks: BlockReader, head: ChainHead, atUs: number) {
  const before = await blocks.snapshotBefore(head, atUs);
  let to = head.sequence;
  for (let aheadUs = LOOK_AHEAD_US; atUs + aheadUs < head.atUs; aheadUs *= 2) {
    const after = await blocks.snapshotBefore(head, atUs + aheadUs);
    if (after === null || after.sequence === before?.sequence) continue;
    to = after.sequence;
    break;
  }
  return { fromSequence: BigInt(before?.blockSequence ?? 1), toSequence: BigInt(to) };
}
