import { gapEvent, type SealedBlock, type Sha256, type Stub, sealStub } from '../src/index.ts';
import { testChain } from './chains.ts';

/** A chain of which events 5 to 13 were dropped (R127), with the gap that says so, and 22 events in all. */
export function chainWithGap(source: string, sha256: Sha256): readonly SealedBlock[] {
  const chain = testChain(source, sha256);
  const blocks = [chain.begin(), ...Array.from({ length: 6 }, () => chain.notes(3))];
  const stretch = blocks.slice(2, 5);
  const [first, last] = [stretch[0], stretch[stretch.length - 1]] as [SealedBlock, SealedBlock];
  const { tenant, epoch, firstSequence, previousHash } = first;
  const dropped = stretch.map(({ hash, count }) => ({ hash, count }));
  const stub: Stub = { tenant, source, epoch, firstSequence, previousHash, dropped, lastAtUs: last.lastAtUs };
  const hashes = stretch.map(({ hash }) => hash);
  const lastSequence = last.firstSequence + last.count - 1;
  const gap = { firstSequence, lastSequence, eventClass: 'stimulus', reason: 'full', hashes };
  const said = chain.writer.seal([gapEvent(gap, 20_000, 1_700_000_000_000_000)]);
  return [...blocks.slice(0, 2), sealStub(stub), ...blocks.slice(5), said, chain.notes(2)];
}
