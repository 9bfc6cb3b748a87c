import { setFlagsFromString } from 'node:v8';

/** Of the room that V8 gives its old generation until the next full collection, in percent: how much is used. */
const BEGIN_BESIDE = 50;
const BEGIN_AT_ONCE = 80;

/**
 * Lets the garbage collector begin to mark the whole heap when half of the room that it allows itself is used, and not
 * when what is left is about as much as its young generation has, as it does by itself (V8, `Heap::
 * IncrementalMarkingLimitReached`). A hub's young generation grows to tens of MB, for each frame leaves many small promises;
 * the room is little greater, since what lives long in it is small; and bytes that came from the wire count into it until
 * the next young collection. So it marked everything once or twice a second while a backlog drained: each time with the
 * program's thread stopped for 3 to 13 ms, marking in steps of up to 14 ms, and helpers that took its processors; which is
 * what one frame of the moment in a hundred waited for. The old generation is bounded as ever, and bytes beside the heap
 * are by V8's own bound of 64 MB since the last full collection.
 *
 * Is of the whole process, workers too; the earlier it is called the better.
 */
export function markLate(): void {
  setFlagsFromString(`--incremental-marking-soft-trigger=${BEGIN_BESIDE}`);
  setFlagsFromString(`--incremental-marking-hard-trigger=${BEGIN_AT_ONCE}`);
}
