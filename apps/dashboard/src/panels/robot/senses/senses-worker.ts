import { sha256 } from '@noble/hashes/sha2.js';
import { type Site, siteFromJson } from '@sigma/fleet-model';
import { connectHub, explain } from '../../../live/hub.ts';
import { NotOnRecordError } from '../../decisions/evidence/evidence-words.ts';
import { gatherSenses, type Senses, type SensesRequest } from './gather-senses.ts';

/** What the worker answers to a request, one answer each, in order. */
export type SensesNews =
  | { readonly type: 'senses'; readonly senses: Senses }
  | { readonly type: 'failed'; readonly request: SensesRequest; readonly onRecord: boolean; readonly message: string };

const tell = (news: SensesNews) => self.postMessage(news);
const hub = connectHub(self.location.origin);
let site: Promise<Site | null> | undefined;

const siteOfHub = async (): Promise<Site | null> => {
  const { siteJson } = await hub.site.getSite({});
  return siteJson === '' ? null : siteFromJson(JSON.parse(siteJson));
};

self.onmessage = async ({ data }: MessageEvent<SensesRequest>) => {
  try {
    site ??= siteOfHub();
    const senses = await gatherSenses(data, {
      site: await site,
      sha256: (bytes) => sha256(bytes),
      locate: async (agentId, timeUs) => {
        const { chains } = await hub.record.locateMoment({ timeUs: BigInt(Math.max(0, Math.floor(timeUs))) });
        const chain = chains.find(({ source }) => source === agentId);
        if (chain === undefined) return null;
        const { epoch, fromSequence, epochTimeUs } = chain;
        return { epoch, fromSequence: Number(fromSequence), epochTimeUs: Number(epochTimeUs) };
      },
      blocks: ({ agentId, epoch }, from, to) =>
        hub.record.readBlocks({ source: agentId, epoch, fromSequence: BigInt(from), toSequence: BigInt(to) }),
    });
    tell({ type: 'senses', senses });
  } catch (error) {
    site = undefined;
    const known = error instanceof NotOnRecordError;
    tell({ type: 'failed', request: data, onRecord: !known, message: known ? error.message : explain(error) });
  }
};
