import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type DescService } from '@bufbuild/protobuf';
import * as proto from '@sigma/proto';
import { WORDED, wordsOf } from '../roles/chronicle/act-words.ts';
import { isAct } from './witness.ts';

const services = Object.values(proto as Readonly<Record<string, unknown>>).filter(
  (value): value is DescService => (value as { readonly kind?: unknown } | null)?.kind === 'service',
);
const methods = services.flatMap((service) => service.methods);

test('whatever changes something has words, and what only reads or comes from an edge is no act', () => {
  const acts = methods.filter(isAct);
  assert.ok(acts.length >= 20);
  assert.deepEqual(
    acts.filter(({ input }) => !WORDED.has(input.typeName)).map(({ name }) => name),
    [],
  );
  assert.equal(WORDED.size, acts.length, 'and nothing else has');
  for (const name of ['ListAccounts', 'ListFaults', 'PreviewMission', 'WatchSite', 'IngestBatch', 'Connect'])
    assert.ok(!acts.some((one) => one.name === name), name);
});

test('words name whom it was done to, stay short whatever came in, and survive an empty request', () => {
  for (const { input } of methods.filter(isAct)) {
    const { targets, summary } = wordsOf(create(input));
    assert.ok(summary.length > 0, input.typeName);
    assert.ok(targets.every((one) => one !== ''));
  }
  const rationale = 'x'.repeat(10_000);
  const command = create(proto.CommandAgentRequestSchema, { agentId: 'r1', command: { name: 'drive' }, rationale });
  assert.deepEqual([wordsOf(command).targets, wordsOf(command).summary.length], [['r1'], 300]);
  const goal = { goal: { case: 'goToDock' as const, value: { agentId: 'r7' } } };
  assert.deepEqual(wordsOf(create(proto.CreateMissionRequestSchema, { goal })), {
    targets: ['r7'],
    summary: "sent mission 'goToDock' with priority 0",
  });
});
