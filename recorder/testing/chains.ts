import { ChainWriter, type EventDraft, type Opening, openingEvent, type Sha256, signalEvent } from '../src/index.ts';

/** An opening for tests; `model` is empty unless given, so that nothing re-executes. */
export function testOpening(source: string, more: Partial<Opening> = {}): Opening {
  return {
    tenant: 'acme',
    source,
    epoch: 0,
    role: 'carrier',
    model: '',
    modelVersion: 1,
    config: null,
    seed: 7,
    flags: [],
    policyText: '',
    policyHash: '',
    previousEpochHash: new Uint8Array(),
    atUs: 0,
    timeUs: 1_700_000_000_000_000,
    software: 'test 1',
    ...more,
  };
}

/** A signal of the runner with a body of some size. */
export const note = (n: number, atUs = n * 1000, padding = 0): EventDraft =>
  signalEvent('test.note', { n, text: 'x'.repeat(padding) }, atUs, 1_700_000_000_000_000 + atUs);

/** A chain of a source that grows on demand. */
export function testChain(source: string, sha256: Sha256, more: Partial<Opening> = {}) {
  const opening = testOpening(source, more);
  const writer = new ChainWriter(opening, sha256);
  let n = 0;
  return {
    opening,
    writer,
    begin: () => writer.seal([openingEvent(opening)]),
    /** A block of `count` notes. */
    notes: (count: number, padding = 0) =>
      writer.seal(Array.from({ length: count }, () => note(++n, opening.atUs + n * 1000, padding))),
  };
}
