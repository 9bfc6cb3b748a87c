import { Board } from '../src/live/board.ts';
import { monotonicUs } from '../src/live/clock.ts';

/**
 * A process that does nothing but wake 100 times a second, in the way the reflex loop wakes: what the machine itself
 * makes late. Run with a number of seconds; prints its percentiles as one JSON line.
 */
const seconds = Number(process.argv[2] ?? '10');
const board = new Board();
const baseUs = monotonicUs();
for (let tick = 1; tick <= seconds * 100; tick++) {
  const dueUs = baseUs + tick * 10_000;
  for (let left = dueUs - monotonicUs(); left > 0; left = dueUs - monotonicUs()) board.sleep(0, left);
  board.count('lateness', monotonicUs() - dueUs);
}
process.stdout.write(`${JSON.stringify(board.percentiles('lateness'))}\n`);
