import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { after, before, type TestContext, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BlocksSentSchema } from '@sigma/proto';
import {
  aheadEvents,
  type BlockBatch,
  batchBytes,
  type SealedBlock,
  SyncSink,
  sentFrame,
  sentOf,
  takeAhead,
  WireWriter,
} from '@sigma/recorder';
import { zstandard } from '@sigma/recorder/packing';
import { openPostgres, type PostgresRecordings } from '@sigma/recorder/postgres';
import { startTestServer, type TestServer } from '@sigma/recorder/postgres/testing';
import { sha256 } from '@sigma/recorder/sqlite';
import { hub as chronicle, S, tables } from '../../../testing/chronicle-hub.ts';
import { aWeek, LIFE_BEGAN_US, type RobotLife } from '../../../testing/robot-life.ts';
import { type AlongIndex, BacklogThread } from './backlog-thread.ts';

const TENANT = 'acme';
const NOW_US = 1_800_000_000_000_000;
const BLOCKS = 120;
const IN_BATCH = 10;

let server: TestServer;
let recordings: PostgresRecordings;
before(async () => {
  server = await startTestServer();
  recordings = await openPostgres(server.url);
});
after(async () => {
  await recordings.close();
  await server.stop();
});

/** As it comes off the wire: the first block by itself, all others packed. */
function packsOf(life: RobotLife): readonly BlockBatch[] {
  const ends = Array.from({ length: Math.ceil(BLOCKS / IN_BATCH) }, (_, n) => 1 + n * IN_BATCH);
  return [life.batch(0, 1), ...ends.map((at) => packed(life.batch(at, Math.min(at + IN_BATCH, life.blocks.length))))];
}

const blocksIn = ({ blocks }: RobotLife, n: number): readonly SealedBlock[] =>
  blocks.slice(1 + (n - 1) * IN_BATCH, 1 + n * IN_BATCH);

function packed(batch: BlockBatch): BlockBatch {
  const content = new WireWriter();
  for (const block of batch.blocks) content.bytesPresent(7, block);
  const pack = { bytes: zstandard.pack(content.take()), unpackedBytes: batchBytes(batch) };
  const message = sentFrame({ ...batch, blocks: [], packed: pack });
  return sentOf(fromBinary(BlocksSentSchema, toBinary(BlocksSentSchema, message)));
}

interface Week {
  /** Whether a thread takes it in. */
  readonly apart: boolean;
  /** It is ended while it has that batch. */
  readonly killedAt?: number;
  /** What stands in that batch is told between take and stored. */
  readonly toldAt?: number;
}

/** A week comes home to a hub with a thread of backlogs over PostgreSQL; its tables and its index are in memory. */
async function comesHome(t: TestContext, agentId: string, { apart, killedAt = -1, toldAt = -1 }: Week) {
  const threads: Worker[] = [];
  const born = (message: unknown): void => void threads.push((message as { readonly worker: Worker }).worker);
  subscribe('worker_threads', born);
  const life = aWeek(BLOCKS, 2_026, agentId);
  const asked: number[] = [];
  const recording = recordings.recording(TENANT);
  const store = {
    append: recording.append.bind(recording),
    heads: async () => (await recording.heads()).filter(({ source }) => source === agentId),
    blocks: (...[chain, from, to]: Parameters<typeof recording.blocks>) => {
      asked.push(from);
      return recording.blocks(chain, from, to);
    },
  };
  const here = await chronicle({ ...tables(), store });
  let meanwhile = async (): Promise<unknown> => undefined;
  const keep = async (): Promise<void> => void (await meanwhile());
  let eventsFound = 0;
  let moreFound = (): void => undefined;
  const index: AlongIndex = {
    readFrom: (batch) => here.index.readFrom(batch),
    found: (chain, read, looked) => {
      eventsFound += read.lastSequence - read.firstSequence + 1;
      here.index.found(chain, read, looked);
      moreFound();
    },
  };
  const thread = new BacklogThread({ url: server.url, tenant: TENANT, index, dataPort: null, keep });
  const answers: (string | null)[] = [];
  const sink = new SyncSink({
    tenant: TENANT,
    store: { ...store, blocks: recording.blocks.bind(recording) },
    sha256,
    packing: zstandard,
    ...(apart && { backlogs: thread }),
    keep,
    wallUs: () => NOW_US,
    paceTime: { nowUs: () => 0, after: () => undefined },
    found: (finding) => {
      if (finding.type === 'stored') here.index.stored({ ...finding, stored: finding.stored() });
    },
  });
  const link = sink.linked({
    edgeId: 'e1',
    sources: new Set([agentId]),
    say: (word) => void (word.type === 'answered' && answers.push(word.answer.refusal)),
  });
  t.after(async () => {
    await thread.close();
    await here.index.close();
    await recording.close();
    unsubscribe('worker_threads', born);
  });
  for (const [n, batch] of packsOf(life).entries()) {
    meanwhile = async () => {
      if (n === toldAt) await tells(here, life, n);
      // Nobody says any more that its moment is kept.
      if (n === killedAt) await threads[0]?.terminate();
    };
    link.hear({ type: 'sent', batch });
    // Two at a time, as they come.
    if (n % 2 === 1 || [killedAt - 1, killedAt, toldAt].includes(n)) await sink.settled();
    if (n !== killedAt) continue;
    assert.equal(answers.at(-1), 'later');
    // It was committed all the same, and nobody was told.
    await recording.append(blocksIn(life, n));
  }
  await sink.settled();
  const { firstSequence, count } = life.blocks.at(-1) as SealedBlock;
  const events = firstSequence + count - 1;
  // What an ended thread left unread the next one reads up from the store, and takes its time.
  while (apart && eventsFound < events) {
    await new Promise<void>((resolve) => {
      moreFound = resolve;
    });
  }
  assert.equal(eventsFound, apart ? events : 0, 'each event was read once by the thread');
  const shown = (await here.shown()).map((mark) => mark.replace(agentId, 'r'));
  await here.clock.turn(3 * S);
  return {
    ended: {
      shown,
      decisions: here.listed().map((one) => one.replace(agentId, 'r')),
      places: [...here.places.rows.values()].map(({ source: _, ...place }) => place),
      counts: here.index.counts,
      waiting: here.reports.waiting({ source: agentId, epoch: 3 })?.size ?? 0,
      contradicted: here.reports.counts.contradicted + here.reports.counts.unprovable,
      failure: here.index.failure,
    },
    asked,
    proved: here.reports.counts.proved,
    threads: threads.length,
  };
}

async function tells({ index }: Pick<Awaited<ReturnType<typeof chronicle>>, 'index'>, life: RobotLife, n: number) {
  const { agentId: source, epoch } = life;
  const envelopes = blocksIn(life, n)
    .flatMap(({ bytes }) => aheadEvents(bytes))
    .map(({ envelope }) => envelope);
  const openedUs = LIFE_BEGAN_US;
  const told = { tenant: TENANT, source, epoch, openedUs, envelopes, leftOut: 0, time: { us: 0, count: 0 } };
  const taken = takeAhead(told, { tenant: TENANT, sources: new Set([source]) });
  assert.ok('events' in taken, JSON.stringify(taken));
  assert.equal(await index.reported(told, taken.events), null);
}

test('[R125] [R192] [R193] [L3] a week that comes home by the hub itself, by the thread, by one that is killed in the middle, or with something told of it meanwhile ends in the same marks, decisions, places and counts', async (t) => {
  const itself = await comesHome(t, 'ra', { apart: false });
  assert.ok(itself.ended.shown.length > 40 && itself.ended.decisions.length > 100, 'a week has something in it');
  const along = await comesHome(t, 'rb', { apart: true });
  assert.deepEqual(along.ended, itself.ended);
  assert.deepEqual([along.asked, along.threads], [[], 1], 'the index asks the store for nothing');
  const killed = await comesHome(t, 'rc', { apart: true, killedAt: 5 });
  assert.deepEqual(killed.ended, itself.ended);
  assert.deepEqual([killed.asked, killed.threads], [[], 2]);
  const told = await comesHome(t, 'rd', { apart: true, toldAt: 6 });
  assert.deepEqual(told.ended, itself.ended);
  assert.equal(told.asked.length, 1, 'only what was told of is read from the store');
  assert.ok(told.proved > 0);
});
