import { decodeBlock } from '@sigma/recorder';
import type { Hub } from '../../live/hub.ts';
import type { RecordPorts } from './shard.ts';

/** The recording as the hub serves it. */
export function hubRecord(record: Hub['record']): RecordPorts {
  return {
    async locate(timeUs, signal) {
      const { chains, fromTimeUs, toTimeUs } = await record.locateMoment(
        { timeUs: BigInt(Math.round(timeUs)) },
        { signal },
      );
      return {
        fromUs: Number(fromTimeUs),
        toUs: Number(toTimeUs),
        chains: chains.map(({ source, epoch, fromSequence, toSequence, epochTimeUs, model }) => ({
          source,
          epoch,
          model,
          fromSequence: Number(fromSequence),
          toSequence: Number(toSequence),
          epochTimeUs: Number(epochTimeUs),
        })),
      };
    },
    async *read(source, epoch, fromSequence, toSequence) {
      const request = { source, epoch, fromSequence: BigInt(fromSequence), toSequence: BigInt(toSequence) };
      for await (const { block } of record.readBlocks(request)) {
        const { firstSequence, events } = decodeBlock(block);
        yield { firstSequence, lastSequence: firstSequence + events.length - 1, bytes: block, events };
      }
    },
  };
}
