import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { FenceSchema } from '@sigma/proto';
import { areaM2, canClose, canRedo, type Draft, type DraftAct, draftStep, isComplete, lengthM } from './draft.ts';

const draw = (...acts: DraftAct[]): Draft | null =>
  acts.reduce<Draft | null>((draft, act) => draftStep(draft, act), null);
const point = (x: number, y: number): DraftAct => ({ type: 'point', at: [x, y] });
const begin: DraftAct = { type: 'begin', kind: 'zone' };
const square = [point(0, 0), point(4, 0), point(4, 3), point(0, 3)];

test('three corners and a click on the first close the zone', () => {
  const draft = draw(begin, ...square, point(0, 0));
  assert.equal(draft?.closed, true);
  assert.equal(draft?.points.length, 4);
  assert.equal(areaM2(draft?.points ?? []), 12);
  assert.equal(lengthM(draft?.points ?? [], true), 14);
  assert.equal(isComplete(draft as Draft), true);
});

test('two corners are no zone, however often one asks', () => {
  const draft = draw(begin, point(0, 0), point(4, 0), { type: 'close' }, point(0, 0));
  assert.equal(draft?.closed, false);
  assert.equal(draft?.points.length, 2);
  assert.equal(canClose(draft as Draft), false);
});

test('undo opens a closed zone first, then takes corners, then ends the tool; redo brings them back', () => {
  const closed = [begin, ...square, { type: 'close' } as DraftAct];
  const undo: DraftAct = { type: 'undo' };
  assert.equal(draw(...closed, undo)?.closed, false);
  assert.equal(draw(...closed, undo, undo)?.points.length, 3);
  assert.deepEqual(draw(...closed, undo, undo, { type: 'redo' })?.points.at(-1), [0, 3]);
  assert.equal(draw(begin, point(0, 0), undo, undo), null);
  assert.deepEqual(
    draw(begin, point(0, 0), undo, point(1, 1), { type: 'redo' })?.points,
    [[1, 1]],
    'a new corner ends redo',
  );
});

test('a closed zone takes no more corners, a double click sets one, escape ends it all', () => {
  assert.equal(draw(begin, ...square, { type: 'close' }, point(9, 9))?.points.length, 4);
  assert.equal(draw(begin, point(1, 1), point(1, 1))?.points.length, 1);
  assert.equal(draw(begin, ...square, { type: 'cancel' }), null);
  assert.equal(draw(point(1, 1)), null);
});

test('a patrol may come back to its first point and needs two', () => {
  const patrol: DraftAct = { type: 'begin', kind: 'patrol' };
  const draft = draw(patrol, point(1, 1), point(2, 2), point(1, 1));
  assert.equal(draft?.points.length, 3);
  assert.equal(isComplete(draft as Draft), true);
  assert.equal(isComplete(draw(patrol, point(1, 1)) as Draft), false);
});

test('a pointer that stays in its cell changes nothing, so nothing renders', () => {
  const draft = draw(begin, { type: 'move', at: [1, 1] });
  assert.equal(draftStep(draft, { type: 'move', at: [1, 1] }), draft);
});

test('a corner of a fence is lifted and put down elsewhere, never on another; undo takes the move back and redo brings it again', () => {
  const points = [
    [0, 0],
    [4, 0],
    [4, 3],
    [0, 3],
  ] as const;
  const undo: DraftAct = { type: 'undo' };
  const redo: DraftAct = { type: 'redo' };
  const polygon = { points: points.map(([xM, yM]) => ({ xM, yM })) };
  const change: DraftAct = { type: 'change', fence: create(FenceSchema, { id: 'f1', kind: 'slow', polygon }) };
  const lift: DraftAct = { type: 'lift', corner: 1 };
  const lifted = draw(change, lift) as Draft;
  assert.deepEqual([lifted.closed, lifted.points.length, lifted.pointer], [false, 3, [4, 0]]);
  assert.equal(canClose(lifted), false, 'a lifted corner is put down, not dropped');
  assert.equal(draw(change, lift, point(0, 3))?.closed, false);
  const moved = draw(change, lift, point(6, 0)) as Draft;
  assert.equal(moved.closed, true);
  assert.equal(areaM2(moved.points), 15);
  assert.deepEqual(draw(change, lift, undo)?.points, points);
  const back = draw(change, lift, point(6, 0), undo) as Draft;
  assert.deepEqual([back.points, back.closed, canRedo(back)], [points, true, true]);
  assert.deepEqual(draw(change, lift, point(6, 0), undo, redo)?.points, moved.points);
  assert.equal(draw(change, undo)?.closed, false, 'with no move left it opens as any outline does');
});
