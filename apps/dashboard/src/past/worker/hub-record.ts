import type { Hub } from '../../live/hub.ts';
import type { RecordPorts, WantedStretch } from './shard.ts';

/** The recording as the hub serves it. */
export function hubRecord(record: Pick<Hub['record'], 'locateMoment' | 'readStretches'>): RecordPorts {
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
    async *read(stretches, signal) {
      for await (const { source, epoch, blocks } of record.readStretches(
        { stretches: stretches.map(askOf) },
        signal === undefined ? {} : { signal },
      ))
        yield { source, epoch, blocks: blocks.map(({ block }) => block) };
    },
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    nowMs: () => performance.now(),
  };
}

/** A stretch as the hub is asked for it. */
export const askOf = ({ source, epoch, fromSequence, toSequence, untilAtUs }: WantedStretch) => ({
  source,
  epoch,
  fromSequence: BigInt(fromSequence),
  toSequence: BigInt(toSequence),
  ...(untilAtUs === undefined ? {} : { untilAtUs: BigInt(untilAtUs) }),
});
