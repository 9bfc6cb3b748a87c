import { type ChainHead, momentUs, openingOf, type Recording, runAt, zeroOf } from '@sigma/recorder';
import type { MomentName } from './moment-name.ts';
import { CommandError, EXIT } from './outcome.ts';

/** @param fromUs agent time @throws CommandError when everything ended before it: nothing would look like nothing found */
export function mustReach(named: string, heads: readonly ChainHead[], fromUs: number): void {
  const endUs = Math.max(0, ...heads.map(({ atUs }) => atUs));
  if (fromUs <= endUs) return;
  const [from, end] = [fromUs, endUs].map((us) => (us / 1e6).toFixed(2));
  throw new CommandError(EXIT.usage, `${named} ends at ${end} s, before ${from} s`, 'Give an earlier --from');
}

/** Agent time of a moment that a person named, microseconds. @throws CommandError for an event that is not there */
export async function momentIn(recording: Recording, heads: readonly ChainHead[], moment: MomentName): Promise<number> {
  if (typeof moment === 'number') return moment;
  const { sequence } = moment;
  return momentUs(recording, { chain: chainNamed(heads, moment), sequence });
}

/** The chain that holds an event. @throws CommandError when none does */
export function chainNamed(heads: readonly ChainHead[], moment: Exclude<MomentName, number>): ChainHead {
  const { source, epoch, sequence } = moment;
  const life = heads.findLast((head) => head.source === source && (epoch === null || head.epoch === epoch));
  if (life !== undefined && sequence >= 1 && sequence <= life.sequence) return life;
  const what = life === undefined ? `nothing is recorded of '${source}'` : `${source} has ${life.sequence} events`;
  throw new CommandError(EXIT.usage, what, 'Name an event as SOURCE#NUMBER, as `sigma record ls` lists them');
}

/**
 * The chains that share a clock with another one, or, of seconds, those of the newest run that has them: a recording of
 * an edge that was started several times, or of a hub, holds several runs (recorder/SPEC.md R114).
 */
export async function headsOfRun(
  recording: Recording,
  heads: readonly ChainHead[],
  of: ChainHead | number,
): Promise<readonly ChainHead[]> {
  const lived = async (head: ChainHead) => ({ head, opening: await openingOf(recording, head), endUs: head.atUs });
  const lives = await Promise.all(heads.map(lived));
  if (typeof of === 'number') return runAt(lives, of).map(({ head }) => head);
  const zeroUs = zeroOf(await lived(of));
  return lives.filter((life) => zeroOf(life) === zeroUs).map(({ head }) => head);
}
