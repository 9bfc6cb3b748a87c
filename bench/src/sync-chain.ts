import { randomBytes } from 'node:crypto';
import { ChainWriter, type EventDraft, openingEvent, type SealedBlock, signalEvent } from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';

const EVENT_BYTES = 200;
/** Living chains are of this epoch; what is drained is of another. */
export const LIVING_EPOCH = 1;

const TEXT_BYTES = EVENT_BYTES - 63;
/** Such that what is recorded packs no better than what robots record does, to about half; far longer than one pack. */
const WORDS = randomBytes(3 * 256 * 1024).toString('base64');
let at = 0;

/** An event of 200 bytes, as good as none like another. @param timeUs since 1970 */
export function benchEvent(timeUs: number): EventDraft {
  at = (at + TEXT_BYTES) % (WORDS.length - TEXT_BYTES);
  return signalEvent('bench.event', { text: WORDS.slice(at, at + TEXT_BYTES) }, 1000, timeUs);
}

export const BENCH_TENANT = 'bench';

/** A chain for the sync bench, and its first block. */
export function benchChain(
  source: string,
  epoch: number,
  { tenant = BENCH_TENANT, timeUs = 1_700_000_000_000_000 } = {},
): { readonly writer: ChainWriter; readonly begin: SealedBlock } {
  const chain = { tenant, source, epoch };
  const writer = new ChainWriter(chain, sha256);
  const opening = openingEvent({
    ...chain,
    role: 'robot',
    model: '',
    modelVersion: 1,
    config: null,
    seed: 1,
    flags: [],
    policyText: '',
    policyHash: '',
    previousEpochHash: new Uint8Array(),
    atUs: 0,
    timeUs,
    software: 'bench',
  });
  return { writer, begin: writer.seal([opening]) };
}
