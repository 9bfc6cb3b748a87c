import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type CommandOutcome,
  type ConditionalCommand,
  judgeCommand,
  laterWrite,
  mergeTexts,
  type Register,
} from './conflicts.ts';

const RUNS = { seed: 129, numRuns: 500 };
const time = fc.record({ us: fc.nat(5), count: fc.nat(2) });
const write: fc.Arbitrary<Register<number>> = fc.record({
  value: fc.nat(9),
  time,
  source: fc.constantFrom('a', 'b', 'c'),
});

test('[R129] of a register the last by hybrid time and source holds, in whatever order and however often writes come', () => {
  const writes = fc.uniqueArray(write, {
    minLength: 1,
    selector: (one) => `${one.time.us} ${one.time.count} ${one.source}`,
  });
  fc.assert(
    fc.property(writes, fc.infiniteStream(fc.nat()), (all, picks) => {
      const [first, ...rest] = all as [Register<number>, ...Register<number>[]];
      const held = rest.reduce(laterWrite, first);
      let other = all[(picks.next().value as number) % all.length] as Register<number>;
      for (let n = 0; n < all.length * 3; n++) {
        other = laterWrite(all[(picks.next().value as number) % all.length] as Register<number>, other);
      }
      for (const one of all) other = laterWrite(one, other);
      assert.deepEqual(other, held);
    }),
    RUNS,
  );
});

const command: fc.Arbitrary<ConditionalCommand> = fc.record({
  id: fc.uuid(),
  target: fc.constantFrom('mission 1', 'fence 2'),
  expects: fc.nat(3),
});

test('[R129] a command is accepted for the version in force and no other, once; the rejected ones say why and change nothing', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
      const versions = new Map<string, number>();
      const accepted: CommandOutcome[] = [];
      for (const given of commands) {
        const before = versions.get(given.target) ?? 0;
        const outcome = judgeCommand(versions, given);
        assert.equal(outcome.type, before === given.expects ? 'accepted' : 'rejected');
        if (outcome.type === 'rejected') {
          assert.match(outcome.reason, new RegExp(`version ${given.expects} of ${given.target}; version ${before}`));
          continue;
        }
        assert.equal(outcome.version, before + 1);
        versions.set(given.target, outcome.version);
        accepted.push(outcome);
      }
      for (const target of versions.keys()) {
        const seen = accepted.flatMap((one) => (one.type === 'accepted' && one.target === target ? [one.version] : []));
        assert.deepEqual(
          seen,
          seen.map((_, i) => i + 1),
        );
      }
    }),
    RUNS,
  );
});

const line = fc.constantFrom('a', 'b', 'c', '', 'speed 0.3', 'speed 0.6');
const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n'));

test('[R129] a text that only one side changed, or both alike, becomes that change', () => {
  fc.assert(
    fc.property(text, text, (base, changed) => {
      for (const [ours, theirs] of [
        [changed, base],
        [base, changed],
        [changed, changed],
      ] as const) {
        assert.deepEqual(mergeTexts(base, ours, theirs), { type: 'merged', text: changed });
      }
    }),
    RUNS,
  );
});

test('[R129] whose change is called ours makes no difference: both sides of a link come to one text, or to one conflict', () => {
  fc.assert(
    fc.property(text, text, text, (base, ours, theirs) => {
      const here = mergeTexts(base, ours, theirs);
      const there = mergeTexts(base, theirs, ours);
      if (here.type === 'merged') {
        assert.deepEqual(there, here);
        return;
      }
      assert.equal(there.type, 'conflict');
      for (const { ours: a, theirs: b } of here.conflicts) assert.notDeepEqual(a, b, 'one change is no conflict');
    }),
    RUNS,
  );
});

test('[R129] changes apart from each other are joined; changes of the same lines go to a person, with all three', () => {
  const base = 'zone: A\nspeed: 0.6\n\nnight: no';
  const slower = base.replace('0.6', '0.3');
  const night = base.replace('night: no', 'night: yes');
  assert.deepEqual(mergeTexts(base, slower, night), { type: 'merged', text: 'zone: A\nspeed: 0.3\n\nnight: yes' });
  assert.deepEqual(mergeTexts(base, slower, base.replace('0.6', '0.8')), {
    type: 'conflict',
    conflicts: [{ base: ['speed: 0.6'], ours: ['speed: 0.3'], theirs: ['speed: 0.8'] }],
  });
});
