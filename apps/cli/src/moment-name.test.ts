import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEvent, momentNamed, timeText, wallNamed } from './moment-name.ts';

const EIGHT_US = Date.UTC(2026, 3, 1, 8) * 1000;

test('a moment is named by seconds, by the time of the day, or by an event', () => {
  assert.equal(momentNamed('12.5'), 12_500_000);
  assert.equal(momentNamed('12s'), 12_000_000);
  assert.equal(momentNamed('1:30'), 90_000_000);
  assert.deepEqual(momentNamed('r17#812'), { source: 'r17', epoch: null, sequence: 812 });
  assert.deepEqual(momentNamed('r17@3#812'), { source: 'r17', epoch: 3, sequence: 812 });
  assert.deepEqual(momentNamed('2026-04-01T08:00:00Z'), { timeUs: EIGHT_US });
  assert.deepEqual(['12', '2026-04-01', 'r17#1'].map(momentNamed).map(isEvent), [false, false, true]);
});

test('a time of the day is read to the microsecond, in its zone or in UTC', () => {
  for (const [text, us] of [
    ['2026-04-01', EIGHT_US - 8 * 3_600_000_000],
    ['2026-04-01T08:00', EIGHT_US],
    ['2026-04-01 08:00:00', EIGHT_US],
    ['2026-04-01T10:00:00+02:00', EIGHT_US],
    ['2026-04-01T08:00:00.25Z', EIGHT_US + 250_000],
    ['2026-04-01T08:00:00.250017Z', EIGHT_US + 250_017],
  ] as const)
    assert.equal(wallNamed(text), us, text);
  assert.deepEqual(momentNamed(timeText(EIGHT_US + 1_250_000)), { timeUs: EIGHT_US + 1_250_000 }, 'as it is printed');
});

test('what is no moment is refused with what one looks like', () => {
  for (const bad of [
    '',
    'noon',
    '2026-04-01T25:00Z',
    '2026-13-01',
    '2026-04-01T08:00:00 CET',
    '01.04.2026',
    'r17#',
    '-3',
  ])
    assert.throws(() => momentNamed(bad), /2026-04-01T08:00:00Z/, bad);
});
