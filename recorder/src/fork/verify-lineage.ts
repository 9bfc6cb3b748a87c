import { chainName, sameBytes } from '../event.ts';
import { decodeSnapshot } from '../payload/snapshot.ts';
import { eventsOf } from '../playback.ts';
import { CannotReexecuteError, type Reexecutors } from '../reexecutor.ts';
import { byChain } from '../site-head.ts';
import { LifeReader, LineageError, type Piece, type Timeline } from './timeline.ts';

/** What a fork's beginning was proved against. */
export interface LineageReport {
  readonly parent: string;
  /** Forked chains whose beginning is the state that the parent's inputs lead to. */
  readonly proved: number;
  /** Those of which only the parent's block was checked, with the reason. */
  readonly blockOnly: readonly { readonly chain: string; readonly because: string }[];
}

/**
 * Proves the beginnings of a fork against its parent, and that one's against its own (SPEC R112): `openTimeline` has met the
 * blocks; here the parents' inputs are run again.
 *
 * @param reexecutors of a parent's recording @throws LineageError, StoreError, MalformedBytesError
 */
export async function verifyLineage(
  timeline: Timeline,
  reexecutors: (parent: Timeline) => Promise<Reexecutors>,
): Promise<readonly LineageReport[]> {
  const reports: LineageReport[] = [];
  for (let fork = timeline; fork.parent !== null; fork = fork.parent) {
    reports.push(await proveBeginnings(fork, fork.parent, await reexecutors(fork.parent)));
  }
  return reports;
}

async function proveBeginnings(fork: Timeline, parent: Timeline, reexecutors: Reexecutors): Promise<LineageReport> {
  const blockOnly: { chain: string; because: string }[] = [];
  let proved = 0;
  for (const life of fork.lives) {
    const own = life.pieces.at(-1) as Piece;
    if (own.recording !== fork.recording) continue;
    const before = parent.lives.find((other) => byChain(other, life) === 0);
    if (before === undefined) throw new LineageError(fork.name, parent.name, `there is no ${chainName(life)} in it`);
    try {
      if (
        !sameBytes(
          await beginningOf(own),
          await stateBefore(await LifeReader.open(before, own.fromUs - 1), own.fromUs, reexecutors),
        )
      ) {
        const what = `its inputs up to ${own.fromUs} us lead ${chainName(life)} to another state than the one that the fork began with`;
        throw new LineageError(fork.name, parent.name, what);
      }
      proved++;
    } catch (error) {
      if (!(error instanceof CannotReexecuteError)) throw error;
      blockOnly.push({ chain: chainName(life), because: error.message });
    }
  }
  return { parent: parent.name, proved, blockOnly };
}

async function beginningOf({ recording, head }: Piece): Promise<Uint8Array> {
  for await (const event of eventsOf(recording, head, 2, 2)) return decodeSnapshot(event).state;
  return new Uint8Array();
}

/** @throws CannotReexecuteError when the parent's model is not here */
async function stateBefore(reader: LifeReader, atUs: number, reexecutors: Reexecutors): Promise<Uint8Array> {
  const { opening, restored } = reader;
  const reexecutor = Object.hasOwn(reexecutors, opening.model) ? reexecutors[opening.model] : undefined;
  if (reexecutor === undefined) throw new CannotReexecuteError(`model '${opening.model}' is not here`);
  const execution = reexecutor(opening).open(opening, restored ?? undefined);
  await reader.fill(atUs);
  const knownUs = reader.knownUntilUs;
  if (knownUs !== null && knownUs < atUs)
    throw new CannotReexecuteError(`events that lead up to it were dropped for want of room`);
  for (let wake = reader.next(atUs); wake !== undefined; wake = reader.next(atUs))
    execution.wake(wake.atUs, wake.inbox);
  return execution.state();
}
