import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '@noble/hashes/sha2.js';
import type { FleetBelief } from '@sigma/fleet-model';
import type { Agent } from '@sigma/kernel';
import { decodeBlock, type SealedBlock } from '@sigma/recorder';
import { fakeSite } from '../../../../e2e/fake-site.ts';
import { recordedDecisions } from '../../../../e2e/recorded-decisions.ts';
import { recordRobot } from '../../../../e2e/robot-recording.ts';
import { NotOnRecordError } from './evidence-words.ts';
import { type EvidencePorts, gatherEvidence } from './gather-evidence.ts';
import { inboxLines, planAt } from './moment-words.ts';

const BEGAN_US = 1_700_000_000_000_000;
const site = fakeSite();
const blocks = recordRobot(site, sha256, 6);
const decisions = recordedDecisions(blocks);

function portsOf(served: readonly SealedBlock[], from = 1): EvidencePorts & { readonly read: number[] } {
  const read: number[] = [];
  return {
    read,
    site: null,
    simulated: true,
    sha256: (bytes) => sha256(bytes),
    locate: async ({ agentId }, timeUs) =>
      agentId === 'r01' && timeUs >= BEGAN_US ? { fromSequence: from, epochTimeUs: BEGAN_US } : null,
    async *blocks(_request, fromSequence, toSequence) {
      for (const { firstSequence, count, bytes, hash } of served) {
        if (firstSequence + count - 1 < fromSequence || firstSequence > toSequence) continue;
        read.push(firstSequence);
        yield { block: bytes, hash };
      }
    },
  };
}

const request = (sequence: number, agentId = 'r01') => {
  const atUs = Number(decisions.find(({ decision }) => decision?.sequence === BigInt(sequence))?.atUs ?? 0n);
  return { agentId, epoch: 0, sequence, atUs, timeUs: BEGAN_US + atUs + 400_000 };
};

test('a decision is found in the record, its blocks are checked, and it comes out the same bit for bit', async () => {
  assert.ok(decisions.length >= 3, `${decisions.length} decisions on record`);
  for (const { decision } of decisions.slice(0, -1)) {
    const { place, check, lastedUs, policy, alternatives } = await gatherEvidence(
      request(Number(decision?.sequence)),
      portsOf(blocks),
    );
    assert.equal(check.result, 'same');
    assert.ok(check.blocks > 0 && check.wakes > 0);
    assert.ok((lastedUs ?? 0) > 0, 'the next decision ends it');
    const block = blocks.find(
      ({ firstSequence, count }) => place.event >= firstSequence && place.event < firstSequence + count,
    );
    assert.equal(place.block, Buffer.from(block?.hash ?? []).toString('hex'));
    assert.deepEqual(
      alternatives?.map(({ number }) => number),
      decision?.rejected.map((_, k) => k + 1),
    );
    assert.equal(policy?.rules.length, 7);
    assert.equal(policy?.rules[1]?.id, 'work_zone');
    assert.deepEqual(policy?.rules[1]?.reads, [{ name: 'zone.work', value: 'false' }]);
  }
});

test('what the robot had seen and been told in that cycle is there: an order stopped it, and it stood', async () => {
  const found = await gatherEvidence(request(Number(decisions[1]?.decision?.sequence)), portsOf(blocks));
  const battery = found.readings.find(({ name }) => name === 'charge');
  assert.deepEqual([battery?.low, battery?.high, battery?.value], [0.15, 1, 1]);
  const orders = (
    await Promise.all(
      decisions.map(({ decision }) => gatherEvidence(request(Number(decision?.sequence)), portsOf(blocks))),
    )
  ).flatMap(({ inbox }) => inbox.filter(({ kind }) => kind === 'order'));
  assert.match(orders[0]?.text ?? '', /stop from operator:ada, order 100/);
});

test('what was expected stands beside what came: a stop was to end in rest, and the wheels went on', async () => {
  const rolling = recordRobot(site, sha256, 6, { speedMps: 0.5 });
  const stop = recordedDecisions(rolling).find(({ decision }) => decision?.command?.name === 'stop');
  const found = await gatherEvidence(request(Number(stop?.decision?.sequence)), portsOf(rolling));
  const { violated, made } = found.expectations;
  assert.ok(made > 1, 'it is expected again for as long as the decision is in force');
  assert.equal(violated?.verdict, 'violated');
  const [speed] = violated?.quantities ?? [];
  assert.deepEqual([speed?.name, speed?.expected, speed?.tolerance], ['speedMps', 0, 0.1]);
  assert.ok(Math.abs((speed?.came ?? 0) - 0.5) < 0.01);
});

test('a place that is too late is not believed: the search goes back until the decision is there', async () => {
  const late = blocks.at(-2) as SealedBlock;
  const ports = portsOf(blocks, late.firstSequence);
  const { check } = await gatherEvidence(request(1), ports);
  assert.equal(check.result, 'same');
  assert.ok(ports.read.includes(late.firstSequence), 'it did look where it was told first');
});

test('[L4] a changed block, a missing block and a foreign chain are found, never shown as proof', async () => {
  const last = Number(decisions.at(-1)?.decision?.sequence);
  const changed = blocks.map((block, k) => {
    if (k !== 2) return block;
    const bytes = block.bytes.slice();
    (bytes[bytes.length >> 1] as number) ^= 1;
    return { ...block, bytes };
  });
  await assert.rejects(gatherEvidence(request(last), portsOf(changed)), /not what its hash says/);
  await assert.rejects(
    gatherEvidence(request(last), portsOf(blocks.filter((_, k) => k !== 3))),
    /does not follow the one before/,
  );
  await assert.rejects(gatherEvidence(request(1, 'r99'), portsOf([])), NotOnRecordError);
  await assert.rejects(gatherEvidence(request(10_000), portsOf(blocks)), /not recorded this decision yet/);
});

test('a recording of a newer model is on record, and said not to be computed again', async () => {
  const newer = recordRobot(site, sha256, 2, { versionsNewer: 1 });
  assert.equal(decodeBlock((newer[0] as SealedBlock).bytes).source, 'r01');
  const { check, readings, alternatives } = await gatherEvidence(request(1), portsOf(newer));
  assert.equal(alternatives, null, 'and what of it can be run is not known');
  assert.equal(check.result, 'not recomputed');
  assert.match(check.because, /model version/);
  assert.deepEqual(readings, []);
});

test('a signal that tells a time says it in seconds, and one that is so or not says that', () => {
  const lost = inboxLines([{ kind: 'signal', name: 'body_time_lost', value: 250_000 }]);
  assert.deepEqual(lost, [{ kind: 'signal', text: 'clock of the body stood still 0.3 s' }]);
  const held = inboxLines([{ kind: 'signal', name: 'command_held', value: 1 }]);
  assert.deepEqual(held, [{ kind: 'signal', text: 'command held back by the recorder from now on' }]);
});

test('where a plan leads and what a rule bounds is told with its unit', async () => {
  const intents = [
    { name: 'advance', args: { xM: 8.5, yM: 54.5, speedMps: 0.6 } },
    { name: 'load', args: { station: 'shelf_1', item: 'box' } },
    { name: 'wait', args: {} },
  ];
  const plan = { revision: 3, from: 'primary', intents, cursor: 0, rationale: 'deliver', confidence: 0.9 };
  assert.deepEqual(planAt({ plan } as unknown as Agent<FleetBelief>)?.steps, [
    'advance: x 8.5 m, y 54.5 m, speed 0.6 m/s',
    'load: station shelf_1, item box',
    'wait',
  ]);
  const { policy } = await gatherEvidence(request(1), portsOf(blocks));
  const bounds = policy?.rules.filter(({ effect }) => effect.includes('at most')).map(({ effect }) => effect) ?? [];
  assert.ok(bounds.length > 0);
  for (const effect of bounds) assert.match(effect, /^speed at most [\d.]+ m\/s(,|$)/);
});
