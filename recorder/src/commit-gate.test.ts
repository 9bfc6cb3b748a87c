import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CommitGate } from './index.ts';

const MISSION = { urgent: false, lane: 'command' } as const;
const SAFETY = { urgent: true, lane: 'command' } as const;
const MESSAGE = { urgent: false, lane: null } as const;
const REPORT = { urgent: false, lane: null, report: true } as const;
const gateOf = () => new CommitGate<string>({ downAfterUs: 500_000 });

test('[R50] a mission command leaves when the block with its decision and inputs is on disk, not when it is sealed', () => {
  const gate = gateOf();
  assert.deepEqual(gate.offer('drive', MISSION, 0), []);
  gate.sealed(7);
  assert.deepEqual(gate.durable(6), []);
  assert.deepEqual(gate.durable(7), ['drive']);
  assert.deepEqual(gate.durable(7), [], 'once');
});

test('[R50] an older block on disk says nothing about an output decided after it', () => {
  const gate = gateOf();
  gate.sealed(3);
  gate.offer('drive', MISSION, 10);
  assert.deepEqual(gate.durable(3), []);
  gate.sealed(5);
  gate.offer('turn', MISSION, 20);
  assert.deepEqual(gate.durable(5), ['drive']);
  gate.sealed(9);
  assert.deepEqual(gate.durable(9), ['turn']);
});

test('[R51] [L5] a safety command leaves at once, and no command decided before it can follow it', () => {
  const gate = gateOf();
  gate.offer('drive', MISSION, 0);
  gate.offer('hello', MESSAGE, 0);
  assert.deepEqual(gate.offer('stop', SAFETY, 10), ['stop']);
  gate.sealed(4);
  assert.deepEqual(gate.durable(4), ['hello'], 'the message still goes, the old command never');
  gate.offer('drive again', MISSION, 20);
  gate.sealed(5);
  assert.deepEqual(gate.durable(5), ['drive again']);
});

test('[R52] [R53] with the recorder down missions end after the set time, safety goes on, and the kernel is told once', () => {
  const gate = gateOf();
  gate.offer('drive', MISSION, 1000);
  gate.offer('I am coming', MESSAGE, 1000);
  gate.sealed(2);
  assert.equal(gate.check(501_000), null, 'not yet: the bound is inclusive');
  assert.deepEqual(gate.check(501_001), { kind: 'signal', name: 'recorder_down', value: 1 });
  assert.equal(gate.check(600_000), null);
  assert.deepEqual(gate.offer('drive on', MISSION, 600_000), []);
  assert.deepEqual(gate.offer('stop', SAFETY, 600_000), ['stop']);
  assert.equal(gate.discarded, 3);
  gate.sealed(3);
  assert.deepEqual(gate.durable(3), [], 'what was held is of a moment that is gone');
  assert.deepEqual(gate.check(700_000), { kind: 'signal', name: 'recorder_down', value: 0 });
  gate.offer('drive', MISSION, 700_001);
  gate.sealed(4);
  assert.deepEqual(gate.durable(4), ['drive']);
});

test('[R53] a report of what the record holds outlasts a recorder that is down, and leaves when it is on record', () => {
  const gate = gateOf();
  gate.offer('drive', MISSION, 0);
  gate.offer('I decided to drive', REPORT, 0);
  gate.sealed(2);
  assert.equal(gate.check(500_001)?.value, 1);
  assert.deepEqual(gate.offer('I decided to stop', REPORT, 600_000), []);
  assert.ok(gate.unsealed);
  gate.sealed(4);
  assert.deepEqual(gate.durable(2), ['I decided to drive']);
  assert.deepEqual(gate.durable(4), ['I decided to stop']);
  assert.equal(gate.discarded, 1, 'the command');
});

test('[R51] what was overtaken in its lane never leaves, and the rest does', () => {
  const gate = gateOf();
  gate.offer('drive', MISSION, 0);
  gate.offer('hello', MESSAGE, 0);
  gate.sealed(1);
  gate.offer('drive on', MISSION, 10);
  gate.overtake('command');
  assert.equal(gate.unsealed, false, 'nothing is left that waits for a block');
  gate.sealed(2);
  assert.deepEqual(gate.durable(2), ['hello']);
  assert.equal(gate.discarded, 2);
});

test('[R52] a recorder that says it cannot write is down at once, until all that was sealed is on disk', () => {
  const gate = gateOf();
  gate.offer('drive', MISSION, 0);
  gate.sealed(3);
  gate.failed();
  assert.equal(gate.check(10)?.value, 1);
  gate.durable(2);
  assert.equal(gate.check(20), null);
  gate.durable(3);
  assert.equal(gate.check(30)?.value, 0);
});

test('[R52] wakes that say nothing count too: a recorder that keeps no inputs is down', () => {
  const gate = gateOf();
  gate.woke(0);
  assert.equal(gate.check(500_001)?.value, 1);
});

test('[R52] a recorder that is slow but keeps up is not down', () => {
  const gate = gateOf();
  for (let n = 1; n < 100; n++) {
    gate.woke(n * 100_000);
    gate.sealed(n);
    if (n > 4) gate.durable(n - 4);
    assert.equal(gate.check(n * 100_000), null);
  }
});

test('[R54] outputs held without bound give way, oldest first, and are counted', () => {
  const gate = new CommitGate<number>({ downAfterUs: 1e9, holdAtMost: 3 });
  for (let n = 0; n < 5; n++) gate.offer(n, MESSAGE, n);
  gate.sealed(1);
  assert.deepEqual(gate.durable(1), [2, 3, 4]);
  assert.equal(gate.discarded, 2);
});

test('[R50] [R51] in any run, mission outputs leave only after their block, in order, and never behind a newer stop', () => {
  const act = fc.oneof(
    fc.record({ do: fc.constant('offer' as const), urgent: fc.boolean() }),
    fc.record({ do: fc.constant('seal' as const) }),
    fc.record({ do: fc.constant('durable' as const), back: fc.nat({ max: 3 }) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const gate = new CommitGate<number>({ downAfterUs: 1e15 });
      const blockOf = new Map<number, number>();
      let sealed = 0;
      let durable = 0;
      let last = -1;
      let offered: number[] = [];
      const left = (outputs: readonly number[], urgent: boolean): void => {
        for (const n of outputs) {
          assert.ok(n > last, `${n} left after ${last}`);
          if (!urgent) assert.ok((blockOf.get(n) ?? Number.POSITIVE_INFINITY) <= durable, `${n} left too early`);
          last = n;
        }
      };
      acts.forEach((step, n) => {
        if (step.do === 'offer') {
          if (!step.urgent) offered.push(n);
          left(gate.offer(n, { urgent: step.urgent, lane: 'command' }, n), step.urgent);
        } else if (step.do === 'seal') {
          gate.sealed(++sealed);
          for (const output of offered) blockOf.set(output, sealed);
          offered = [];
        } else {
          durable = Math.max(durable, sealed - step.back);
          left(gate.durable(durable), false);
        }
      });
    }),
    { seed: 20260305, numRuns: 500 },
  );
});
