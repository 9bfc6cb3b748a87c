import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stimulus } from '@sigma/kernel';
import { decodeBlock, decodeEnvelope, decodeSignal, EVENT_TYPE, type SealedBlock, verify } from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import { MemoryStore } from '@sigma/recorder/testing';
import { cellOf, drive, hall } from '../testing/course.ts';
import {
  actuatorStimulus,
  injectionStimulus,
  RecordedWorld,
  robotTruth,
  STEP_US,
  WORLD_MODEL,
  worldReexecutor,
} from './index.ts';

const SITE = hall(20, 5);
const BEGIN_US = 330_000;

function openWorld(): RecordedWorld {
  return new RecordedWorld({
    config: { site: SITE, robots: [{ id: 'r1', body: 'carrier', cell: cellOf(SITE, 3, 3) }], people: 2 },
    seed: 5,
    chain: { tenant: 'acme', source: 'world', epoch: 0 },
    previousEpochHash: new Uint8Array(),
    software: 'test',
    sha256,
    atUs: BEGIN_US,
    timeUs: BEGIN_US,
  });
}

/** Drives a robot towards a wall for some seconds of agent time; a pause is time that the machine lost. */
function live(world: RecordedWorld, seconds: number, pauseUs = 0): readonly SealedBlock[] {
  const blocks: SealedBlock[] = [];
  let atUs = BEGIN_US;
  for (let k = 0; k < seconds * 100; k++) {
    const inbox: Stimulus[] = [];
    if (k % 10 === 0) inbox.push(actuatorStimulus(0, drive(1.23456, 0.1), 300_000));
    if (k === 50) inbox.push(injectionStimulus({ type: 'fault', robot: 'nobody', fault: 'link_loss' }));
    if (k === 150) atUs += pauseUs;
    world.step(inbox, atUs, atUs);
    atUs += STEP_US;
    if (k % 25 !== 24) continue;
    const block = world.seal(k % 100 === 99, atUs);
    if (block !== null) blocks.push(block);
  }
  return blocks;
}

async function verified(blocks: readonly SealedBlock[]) {
  const store = new MemoryStore();
  await store.append(blocks);
  return verify(store, { sha256, reexecutors: { [WORLD_MODEL]: () => worldReexecutor } });
}

const signals = (blocks: readonly SealedBlock[]): string[] =>
  blocks
    .flatMap(({ bytes }) => decodeBlock(bytes).events.map(decodeEnvelope))
    .filter(({ type }) => type === EVENT_TYPE.signal)
    .map(({ data }) => decodeSignal(data).name);

test('[W50] [L2] a world is computed again from its inputs, to the bit, also where the machine lost time', async () => {
  for (const pauseUs of [0, 470_000]) {
    const world = openWorld();
    const blocks = live(world, 12, pauseUs);
    assert.ok(robotTruth(world.world, 0).xM > 8);
    const report = await verified(blocks);
    assert.equal(report.firstFailure, null);
    assert.equal(report.chains[0]?.chainOnlyBecause, null);
    assert.deepEqual(signals(blocks).slice(0, 1), ['injection_refused']);
    assert.ok(signals(blocks).includes('collision'));
  }
});

test('[W50] [L4] a world that did something else than its inputs make of it is found out', async () => {
  const world = openWorld();
  const half = live(world, 6);
  const other = openWorld();
  const liar = live(other, 6);
  assert.deepEqual(liar.at(-1)?.hash, half.at(-1)?.hash, 'the same inputs, the same bytes');
  const elsewhere = {
    ...worldReexecutor,
    open: (opening: Parameters<typeof worldReexecutor.open>[0]) => worldReexecutor.open({ ...opening, seed: 6 }),
  };
  const store = new MemoryStore();
  await store.append(half);
  const report = await verify(store, { sha256, reexecutors: { [WORLD_MODEL]: () => elsewhere } });
  assert.ok(report.firstFailure !== null);
});
