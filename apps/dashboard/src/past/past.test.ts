import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { sha256 } from '@noble/hashes/sha2.js';
import { RecordedModels } from '@sigma/fleet-model';
import { decodeState } from '@sigma/kernel';
import { agentReexecutor, type Recording, replayAt, type SealedBlock } from '@sigma/recorder';
import { FakeRecord } from '../../e2e/fake-record.ts';
import { fakeSite } from '../../e2e/fake-site.ts';
import { recordRobot } from '../../e2e/robot-recording.ts';
import { LiveSite } from '../live/live-site.ts';
import type { FilmPiece } from './film/film-piece.ts';
import { PastEngine } from './past-engine.ts';
import { PastSite } from './past-site.ts';
import type { PastNews } from './past-words.ts';
import { nodeWorker, portsOf } from './testing/node-worker.ts';
import type { Robot } from './worker/robot-words.ts';
import { Shard } from './worker/shard.ts';

const BEGAN_US = 1_700_000_000_000_000;
const SECOND_US = 1_000_000;
const site = fakeSite();
const robots = ['r01', 'r02', 'r03'] as const;
const chains = new Map<string, SealedBlock[]>();

before(() => {
  for (const [k, id] of robots.entries()) {
    const life = { id, epochTimeUs: BEGAN_US, snapshotEveryUs: 5 * SECOND_US, speedMps: 0.2 + k * 0.1 };
    chains.set(id, recordRobot(site, sha256, 20, life));
  }
});

function recordOf(...ids: readonly string[]): FakeRecord {
  const record = new FakeRecord();
  record.blocks = ids.flatMap((id) => chains.get(id) ?? []);
  return record;
}

/** Waits until the engine has everything of the moment on film. */
function settled(engine: PastEngine, timeUs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const progress = engine.progress.get();
      if (progress?.state === 'failed') reject(new Error(progress.words));
      if (progress?.timeUs === timeUs && progress.state === 'settled') resolve();
    };
    engine.progress.subscribe(look);
    look();
  });
}

function pastOf(record: FakeRecord, workers = 2, refresh = (run: () => void) => run()) {
  const engine = new PastEngine(
    () => nodeWorker(record, site),
    workers,
    () => 0,
  );
  let playheadUs = 0;
  const past = new PastSite(engine, new LiveSite(() => undefined), () => playheadUs, {
    tell: (run) => run(),
    refresh,
  });
  const stand = (timeUs: number) => {
    playheadUs = timeUs;
    past.moment(timeUs);
  };
  const show = async (timeUs: number, aheadUs = 0, behindUs = 0) => {
    stand(timeUs);
    engine.show(timeUs, null, aheadUs, behindUs);
    await settled(engine, timeUs);
  };
  return { engine, past, stand, show };
}

/** The same moment by the recorder's own replay. */
async function replayed(record: FakeRecord, id: string, timeUs: number): Promise<Robot> {
  const blocks = record.blocks.filter(({ source }) => source === id);
  const last = blocks.at(-1) as SealedBlock;
  const recording: Recording = {
    heads: async () => [{ ...last, sequence: last.firstSequence + last.count - 1, atUs: last.lastAtUs, blocks: 1 }],
    async *blocks(_chain, from, to) {
      for (const block of blocks)
        if (block.firstSequence + block.count > from && block.firstSequence <= to) yield block;
    },
    snapshotBefore: async () => null,
    close: async () => undefined,
  };
  const models = new RecordedModels();
  models.know(site);
  const [source] = await replayAt(recording, timeUs - BEGAN_US, {
    fleet: (opening) => agentReexecutor(models.modelOf(opening) as Exclude<ReturnType<typeof models.modelOf>, string>),
  });
  return decodeState(new TextDecoder().decode(source?.state ?? new Uint8Array())) as Robot;
}

test('[L2] any moment, asked for in any order, is the one that the recorder replays', async () => {
  const record = recordOf(...robots);
  const { past, show } = pastOf(record);
  for (const second of [17.3, 2.5, 9.99, 5, 12.04]) {
    const timeUs = BEGAN_US + second * SECOND_US;
    await show(timeUs);
    for (const id of robots) {
      const { world, stop, decisionSequence } = await replayed(record, id, timeUs);
      const row = past.row(id);
      assert.ok(Math.abs((past.newest.xM[row] as number) - world.motion.xM) < 0.06, `${id} at ${second} s`);
      assert.equal(past.agent(id)?.status?.stop, stop);
      assert.equal(past.agent(id)?.status?.decisionSequence, BigInt(decisionSequence));
      assert.equal(past.decisions(id)[0]?.decision?.sequence, BigInt(decisionSequence));
    }
  }
});

test('what is on film is shown without asking the hub again; playing on reads on', async () => {
  const record = recordOf('r01');
  const { past, show, engine } = pastOf(record, 1);
  await show(BEGAN_US + 12 * SECOND_US);
  const asked = [record.reads, record.locates];
  await show(BEGAN_US + 11.2 * SECOND_US);
  await show(BEGAN_US + 10.4 * SECOND_US);
  assert.deepEqual([record.reads, record.locates], asked);
  const beforeM = past.newest.xM[0] as number;
  await show(BEGAN_US + 13 * SECOND_US);
  assert.ok((past.newest.xM[0] as number) > beforeM);
  assert.ok(engine.filmedUntilUs >= BEGAN_US + 13 * SECOND_US);
});

test('however many robots there are, a moment costs one question for who they are and one for what they did', async () => {
  for (const ids of [['r01'], robots]) {
    const record = recordOf(...ids);
    const { past, show } = pastOf(record, 1);
    await show(BEGAN_US + 12.3 * SECOND_US);
    assert.equal(record.reads, 2, ids.join());
    const beyond = record.bytesRead;
    await show(BEGAN_US + 17.3 * SECOND_US);
    assert.equal(record.reads, 3, 'who they are is known');
    assert.ok(record.bytesRead > beyond);
    for (const id of ids) assert.equal(past.newest.ageMs[past.row(id)], 0);
  }
});

test('film made ahead has no hole where one stretch ends and the next begins', async () => {
  const record = recordOf('r02');
  const { past, show, engine } = pastOf(record, 1);
  await show(BEGAN_US + 3 * SECOND_US, 15 * SECOND_US);
  while (engine.filmedUntilUs < BEGAN_US + 18 * SECOND_US) await new Promise(setImmediate);
  let before = Number.NEGATIVE_INFINITY;
  for (let second = 3; second <= 17.9; second += 0.1) {
    past.moment(BEGAN_US + second * SECOND_US);
    const at = past.newest.xM[0] as number;
    assert.ok(at >= before - 1e-3 && (before === Number.NEGATIVE_INFINITY || at - before < 0.1), `${second} s`);
    assert.equal(past.newest.ageMs[0], 0);
    before = at;
  }
});

test('a robot that had not begun yet is not there, and one that fell silent shows its age', async () => {
  const record = recordOf('r01');
  record.blocks.push(
    ...recordRobot(site, sha256, 5, { id: 'late', epochTimeUs: BEGAN_US + 10 * SECOND_US, snapshotEveryUs: SECOND_US }),
  );
  const { past, show } = pastOf(record);
  await show(BEGAN_US + 4 * SECOND_US);
  assert.deepEqual(past.ids, ['r01']);
  await show(BEGAN_US + 12 * SECOND_US);
  assert.deepEqual(past.ids, ['r01', 'late']);
  await show(BEGAN_US + 19 * SECOND_US);
  const age = past.newest.ageMs[past.row('late')] as number;
  assert.ok(age > 3_500 && age < 4_100, `${age} ms`);
});

test('a recording of a newer version is named, and its recorded positions are still shown', async () => {
  const record = recordOf('r01');
  record.blocks.push(
    ...recordRobot(site, sha256, 10, {
      id: 'r09',
      epochTimeUs: BEGAN_US,
      snapshotEveryUs: 5 * SECOND_US,
      speedMps: 0.3,
      versionsNewer: 1,
    }),
  );
  const { past, show, engine } = pastOf(record);
  await show(BEGAN_US + 8 * SECOND_US);
  const problem = engine.problems.get().get('r09');
  assert.equal(problem?.kind, 'newer');
  assert.match(
    problem?.words ?? '',
    /recorded with version \d+ of the fleet model by test; this page computes version \d+/,
  );
  assert.ok(Number.isFinite(past.newest.xM[past.row('r09')]));
  assert.ok((past.newest.ageMs[past.row('r09')] as number) > 2_500);
  assert.equal(engine.problems.get().get('r01'), undefined);
});

test('blocks in a format that this page cannot read are said to be of a newer program', async () => {
  const record = recordOf('r01', 'r02');
  record.blocks = record.blocks.map((block) => {
    if (block.source !== 'r02') return block;
    const bytes = block.bytes.slice();
    // The first field of a block is its format.
    bytes[1] = 9;
    return { ...block, bytes };
  });
  const { engine, past } = pastOf(record);
  // The hub would still know where the chain lies; here it is asked of a record that can be read.
  const readable = recordOf('r01', 'r02');
  record.locate = (timeUs) => readable.locate(timeUs);
  past.moment(BEGAN_US + 9 * SECOND_US);
  engine.show(BEGAN_US + 9 * SECOND_US, null, 0, 0);
  await settled(engine, BEGAN_US + 9 * SECOND_US);
  assert.equal(engine.problems.get().get('r02')?.kind, 'newer');
  assert.match(engine.problems.get().get('r02')?.words ?? '', /written in format 9/);
  assert.equal(past.newest.ageMs[past.row('r01')], 0);
});

test('[L4] a damaged block is named with its robot, and the others are shown', async () => {
  const record = recordOf('r01', 'r02');
  const at = record.blocks.findLastIndex((block) => block.source === 'r02');
  const victim = record.blocks[at] as SealedBlock;
  record.blocks[at] = { ...victim, bytes: victim.bytes.slice(0, victim.bytes.length >> 1) };
  const { past, show, engine } = pastOf(record);
  await show(BEGAN_US + 19.9 * SECOND_US);
  assert.equal(engine.problems.get().get('r02')?.kind ?? 'none', 'unreadable');
  assert.equal(past.newest.ageMs[past.row('r01')], 0);
});

test('stretches that memory let go come back from the cache of blocks', async () => {
  const record = recordOf('r01');
  const news: PastNews[] = [];
  const shard = new Shard(0, 1, site, portsOf(record), (one) => news.push(one));
  const show = (id: number, second: number) =>
    shard.show({ type: 'show', id, timeUs: BEGAN_US + second * SECOND_US, first: null, aheadUs: 0, behindUs: 0 });
  await show(1, 9);
  const reads = record.reads;
  const film = news.find((one) => one.type === 'film');
  assert.ok(film?.type === 'film');
  const [{ sequence }] = film.pieces as [FilmPiece];
  shard.forget('r01', 0, sequence);
  news.length = 0;
  await show(2, 9);
  assert.equal(record.reads, reads);
  assert.ok(news.some((one) => one.type === 'film' && one.pieces.some((piece) => piece.sequence === sequence)));
});

test('a moment asked for later replaces the one before', async () => {
  const record = recordOf(...robots);
  record.delayMs = 5;
  const news: PastNews[] = [];
  const shard = new Shard(0, 1, site, portsOf(record), (one) => news.push(one));
  const ask = { type: 'show', first: null, aheadUs: 0, behindUs: 0 } as const;
  const first = shard.show({ ...ask, id: 1, timeUs: BEGAN_US + 4 * SECOND_US });
  const second = shard.show({ ...ask, id: 2, timeUs: BEGAN_US + 14 * SECOND_US });
  await Promise.all([first, second]);
  const settledIds = news.flatMap((one) => (one.type === 'settled' ? [one.id] : []));
  assert.deepEqual(settledIds, [2]);
});

test('the site of a moment is shown as soon as it is complete, while film made ahead is gathered', async () => {
  const never = () => undefined;
  const { past, show } = pastOf(recordOf(...robots), 2, never);
  await show(BEGAN_US + 12 * SECOND_US);
  assert.deepEqual(past.ids, [...robots]);
  assert.ok(past.newest.xM.every((xM) => Number.isFinite(xM)));
});

test('while a moment is computed nobody moves on the map: what is ready is drawn with the next look or when all is', async () => {
  const looks: (() => void)[] = [];
  const { engine, past, stand, show } = pastOf(recordOf(...robots), 1, (run) => void looks.push(run));
  await show(BEGAN_US + 5 * SECOND_US);
  const { news, shard } = listening(recordOf('r01'), () => 0);
  await shard.show({ type: 'show', id: 1, timeUs: BEGAN_US + 15 * SECOND_US, first: null, aheadUs: 0, behindUs: 0 });
  stand(BEGAN_US + 15 * SECOND_US);
  const before = past.sample(0).xM[past.row('r01')];
  for (const one of news) if (one.type === 'film') for (const piece of one.pieces) engine.films.add(piece);
  assert.equal(past.sample(0).xM[past.row('r01')], before, 'film that came');
  await show(BEGAN_US + 15 * SECOND_US);
  assert.notEqual(past.sample(0).xM[past.row('r01')], before, 'the whole moment');
});

test('a moment of which there is no film does not scatter the robots: they stay until it is computed', async () => {
  const looks: (() => void)[] = [];
  const { past, stand, show } = pastOf(recordOf(...robots), 1, (run) => void looks.push(run));
  await show(BEGAN_US + 15 * SECOND_US);
  const [before] = past.newest.xM;
  stand(BEGAN_US + 2 * SECOND_US);
  assert.deepEqual([past.sample(0).xM[0], past.newest.ageMs[0]], [before, 0]);
  for (const look of looks.splice(0)) look();
  assert.ok((past.newest.ageMs[0] as number) > 1_000, 'unless that takes long: then with their age');
});

test('film of a quick moment comes in one message, that of a slow one in parts, with how far it is', async () => {
  const parts = async (msForARobot: number): Promise<string[]> => {
    let nowMs = 0;
    const { news, shard } = listening(recordOf(...robots), () => {
      nowMs += msForARobot;
      return nowMs;
    });
    await shard.show({ type: 'show', id: 1, timeUs: BEGAN_US + 9 * SECOND_US, first: null, aheadUs: 0, behindUs: 0 });
    return news.map((one) => (one.type === 'film' ? `film of ${one.pieces.length}` : one.type));
  };
  assert.deepEqual(await parts(1), ['located', 'film of 3', 'settled']);
  const slow = ['film of 1', 'progress'];
  assert.deepEqual(await parts(350), ['located', ...slow, ...slow, ...slow, 'settled']);
});

test('before anybody looks back robots are run for practice, again and again on what was read once', async () => {
  const record = recordOf(...robots);
  const timeUs = BEGAN_US + 12 * SECOND_US;
  const { shard, filmed, rests } = practising(record);
  await shard.warm(timeUs);
  assert.ok(rests() >= 120, `${rests()} runs with a rest for the page after each`);
  assert.deepEqual([record.locates, record.reads], [1, 2], 'where, who wrote it, and what');
  assert.equal(filmed(), robots.length, 'what was run once is on film, and runs for practice film nothing');
});

test('practice ends where a person asks for a moment', async () => {
  const { shard, rests } = practising(recordOf(...robots));
  const timeUs = BEGAN_US + 12 * SECOND_US;
  const practice = shard.warm(timeUs);
  await shard.show({ type: 'show', id: 1, timeUs, first: null, aheadUs: 0, behindUs: 0 });
  await practice;
  assert.ok(rests() < 10);
});

test('a site on which nothing is recorded yet has nothing to practise on', async () => {
  const { shard, rests } = practising(recordOf());
  await shard.warm(BEGAN_US);
  assert.equal(rests(), 0);
});

/** A worker's share of the whole recording, and what it tells the page. */
function listening(record: FakeRecord, nowMs: () => number) {
  const news: PastNews[] = [];
  return { news, shard: new Shard(0, 1, site, { ...portsOf(record), nowMs }, (one) => news.push(one)) };
}

/** One worker's share of the whole recording, counting its rests and the robots that it films. */
function practising(record: FakeRecord) {
  let rested = 0;
  let filmed = 0;
  const ports = portsOf(record);
  const pause = (ms: number): Promise<void> => {
    rested++;
    return ports.pause(ms);
  };
  const shard = new Shard(0, 1, site, { ...ports, pause }, (news) => {
    if (news.type === 'film') filmed += news.pieces.length;
  });
  return { shard, rests: () => rested, filmed: () => filmed };
}
