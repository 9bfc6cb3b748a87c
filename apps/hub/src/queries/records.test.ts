import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { RecordService } from '@sigma/proto';
import { type BlockStore, ChainWriter, decodeBlock, openingEvent, signalEvent, snapshotEvent } from '@sigma/recorder';
import { openSqliteRecorder, sha256 } from '@sigma/recorder/sqlite';
import type { Roles } from './context.ts';
import { recordQueries } from './records.ts';

const S = 1_000_000;
const WALL_US = 1_700_000_000_000_000;
const directory = mkdtempSync(join(tmpdir(), 'sigma-moment-'));
let store: BlockStore;

/** A chain that writes a block a second for `seconds`, with a snapshot every ten. */
async function write(source: string, epoch: number, zeroUs: number, seconds: number, tenant = 'acme', stateBytes = 1) {
  const chain = { tenant, source, epoch };
  const writer = new ChainWriter(chain, sha256);
  const opening = {
    ...chain,
    role: 'carrier',
    model: 'fleet',
    modelVersion: 1,
    config: {},
    seed: 0,
    flags: [],
    policyText: '',
    policyHash: '',
    previousEpochHash: new Uint8Array(),
    software: 'test',
  };
  await store.append([writer.seal([openingEvent({ ...opening, atUs: 0, timeUs: zeroUs })])]);
  for (let second = 1; second <= seconds; second++) {
    const atUs = second * S;
    const state = new Uint8Array(stateBytes).fill(second);
    const snapshot = { inputSequence: second, atUs, state, stateHash: sha256(state), model: 'fleet', modelVersion: 1 };
    const event =
      second % 10 === 0
        ? snapshotEvent({ ...snapshot, flags: [], policyHash: '' }, zeroUs + atUs)
        : signalEvent('test', {}, atUs, zeroUs + atUs);
    await store.append([writer.seal([event])]);
  }
}

before(async () => {
  store = await openSqliteRecorder(join(directory, 'site.sqlite'));
  await write('r1', 0, WALL_US, 100);
  await write('r1', 1, WALL_US + 200 * S, 50);
  await write('r2', 0, WALL_US + 90 * S, 300);
  await write('r1', 0, WALL_US, 5, 'other');
  await write('foreign', 0, WALL_US, 5, 'other');
});
after(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const records = () => {
  const blocks = {
    path: 'site.sqlite',
    heads: () => store.heads(),
    blocks: store.blocks.bind(store),
    snapshotBefore: store.snapshotBefore.bind(store),
  };
  const roles = { tenant: 'acme', blocks } as unknown as Roles;
  return createClient(
    RecordService,
    createRouterTransport(({ service }) => void service(RecordService, recordQueries(roles))),
  );
};

const at = async (second: number) => {
  const { chains } = await records().locateMoment({ timeUs: BigInt(WALL_US + second * S) });
  return chains.map(
    ({ source, epoch, fromSequence, toSequence }) => `${source}.${epoch} ${fromSequence}-${toSequence}`,
  );
};

test('a moment names, for every chain alive then, the stretch from the snapshot before to one after', async () => {
  // Sequence 1 is the opening, so second k stands at k + 1.
  assert.deepEqual(await at(5), ['r1.0 1-11']);
  assert.deepEqual(await at(45), ['r1.0 41-51']);
  assert.deepEqual(await at(100), ['r1.0 101-101', 'r2.0 11-21']);
});

test('between two lives the first one is what is known, and after the second began only that counts', async () => {
  assert.deepEqual(await at(150), ['r1.0 101-101', 'r2.0 61-71']);
  assert.deepEqual(await at(204), ['r1.1 1-11', 'r2.0 111-121']);
  assert.deepEqual(await at(9_999), ['r1.1 51-51', 'r2.0 301-301']);
});

test('before everything there is nothing, and how far the record reaches is said', async () => {
  assert.deepEqual(await at(-1), []);
  const { fromTimeUs, toTimeUs, chains } = await records().locateMoment({ timeUs: BigInt(WALL_US + 210 * S) });
  assert.deepEqual([fromTimeUs, toTimeUs], [BigInt(WALL_US), BigInt(WALL_US + 390 * S)]);
  assert.deepEqual(
    chains.map(({ epochTimeUs, model, role }) => [epochTimeUs, model, role]),
    [
      [BigInt(WALL_US + 200 * S), 'fleet', 'carrier'],
      [BigInt(WALL_US + 90 * S), 'fleet', 'carrier'],
    ],
  );
});

const own = [
  { source: 'r2', epoch: 0, fromSequence: 41n, toSequence: 73n },
  { source: 'r1', epoch: 1, fromSequence: 1n, toSequence: 0n },
  { source: 'r1', epoch: 0, fromSequence: 0n, toSequence: 12n },
];

interface Stretch {
  readonly source: string;
  readonly epoch: number;
  readonly fromSequence?: bigint;
  readonly toSequence?: bigint;
  readonly untilAtUs?: bigint;
}

async function stretches(asked: readonly Stretch[]) {
  const found: { source: string; epoch: number; block: Uint8Array; hash: Uint8Array }[] = [];
  let messages = 0;
  for await (const { source, epoch, blocks } of records().readStretches({ stretches: [...asked] })) {
    messages++;
    for (const { block, hash } of blocks) found.push({ source, epoch, block, hash });
  }
  return { found, messages };
}

test('stretches of many chains are the very blocks that reading them one by one gives, in fewer messages', async () => {
  const expected: typeof found = [];
  for (const stretch of own) {
    const { source, epoch } = stretch;
    for await (const { block, hash } of records().readBlocks(stretch)) expected.push({ source, epoch, block, hash });
  }
  const { found, messages } = await stretches(own);
  assert.equal(expected.length, 33 + 51 + 12);
  assert.deepEqual(found, expected);
  assert.equal(messages, own.length);
});

test('a stretch ends with the first block that begins after the moment asked for', async () => {
  const until = async (untilAtUs: number) => {
    const { found } = await stretches([{ source: 'r2', epoch: 0, fromSequence: 41n, untilAtUs: BigInt(untilAtUs) }]);
    return found.map(({ block }) => decodeBlock(block).firstSequence);
  };
  // Second k stands at sequence k + 1.
  assert.deepEqual(await until(42 * S), [41, 42, 43, 44]);
  assert.deepEqual(await until(42 * S - 1), [41, 42, 43]);
  assert.deepEqual(await until(0), [41], 'it began before that block');
});

test('a long stretch comes in several messages', async () => {
  await write('long', 0, WALL_US, 100, 'acme', 60_000);
  const { found, messages } = await stretches([{ source: 'long', epoch: 0 }]);
  const bytes = found.reduce((sum, { block }) => sum + block.length, 0);
  assert.ok(messages >= 2 && messages <= Math.ceil(bytes / 2 ** 18), `${messages} messages of ${bytes} bytes`);
  assert.equal(found.length, 101);
});

test('[L7] no stretch of another tenant is given, and nothing else beside it', async () => {
  const refused = async (asked: readonly Stretch[], code: Code) => {
    let given = 0;
    const reading = async () => {
      for await (const { blocks } of records().readStretches({ stretches: [...asked] })) given += blocks.length;
    };
    await assert.rejects(reading, (error) => error instanceof ConnectError && error.code === code);
    assert.equal(given, 0);
  };
  const [first] = own;
  await refused([first as Stretch, { source: 'foreign', epoch: 0 }], Code.NotFound);
  await refused([{ source: 'r1', epoch: 7 }], Code.NotFound);
  await refused(
    Array.from({ length: 10_001 }, () => first as Stretch),
    Code.InvalidArgument,
  );
  for (const { block } of (await stretches([{ source: 'r1', epoch: 0 }])).found)
    assert.equal(decodeBlock(block).tenant, 'acme');
});
