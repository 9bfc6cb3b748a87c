import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitrate, losesTo } from './arbiter.ts';
import { type Command, clampParams, intersect, NO_RESTRICTION, type Restriction } from './command.ts';
import {
  AUTHORITIES,
  authorityRank,
  type CommandProposal,
  type Proposal,
  type RestrictionProposal,
} from './proposal.ts';

const REST: Command = { kind: 'setpoint', name: 'rest', params: {}, durationUs: 1 };
const drive = (speedMps: number): Command => ({ kind: 'setpoint', name: 'drive', params: { speedMps }, durationUs: 1 });

const wants = (source: string, more: Partial<CommandProposal> = {}): CommandProposal => ({
  type: 'command',
  source,
  authority: 'mission',
  severity: 0,
  priority: 0,
  sequence: 0,
  rationale: source,
  confidence: 1,
  ruleHash: null,
  command: drive(1),
  ...more,
});

const bounds = (
  source: string,
  restriction: Partial<Restriction>,
  more: Partial<RestrictionProposal> = {},
): RestrictionProposal =>
  ({
    ...wants(source),
    type: 'restriction',
    authority: 'safety',
    restriction: { ...NO_RESTRICTION, ...restriction },
    ...more,
  }) as RestrictionProposal;

const decide = (...proposals: Proposal[]) => arbitrate(proposals, REST, clampParams);

const anyCommand: fc.Arbitrary<CommandProposal> = fc
  .record({
    source: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    authority: fc.constantFrom(...AUTHORITIES),
    severity: fc.constantFrom(0, 1, 2),
    priority: fc.constantFrom(0, 1),
    sequence: fc.constantFrom(0, 1, 2),
    confidence: fc.constantFrom(0, 0.5, 1),
    speed: fc.constantFrom(-2, -0.1, 0, 0.4, 1.5),
  })
  .map(({ speed, ...rest }) => wants(rest.source, { ...rest, command: drive(speed) }));

const anyRestriction: fc.Arbitrary<RestrictionProposal> = fc
  .record({
    source: fc.constantFrom('p', 'q', 'r'),
    authority: fc.constantFrom(...AUTHORITIES),
    atMost: fc.dictionary(fc.constantFrom('speedMps', 'turnRadps'), fc.constantFrom(0, 0.3, 1), { maxKeys: 2 }),
    forbid: fc.subarray(['name:drive', 'zone:4']),
  })
  .map(({ source, authority, atMost, forbid }) => bounds(source, { atMost, forbid }, { authority }));

const anyProposal: fc.Arbitrary<Proposal> = fc.oneof(anyCommand, anyRestriction);
const settings = { numRuns: 500, seed: 11 };

test('[K15] nobody proposes: the rest command holds', () => {
  const verdict = decide();
  assert.equal(verdict.chosen, null);
  assert.equal(verdict.command, REST);
  assert.deepEqual(verdict.rejected, []);
  assert.deepEqual(verdict.restrictions, []);
  assert.deepEqual(verdict.clamped, []);
  assert.equal(verdict.forbiddenBy, null);
  assert.deepEqual(verdict.restriction, NO_RESTRICTION);
});

test('[K10] [L1] ten urgent missions, a swarm and an operator do not beat one mild safety command', () => {
  const stop = wants('failsafe:hold', { authority: 'safety', severity: 1, command: drive(0) });
  const crowd = Array.from({ length: 10 }, (_, i) =>
    wants(`plan:${i}`, { priority: 1000, sequence: 99, severity: 50 }),
  );
  const verdict = decide(
    ...crowd,
    wants('peer:r07', { authority: 'swarm' }),
    stop,
    wants('operator:ann', { authority: 'operator' }),
  );
  assert.equal(verdict.chosen, stop);
  assert.equal(verdict.rejected.length, 12);
  assert.ok(verdict.rejected.every(({ reason, by }) => reason === 'lower_authority' && by === 'failsafe:hold'));
});

test('[K11] between equals: severity, priority, newest, smaller source, and the loser learns which', () => {
  const cases: readonly [Partial<CommandProposal>, Partial<CommandProposal>, string][] = [
    [{ severity: 2 }, { severity: 1, priority: 9 }, 'lower_severity'],
    [{ priority: 2 }, { priority: 1, sequence: 9 }, 'lower_priority'],
    [{ sequence: 2 }, { sequence: 1 }, 'older'],
    [{}, {}, 'source_order'],
  ];
  for (const [winner, loser, reason] of cases) {
    const [a, b] = [wants('a', winner), wants('b', loser)];
    for (const order of [
      [a, b],
      [b, a],
    ]) {
      const verdict = decide(...order);
      assert.equal(verdict.chosen, a);
      assert.deepEqual(verdict.rejected, [{ proposal: b, reason, by: 'a' }]);
    }
    assert.equal(losesTo(a, b), null);
    assert.equal(losesTo(b, a), reason);
  }
});

test('[K11] the answer does not depend on the order of proposals', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyProposal, { selector: ({ source }) => source, maxLength: 8 }),
      fc.infiniteStream(fc.nat()),
      (proposals, stream) => {
        const shuffled = [...proposals];
        for (let i = shuffled.length - 1; i > 0; i--) {
          const j = (stream.next().value as number) % (i + 1);
          [shuffled[i], shuffled[j]] = [shuffled[j] as Proposal, shuffled[i] as Proposal];
        }
        assert.deepEqual(decide(...shuffled), decide(...proposals));
      },
    ),
    settings,
  );
});

test('[K10] [L1] the winner has the highest authority present, and every other command is kept with its reason', () => {
  fc.assert(
    fc.property(fc.array(anyProposal, { maxLength: 10 }), (proposals) => {
      const verdict = decide(...proposals);
      const commands = proposals.filter((proposal) => proposal.type === 'command');
      const highest = Math.max(-1, ...commands.map(({ authority }) => authorityRank(authority)));
      assert.equal(verdict.chosen === null ? -1 : authorityRank(verdict.chosen.authority), highest);
      assert.equal(verdict.rejected.length, Math.max(0, commands.length - 1));
    }),
    settings,
  );
});

test('[K12] restrictions intersect and clamp the winner, in either direction of motion', () => {
  const slow = bounds('reflex:person', { atMost: { speedMps: 0.5 } });
  const slower = bounds('rule:aisle', { atMost: { speedMps: 0.3, turnRadps: 1 } });
  const forward = decide(wants('plan:primary', { command: drive(1.2) }), slow, slower);
  assert.equal(forward.command.params.speedMps, 0.3);
  assert.deepEqual(forward.clamped, [{ param: 'speedMps', from: 1.2, to: 0.3 }]);
  assert.deepEqual(forward.restriction.atMost, { speedMps: 0.3, turnRadps: 1 });
  const back = decide(wants('plan:primary', { command: drive(-1.2) }), slow);
  assert.equal(back.command.params.speedMps, -0.5);
  const at = decide(wants('plan:primary', { command: drive(0.5) }), slow);
  assert.deepEqual(at.clamped, [], 'a bound is inclusive');
});

test('[K12] a restriction binds its own authority and below, not above', () => {
  const peer = bounds('peer:r07', { atMost: { speedMps: 0.1 } }, { authority: 'swarm' });
  assert.equal(decide(wants('plan:primary'), peer).command.params.speedMps, 0.1);
  assert.equal(decide(wants('peer:r09', { authority: 'swarm' }), peer).command.params.speedMps, 0.1);
  const operator = decide(wants('operator:ann', { authority: 'operator' }), peer);
  assert.equal(operator.command.params.speedMps, 1);
  assert.deepEqual(operator.restriction.atMost, { speedMps: 0.1 }, 'it is in force and shown all the same');
});

test('[K13] [L1] a forbidden winner gives way to rest, never to the next lower proposal', () => {
  const verdict = decide(
    wants('operator:ann', { authority: 'operator' }),
    wants('plan:primary'),
    bounds('rule:4', { forbid: ['name:drive'] }),
  );
  assert.equal(verdict.command, REST);
  assert.equal(verdict.chosen?.source, 'operator:ann');
  assert.equal(verdict.forbiddenBy, 'name:drive');
  assert.deepEqual(verdict.clamped, []);
});

test('[K13] a clamp that gives no reason still forbids', () => {
  const verdict = arbitrate([wants('plan:primary')], REST, () => ({ command: null, clamped: [], forbiddenBy: null }));
  assert.equal(verdict.forbiddenBy, 'forbidden');
});

test('[K14] a malformed proposal cannot win and is kept as malformed; a malformed restriction binds all the same', () => {
  const wrong: Partial<CommandProposal>[] = [
    { severity: Number.NaN },
    { priority: Number.POSITIVE_INFINITY },
    { sequence: Number.NaN },
    { confidence: 1.01 },
    { confidence: -0.01 },
    { confidence: Number.NaN },
  ];
  for (const fields of wrong) {
    const bad = wants('plan:liar', { authority: 'safety', ...fields });
    const verdict = decide(bad, wants('plan:primary'));
    assert.equal(verdict.chosen?.source, 'plan:primary');
    assert.deepEqual(verdict.rejected, [{ proposal: bad, reason: 'malformed', by: 'arbiter' }]);
    const alone = decide(bad);
    assert.equal(alone.chosen, null);
    assert.equal(alone.rejected.length, 1);
  }
  for (const confidence of [0, 1]) assert.equal(decide(wants('x', { confidence })).chosen?.source, 'x');
  const bound = bounds('rule:odd', { atMost: { speedMps: 0 } }, { severity: Number.NaN });
  assert.equal(decide(wants('plan:primary'), bound).command.params.speedMps, 0);
});

test('[K14] losers and restrictions come in order of source, then sequence', () => {
  const verdict = decide(
    wants('z', { sequence: 9 }),
    wants('c'),
    wants('a', { sequence: 2 }),
    wants('a', { sequence: 1 }),
    bounds('r2', {}, { sequence: 5 }),
    bounds('r1', {}),
    bounds('r2', {}, { sequence: 4 }),
  );
  assert.deepEqual(
    verdict.rejected.map(({ proposal }) => [proposal.source, proposal.sequence]),
    [
      ['a', 1],
      ['a', 2],
      ['c', 0],
    ],
  );
  assert.deepEqual(
    verdict.restrictions.map(({ source, sequence }) => [source, sequence]),
    [
      ['r1', 0],
      ['r2', 4],
      ['r2', 5],
    ],
  );
});

test('[K16] [L1] one restriction more never raises the speed that goes out', () => {
  fc.assert(
    fc.property(fc.array(anyProposal, { maxLength: 8 }), anyRestriction, (proposals, more) => {
      const speed = (list: Proposal[]) => Math.abs(Number(decide(...list).command.params.speedMps ?? 0));
      assert.ok(speed([...proposals, more]) <= speed(proposals));
    }),
    settings,
  );
});

test('[K12] intersection is commutative, associative and idempotent', () => {
  const any = anyRestriction.map(({ restriction }) => restriction);
  const plain = (restriction: Restriction) => ({
    atMost: { ...restriction.atMost },
    forbid: [...restriction.forbid].sort(),
  });
  fc.assert(
    fc.property(any, any, any, (a, b, c) => {
      assert.deepEqual(plain(intersect(a, b)), plain(intersect(b, a)));
      assert.deepEqual(plain(intersect(intersect(a, b), c)), plain(intersect(a, intersect(b, c))));
      assert.deepEqual(plain(intersect(a, a)), plain(a));
      assert.deepEqual(intersect(NO_RESTRICTION, a), a);
      assert.deepEqual(intersect(a, NO_RESTRICTION), a);
    }),
    settings,
  );
});

test('[K12] a NaN parameter is no command', () => {
  const result = clampParams(drive(Number.NaN), NO_RESTRICTION);
  assert.equal(result.command, null);
  assert.equal(result.forbiddenBy, 'nan:speedMps');
});
