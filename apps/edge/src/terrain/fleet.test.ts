import assert from 'node:assert/strict';
import { test } from 'node:test';
import { centreXM, centreYM, DEFAULT_POLICY, fleetModel } from '@sigma/fleet-model';
import { WORLD_MODEL, worldReexecutor } from '@sigma/fleet-world';
import { agentReexecutor, gatherFacts, type KeptStretch, openingOf, type Recording, verify } from '@sigma/recorder';
import { FactsFile } from '@sigma/recorder/facts';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { LiveFleet } from '../../testing/live-fleet.ts';
import { TestHub } from '../../testing/test-hub.ts';
import { fleetTerrain } from './fleet.ts';

test('live robots whose planner in the hub hangs carry their task on by themselves; robots and physics run again from the record [L2] [L5]', async (t) => {
  const hub = await new TestHub().open();
  const fleet = new LiveFleet(2);
  const edge = await fleet.start({ url: hub.url, joinToken: 'secret', backoff: { firstMs: 20, mostMs: 200 } }, 3);
  t.after(async () => {
    await edge.close();
    await hub.vanish();
  });
  const [agentId = ''] = fleet.ids;
  const states = () => hub.of('telemetry').filter((frame) => frame.agentId === agentId && frame.channel === 'state');
  const { site } = fleet;
  const [place] = site.stations;
  assert.ok(place !== undefined);
  await hub.until('both robots report', () => new Set(hub.of('telemetry').map((frame) => frame.agentId)).size === 2);
  const start = states()[0]?.values ?? [];
  const args = { xM: centreXM(site, place.cell), yM: centreYM(site, place.cell) };
  const task = { id: 't1', missionId: 'm1', kind: 'goto', argsJson: JSON.stringify(args) };
  hub.order({ agentId, order: { case: 'assign', value: { task } } });
  await hub.until('it asks for a plan', () => hub.of('ask').some(({ task: asked }) => asked?.id === 't1'));
  assert.ok(hub.of('answer').some(({ accepted }) => accepted));

  hub.order({ agentId, order: { case: 'fault', value: { fault: 'planner_hang', forUs: 60_000_000n } } });
  await hub.until('its own planner takes over', () =>
    hub.of('status').some((status) => status.agentId === agentId && status.chain === 'secondary'),
  );
  await hub.until('it drives by that plan', () => {
    const [x = 0, y = 0] = states().at(-1)?.values ?? [];
    return Math.abs(x - (start[0] ?? 0)) + Math.abs(y - (start[1] ?? 0)) > 0.3;
  });

  await edge.close();
  const recording = openSqliteRecording(fleet.recordingPath);
  const reexecutors = {
    fleet: () => agentReexecutor(fleetModel({ site, policy: DEFAULT_POLICY })),
    [WORLD_MODEL]: () => worldReexecutor,
  };
  const report = await verify(recording, { sha256, reexecutors });
  assert.equal(report.firstFailure, null);
  assert.deepEqual(report.chains.map(({ source }) => source).sort(), [...fleet.ids, 'world-edge-1']);
  assert.ok(report.chains.every(({ chainOnlyBecause }) => chainOnlyBecause === null));
  await factsAreThoseOfTheRecord(recording, fleet);
  await recording.close();
  fleet.remove();
});

/** [R117] What came together beside the record while it was lived is what is gathered from it. */
async function factsAreThoseOfTheRecord(recording: Recording, { site, recordingPath }: LiveFleet): Promise<void> {
  const { model, facts } = fleetTerrain(site, DEFAULT_POLICY);
  assert.ok(facts !== undefined);
  const file = new FactsFile(
    recordingPath,
    facts.facts.map(({ name }) => name),
  );
  for (const head of await recording.heads()) {
    const opening = await openingOf(recording, head);
    if (opening.model !== model.name) continue;
    const kept: KeptStretch[] = [];
    for await (const one of (await file.load(recording, head, opening))?.stretches() ?? []) kept.push(one);
    const gathered: KeptStretch[] = [];
    for await (const one of gatherFacts(recording, head, opening, model, facts)) gathered.push(one);
    assert.deepEqual(kept, gathered, head.source);
    // The first snapshot of a robot is taken within 5 s.
    const livedUs = head.atUs - opening.atUs;
    assert.ok(kept.length > 0 || livedUs < 6_000_000, `${head.source} lived for ${livedUs} us without facts`);
  }
}
