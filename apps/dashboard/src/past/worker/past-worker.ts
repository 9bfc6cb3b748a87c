import { siteFromJson } from '@sigma/fleet-model';
import { connectHub, explain } from '../../live/hub.ts';
import type { FilmPiece } from '../film/film-piece.ts';
import type { PastAsk, PastNews } from '../past-words.ts';
import { forkRecord, lifeOfWorker } from './fork-record.ts';
import { hubRecord } from './hub-record.ts';
import { Shard } from './shard.ts';

/** Computes the past apart from the page, so that the page stays quick. One of several, each with its share of chains. */
const hub = connectHub(self.location.origin);
let shard: Promise<Shard> | undefined;

function tell(news: PastNews): void {
  self.postMessage(news, news.type === 'film' ? { transfer: news.pieces.flatMap(buffersOf) } : {});
}

/** Columns move to the page without a copy; the worker keeps none of them. */
const buffersOf = ({ poses }: FilmPiece): Transferable[] => (poses.length === 0 ? [] : [poses.buffer]);

async function open(index: number, of: number): Promise<Shard> {
  const { siteJson } = await hub.site.getSite({});
  const life = lifeOfWorker(self.name);
  const record = life === null ? hub.record : forkRecord(hub.forks, life);
  return new Shard(index, of, siteFromJson(JSON.parse(siteJson)), hubRecord(record), tell);
}

async function answer(ask: PastAsk): Promise<void> {
  if (ask.type === 'open') {
    shard = open(ask.index, ask.of);
    await shard;
    return;
  }
  const opened = await shard;
  if (ask.type === 'show') await opened?.show(ask);
  else if (ask.type === 'warm') await opened?.warm(ask.timeUs).catch(() => undefined);
  else if (ask.type === 'scan') await opened?.scan(ask.source, ask.timeUs);
  else opened?.forget(ask.stretch.source, ask.stretch.epoch, ask.stretch.sequence);
}

self.onmessage = ({ data }: MessageEvent<PastAsk>) => {
  answer(data).catch((error: unknown) => {
    tell({ type: 'failed', id: data.type === 'show' ? data.id : 0, words: explain(error) });
  });
};
