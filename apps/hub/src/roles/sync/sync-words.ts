import { hexOfBytes, type RefusedBlocks, type SyncRefusal } from '@sigma/recorder';
import type { Trouble } from '../alerts/alerts.ts';

const CRITICAL = 4;
const WARNING = 3;

/** Refusals that people must know of; the others the two ends settle by themselves. */
export const isTrouble = (refusal: SyncRefusal): boolean =>
  refusal === 'fork' || refusal === 'tenant' || refusal === 'stranger' || refusal === 'damaged';

/** What people are told of blocks that the hub did not take. */
export function refusedBlocks(refused: RefusedBlocks & { readonly edgeId: string }): Trouble {
  const { edgeId, source, epoch, refusal, sequence, message, standingHash, refusedHash } = refused;
  const where = `edge ${edgeId} sends blocks of ${source}, epoch ${epoch}, from event ${sequence}`;
  if (refusal === 'fork') {
    const hashes = `stored ${hexOfBytes(standingHash)}, refused ${hexOfBytes(refusedHash)}`;
    return {
      level: CRITICAL,
      text: `${where} that are another history than the recorded one (${hashes}): ${message}`,
      advice:
        'Look whether two machines run as this edge, or whether its disk was restored from a backup. Stop the one that ' +
        'should not run; keep both recordings before anything else. The recorded history stands and the rest goes on',
    };
  }
  if (refusal === 'damaged') {
    return {
      level: CRITICAL,
      text: `${where} that are not what they claim to be: ${message}`,
      advice:
        'Run sigma verify on the recording of the edge; it sends again with its next link. All other chains go on',
    };
  }
  return {
    level: CRITICAL,
    text: `${where} that are not its own: ${message}`,
    advice: 'Look at the tenant and the agents that this edge is set up with; somebody may pose as it',
  };
}

/** What people are told when the hub holds less than it has acknowledged. */
export const forgotten = (edgeId: string, chains: number): Trouble => ({
  level: WARNING,
  text: `this hub holds less of ${chains} chains than it has acknowledged to edge ${edgeId}, which now sends it again`,
  advice:
    'Was its database restored from a backup, or does its disk lose what it has synced? Look at the other edges, and ' +
    'run sigma verify on the recording of the hub when this is cleared',
});
