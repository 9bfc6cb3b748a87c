import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { create, type MessageInitShape, toJsonString } from '@bufbuild/protobuf';
import type { Site } from '@sigma/fleet-model';
import { ForkRefusal } from '@sigma/hub';
import { type Fork, ForkSchema, MakeForkRequestSchema, type Trial, TryRuleRequestSchema } from '@sigma/proto';
import { decodeDecision, EVENT_TYPE, eventsOf, openingOf, verify } from '@sigma/recorder';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { fleetReexecutors, runSim } from '@sigma/sim';
import { loadSite } from '../site-input.ts';
import { SoloForks } from './solo-forks.ts';

const SLOW = `id: slow
rate: situation
when: robot.speed_mps > 0.3
effect: {type: restrict, restriction: {atMost: {speedMps: 0.3}, forbid: []}}
rationale: slowly`;

let folder = '';
let recordingPath = '';
let tenant = '';
let zeroUs = 0;
let site: Site;
let forks: SoloForks;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-forks-'));
  recordingPath = join(folder, 'recordings', 'live.sqlite');
  mkdirSync(join(folder, 'recordings'));
  site = loadSite({}, fileURLToPath(new URL('../../../../', import.meta.url)));
  const faults = [{ fault: 'person_steps_in', robot: 'r03', atUs: 6_000_000, forUs: 3_000_000 }] as const;
  const nowMs = (): number => performance.now();
  const size = { robots: 4, people: 2, minutes: 0.25, seed: 2, verify: false };
  await runSim({ ...size, site, faults, recordingPath, nowMs });
  const recording = openSqliteRecording(recordingPath);
  const [head] = (await recording.heads()).filter(({ source }) => source === 'r03');
  assert.ok(head !== undefined);
  tenant = head.tenant;
  const opening = await openingOf(recording, head);
  zeroUs = opening.timeUs - opening.atUs;
  await recording.close();
  forks = openForks();
});
after(async () => {
  await forks.close();
  rmSync(folder, { recursive: true });
});

const openForks = (): SoloForks =>
  new SoloForks({ tenant, site, recordingPath, folder: join(folder, 'recordings', 'forks'), hubDir: folder });

let asked = 0;
const make = (request: MessageInitShape<typeof MakeForkRequestSchema>): Fork =>
  forks.make(create(MakeForkRequestSchema, { seconds: 2, ...request }), 'ada', 1_000_000 * ++asked);

const atS = (seconds: number) => ({ case: 'atTimeUs' as const, value: BigInt(zeroUs + seconds * 1e6) });

/** The fork or trial once nothing more happens to it. */
function over<One extends Fork | Trial>(id: string, look: () => One | undefined): Promise<One> {
  return new Promise((resolve) => {
    const check = (): void => {
      const one = look();
      if (one === undefined || one.state === 'waiting' || one.state === 'running') return;
      stop();
      resolve(one);
    };
    const stop = forks.onChange((of) => of === id && check());
    check();
  });
}
const made = (fork: Fork): Promise<Fork> => over(fork.id, () => forks.fork(fork.id));

const refused = (kind: ForkRefusal['kind'], words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ForkRefusal, String(error));
  assert.equal(error.kind, kind);
  assert.match(error.message, words);
  return true;
};

test('a rule is let in force from a moment: the fork is a recording, says what came of it, and can be forked again', async () => {
  const fork = await made(make({ start: atS(4), rule: SLOW, seconds: 4, name: 'slowly' }));
  assert.deepEqual([fork.state, fork.reason, fork.loop, fork.progress], ['done', '', 'closed', 1]);
  assert.equal(Number(fork.endTimeUs - fork.atTimeUs), 4_000_000);
  assert.equal(fork.what, 'with slow');
  assert.ok(fork.touched.length > 0 && fork.touched.every(({ fromTimeUs }) => fromTimeUs >= fork.atTimeUs));
  const recording = openSqliteRecording(fork.path);
  const report = await verify(recording, { sha256, reexecutors: await fleetReexecutors(recording) });
  await recording.close();
  assert.equal(report.firstFailure, null);
  const { outcomes, sources, decisions } = forks.comparison(fork.id);
  const distance = outcomes.find(({ name }) => name === 'distanceM');
  assert.ok(distance !== undefined && distance.forked < distance.recorded, JSON.stringify(distance));
  const differing = sources.filter(({ result }) => result === 'differs').map(({ source }) => source);
  assert.ok(
    fork.touched.some(({ agentId }) => differing.includes(agentId)),
    String(differing),
  );
  assert.ok(decisions.every(({ fromTimeUs }) => fromTimeUs >= fork.atTimeUs));

  const again = await made(
    make({ ofForkId: fork.id, start: atS(6), parameters: [{ name: 'chain.strikes', value: 2 }] }),
  );
  assert.deepEqual([again.state, again.reason, again.ofForkId], ['done', '', fork.id]);
  assert.throws(() => forks.remove(fork.id), refused('not yet', /slowly|is forked from it/));
  const blocks = await forks.open(again.id, false);
  const pieces = (await blocks.heads()).filter(({ source }) => source === 'world').map(({ epoch }) => epoch);
  assert.deepEqual(pieces, [0, 1_000_000, 2_000_000]);
  const ownPlace = await blocks.snapshotBefore({ tenant, source: 'world', epoch: 2_000_000 }, 20_000_000);
  assert.ok(ownPlace !== null && ownPlace.atUs >= 6_000_000 - 10_000);
  const root = await forks.open(again.id, true);
  assert.ok(
    (await root.heads()).every(({ epoch }) => epoch < 1_000_000),
    'what was recorded has no pieces',
  );
  assert.ok((await root.heads()).some(({ source }) => source === 'world'));
  assert.equal(again.earlierRun, false);
  forks.remove(again.id);
  assert.equal(forks.fork(again.id), undefined);
  assert.throws(() => readFileSync(again.path), /ENOENT/);
});

test('[R118] the alternative that safety rejected is run by the name of its event, and one that is none is refused', async () => {
  const event = await firstRejection('r03');
  const fork = await made(make({ start: { case: 'event', value: event }, alternative: 1, seconds: 2 }));
  assert.deepEqual([fork.state, fork.reason], ['done', '']);
  assert.match(fork.what, /^r03 does what .* wanted \(\w+\), without person_too_close/);
  assert.deepEqual([fork.event?.source, fork.alternative], ['r03', 1]);
  const none = await made(make({ start: { case: 'event', value: event }, alternative: 40 }));
  assert.equal(none.state, 'failed');
  assert.match(none.reason, /rejected \d+, not 40/);
  assert.throws(() => make({ start: atS(4), alternative: 1 }), refused('invalid', /name its event/));
});

test('a moment outside the recording is refused in times of the day, and an agent that is not there by name', async () => {
  const late = await made(make({ start: atS(4_000) }));
  assert.equal(late.state, 'failed');
  assert.match(late.reason, /^\d\d:\d\d:\d\d\.\d+ UTC is not on record: the recording goes from \d\d:\d\d/);
  const stranger = await made(
    make({ start: atS(4), agentIds: ['r99'], parameters: [{ name: 'chain.strikes', value: 2 }] }),
  );
  assert.match(stranger.reason, /no robot 'r99'/);
  assert.throws(() => make({ ofForkId: 'fork-none', start: atS(4) }), refused('missing', /no fork 'fork-none'/));
  assert.throws(
    () => make({ ofForkId: late.id, start: atS(4) }),
    refused('not yet', /it is not made: .* is not on record/),
  );
});

test('a broken rule is refused before anybody waits, with its line', () => {
  const broken = SLOW.replace('robot.speed_mps', 'robot.sped_mps');
  assert.throws(
    () => make({ start: atS(4), rule: broken }),
    (error: unknown) => refused('invalid', /^line 3: .*sped_mps/s)(error) && (error as ForkRefusal).line === 3,
  );
  assert.throws(() => make({ start: atS(4), rule: 'id: [' }), refused('invalid', /line \d/));
});

test('the same key makes one fork, and what waits can be cancelled', async () => {
  const first = make({ start: atS(4), rule: SLOW, idempotencyKey: 'once' });
  assert.equal(make({ start: atS(4), rule: SLOW, idempotencyKey: 'once' }).id, first.id);
  const second = make({ start: atS(4), rule: SLOW });
  assert.equal(second.state, 'waiting');
  forks.cancel(second.id);
  forks.cancel(first.id);
  assert.deepEqual([forks.fork(first.id)?.state, forks.fork(second.id)?.state], ['cancelled', 'cancelled']);
  assert.equal((await made(make({ start: atS(4), seconds: 1 }))).state, 'done', 'the next is not held up');
  assert.throws(() => forks.comparison(first.id), refused('not yet', /somebody ended it/));
});

test('[R116] a rule is tried on what was recorded: its flips say when, what, and by which line', async () => {
  const trial = forks.tryRule(create(TryRuleRequestSchema, { rule: SLOW }), 'ada', 1);
  const done = await over(trial.id, () => forks.trial(trial.id)?.trial);
  assert.deepEqual([done.state, done.reason, done.agents], ['done', '', 4]);
  const flips = forks.trial(trial.id)?.flips ?? [];
  assert.ok(flips.length > 0 && flips.length === done.flips);
  const [flip] = flips;
  assert.deepEqual(
    flip?.rules.map(({ rule, line }) => [rule, line]),
    [['slow', 3]],
  );
  assert.ok(Number(flip?.fromTimeUs) > zeroUs);
  assert.equal(flip?.would?.command?.params.find(({ name }) => name === 'speedMps')?.value.value, 0.3);
  assert.throws(
    () => forks.tryRule(create(TryRuleRequestSchema, { rule: ' ' }), 'ada', 1),
    refused('invalid', /no rule to try/),
  );
  const empty = create(TryRuleRequestSchema, {
    rule: SLOW,
    fromTimeUs: BigInt(zeroUs + 4e9),
    toTimeUs: BigInt(zeroUs + 5e9),
  });
  const nothing = forks.tryRule(empty, 'ada', 2);
  assert.match(
    (await over(nothing.id, () => forks.trial(nothing.id)?.trial)).reason,
    /nothing is recorded of that time/,
  );
});

test('a fork that was being made when its hub ended is told as interrupted, and half of its recording is gone', async () => {
  await forks.close();
  const place = join(folder, 'recordings', 'forks');
  const half = create(ForkSchema, { id: 'fork-half', state: 'running', name: 'half' });
  writeFileSync(join(place, 'fork-half.fork.json'), toJsonString(ForkSchema, half));
  writeFileSync(join(place, 'fork-half.sqlite'), 'half of it');
  writeFileSync(join(place, 'fork-torn.fork.json'), '{"id": "fork-to');
  const known = forks.forks().length;
  forks = openForks();
  assert.equal(forks.forks().length, known + 2);
  assert.equal(forks.fork('fork-half')?.state, 'interrupted');
  assert.match(forks.fork('fork-half')?.reason ?? '', /the hub ended while it was made/);
  assert.throws(() => readFileSync(join(place, 'fork-half.sqlite')), /ENOENT/);
  assert.match(forks.fork('fork-torn')?.reason ?? '', /cannot be read/);
  assert.ok(
    forks.forks().some(({ state, name }) => state === 'done' && name === 'slowly'),
    'made forks are still there',
  );
});

test('what a fork of an earlier run goes back to is still shown beside it', async () => {
  const later = new SoloForks({
    ...{ tenant, site, recordingPath: join(folder, 'recordings', 'next.sqlite') },
    ...{ folder: join(folder, 'recordings', 'forks'), hubDir: folder },
  });
  try {
    const [fork] = later.forks().filter(({ state, name }) => state === 'done' && name === 'slowly');
    assert.ok(fork?.earlierRun);
    const blocks = await later.open(fork.id, true);
    const recording = openSqliteRecording(recordingPath);
    assert.deepEqual(await blocks.heads(), await recording.heads());
    await recording.close();
    assert.equal(forks.fork(fork.id)?.earlierRun, false, 'for the hub that wrote it, it is of this run');
  } finally {
    await later.close();
  }
});

async function firstRejection(source: string) {
  const recording = openSqliteRecording(recordingPath);
  try {
    const head = (await recording.heads()).find((one) => one.source === source);
    assert.ok(head !== undefined);
    for await (const { type, data, atUs, sequence } of eventsOf(recording, head)) {
      if (type !== EVENT_TYPE.decision) continue;
      const { chosen, rejected } = decodeDecision(data, atUs);
      if (chosen?.authority === 'safety' && rejected.some(({ proposal }) => proposal.authority === 'mission'))
        return { source, epoch: head.epoch, sequence: BigInt(sequence) };
    }
    throw new Error(`safety overruled nobody in the life of ${source}`);
  } finally {
    await recording.close();
  }
}
