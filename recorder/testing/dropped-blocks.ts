import { gapEvent, type SealedBlock, type Sha256, type Stub, sealStub } from '../src/index.ts';
import { testChain } from './chains.ts';

/** A chain of which events 5 to 13 were dropped (R127), with the gap that says so, and 22 events in all. */
export function chainWithGap(source: string, sha256: Sha256): readonly SealedBlock[] {
  return epochsWithGap(source, sha256, 0);
}

/** The same, with the gap in this epoch: in a later one, which begins where the first ends, or in the same. */
export function epochsWithGap(source: string, sha256: Sha256, toldIn: 0 | 1): readonly SealedBlock[] {
  const chain = testChain(source, sha256);
  const blocks = [chain.begin(), ...Array.from({ length: 6 }, () => chain.notes(3))];
  const stretch = blocks.slice(2, 5);
  const [first, last] = [stretch[0], stretch[stretch.length - 1]] as [SealedBlock, SealedBlock];
  const { tenant, epoch, firstSequence, previousHash } = first;
  const dropped = stretch.map(({ hash, count }) => ({ hash, count }));
  const stub: Stub = { tenant, source, epoch, firstSequence, previousHash, dropped, lastAtUs: last.lastAtUs };
  const hashes = stretch.map(({ hash }) => hash);
  const lastSequence = last.firstSequence + last.count - 1;
  const gap = { epoch, firstSequence, lastSequence, eventClass: 'stimulus', reason: 'full', hashes };
  const left = [...blocks.slice(0, 2), sealStub(stub), ...blocks.slice(5)];
  const later = { epoch: 1, previousEpochHash: chain.writer.head.hash, atUs: 20_000 };
  const teller = toldIn === 0 ? chain : testChain(source, sha256, later);
  const begins = toldIn === 0 ? [] : [teller.begin()];
  const said = teller.writer.seal([gapEvent(gap, 20_000, 1_700_000_000_000_000)]);
  return [...left, ...begins, said, teller.notes(2)];
}
