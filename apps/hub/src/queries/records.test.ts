import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { RecordService } from '@sigma/proto';
import {
  type BlockStore,
  ChainWriter,
  checkProof,
  decodeBlock,
  decodeEnvelope,
  decodeProofFile,
  NoteError,
  openingEvent,
  parseNoteKey,
  signalEvent,
  snapshotEvent,
} from '@sigma/recorder';
import { ed25519Key, ed25519Verify } from '@sigma/recorder/keys';
import { openSqliteRecorder, sha256 } from '@sigma/recorder/sqlite';
import type { Roles } from './context.ts';
import { openProofDesk, type ProofDesk } from './proof-desk.ts';
import { type BlockReader, recordQueries } from './records.ts';

const S = 1_000_000;
const WALL_US = 1_700_000_000_000_000;
const directory = mkdtempSync(join(tmpdir(), 'sigma-moment-'));
let store: BlockStore;
let proofs: ProofDesk;

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
  proofs = openProofDesk(shown(), join(directory, 'shown'), ed25519Key(new Uint8Array(32).fill(7)));
});
after(async () => {
  await proofs.close();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const shown = (): BlockReader => ({
  path: 'site.sqlite',
  heads: () => store.heads(),
  blocks: store.blocks.bind(store),
  snapshotBefore: store.snapshotBefore.bind(store),
});

const records = () => {
  const blocks = shown();
  const roles = { tenant: 'acme', blocks, proofs } as unknown as Roles;
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

test('[R135] the proof of one event is handed out as a small file, and believed without the hub by whoever trusts its key', async () => {
  const { proof, key } = await records().proveEvent({ source: 'r1', epoch: 0, sequence: 41n });
  assert.ok(proof.length < 1_500, `${proof.length} bytes`);
  const file = decodeProofFile(proof, sha256);
  const trust = { keys: [parseNoteKey(key, sha256)], ed25519: ed25519Verify, sha256 };
  const { sequence, checkpoint } = checkProof(file.envelope, file.proof, trust);
  assert.deepEqual([sequence, checkpoint.origin, checkpoint.size], [41, 'sigma/acme/r1/0', 101]);
  assert.equal(decodeEnvelope(file.envelope).type, 'sigma.snapshot.v1');
  const stranger = { ...trust, keys: [{ ...trust.keys[0], publicKey: new Uint8Array(32) } as (typeof trust.keys)[0]] };
  assert.throws(() => checkProof(file.envelope, file.proof, stranger), NoteError);
});

test('[L7] what is not there, or is of another tenant, is proved to nobody', async () => {
  const refused = async (source: string, sequence: bigint): Promise<Code> => {
    const error = await records()
      .proveEvent({ source, epoch: 0, sequence })
      .then(() => null, ConnectError.from);
    return error?.code as Code;
  };
  assert.equal(await refused('r1', 102n), Code.NotFound);
  assert.equal(await refused('r1', 0n), Code.NotFound);
  assert.equal(await refused('foreign', 2n), Code.NotFound);
});

test('[L8] many who ask for proofs at once wait in line, and those behind them are told to come again', async () => {
  const gate = Promise.withResolvers<void>();
  const slow = { ...shown(), heads: () => gate.promise.then(() => store.heads()) };
  const desk = openProofDesk(slow, join(directory, 'slow'), ed25519Key(new Uint8Array(32).fill(7)));
  const chain = { tenant: 'acme', source: 'r2', epoch: 0 };
  const asked = Array.from({ length: 20 }, () =>
    desk.prove(chain, 9).then(
      () => 'proved',
      (error: Error) => error.name,
    ),
  );
  gate.resolve();
  const answers = await Promise.all(asked);
  assert.deepEqual(answers, [...Array(8).fill('proved'), ...Array(12).fill('TooManyProofsError')]);
  assert.equal(await desk.prove(chain, 9).then(() => 'proved'), 'proved', 'whoever comes later is served again');
  await desk.close();
});
