import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { OrderReceiptSchema } from '@sigma/proto';
import { Acts, judgeReceipts } from './acts.ts';
import { readSession, signIn } from './session.ts';

const receipt = (agentId: string, outcome: string, reason = '') =>
  create(OrderReceiptSchema, { agentId, outcome, reason });

test('one receipt is told in the words of the robot', () => {
  assert.deepEqual(judgeReceipts([receipt('r1', 'accepted')]), { kind: 'done', detail: 'accepted by the robot' });
  assert.deepEqual(judgeReceipts([receipt('r1', 'refused', 'not acknowledged')]), {
    kind: 'failed',
    detail: 'refused by the robot: not acknowledged',
  });
  assert.equal(judgeReceipts([receipt('r1', 'sent')]).kind, 'partly');
  assert.equal(judgeReceipts([undefined]).kind, 'failed');
});

test('a site stop that some robots did not hear names them', () => {
  const receipts = [receipt('r1', 'accepted'), receipt('r2', 'unreachable'), receipt('r3', 'accepted')];
  assert.deepEqual(judgeReceipts(receipts), { kind: 'partly', detail: 'accepted by 2 of 3; r2 unreachable' });
  assert.deepEqual(judgeReceipts([receipts[0], receipts[2]]), { kind: 'done', detail: 'accepted by all 2' });
});

test('an act is first pending, then what came of it; a failure is an outcome and not an exception', async () => {
  const acts = new Acts((error) => (error as Error).message);
  const seen: string[] = [];
  acts.subscribe(() => seen.push(acts.all[0]?.outcome.kind ?? ''));
  const answer = await acts.run(
    'Stop r1',
    ['r1'],
    () => Promise.reject(new Error('hub gone')),
    () => ({ kind: 'done', detail: '' }),
  );
  assert.equal(answer, undefined);
  assert.deepEqual(seen, ['pending', 'failed']);
  assert.deepEqual(acts.all[0]?.outcome, { kind: 'failed', detail: 'hub gone' });
});

const answering =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  async () =>
    new Response(JSON.stringify(body), { status, headers });

test('the door tells a wrong password, too many tries and a missing hub apart', async () => {
  assert.equal((await signIn(answering(401, {}), 'a@b', 'x')).kind, 'wrong_password');
  assert.deepEqual(await signIn(answering(429, {}, { 'x-retry-after': '7' }), 'a@b', 'x'), {
    kind: 'rate_limited',
    seconds: 7,
  });
  assert.equal((await signIn(answering(502, {}), 'a@b', 'x')).kind, 'unreachable');
  const gone = () => Promise.reject(new TypeError('Failed to fetch'));
  assert.deepEqual(await signIn(gone, 'a@b', 'x'), { kind: 'unreachable', detail: 'Failed to fetch' });
  assert.equal(await readSession(gone), 'unreachable');
});

test('no session is null, and a user without a name goes by the address', async () => {
  assert.equal(await readSession(answering(200, null)), null);
  const session = await readSession(answering(200, { user: { email: 'ada@example.org', role: 'operator' } }));
  assert.deepEqual(session, { name: 'ada@example.org', email: 'ada@example.org', role: 'operator' });
});
