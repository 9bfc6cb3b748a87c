import {
  type BlockStore,
  type ChainId,
  ChainWriter,
  decodeBlock,
  decodeEnvelope,
  decodeSignal,
  EVENT_TYPE,
  type Opening,
  openingEvent,
  type Sha256,
  signalEvent,
} from '../../src/index.ts';
import type { Erasure } from './people-file.ts';

/** Who writes of erasures when no hub does. */
const SOURCE = 'privacy';
const ERASED = 'privacy.erased';

/**
 * Puts on record that secrets were destroyed, each once, on a chain of its own of the tenant (R174). Call it again after
 * a crash: what is on record already is not written twice.
 *
 * @throws StoreError, ForeignBlockError
 */
export async function recordErasures(
  store: BlockStore,
  tenant: string,
  erasures: readonly Erasure[],
  sha256: Sha256,
): Promise<void> {
  const chain: ChainId = { tenant, source: SOURCE, epoch: 0 };
  const told = await erasedOn(store, chain);
  const due = erasures.filter(({ subject }) => !told.has(subject));
  if (due.length === 0) return;
  const head = (await store.heads()).find(
    (one) => one.tenant === tenant && one.source === SOURCE && one.epoch === chain.epoch,
  );
  const first = due[0] as Erasure;
  const opening: Opening = {
    ...{ ...chain, role: 'record', model: '', modelVersion: 1, config: null, seed: 0, flags: [] },
    ...{ policyText: '', policyHash: '', previousEpochHash: new Uint8Array(), atUs: 0, timeUs: first.timeUs },
    software: 'sigma erase',
  };
  const writer = new ChainWriter(opening, sha256, head);
  const beginUs = head === undefined ? first.timeUs : await beginOf(store, chain);
  const events = due.map((erasure) => {
    const { subject, by, why, timeUs } = erasure;
    return signalEvent(ERASED, { subject, by, why }, Math.max(0, timeUs - beginUs), timeUs);
  });
  await store.append([writer.seal(head === undefined ? [openingEvent(opening), ...events] : events)]);
}

async function erasedOn(store: BlockStore, chain: ChainId): Promise<ReadonlySet<string>> {
  const subjects = new Set<string>();
  for await (const { bytes } of store.blocks(chain, 1, Number.MAX_SAFE_INTEGER)) {
    for (const event of decodeBlock(bytes).events.map(decodeEnvelope)) {
      if (event.type !== EVENT_TYPE.signal) continue;
      const { name, body } = decodeSignal(event.data);
      if (name === ERASED) subjects.add((body as Erasure).subject);
    }
  }
  return subjects;
}

async function beginOf(store: BlockStore, chain: ChainId): Promise<number> {
  for await (const { bytes } of store.blocks(chain, 1, 1)) {
    return decodeEnvelope(decodeBlock(bytes).events[0] as Uint8Array).timeUs;
  }
  return 0;
}
