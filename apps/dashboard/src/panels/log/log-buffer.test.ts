import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type AgentDecision, AgentDecisionSchema, Authority } from '@sigma/proto';
import { LogBuffer } from './log-buffer.ts';
import { NO_FILTER } from './log-lines.ts';

const decision = (agentId: string, sequence: number, atMs: number, init: object = {}): AgentDecision =>
  create(AgentDecisionSchema, {
    agentId,
    timeUs: BigInt(atMs) * 1000n,
    decision: {
      sequence: BigInt(sequence),
      context: { epoch: 1 },
      command: { name: 'drive' },
      chosen: { source: 'plan:primary', authority: Authority.MISSION },
      rationale: `step ${sequence}`,
      ...init,
    },
  });

const named = (buffer: LogBuffer) => buffer.lines.map(({ agentId, sequence }) => `${agentId}.${sequence}`);

test('lines stand in the order of time whatever the order of arrival, and each once', () => {
  const buffer = new LogBuffer();
  const first = decision('r1', 1, 10);
  assert.equal(buffer.absorb([decision('r2', 1, 20), first]), 2);
  assert.equal(buffer.absorb([first, decision('r1', 1, 10)]), 0, 'neither the same object nor the same decision again');
  assert.equal(buffer.absorb([decision('r3', 1, 15), decision('r1', 2, 30)]), 2);
  assert.deepEqual(named(buffer), ['r1.1', 'r3.1', 'r2.1', 'r1.2']);
});

test('a pause freezes what is shown, counts what comes, and loses none of it', () => {
  const buffer = new LogBuffer();
  buffer.absorb([decision('r1', 1, 10)]);
  buffer.pause();
  for (let n = 2; n <= 1_000; n++) buffer.absorb([decision('r1', n, n * 10)]);
  assert.deepEqual(named(buffer), ['r1.1']);
  assert.equal(buffer.waiting, 999);
  buffer.resume();
  assert.equal(buffer.lines.length, 1_000);
  assert.equal(buffer.waiting, 0);
});

test('a filter in a pause shows what it finds among everything in hand', () => {
  const buffer = new LogBuffer();
  buffer.absorb([decision('r1', 1, 10), decision('r2', 1, 11)]);
  buffer.pause();
  buffer.absorb([decision('r2', 2, 12), decision('r1', 2, 13)]);
  buffer.filterBy({ ...NO_FILTER, agentId: 'r2' });
  assert.deepEqual(named(buffer), ['r2.1', 'r2.2']);
  buffer.absorb([decision('r1', 3, 14), decision('r2', 3, 15)]);
  assert.equal(buffer.waiting, 1, 'only what the filter would show is waited for');
});

test('stops, refusals and clamps are found by what was decided, not by a word', () => {
  const buffer = new LogBuffer();
  buffer.absorb([
    decision('r1', 1, 1),
    decision('r1', 2, 2, { command: { name: 'stop' } }),
    decision('r1', 3, 3, { clamped: [{ param: 'speedMps', from: 1, to: 0.3 }] }),
    decision('r1', 4, 4, { forbiddenBy: 'rule:no_lift' }),
    decision('r1', 5, 5, { chosen: { source: 'failsafe:hold', authority: Authority.SAFETY } }),
  ]);
  buffer.filterBy({ ...NO_FILTER, kinds: ['stop', 'refusal'] });
  assert.deepEqual(named(buffer), ['r1.2', 'r1.4', 'r1.5']);
  buffer.filterBy({ ...NO_FILTER, kinds: ['clamp'] });
  assert.deepEqual(named(buffer), ['r1.3']);
  buffer.filterBy({ ...NO_FILTER, text: 'step 4' });
  assert.deepEqual(named(buffer), ['r1.4']);
});

test('beyond its bound the oldest lines go, and are said to be gone; they can be read back', () => {
  const buffer = new LogBuffer(3_000);
  for (let n = 1; n <= 6_000; n++) buffer.absorb([decision('r1', n, n)]);
  assert.ok(buffer.held <= 5_000, `${buffer.held} lines in hand`);
  assert.equal(buffer.held + buffer.gone, 6_000, 'none is lost without being counted');
  const { oldest } = buffer;
  assert.equal(oldest?.sequence, BigInt(buffer.gone + 1));
  assert.equal(buffer.addOlder([decision('r1', 1, 1), decision('r1', 2, 2)]), 2);
  assert.deepEqual(named(buffer).slice(0, 2), ['r1.1', 'r1.2']);
});

test('a hundred thousand lines are taken, filtered and read within a second of work', () => {
  const buffer = new LogBuffer();
  const from = process.cpuUsage();
  for (let page = 0; page < 100; page++) {
    buffer.absorb(Array.from({ length: 1_000 }, (_, k) => decision(`r${k % 40}`, page * 1_000 + k, page * 1_000 + k)));
    assert.equal(buffer.lines.length, (page + 1) * 1_000);
  }
  const building = process.cpuUsage(from).user / 1e6;
  const before = process.cpuUsage();
  buffer.filterBy({ ...NO_FILTER, text: 'step 99' });
  assert.ok(buffer.lines.length > 1_000);
  const filtering = process.cpuUsage(before).user / 1e6;
  assert.ok(filtering < 1, `filtering took ${filtering} s`);
  assert.ok(building < 10, `taking them took ${building} s`);
});
