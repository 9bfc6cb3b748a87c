import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { siteToJson } from '@sigma/fleet-model';
import type { Json } from '@sigma/kernel';
import {
  ChainWriter,
  decodeOpening,
  EVENT_TYPE,
  type EventDraft,
  eventsOf,
  openingEvent,
  openingOf,
  verify,
  verifyLineage,
} from '@sigma/recorder';
import { openSqliteRecorder, openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { warehouse } from '../../testing/warehouse.ts';
import { fleetReexecutors, timelineReexecutors } from '../recording.ts';
import { runSim } from '../run-sim.ts';
import type { ForkRequest } from './fork-request.ts';
import { type ForkResult, makeFork } from './make-fork.ts';
import { openWithParents } from './parents.ts';
import { parsePolicyFile } from './policy-file.ts';

const SLOW = `{"id": "slow", "rate": "situation", "when": "robot.speed_mps > 0.3", "rationale": "slowly",
  "effect": {"type": "restrict", "restriction": {"atMost": {"speedMps": 0.3}, "forbid": []}}}`;
const site = warehouse();
let folder = '';
let real = '';

/** Robots without the world that they drove in, as a real site has them on record: their openings bear the site. */
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-open-loop-'));
  const simulated = join(folder, 'simulated.sqlite');
  real = join(folder, 'real.sqlite');
  const nowMs = (): number => performance.now();
  await runSim({ site, seed: 7, robots: 4, people: 2, minutes: 0.3, recordingPath: simulated, verify: false, nowMs });
  const [from, to] = [openSqliteRecording(simulated), await openSqliteRecorder(real)];
  for (const { tenant, source, epoch } of await from.heads()) {
    if (!source.startsWith('r')) continue;
    const events: EventDraft[] = [];
    for await (const event of eventsOf(from, { tenant, source, epoch })) {
      if (event.type !== EVENT_TYPE.opening) events.push({ ...event, data: event.data.slice() });
      else {
        const opening = decodeOpening(event);
        const config = {
          ...(opening.config as { readonly [name: string]: Json }),
          site: siteToJson(site) as unknown as Json,
        };
        events.push(openingEvent({ ...opening, config }));
      }
    }
    await to.append([new ChainWriter({ tenant, source, epoch }, sha256).seal(events)]);
  }
  await Promise.all([from.close(), to.close()]);
});
after(() => rmSync(folder, { recursive: true }));

let made = 0;

async function fork(request: Partial<ForkRequest>, of = real): Promise<ForkResult> {
  const { timeline, close } = await openWithParents(of, folder);
  try {
    const nothing = { agents: [], policy: null, parameters: {}, without: [], orders: [], faults: [], what: 'nothing' };
    const out = join(folder, `fork-${++made}.sqlite`);
    return await makeFork(timeline, { ...nothing, atUs: 9_003_000, forUs: 6_000_000, ...request }, out);
  } finally {
    await close();
  }
}

async function decisions(path: string, source: string, fromUs: number, untilUs: number): Promise<readonly string[]> {
  const recording = openSqliteRecording(path);
  const said: string[] = [];
  for await (const { type, atUs, data } of eventsOf(recording, { tenant: 'solo', source, epoch: 0 })) {
    if (type === EVENT_TYPE.decision && atUs >= fromUs && atUs < untilUs)
      said.push(`${atUs} ${Buffer.from(data).toString('hex')}`);
  }
  await recording.close();
  return said;
}

async function mustVerify(path: string): Promise<void> {
  const recording = openSqliteRecording(path);
  const report = await verify(recording, { sha256, reexecutors: await fleetReexecutors(recording) });
  await recording.close();
  assert.equal(report.firstFailure?.message, undefined);
  assert.deepEqual(
    report.chains.map(({ chainOnlyBecause }) => chainOnlyBecause).filter((why) => why !== null),
    [],
  );
  const { timeline, close } = await openWithParents(path, folder);
  assert.equal((await verifyLineage(timeline, timelineReexecutors))[0]?.proved, report.chains.length);
  await close();
}

test('[R114] without a computed world a fork is open loop, says so, and verifies', async () => {
  const result = await fork({ policy: parsePolicyFile('slow.json', SLOW) });
  assert.equal(result.loop, 'open');
  assert.ok(result.touched.length > 0, 'somebody drove faster');
  await mustVerify(result.recording);
  const id = result.touched[0]?.id ?? '';
  const [lived, run] = [real, result.recording].map((path) => decisions(path, id, result.atUs, result.endUs));
  assert.notDeepEqual(await run, await lived);
});

test('[R114] an open-loop fork that sets a number as it was is the life that was lived, bit for bit', async () => {
  const result = await fork({ parameters: { 'chain.strikes': 4 }, agents: ['r01', 'r02'] });
  assert.deepEqual(
    result.touched.map(({ id }) => id),
    ['r01', 'r02'],
  );
  for (const { id } of result.touched) {
    const lived = await decisions(real, id, result.atUs, result.endUs);
    assert.deepEqual(await decisions(result.recording, id, result.atUs, result.endUs), lived);
  }
  await mustVerify(result.recording);
});

test('[R113] [R114] whom an open-loop fork’s policy did not touch lives under it in a fork of that fork', async () => {
  const slow = SLOW.replace('robot.speed_mps > 0.3', "robot.name == 'r01'");
  const first = await fork({ policy: parsePolicyFile('slow.json', slow) });
  assert.deepEqual(
    first.touched.map(({ id }) => id),
    ['r01'],
  );
  const second = await fork(
    { atUs: 11_003_000, forUs: 3_000_000, parameters: { 'chain.strikes': 3 } },
    first.recording,
  );
  assert.deepEqual(second.touched.length, 4);
  const recording = openSqliteRecording(second.recording);
  for (const head of await recording.heads()) {
    const { policyText } = await openingOf(recording, head);
    assert.ok(policyText.includes('"id":"slow"'), `${head.source} lives under the policy of the first fork`);
  }
  await recording.close();
  await mustVerify(second.recording);
});

test('[R113] [R114] behind the end of an open-loop fork nobody is run on who would have lived otherwise under its policy', async () => {
  const rule = "robot.name == 'r01' || (robot.name == 'r02' && robot.speed_mps < 1.0)";
  const policy = parsePolicyFile('slow.json', SLOW.replace('robot.speed_mps > 0.3', rule));
  const first = await fork({ policy, forUs: 500_000 });
  assert.deepEqual(
    first.touched.map(({ id }) => id),
    ['r01'],
  );
  const request = { forUs: 1_000_000, parameters: { 'chain.strikes': 3 }, agents: ['r02'] };
  const known = await fork({ ...request, atUs: 14_003_000 }, first.recording);
  await mustVerify(known.recording);
  const other = await fork({ ...request, atUs: 14_003_000, agents: ['r03'] }, first.recording);
  assert.deepEqual(
    other.touched.map(({ id }) => id),
    ['r02', 'r03'],
    'the first fork’s policy touches r02 in the time of the second',
  );
  await assert.rejects(
    fork({ ...request, atUs: 16_003_000 }, first.recording),
    /ends at 9\.\d+ s, and under its policy r02 would live otherwise from 14\.\d+ s on; .* a moment up to 14\.\d+ s$/,
  );
});

test('a fault needs a world, and a change that touches nobody makes no fork', async () => {
  await assert.rejects(
    fork({ faults: [{ fault: 'link_loss', robot: 'r01', atUs: 0 }] }),
    /a fault needs a computed world/,
  );
  await assert.rejects(fork({}), /the change touches nobody/);
  assert.ok(!existsSync(join(folder, `fork-${made}.sqlite`)), 'and leaves no file');
});
