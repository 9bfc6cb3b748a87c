import { sha256 } from '@noble/hashes/sha2.js';
import { siteFromJson } from '@sigma/fleet-model';
import { connectHub, explain } from '../../../live/hub.ts';
import type { Evidence, EvidenceRequest } from './evidence-words.ts';
import { NotOnRecordError } from './evidence-words.ts';
import { gatherEvidence } from './gather-evidence.ts';

/** What the worker answers to a request. */
export type EvidenceNews =
  | { readonly type: 'evidence'; readonly evidence: Evidence }
  | { readonly type: 'failed'; readonly onRecord: boolean; readonly message: string };

const tell = (news: EvidenceNews) => self.postMessage(news);
const hub = connectHub(self.location.origin);

self.onmessage = async ({ data }: MessageEvent<EvidenceRequest>) => {
  try {
    const { siteJson, simulated } = await hub.site.getSite({});
    const evidence = await gatherEvidence(data, {
      site: siteJson === '' ? null : siteFromJson(JSON.parse(siteJson)),
      simulated,
      sha256: (bytes) => sha256(bytes),
      locate: async ({ agentId, epoch }, timeUs) => {
        const { chains } = await hub.record.locateMoment({ timeUs: BigInt(timeUs) });
        const chain = chains.find((one) => one.source === agentId && one.epoch === epoch);
        if (chain === undefined) return null;
        return { fromSequence: Number(chain.fromSequence), epochTimeUs: Number(chain.epochTimeUs) };
      },
      blocks: ({ agentId, epoch }, from, to) =>
        hub.record.readBlocks({ source: agentId, epoch, fromSequence: BigInt(from), toSequence: BigInt(to) }),
    });
    tell({ type: 'evidence', evidence });
  } catch (error) {
    const known = error instanceof NotOnRecordError;
    tell({ type: 'failed', onRecord: !known, message: known ? error.message : explain(error) });
  }
};
