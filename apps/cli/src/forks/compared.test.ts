import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Comparison, Outcome } from '@sigma/recorder';
import { toComparison, totalOf } from './compared.ts';

const outcome = (failsafe: number, distanceM: number): Outcome => ({
  ...{
    decisions: 2,
    timeS: 2,
    violations: 1,
    tasksDone: 0,
    tasksFailed: 0,
    collisions: 0,
    failsafe: { stop: failsafe },
  },
  measured: { distanceM },
});

const source = (name: string, first: Comparison['sources'][number]['first']): Comparison['sources'][number] => ({
  ...{
    tenant: 'acme',
    source: name,
    epoch: 0,
    model: 'fleet',
    result: 'differs',
    first,
    decisions: [],
    uncompared: [],
  },
  outcome: { a: outcome(1, 5), b: outcome(0, 4) },
});

const event = (type: string, says: string) => ({ event: 3, atUs: 2_000_000, type, says });

const COMPARISON: Comparison = {
  fromUs: 1_000_000,
  untilUs: 3_000_000,
  sources: [
    source('r1', {
      a: event(
        'sigma.decision.v1',
        '{"command":{"name":"drive","params":{"speedMps":0.6}},"rationale":"a person is near"}',
      ),
      b: null,
    }),
    source('r2', {
      a: event('sigma.signal.v1', 'agent.violation {"of":"pose"}'),
      b: event('sigma.message.v1', '{"topic":"pose"}'),
    }),
  ],
};

test('outcomes are summed over all who lived, and first differences are told in words and times of the day', () => {
  assert.deepEqual(totalOf(COMPARISON, 'a'), {
    ...{ decisions: 4, violations: 2, failsafe: 2, tasksDone: 0, tasksFailed: 0, collisions: 0, distanceM: 10 },
  });
  const { fromTimeUs, outcomes, sources } = toComparison(COMPARISON, 1_700_000_000_000_000);
  assert.equal(fromTimeUs, 1_700_000_001_000_000n);
  assert.deepEqual(
    outcomes?.find(({ name }) => name === 'failsafe'),
    { name: 'failsafe', recorded: 2, forked: 0 },
  );
  assert.deepEqual(
    sources?.map(({ firstTimeUs, firstRecorded, firstForked }) => [firstTimeUs, firstRecorded, firstForked]),
    [
      [1_700_000_002_000_000n, 'decision: drive 0.60 m/s, a person is near', ''],
      [1_700_000_002_000_000n, 'signal: agent.violation', 'message: pose'],
    ],
  );
});

test('[R119] what was dropped of a life is told as what the comparison knows nothing of', () => {
  const [one] = COMPARISON.sources;
  assert.ok(one !== undefined);
  const lost = { firstSequence: 7, lastSequence: 40, resumedAt: 41 };
  const uncompared = [
    { ...lost, side: 'a', fromUs: 1_500_000, untilUs: 2_500_000 },
    { ...lost, side: 'both', fromUs: 2_700_000, untilUs: null },
  ] as const;
  const told = toComparison({ ...COMPARISON, sources: [{ ...one, uncompared }] }, 1_700_000_000_000_000).uncompared;
  assert.deepEqual(
    told?.map(({ agentId, side, fromTimeUs, untilTimeUs, lastSequence }) => [
      agentId,
      side,
      fromTimeUs,
      untilTimeUs,
      lastSequence,
    ]),
    [
      ['r1', 'recorded', 1_700_000_001_500_000n, 1_700_000_002_500_000n, 40n],
      ['r1', 'both', 1_700_000_002_700_000n, 0n, 40n],
    ],
  );
});
