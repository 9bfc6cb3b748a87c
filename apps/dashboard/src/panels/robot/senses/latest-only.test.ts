import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatestOnly, type OneAtATime } from './latest-only.ts';

test('of what was asked for while an answer was awaited only the last is asked, and nothing twice', () => {
  const posted: number[] = [];
  const heard: string[] = [];
  const port: OneAtATime<number, string> = { post: (request) => posted.push(request), onAnswer: () => undefined };
  const asking = new LatestOnly(port, (answer) => heard.push(answer));
  asking.ask(1);
  for (const moment of [2, 3, 4]) asking.ask(moment);
  assert.deepEqual(posted, [1]);
  port.onAnswer('one');
  assert.deepEqual(posted, [1, 4]);
  port.onAnswer('four');
  assert.deepEqual(
    [posted, heard],
    [
      [1, 4],
      ['one', 'four'],
    ],
  );
  asking.ask(5);
  assert.deepEqual(posted, [1, 4, 5]);
});
