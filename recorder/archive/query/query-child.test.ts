import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryProcess } from './query-child.ts';

const LIMITS = { rows: 3, timeoutMs: 20_000, memoryMb: 512 };
const NO_FILES = { type: 'files', files: [], where: 'true', texts: null, foreign: false } as const;
/** Of as many processes one or two are gone in the very moment in which they are asked for more. */
const TIMES = 24;

test('[R167] [L8] whoever asks for more of an answer that was cut, when its process is gone already, hears its end all the same', async () => {
  const ask = async (busyMs: number): Promise<boolean> => {
    const child = new QueryProcess();
    try {
      child.begin('SELECT * FROM range(10)', LIMITS, undefined);
      await child.hear('bounds');
      child.say({ ...NO_FILES, columns: "'r1' AS source, '' AS type" });
      await child.hear('columns');
      await child.hear('rows');
      // Whoever is busy has not heard of the end that has come meanwhile.
      for (const until = performance.now() + busyMs; performance.now() < until; );
      child.say({ type: 'more' });
      return (await child.hear('end')).cut;
    } finally {
      await child.end();
    }
  };
  const cut = await Promise.all(Array.from({ length: TIMES }, (_, n) => ask(n)));
  assert.deepEqual(cut, Array(TIMES).fill(true));
});
