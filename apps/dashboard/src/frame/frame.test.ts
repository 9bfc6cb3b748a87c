import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { AlertLevel, type Mark, MarkSchema } from '@sigma/proto';
import fc from 'fast-check';
import { placeBeside } from '../help/place-beside.ts';
import { Observable } from '../live/observable.ts';
import { roleReaches } from './access/me.ts';
import { COMMANDS } from './keys/commands.ts';
import { keyText } from './keys/keys.ts';
import { defaultModel, rememberedModel } from './layout/default-model.ts';
import { matchPath, type Panel, pageAt } from './panel-port.ts';
import { addressQuery, momentText, parseMoment } from './place/address.ts';
import { levelUp, parseSelection, robotSelection, type Selection, selectionText } from './place/selection.ts';
import { Bookmarks } from './time/bookmarks.ts';
import { clusterMarks, clusterNear } from './time/mark-clusters.ts';
import { markLook } from './time/mark-look.ts';
import { windowEnd } from './time/window-end.ts';

const nothing = () => null;
const panel = (id: string, place: Panel['place'], rest: Partial<Panel> = {}): Panel => ({
  id,
  title: id,
  place,
  icon: '',
  component: nothing,
  order: 10,
  ...rest,
});

const anySelection: fc.Arbitrary<Selection> = fc.oneof(
  fc.record(
    { kind: fc.constantFrom('robot', 'zone', 'mission', 'alert'), id: fc.string({ minLength: 1 }) },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      kind: fc.constant('decision' as const),
      agentId: fc.string({ minLength: 1 }),
      epoch: fc.nat(),
      sequence: fc.bigInt(0n, 2n ** 53n),
    },
    { noNullPrototype: true },
  ),
) as fc.Arbitrary<Selection>;

test('a link brings back whatever was selected, under any name', () => {
  fc.assert(
    fc.property(anySelection, (selection) => {
      assert.deepEqual(parseSelection(selectionText(selection)), selection);
    }),
    { seed: 11 },
  );
  for (const broken of ['', 'robot:', 'robot', 'decision:r1:x:2', 'person:1', 'tenant:acme', 'robot:%E0%A4%A'])
    assert.equal(parseSelection(broken), null, broken);
});

test('a link brings back the moment to the microsecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000_000_000 }), (atUs) => {
      assert.equal(parseMoment(momentText(atUs)), atUs);
    }),
    { seed: 12 },
  );
  assert.equal(parseMoment('yesterday'), null);
  const query = addressQuery(
    { select: 'robot:r1', at: '', name: '', view: '3,4' },
    new URLSearchParams('?wall=&at=x&name=old'),
  );
  assert.equal(query, '?wall=&select=robot:r1&view=3,4');
});

test('Esc goes from a decision to its robot and from there to nothing', () => {
  const decision: Selection = { kind: 'decision', agentId: 'r1', epoch: 0, sequence: 7n };
  const robot = levelUp(decision);
  assert.deepEqual(robot, { kind: 'robot', id: 'r1' });
  assert.equal(levelUp(robot as Selection), null);
});

test('who knows robots only sees the robot of a decision, and selecting one there selects it everywhere', () => {
  const selection = new Observable<Selection | null>(null);
  const robot = robotSelection(selection);
  selection.set({ kind: 'decision', agentId: 'r1', epoch: 0, sequence: 7n });
  assert.equal(robot.get(), 'r1');
  assert.equal(selection.get()?.kind, 'decision', 'the decision stays selected');
  robot.set('r2');
  assert.deepEqual(selection.get(), { kind: 'robot', id: 'r2' });
  selection.set({ kind: 'zone', id: 'z' });
  assert.equal(robot.get(), null);
  assert.equal(selection.get()?.kind, 'zone');
});

test('a page is found by its path, with the names that its pattern gives', () => {
  const panels = [panel('list', 'page', { path: '/missions' }), panel('one', 'page', { path: '/missions/:id' })];
  assert.equal(pageAt(panels, '/missions')?.panel.id, 'list');
  assert.deepEqual(pageAt(panels, '/missions/m%2F1')?.params, { id: 'm/1' });
  assert.equal(pageAt(panels, '/nowhere'), null);
  assert.equal(matchPath('/a/:b', '/a/%E0%A4%A'), null);
});

test('each role may what those before it may, and a role nobody knows may nothing', () => {
  assert.ok(roleReaches('administrator', 'operator'));
  assert.ok(roleReaches('operator', 'operator'));
  assert.ok(!roleReaches('viewer', 'operator'));
  assert.ok(!roleReaches('', 'viewer'));
  assert.ok(!roleReaches('root', 'viewer'));
});

const mark = (timeUs: number, kind: string, level = AlertLevel.UNSPECIFIED): Mark =>
  create(MarkSchema, { timeUs: BigInt(timeUs), kind, level });

test('marks that stand on each other are one, counted, and show the gravest', () => {
  const marks = [mark(100, 'mission'), mark(101, 'failsafe', AlertLevel.CRITICAL), mark(102, 'act'), mark(900, 'act')];
  const clusters = clusterMarks(marks, 0, 1_000, 500);
  assert.deepEqual(
    clusters.map(({ count, first }) => [count, first.kind]),
    [
      [3, 'failsafe'],
      [1, 'act'],
    ],
  );
});

test('the numbers over two groups are never written over each other, and a single mark stays by itself', () => {
  const at = (...times: number[]) => times.map((time) => mark(time, 'act'));
  const counts = (marks: Mark[]) => clusterMarks(marks, 0, 1_000, 1_000).map(({ count, xPx }) => [count, xPx]);
  assert.deepEqual(counts(at(100, 102, 114, 116)), [[4, 108]], '14 pixels apart: one');
  assert.deepEqual(counts(at(100, 102, 130, 132)), [
    [2, 101],
    [2, 131],
  ]);
  assert.deepEqual(counts(at(100, 102, 114)), [
    [2, 101],
    [1, 114],
  ]);
});

test('of two marks side by side a press goes to the nearer one, and beside both to neither', () => {
  const clusters = clusterMarks([mark(100, 'act'), mark(110, 'failsafe')], 0, 1_000, 1_000);
  const near = (xPx: number) => clusterNear(clusters, xPx, 7)?.first.kind;
  assert.deepEqual([93, 104, 106, 117, 92, 118].map(near), [
    'act',
    'act',
    'failsafe',
    'failsafe',
    undefined,
    undefined,
  ]);
});

test('a dense hour is neither one point nor ten thousand', () => {
  const marks = Array.from({ length: 10_000 }, (_, k) => mark(k, 'decision'));
  const clusters = clusterMarks(marks, 0, 10_000, 1_000);
  assert.ok(clusters.length > 15 && clusters.length < 120, `${clusters.length}`);
  assert.equal(
    clusters.reduce((sum, { count }) => sum + count, 0),
    10_000,
  );
});

test('[R192] [R193] a mark has one name while the present moves on and when its record comes, so that it is moved and not drawn anew', () => {
  const reported = create(MarkSchema, {
    timeUs: 50_000n,
    kind: 'failsafe',
    agentId: 'r01',
    text: 'hot',
    reported: true,
  });
  const proved = create(MarkSchema, { ...reported, reported: false, decisionSequence: 7n });
  const names = (marks: readonly Mark[], fromUs: number) =>
    clusterMarks(marks, fromUs, fromUs + 100_000, 1_000).map(({ name }) => name);
  const [told] = names([reported], 0);
  for (let fromUs = 0; fromUs <= 50_000; fromUs += 1_000) {
    const here = names([mark(30_000, 'act'), fromUs < 20_000 ? reported : proved, mark(70_000, 'act')], fromUs);
    assert.ok(here.includes(told ?? ''), `from ${fromUs} us on: ${here}`);
    assert.equal(new Set(here).size, here.length);
  }
});

test('[R193] a mark that is only reported is an outline, of the same shape and level as when its record has filled it', () => {
  const proved = create(MarkSchema, { timeUs: 1n, kind: 'failsafe', agentId: 'r01', level: AlertLevel.CRITICAL });
  const look = markLook(proved);
  assert.deepEqual(look, { path: look.path, level: 'critical', hollow: false });
  assert.deepEqual(markLook(create(MarkSchema, { ...proved, reported: true })), { ...look, hollow: true });
  const dropped = create(MarkSchema, { ...proved, reported: true, unprovable: 'dropped' });
  assert.equal(markLook(dropped).hollow, true, 'nothing will fill it');
});

test('live, the bar follows the present, and stands still while somebody aims at something on it', () => {
  const bar = { spanUs: 60_000, past: false, aimed: false };
  const endUs = windowEnd({ ...bar, endUs: 0, atUs: 500_000 });
  assert.equal(endUs, 501_200);
  assert.equal(windowEnd({ ...bar, endUs, atUs: 503_000 }), 504_200);
  assert.equal(windowEnd({ ...bar, endUs, atUs: 503_000, aimed: true }), endUs);
  assert.equal(
    windowEnd({ ...bar, endUs, atUs: 508_000, aimed: true }),
    509_200,
    'never for so long that it is no more live',
  );
  assert.equal(windowEnd({ ...bar, endUs: 90_000, atUs: 500_000, aimed: true }), endUs, 'the way back to the present');
  assert.equal(windowEnd({ ...bar, endUs: 0, atUs: 500_000, aimed: true }), endUs, 'the first picture');
  const past = { ...bar, past: true };
  assert.equal(windowEnd({ ...past, endUs, atUs: 470_000 }), endUs);
  assert.equal(windowEnd({ ...past, endUs, atUs: 440_000 }), 470_000, 'a moment before it');
  assert.equal(windowEnd({ ...past, endUs: 0, atUs: 440_000 }), 470_000);
});

test('bookmarks stay with the person, and nonsense in the storage is nobody’s bookmark', () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const ada = new Bookmarks(storage, 'ada');
  ada.put({ name: 'stop', atUs: 5, select: 'robot:r1' });
  ada.put({ name: 'stop', atUs: 7, select: '' });
  ada.put({ name: 'later', atUs: 9, select: '' });
  assert.deepEqual(
    new Bookmarks(storage, 'ada').all.get().map(({ name, atUs }) => [name, atUs]),
    [
      ['later', 9],
      ['stop', 7],
    ],
  );
  assert.equal(new Bookmarks(storage, 'bob').all.get().length, 0);
  kept.set('sigma.bookmarks.eve', '[{"name":1},null,{"name":"x","atUs":"soon","select":""}]');
  assert.equal(new Bookmarks(storage, 'eve').all.get().length, 0);
  kept.set('sigma.bookmarks.eve', 'not json');
  assert.equal(new Bookmarks(storage, 'eve').all.get().length, 0);
});

const key = (name: string, code: string, mods: Partial<KeyboardEvent> = {}) =>
  keyText({ key: name, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...mods });

test('keys are the same on every keyboard, and no two commands share one', () => {
  assert.equal(key('<', 'Comma', { shiftKey: true }), 'Shift+,');
  assert.equal(key(';', 'Comma', { shiftKey: true }), 'Shift+,');
  assert.equal(key('K', 'KeyK', { ctrlKey: true }), 'Mod+k');
  assert.equal(key('?', 'Slash', { shiftKey: true }), '?');
  assert.equal(key('T', 'KeyT', { shiftKey: true }), 'Shift+t');
  assert.equal(key(' ', 'Space'), 'Space');
  const all = COMMANDS.flatMap(({ keys }) => keys);
  assert.equal(new Set(all).size, all.length);
});

const docked = [
  panel('fleet', 'left'),
  panel('site', 'centre'),
  panel('robot', 'right'),
  panel('alerts', 'bottom'),
  panel('missions', 'bottom', { order: 20, beside: true }),
  panel('log', 'bottom', { order: 30 }),
];

test('a remembered layout takes new panels in, lets old ones go, and is refused when it is none', () => {
  const saved = JSON.parse(JSON.stringify(defaultModel(docked, 1_280)));
  const fewer = docked.filter(({ id }) => id !== 'log');
  const more = [...fewer, panel('bench', 'bottom', { order: 40 })];
  const model = JSON.stringify(rememberedModel(saved, more));
  assert.match(model, /"bench"/);
  assert.doesNotMatch(model, /"log"/);
  assert.match(model, /"centre"/);
  assert.equal(rememberedModel({ version: 1, root: 'x' }, docked), null);
  assert.equal(rememberedModel(undefined, docked), null);
  assert.equal(rememberedModel({ version: 1, root: { type: 'tabset', id: 'a', tabs: [] } }, docked), null);
});

test('lists beside the site take what they need: a wide window gives the rest to the site', () => {
  const sharesIn = (widthPx: number): number[] => {
    const { root } = defaultModel(docked, widthPx);
    if (root.type !== 'split') throw new Error('nothing stands beside the site');
    return root.children.map(({ size }) => Number(size));
  };
  assert.deepEqual(sharesIn(1_280), [23, 51, 26]);
  const [left = 0, site = 0, right = 0] = sharesIn(2_560);
  assert.equal(Math.round(left + site + right), 100);
  assert.ok((left / 100) * 2_560 <= 430 && (right / 100) * 2_560 <= 540, `${left} % and ${right} % of 2,560 pixels`);
});

test('the first run stands inside the window, beside what it speaks of, and never over the stop control', () => {
  const box = (most: number) =>
    fc.record({
      left: fc.integer({ min: 0, max: most }),
      top: fc.integer({ min: 0, max: 500 }),
      width: fc.integer({ min: 10, max: 800 }),
      height: fc.integer({ min: 10, max: 500 }),
    });
  const stop = { left: 1_112, top: 0, width: 168, height: 44 };
  const size = { width: 340, height: 180 };
  fc.assert(
    fc.property(box(1_200), (target) => {
      const { left, top } = placeBeside(target, stop, size, { width: 1_280, height: 800 });
      assert.ok(left >= 0 && top >= 0 && left + size.width <= 1_280 && top + size.height <= 800);
      assert.ok(left + size.width <= stop.left || top >= stop.top + stop.height);
    }),
    { seed: 13 },
  );
});
