import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actWords, targetWords } from './act-look.ts';

test('what somebody did is said in the words of the page; what he wrote himself stays as he wrote it', () => {
  assert.equal(
    actWords('silenced failsafe:board_hot for 3600 s: known, motor_a is on its way'),
    'silenced board hot for 60 min: known, motor_a is on its way',
  );
  assert.equal(actWords('injected motor_overload for 30 s'), 'injected motor overload for 30 s');
  assert.equal(
    actWords("sent mission 'shelf_a to rack_b' with priority 2"),
    "sent mission 'shelf_a to rack_b' with priority 2",
  );
  assert.deepEqual(['*', 'r07', 'failsafe:board_hot', 'm-1'].map(targetWords), [
    'every robot',
    'r07',
    'board hot',
    'm-1',
  ]);
});
