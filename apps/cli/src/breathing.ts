import { setImmediate as turn } from 'node:timers/promises';
import type { Recording, Timeline } from '@sigma/recorder';

/** No longer than this does a command read and compute before the program hears what else is said to it. */
const EVERY_MS = 50;

/**
 * A recording that lets the program hear meanwhile. Files are read without waiting, and what is computed of them is too:
 * without a turn now and then Ctrl-C, readers of the event stream and timers would be heard when all is done.
 */
export function breathing(recording: Recording): Recording {
  let breathedMs = performance.now();
  const breathe = async (): Promise<void> => {
    if (performance.now() - breathedMs < EVERY_MS) return;
    await turn();
    breathedMs = performance.now();
  };
  const { severed, hybridMarks } = recording;
  return {
    heads: () => recording.heads(),
    blocks: async function* (chain, fromSequence, toSequence) {
      for await (const block of recording.blocks(chain, fromSequence, toSequence)) {
        await breathe();
        yield block;
      }
    },
    snapshotBefore: async (chain, atUs) => {
      await breathe();
      return recording.snapshotBefore(chain, atUs);
    },
    ...(severed !== undefined && { severed: () => severed.call(recording) }),
    ...(hybridMarks !== undefined && { hybridMarks: (chain) => hybridMarks.call(recording, chain) }),
    close: () => recording.close(),
  };
}

/** The same for a timeline and its parents, each of whose recordings stays one. */
export function breathingTimeline(timeline: Timeline): Timeline {
  const made = new Map<Recording, Recording>();
  const of = (recording: Recording): Recording => {
    const known = made.get(recording) ?? breathing(recording);
    made.set(recording, known);
    return known;
  };
  const one = ({ recording, parent, lives, ...rest }: Timeline): Timeline => ({
    ...rest,
    recording: of(recording),
    parent: parent === null ? null : one(parent),
    lives: lives.map((life) => ({
      ...life,
      pieces: life.pieces.map((piece) => ({ ...piece, recording: of(piece.recording) })),
    })),
  });
  return one(timeline);
}
