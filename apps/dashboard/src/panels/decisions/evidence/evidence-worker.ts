import { sha256 } from '@noble/hashes/sha2.js';
import { siteFromJson } from '@sigma/fleet-model';
import { connectHub, explain, type Hub } from '../../../live/hub.ts';
import { forkRecord, lifeOfWorker, type OtherLife, pieceEpoch } from '../../../past/worker/fork-record.ts';
import type { Evidence, EvidenceRequest } from './evidence-words.ts';
import { BrokenRecordError, NotOnRecordError } from './evidence-words.ts';
import { gatherEvidence } from './gather-evidence.ts';

/** What the worker answers to a request. */
export type EvidenceNews =
  | { readonly type: 'evidence'; readonly evidence: Evidence }
  | { readonly type: 'failed'; readonly onRecord: boolean; readonly message: string };

const tell = (news: EvidenceNews) => self.postMessage(news);
const hub = connectHub(self.location.origin);
const life = lifeOfWorker(self.name);
const record = life === null ? hub.record : lifeRecord(hub.forks, life);

type Read = Pick<Hub['record'], 'locateMoment' | 'readBlocks'>;

/** Another life than the site's own: a fork, or what an earlier run recorded. */
function lifeRecord(forks: Hub['forks'], of: OtherLife): Read {
  const { locateMoment, readStretches } = forkRecord(forks, of);
  return {
    locateMoment,
    async *readBlocks({ source = '', epoch = 0, fromSequence = 1n, toSequence = 0n }, options) {
      const stretch = { source, epoch, fromSequence, toSequence };
      for await (const { blocks } of readStretches({ stretches: [stretch] }, options))
        for (const { block, hash } of blocks) yield { $typeName: 'sigma.v1.ReadBlocksResponse', block, hash };
    },
  };
}

self.onmessage = async ({ data }: MessageEvent<EvidenceRequest>) => {
  try {
    const { siteJson, simulated } = await hub.site.getSite({});
    const request = life === null ? data : { ...data, epoch: await pieceEpoch(forkRecord(hub.forks, life), data) };
    const evidence = await gatherEvidence(request, {
      site: siteJson === '' ? null : siteFromJson(JSON.parse(siteJson)),
      simulated,
      sha256: (bytes) => sha256(bytes),
      locate: async ({ agentId, epoch }, timeUs) => {
        const { chains } = await record.locateMoment({ timeUs: BigInt(timeUs) });
        const chain = chains.find((one) => one.source === agentId && one.epoch === epoch);
        if (chain === undefined) return null;
        return { fromSequence: Number(chain.fromSequence), epochTimeUs: Number(chain.epochTimeUs) };
      },
      blocks: ({ agentId, epoch }, from, to) =>
        record.readBlocks({ source: agentId, epoch, fromSequence: BigInt(from), toSequence: BigInt(to) }),
    });
    tell({ type: 'evidence', evidence });
  } catch (error) {
    const known = error instanceof NotOnRecordError;
    const broken = error instanceof BrokenRecordError;
    const message = broken ? `${error.message}.` : known ? error.message : explain(error);
    tell({ type: 'failed', onRecord: broken || !known, message });
  }
};
