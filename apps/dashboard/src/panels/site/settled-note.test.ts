import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeTexts } from '@sigma/recorder';
import { settledNote } from './settled-note.ts';

const base = 'who: Ann\nwhy: a leak\nuntil: noon';
const ours = 'who: Bob\nwhy: a leak\nuntil: one';
const theirs = 'who: Ann\nwhy: a leak\nuntil: midnight\ncall 12';
const settle = (theirs: string, side: 'ours' | 'theirs'): string => {
  const merge = mergeTexts(base, ours, theirs);
  assert.equal(merge.type, 'conflict');
  return settledNote(base, ours, theirs, merge.type === 'conflict' ? merge.conflicts : [], side);
};

test('whichever side is taken for the lines that both changed, what else either side changed stays', () => {
  assert.equal(settle(theirs, 'theirs'), 'who: Bob\nwhy: a leak\nuntil: midnight\ncall 12');
  assert.equal(settle(theirs, 'ours'), 'who: Bob\nwhy: a leak\nuntil: one');
  const above = 'call 12\nwho: Ann\nwhy: a leak\nuntil: midnight';
  assert.match(settle(above, 'theirs'), /until: midnight$/);
});

test('lines that one side struck out cannot be found in it, so the whole note of the other is taken', () => {
  assert.equal(settle('who: Ann\nwhy: a leak', 'ours'), ours);
});
