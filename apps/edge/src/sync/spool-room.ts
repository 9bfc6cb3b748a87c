import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * A week of a robot without its hub, packed: what it decided, its safety, a state for each minute, and its last hours
 * whole. What forty of them have then comes home in ten minutes (docs/decisions/0008).
 */
const BODY_BYTES = 300e6;
/** Of what is free: others write to this disk too. */
const SHARE = 0.8;

/**
 * Bytes that a recording may take where nobody says (R127): 300 MB for each body, and four fifths at most of what the disk
 * has for it.
 *
 * @param recordingPath the file may be missing, its folder may not
 * @throws Error of node:fs when the folder cannot be looked at
 */
export function spoolRoom(recordingPath: string, bodies: number): number {
  const { bavail, bsize } = statfsSync(dirname(recordingPath));
  const taken = statSync(recordingPath, { throwIfNoEntry: false })?.size ?? 0;
  return Math.floor(Math.min(bodies * BODY_BYTES, SHARE * (bavail * bsize + taken)));
}
