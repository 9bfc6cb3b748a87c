import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type AgentDecision, AgentDecisionSchema, WatchSiteResponseSchema } from '@sigma/proto';
import { DecisionBook } from './decision-book.ts';
import { LiveSite } from './live-site.ts';
import { ShownSite } from './shown-site.ts';

const at = (x: number) =>
  create(WatchSiteResponseSchema, { roster: 1, agentIds: ['r1'], xM: [x], yM: [0], timeUs: BigInt(x) });

test('exchanging the view tells every topic, and from then on only the new one is heard', () => {
  const first = new LiveSite((run) => run());
  const second = new LiveSite((run) => run());
  first.fold(at(1), 0);
  second.fold(at(2), 0);
  const shown = new ShownSite(first);
  let told = 0;
  shown.subscribe('roster', () => told++);
  const before = shown.version('agents');
  assert.equal(shown.timeUs, 1n);
  shown.show(second);
  assert.equal(shown.timeUs, 2n);
  assert.equal(told, 1);
  assert.notEqual(shown.version('agents'), before);
  first.fold(create(WatchSiteResponseSchema, { roster: 2, agentIds: ['r1', 'r2'] }), 1);
  assert.equal(told, 1, 'the view that is not shown is not heard');
  second.fold(create(WatchSiteResponseSchema, { roster: 2, agentIds: ['r1', 'r3'] }), 1);
  assert.equal(told, 2);
});

const decision = (agentId: string, sequence: number, timeUs: number): AgentDecision =>
  create(AgentDecisionSchema, { agentId, timeUs: BigInt(timeUs), decision: { sequence: BigInt(sequence) } });

test('the site’s decisions are newest first, each once, however they come', () => {
  const book = new DecisionBook();
  book.put('r1', [decision('r1', 2, 20)]);
  book.put('r2', [decision('r2', 1, 15)]);
  book.put('r1', [decision('r1', 1, 10), decision('r1', 2, 20), decision('r1', 3, 30)]);
  assert.equal(book.put('r1', [decision('r1', 3, 30)]), false);
  assert.deepEqual(
    book.all().map((one) => `${one.agentId}:${one.decision?.sequence}`),
    ['r1:3', 'r1:2', 'r2:1', 'r1:1'],
  );
  assert.equal(book.all(), book.all(), 'the same list while nothing changed');
  assert.deepEqual(
    book.of('r1').map((one) => Number(one.decision?.sequence)),
    [3, 2, 1],
  );
});

test('a day of decisions stays within its bounds', () => {
  const book = new DecisionBook();
  for (let k = 0; k < 12_000; k++) book.put(`r${k % 3}`, [decision(`r${k % 3}`, k, k)]);
  assert.equal(book.of('r1').length, 500);
  assert.equal(book.all().length, 5_000);
  assert.equal(book.all()[0]?.timeUs, 11_999n);
});

test('of many robots the book fills up with a share of each, and keeps what was asked for of one', () => {
  const book = new DecisionBook();
  const robots = Array.from({ length: 1_000 }, (_, k) => `r${k}`);
  // Two at once are no page of history.
  for (let k = 1; k < 60; k += 3) {
    for (const id of robots) book.put(id, [decision(id, k, k)]);
    for (const id of robots) book.put(id, [decision(id, k + 1, k + 1), decision(id, k + 2, k + 2)]);
  }
  const kept = robots.reduce((sum, id) => sum + book.of(id).length, 0);
  assert.ok(kept <= 10_000, `${kept} decisions`);
  const history = Array.from({ length: 50 }, (_, k) => decision('r7', k + 11, k + 11));
  book.put('r7', history);
  book.put('r7', [decision('r7', 61, 61)]);
  assert.deepEqual([book.of('r7').length, book.of('r7')[0]?.decision?.sequence], [50, 61n]);
});
