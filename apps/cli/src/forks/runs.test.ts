import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { McapIndexedReader } from '@mcap/core';
import { startEdge } from '@sigma/edge';
import { deriveSite, parseMovingAiMap } from '@sigma/fleet-model';
import { type Fork, MakeForkRequestSchema, type Trial, TryRuleRequestSchema } from '@sigma/proto';
import { ChainWriter, eventsOf, type Opening, openingOf } from '@sigma/recorder';
import { openSqliteRecording, openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { soloEdge } from '../solo/fleet-parts.ts';
import { runSigma } from '../testing/run-sigma.ts';
import { until } from '../testing/until.ts';
import { SoloForks } from './solo-forks.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
const tenant = 'acme';
const folder = mkdtempSync(join(tmpdir(), 'sigma-runs-'));
/** As a hub's: an edge with two robots that was started twice, and while it ran again two robots of another one. */
const recordingPath = join(folder, 'site.sqlite');
const STANDS = `id: stands
rate: situation
when: robot.speed_mps < 0.5
effect: {type: failsafe, action: thermal_shutdown}
rationale: to be seen`;
const forks = new SoloForks({ tenant, site, recordingPath, folder: join(folder, 'forks'), hubDir: folder });
/** By source and epoch. */
const openings = new Map<string, Opening>();

/** Moments up to two seconds behind its beginning are asked of each life. */
const LIVED_US = 2_500_000;

async function live(path: string, robots: number, epoch: number): Promise<void> {
  const hub = { url: 'http://127.0.0.1:9', joinToken: 'none' };
  const parts = { tenant, site, robots, people: 0, seed: 3, recordingPath: path, hub, pace: null };
  const edge = await startEdge(soloEdge(parts));
  await until(`${robots} robots have lived a while`, async () => {
    const recording = openSqliteRecording(path);
    const heads = (await recording.heads()).filter((head) => head.epoch === epoch && head.source.startsWith('r'));
    const openedUs = await Promise.all(heads.map(async (head) => (await openingOf(recording, head)).atUs));
    await recording.close();
    const long = heads.every(({ sequence, atUs }, i) => sequence >= 12 && atUs - (openedUs[i] ?? atUs) >= LIVED_US);
    return heads.length === robots && long ? true : null;
  });
  await edge.close();
}

before(async () => {
  const other = join(folder, 'other', 'edge.sqlite');
  mkdirSync(join(folder, 'other'));
  await live(recordingPath, 2, 0);
  await Promise.all([live(recordingPath, 2, 1), live(other, 4, 0)]);
  const [from, to] = [openSqliteRecording(other), openSqliteStore(recordingPath)];
  for (const head of (await from.heads()).filter(({ source }) => source === 'r03' || source === 'r04')) {
    const writer = new ChainWriter(head, sha256);
    for await (const event of eventsOf(from, head)) await to.append([writer.seal([event])]);
  }
  await from.close();
  await to.close();
  const recording = openSqliteRecording(recordingPath);
  for (const head of await recording.heads())
    openings.set(`${head.source}@${head.epoch}`, await openingOf(recording, head));
  await recording.close();
});
after(async () => {
  await forks.close();
  rmSync(folder, { recursive: true });
});

/** So long after it began, by the wall clock: a program that starts slowly begins late by its own time. */
const timeIn = (life: string, us: number): number => (openings.get(life) as Opening).timeUs + us;

const timeOf = (life: string, atUs: number): number => {
  const { timeUs, atUs: openedUs } = openings.get(life) as Opening;
  return timeUs - openedUs + atUs;
};

let asked = 0;
async function forked(request: MessageInitShape<typeof MakeForkRequestSchema>): Promise<Fork> {
  const parameters = [{ name: 'chain.strikes', value: 2 }];
  const { id } = forks.make(
    create(MakeForkRequestSchema, { seconds: 1, parameters, ...request }),
    'ada',
    ++asked * 1e6,
  );
  return until('it is made', async () => {
    const fork = forks.fork(id);
    return fork === undefined || fork.state === 'waiting' || fork.state === 'running' ? null : fork;
  });
}

/** What a fork holds itself, as `source@epoch`. */
async function ownLives({ path }: Pick<Fork, 'path'>): Promise<readonly string[]> {
  const recording = openSqliteRecording(path);
  const heads = await recording.heads();
  await recording.close();
  return heads.map(({ source, epoch }) => `${source}@${epoch}`).sort();
}

test('[R114] a fork from an event of an earlier start is one of that start: of its robots, its world and its time', async () => {
  for (const epoch of [0, 1]) {
    const life = `r01@${epoch}`;
    const recording = openSqliteRecording(recordingPath);
    const head = (await recording.heads()).find((one) => `${one.source}@${one.epoch}` === life);
    assert.ok(head !== undefined);
    let atUs = 0;
    for await (const event of eventsOf(recording, head, 8, 8)) ({ atUs } = event);
    await recording.close();
    const fork = await forked({ start: { case: 'event', value: { source: 'r01', epoch, sequence: 8n } } });
    assert.deepEqual([fork.state, fork.reason, fork.loop], ['done', '', 'closed']);
    assert.ok(Math.abs(Number(fork.atTimeUs) - timeOf(life, atUs)) <= 10_000, `${fork.atTimeUs}`);
    assert.ok((await ownLives(fork)).every((own) => own.endsWith(`@${epoch}`)));
    const { sources } = forks.comparison(fork.id);
    assert.deepEqual(sources.map(({ source }) => source).sort(), ['r01', 'r02', 'world-edge-1']);

    const out = join(folder, `by-hand-${epoch}.sqlite`);
    const at = ['--at', `${life}#8`, '--for', '1', '--parameter', 'chain.strikes=2'];
    const told = await runSigma(['fork', recordingPath, ...at, '--out', out], { SIGMA_DATA: folder });
    assert.equal(told.code, 0, told.error);
    assert.ok((await ownLives({ path: out })).every((own) => own.endsWith(`@${epoch}`)));
  }
});

test('[R114] at a time of the day those are forked who lived then; of several edges whose clocks differ those of whom it concerns or who is selected', async () => {
  const early = await forked({ start: { case: 'atTimeUs', value: BigInt(timeIn('r01@0', 2_000_000)) } });
  assert.deepEqual([early.state, early.reason], ['done', '']);
  assert.ok((await ownLives(early)).every((own) => own.endsWith('@0')));
  const atTimeUs = BigInt(Math.max(timeIn('r01@1', 2_000_000), timeIn('r03@0', 2_000_000)));
  const start = { case: 'atTimeUs' as const, value: atTimeUs };
  const both = await forked({ start });
  assert.equal(both.state, 'failed');
  assert.match(both.reason, /2 edges were at work then.*r0[13] or r0[13]/);
  const other = await forked({ start, agentIds: ['r03'] });
  assert.deepEqual([other.state, other.reason, other.loop, other.agents], ['done', '', 'open', 2]);
  assert.ok((await ownLives(other)).every((own) => /^r0[34]@0$/.test(own)));
  const beside = await forked({ start, besideAgentId: 'r04' });
  assert.deepEqual([beside.state, beside.reason, beside.agents], ['done', '', 2]);
  assert.ok((await ownLives(beside)).every((own) => /^r0[34]@0$/.test(own)));
});

const wall = (us: number): string => new Date(us / 1000).toISOString();
let stretches = 0;

test('[R114] by hand, too, a time of the day is of who lived then: in a fork and in a replay', async () => {
  const asked = (...words: readonly string[]) => runSigma([...words], { SIGMA_DATA: folder });
  const early = wall(timeIn('r01@0', 2_000_000));
  const both = wall(Math.max(timeIn('r01@1', 2_000_000), timeIn('r03@0', 2_000_000)));
  for (const [at, agent, own] of [
    [early, 'r01', /@0$/],
    [both, 'r02', /^(r0[12]|world-edge-1)@1$/],
    [both, 'r03', /^r0[34]@0$/],
  ] as const) {
    const out = join(folder, `wall-${agent}.sqlite`);
    const change = ['--agents', agent, '--for', '1', '--parameter', 'chain.strikes=2'];
    const told = await asked('fork', recordingPath, '--at', at, ...change, '--out', out);
    assert.equal(told.code, 0, told.error);
    const lives = await ownLives({ path: out });
    assert.ok(lives.length > 0 && lives.every((life) => own.test(life)), `${agent}: ${lives}`);
    const replayed = await asked('replay', '--at', at, '--agent', agent, '--json', recordingPath);
    assert.equal(replayed.code, 0, replayed.error);
  }
  const undecided = await asked('replay', '--at', both, recordingPath);
  assert.equal(undecided.code, 2);
  assert.match(undecided.error, /of 2 starts of edges.*one of their robots/s);

  const never = await asked('replay', '--at', '2020-01-01', recordingPath);
  assert.deepEqual([never.code, /nobody lived then.*a time in 20/s.test(never.error)], [2, true], never.error);
});

interface Exported {
  readonly time: string;
  readonly source: string;
  readonly epoch: number;
}

test('[R114] an export of a stretch of the day is of all who lived in it, each start by a clock of its own, and of no more', async () => {
  const asked = async (format: string, from: number, to: number, ...more: readonly string[]) => {
    const out = join(folder, `stretch-${++stretches}`);
    const span = ['--from', wall(from), '--to', wall(to), ...more];
    const told = await runSigma(['export', recordingPath, '--format', format, ...span, '--out', out], {
      SIGMA_DATA: folder,
    });
    return { told, out };
  };
  const eventsIn = async (from: number, to: number, ...more: readonly string[]): Promise<readonly Exported[]> => {
    const { told, out } = await asked('cloudevents', from, to, ...more);
    assert.equal(told.code, 0, told.error);
    const events = readFileSync(out, 'utf8').trim().split('\n');
    const exported = events.map((line) => JSON.parse(line) as Exported);
    // An event's own time is when it was written, a little behind what it tells of.
    for (const { time } of exported) {
      const us = Date.parse(time) * 1000;
      assert.ok(us >= from - 1_000 && us < to + 1_000_000, `${time} in ${wall(from)} to ${wall(to)}`);
    }
    return exported;
  };
  const [first, second] = [timeIn('r01@0', 1_000_000), timeIn('r01@1', 1_000_000)];
  const night = await eventsIn(first, second);
  const livesIn = (events: readonly Exported[]) =>
    [...new Set(events.map(({ source, epoch }) => `${source.split('/').at(-1)}@${epoch}`))].sort();
  assert.deepEqual(
    livesIn(night).filter((life) => life.startsWith('r0') && life < 'r03'),
    ['r01@0', 'r01@1', 'r02@0', 'r02@1'],
  );
  const between = Math.floor((timeOf('r01@1', 0) + first) / 2);
  const parts = [await eventsIn(first, between - 1), await eventsIn(between, second)];
  assert.equal(night.length, (parts[0]?.length ?? 0) + (parts[1]?.length ?? 0), 'no event twice, and none between');
  for (const [from, life] of [
    [first, 'r01@0'],
    [second, 'r01@1'],
  ] as const) {
    const events = await eventsIn(from, from + 1_000_000, '--agents', 'r01');
    assert.ok(events.length >= 3, `${events.length}`);
    assert.deepEqual(livesIn(events), [life]);
  }

  const { told, out } = await asked('mcap', first, second);
  assert.equal(told.code, 0, told.error);
  const bytes = readFileSync(out);
  const readable = {
    size: async () => BigInt(bytes.length),
    read: async (offset: bigint, size: bigint) => bytes.subarray(Number(offset), Number(offset + size)),
  };
  const { statistics } = await McapIndexedReader.Initialize({ readable });
  const [startUs, endUs] = [statistics?.messageStartTime, statistics?.messageEndTime].map((ns) => Number(ns) / 1e3);
  assert.ok(startUs !== undefined && endUs !== undefined && startUs >= first && endUs <= second, `${startUs} ${endUs}`);
  assert.ok(startUs < first + 500_000 && endUs > second - 500_000, 'from the one start into the other');

  const nobody = await asked('cloudevents', first, second, '--agents', 'r17');
  assert.deepEqual([nobody.told.code, /no chain of 'r17'/.test(nobody.told.error)], [2, true], nobody.told.error);
  const never = await asked('cloudevents', 1e15, 1e15 + 1e6);
  assert.deepEqual([never.told.code, /nobody lived then.*a time in 20/s.test(never.told.error)], [2, true]);
  const turned = await asked('cloudevents', second, first);
  assert.deepEqual([turned.told.code, /--to is before --from/.test(turned.told.error)], [2, true]);
});

/** Tries the rule on what was lived from one time of the day to another; 0: the last hour. */
async function tried(fromTimeUs: number, toTimeUs: number): Promise<Trial> {
  const span = { fromTimeUs: BigInt(fromTimeUs), toTimeUs: BigInt(toTimeUs) };
  const { id } = forks.tryRule(create(TryRuleRequestSchema, { rule: STANDS, ...span }), 'ada', ++asked * 1e6);
  return until('it is tried', async () => {
    const { trial } = forks.trial(id) ?? {};
    return trial === undefined || trial.state === 'waiting' || trial.state === 'running' ? null : trial;
  });
}

test('[R116] a rule is tried on who lived at that time of the day, from the first of it to the last', async () => {
  const [from, to] = [timeOf('r01@0', 0), timeIn('r01@0', 2_000_000)];
  const early = await tried(from, to);
  assert.deepEqual([early.state, early.reason, early.agents], ['done', '', 2]);
  assert.ok(Number(early.fromTimeUs) >= from && Number(early.toTimeUs) === to);
  assert.ok(early.evaluations > 0n, 'they stood, and the rule was asked');
  const all = await tried(0, 0);
  assert.deepEqual([all.state, all.agents], ['done', 4]);
  assert.ok(
    all.evaluations > 2n * early.evaluations,
    `${all.evaluations} of all, ${early.evaluations} of the first two`,
  );
  assert.ok(Number(all.toTimeUs) > timeIn('r03@0', 2_000_000) && all.fromTimeUs === early.fromTimeUs);
});

test('[R116] by hand, too, a rule is tried on who lived at a time of the day', async () => {
  const rule = join(folder, 'stands.yaml');
  writeFileSync(rule, STANDS);
  const wall = (life: string, atUs: number): string => new Date(timeIn(life, atUs) / 1000).toISOString();
  const tries = (...span: readonly string[]) =>
    runSigma(['whatif', '--rule', rule, '--over', recordingPath, '--json', ...span], { SIGMA_DATA: folder });
  const lives = async (...span: readonly string[]): Promise<readonly string[]> => {
    const { code, out, error } = await tries(...span);
    assert.equal(code, 0, error);
    const { chains } = JSON.parse(out) as {
      readonly chains: readonly { readonly source: string; readonly epoch: number; readonly leftOutBecause: unknown }[];
    };
    return chains.filter(({ leftOutBecause }) => leftOutBecause === null).map((one) => `${one.source}@${one.epoch}`);
  };
  const early = await lives('--from', wall('r01@0', 0), '--to', wall('r01@0', 2_000_000));
  assert.deepEqual([...early].sort(), ['r01@0', 'r02@0']);
  assert.deepEqual([...(await lives('--to', wall('r01@0', 2_000_000)))].sort(), ['r01@0', 'r02@0']);
  assert.equal((await lives('--from', '1', '--to', '2')).length, 6, 'seconds are those of each life');
  const wrong = [
    [['--from', '1', '--to', wall('r01@1', 0)], /two clocks/],
    [['--from', wall('r01@1', 0), '--to', wall('r01@0', 0)], /lies nothing/],
    [['--from', '2020-01-01', '--to', '2020-01-02'], /nobody lived then.*\n?.*from 20/s],
    [['--from', 'r01#3'], /time of the day/],
  ] as const;
  for (const [span, says] of wrong) {
    const { code, error } = await tries(...span);
    assert.deepEqual([code, says.test(error)], [2, true], error);
  }
});

test('of a robot that was started twice events are told by the names that lead to them, and replayed in their own start', async () => {
  const sigma = async (...words: readonly string[]): Promise<string> => {
    const { code, out, error } = await runSigma([...words, recordingPath], { SIGMA_DATA: folder });
    assert.equal(code, 0, error);
    return out;
  };
  assert.match(await sigma('record', 'show', '--agents', 'r01'), / r01@0#3 .* r01#3 /s);
  const stretch = ['--from', 'r01@0#3', '--to', 'r01@0#5'];
  const told = await sigma('record', 'show', ...stretch);
  assert.match(told, / r01@0#5 /);
  assert.doesNotMatch(told, / r01#/);
  const out = join(folder, 'stretch.jsonl');
  await sigma('export', '--format', 'cloudevents', '--out', out, ...stretch);
  const epochs = readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { epoch: number }).epoch);
  assert.deepEqual([...new Set(epochs)], [0]);
  for (const epoch of [0, 1]) {
    const { sources } = JSON.parse(await sigma('replay', '--json', '--at', `r01@${epoch}#5`)) as {
      readonly sources: readonly { readonly source: string; readonly epoch: number }[];
    };
    assert.deepEqual(
      sources.map((one) => `${one.source}@${one.epoch}`),
      [`r01@${epoch}`, `r02@${epoch}`, `world-edge-1@${epoch}`],
    );
  }
});
