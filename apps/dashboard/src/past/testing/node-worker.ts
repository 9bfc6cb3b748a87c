import type { Site } from '@sigma/fleet-model';
import type { FakeRecord } from '../../../e2e/fake-record.ts';
import type { PastWorker } from '../past-engine.ts';
import type { PastAsk, PastNews } from '../past-words.ts';
import { askOf } from '../worker/hub-record.ts';
import { type RecordPorts, Shard } from '../worker/shard.ts';

/** The recording without a network. */
export function portsOf(record: FakeRecord): RecordPorts {
  return {
    async locate(timeUs) {
      const { chains, fromTimeUs, toTimeUs } = record.locate(timeUs);
      return {
        fromUs: Number(fromTimeUs),
        toUs: Number(toTimeUs),
        chains: chains.map(({ source, epoch, model, fromSequence, toSequence, epochTimeUs }) => ({
          source,
          epoch,
          model,
          fromSequence: Number(fromSequence),
          toSequence: Number(toSequence),
          epochTimeUs: Number(epochTimeUs),
        })),
      };
    },
    async *read(stretches) {
      for await (const { blocks, ...chain } of record.readStretches(stretches.map(askOf)))
        yield { ...chain, blocks: blocks.map(({ block }) => block) };
    },
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    nowMs: () => 0,
  };
}

/** A worker in this thread: what it is told arrives in the next turn, as from another thread. */
export function nodeWorker(record: FakeRecord, site: Site): PastWorker {
  let shard: Shard | undefined;
  const worker: PastWorker = {
    onmessage: null,
    onerror: null,
    terminate: () => undefined,
    postMessage(ask: PastAsk) {
      const tell = (news: PastNews) =>
        setImmediate(() => worker.onmessage?.({ data: structuredClone(news) } as MessageEvent<PastNews>));
      if (ask.type === 'open') shard = new Shard(ask.index, ask.of, site, portsOf(record), tell);
      else if (ask.type === 'show')
        shard?.show(ask).catch((error: Error) => tell({ type: 'failed', id: ask.id, words: error.message }));
      else if (ask.type === 'warm') void shard?.warm(ask.timeUs);
      else if (ask.type === 'scan') void shard?.scan(ask.source, ask.timeUs);
      else shard?.forget(ask.stretch.source, ask.stretch.epoch, ask.stretch.sequence);
    },
  };
  return worker;
}
