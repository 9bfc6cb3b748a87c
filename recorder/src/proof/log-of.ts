import { decodeEnvelope, scanBlock } from '../block.ts';
import { type ChainId, EVENT_TYPE, hexOfBytes, type Sha256 } from '../event.ts';
import { decodeOpening } from '../payload/opening.ts';
import type { Recording } from '../store.ts';
import type { LogId } from './checkpoint.ts';
import { leafHash } from './merkle.ts';

const FORK_NAME_DIGITS = 32;

/**
 * The log that a chain is: its own, or of a fork one named by the leaf of its opening, which bears the lineage (R110).
 * Whoever has the first entry of such a log can tell that the name is its own.
 *
 * @throws MalformedBytesError when the opening cannot be read: what may be a fork is not signed as its parent
 */
export async function logOf(recording: Recording, chain: ChainId, sha256: Sha256): Promise<LogId> {
  const { tenant, source, epoch } = chain;
  for await (const { bytes } of recording.blocks(chain, 1, 1)) {
    const { from, to } = scanBlock(bytes);
    const envelope = bytes.subarray(from[0], to[0]);
    const event = decodeEnvelope(envelope);
    if (event.type !== EVENT_TYPE.opening || decodeOpening(event).lineage === undefined) break;
    const fork = hexOfBytes(leafHash(envelope, sha256)).slice(0, FORK_NAME_DIGITS);
    return { tenant, source, epoch, fork };
  }
  return { tenant, source, epoch };
}
