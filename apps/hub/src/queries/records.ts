import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { RecordService } from '@sigma/proto';
import type { Recording } from '@sigma/recorder';
import type { Roles } from './context.ts';

/** What of a recording the hub shows: any store of the recorder, and where it lies. */
export interface BlockReader extends Pick<Recording, 'heads' | 'blocks'> {
  readonly path: string;
}

export function recordQueries(roles: Roles): ServiceImpl<typeof RecordService> {
  /** [L7] a recording may hold chains of others. */
  const ownHeads = async () => (await roles.blocks.heads()).filter((head) => head.tenant === roles.tenant);
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
  };
}
