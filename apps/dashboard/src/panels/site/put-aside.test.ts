import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { FenceSchema } from '@sigma/proto';
import type { Selection } from '../../frame/place/selection.ts';
import { Observable } from '../../live/observable.ts';
import { type Draft, type DraftAct, draftStep } from '../../site/draft.ts';
import { asideWords, bringBack, leaveDraft } from './put-aside.ts';

const draw = (...acts: DraftAct[]): Draft | null =>
  acts.reduce<Draft | null>((draft, act) => draftStep(draft, act), null);
const desk = (drawn: Draft | null) => ({
  draft: new Observable(drawn),
  aside: new Observable<Draft | null>(null),
  selection: new Observable<Selection | null>(null),
});
const point = (x: number, y: number): DraftAct => ({ type: 'point', at: [x, y] });
const patrol = draw({ type: 'begin', kind: 'patrol' }, point(1, 1), point(2, 1)) as Draft;
const points = [0, 4].flatMap((xM) => [0, 3].map((yM) => ({ xM, yM })));
const wet = create(FenceSchema, { id: 'f1', name: 'wet floor', kind: 'slow', speedMps: 0.5, polygon: { points } });
const open = draw({ type: 'change', fence: wet }) as Draft;
const terms = { kind: 'slow' as const, speedMps: 0.5, name: 'wet floor', seconds: 0, note: '' };

test('what holds work is put aside, and comes back in the place of what is being drawn then', () => {
  const fence = draw({ type: 'begin', kind: 'fence' }, point(5, 5)) as Draft;
  const table = desk(patrol);
  leaveDraft(table, fence);
  assert.deepEqual([table.draft.get(), table.aside.get()], [fence, patrol]);
  bringBack(table);
  assert.deepEqual([table.draft.get(), table.aside.get()], [patrol, fence]);
  assert.equal(asideWords(patrol), 'Patrol, 2 points');
  assert.equal(asideWords(fence), 'Fence, 1 corner');
});

test('an empty drawing, an unchanged fence and a place for a person leave nothing behind', () => {
  const person = draw({ type: 'begin', kind: 'person' }, point(1, 1));
  for (const drawn of [draw({ type: 'begin', kind: 'zone' }), open, person, null]) {
    const table = desk(drawn);
    leaveDraft(table, null);
    assert.deepEqual([table.draft.get(), table.aside.get()], [null, null]);
  }
});

test('a change of a fence is work from its first word or its first corner, and coming back selects the fence', () => {
  for (const act of [
    { type: 'lift', corner: 0 },
    { type: 'terms', terms: { ...terms, note: 'why: a leak' } },
    { type: 'terms', terms: { ...terms, speedMps: 0.3 } },
  ] as const) {
    const changed = draftStep(open, act) as Draft;
    const table = desk(changed);
    leaveDraft(table, null);
    assert.equal(table.aside.get(), changed);
    assert.equal(asideWords(changed), 'Change of “wet floor”');
    bringBack(table);
    assert.deepEqual([table.draft.get(), table.selection.get()], [changed, { kind: 'zone', id: 'f1' }]);
  }
});
