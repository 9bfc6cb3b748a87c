import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  type CheckpointShelf,
  edgeWitnessName,
  type HeadAnswer,
  HeadBook,
  type HeadOffer,
  memoryShelf,
  type OwnHead,
  openCheckpoint,
  parseNoteKey,
  type SigningKey,
} from '@sigma/recorder';
import { ed25519Key, ed25519Verify } from '@sigma/recorder/keys';
import { sha256 } from '@sigma/recorder/sqlite';
import { MemoryStore, testChain } from '@sigma/recorder/testing';
import { EdgeWitness, type HeadWord } from './edge-witness.ts';
import { keptHeadKey, openWitnessMemory } from './witness-memory.ts';

const CHILD = fileURLToPath(new URL('../../testing/witness-child.ts', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'sigma-edge-witness-'));
after(() => rmSync(home, { recursive: true }));
const hub = ed25519Key(new Uint8Array(32).fill(2));
const stranger = ed25519Key(new Uint8Array(32).fill(3));

const noCheckpoints = (): CheckpointShelf => ({
  ...memoryShelf(),
  keep: async () => undefined,
  drop: async () => undefined,
  checkpoints: async () => [],
});

/** The head of a hub's chain after so many notes, longer ones from a block on, and the proof from an earlier size. */
async function hubHead(
  blocks: number,
  over: { from?: number; paddedFrom?: number; key?: SigningKey; source?: string } = {},
) {
  const { from = 0, paddedFrom = blocks, key = hub, source = 'hub' } = over;
  const recording = new MemoryStore();
  const chain = testChain(source, sha256);
  const begin = chain.begin();
  const notes = Array.from({ length: blocks }, (_, i) => chain.notes(10, i >= paddedFrom ? 1 : 0));
  await recording.append([begin, ...notes]);
  const sources = new Set([source]);
  const spare = memoryShelf;
  const book = new HeadBook({ recording, shelf: noCheckpoints(), spare, key, sha256, tenant: 'acme', sources });
  const [head] = (await book.heads()) as [OwnHead];
  const consistency = await book.consistency(head.chain, Math.min(from, head.size), head.size);
  return { checkpoint: head.note, fromSize: from, consistency } satisfies HeadOffer;
}

/** One life of the edge's witness. */
function life(folder: string) {
  const said: HeadWord[] = [];
  const notes: { readonly name: string; readonly body: Record<string, unknown> }[] = [];
  const key = keptHeadKey(folder);
  const memory = openWitnessMemory(folder);
  const witness = new EdgeWitness({
    tenant: 'acme',
    edgeId: 'e1',
    folder,
    recordingPath: 'edge.sqlite',
    key,
    memory,
    book: { heads: async () => [], consistency: async () => [], keptSize: async () => 0, keep: async () => undefined },
    say: (word) => said.push(word),
    note: (name, body) => notes.push({ name, body: body as Record<string, unknown> }),
    nowS: () => 1_700_000_000,
  });
  const offer = (offered: HeadOffer): HeadAnswer | null => {
    const before = said.length;
    witness.hear({ type: 'offered', offer: offered });
    const word = said[before];
    return word?.type === 'answered' ? word.answer : null;
  };
  return { witness, key, memory, notes, offer };
}

test('[R140] [R145] an edge knows its hub by the first key, cosigns what goes on, and tells a changed key with the way out', async () => {
  const folder = join(home, 'key');
  const { witness, key, notes, offer, memory } = life(folder);
  assert.equal(offer(await hubHead(1)), null, 'nobody was welcomed yet');
  await witness.linked(hub.publicKey);
  const first = await hubHead(1);
  const cosignature = offer(first)?.cosignature ?? '';
  const name = edgeWitnessName('acme', 'e1');
  const keys = [{ name, role: 'witness', publicKey: key.publicKey } as const];
  assert.equal(openCheckpoint(first.checkpoint + cosignature, { keys, ed25519: ed25519Verify, sha256 }).size, 11);
  assert.notEqual(offer(await hubHead(4, { from: 11 }))?.cosignature, '');
  const written = parseNoteKey(readFileSync(join(folder, 'hub.key'), 'utf8').trim(), sha256);
  assert.deepEqual([written.role, written.publicKey], ['witness', hub.publicKey]);
  assert.equal(statSync(join(folder, 'heads.seed')).mode & 0o777, 0o600);
  assert.equal(existsSync(join(folder, 'hub.key.new')), false);

  witness.lost();
  await witness.linked(stranger.publicKey);
  await witness.linked(stranger.publicKey);
  const refused = offer(await hubHead(5, { from: 41, key: stranger }));
  assert.equal(refused?.refusal, 'unsigned');
  assert.ok(refused?.message.includes(`remove ${join(folder, 'hub.key')}`), refused?.message);
  assert.deepEqual(
    notes.map((note) => note.name),
    ['edge.hub_key_changed'],
  );
  await witness.linked(hub.publicKey);
  assert.notEqual(offer(await hubHead(5, { from: 41 }))?.cosignature, '', 'the one it knows is heard again');
  memory.close();
});

test('[R143] [R144] [L4] a hub that contradicts itself is put on the edge’s own record with both heads; a foreign chain is none', async () => {
  const { witness, notes, offer, memory } = life(join(home, 'rollback'));
  await witness.linked(hub.publicKey);
  const whole = await hubHead(5);
  offer(whole);
  assert.equal(offer(await hubHead(2, { source: 'r1' }))?.refusal, 'stranger');
  const short = await hubHead(3, { from: 51 });
  for (let i = 0; i < 3; i++) assert.equal(offer(short)?.refusal, 'rollback');
  assert.equal(offer(await hubHead(5, { from: 51, paddedFrom: 1 }))?.refusal, 'fork');
  assert.equal(offer(await hubHead(8, { from: 51, paddedFrom: 1 }))?.refusal, 'inconsistent');
  assert.deepEqual(
    notes.map(({ name, body }) => [name, body['kind']]),
    [
      ['edge.hub_head_refused', 'rollback'],
      ['edge.hub_head_refused', 'fork'],
      ['edge.hub_head_refused', 'inconsistent'],
    ],
  );
  const { seen, offered, fromSequence, toSequence } = notes[0]?.body ?? {};
  assert.deepEqual([seen, offered, fromSequence, toSequence], [whole.checkpoint, short.checkpoint, 32, 51]);
  assert.equal(offer({ ...short, checkpoint: 'x'.repeat(10_000) }), null);
  memory.close();
});

test('[R95] [R142] [L3] an edge killed between storing and answering remembers, and is proved to from there', async () => {
  const folder = join(home, 'killed');
  const checkpoint = (await hubHead(2)).checkpoint;
  const key = Buffer.from(hub.publicKey).toString('hex');
  const args = ['--no-warnings', CHILD, folder, key, Buffer.from(checkpoint).toString('base64')];
  const { signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(signal, 'SIGKILL', stderr);
  const { witness, offer, memory } = life(folder);
  await witness.linked(hub.publicKey);
  const stale = offer(await hubHead(4));
  assert.deepEqual([stale?.refusal, stale?.seenSize, stale?.cosignature], ['size', 21, '']);
  assert.notEqual(offer(await hubHead(4, { from: 21 }))?.cosignature, '');
  assert.equal(offer(await hubHead(1, { from: 41 }))?.refusal, 'rollback');
  memory.close();
});

test('[R95] a memory that cannot be written cosigns nothing, says so once, and harms nobody', async () => {
  const { witness, notes, offer, memory } = life(join(home, 'broken'));
  await witness.linked(hub.publicKey);
  memory.close();
  assert.equal(offer(await hubHead(1)), null);
  assert.equal(offer(await hubHead(1)), null);
  assert.deepEqual(
    notes.map(({ name }) => name),
    ['edge.witness_failed'],
  );
});

test('[R141] no two lives of a writer have the same epoch, in whichever recordings they stand', () => {
  const memory = openWitnessMemory(join(home, 'lives'));
  const taken = [
    memory.takeEpoch('acme', 'r1', 0),
    memory.takeEpoch('acme', 'r1', 0),
    memory.takeEpoch('acme', 'r1', 7),
  ];
  assert.deepEqual([...taken, memory.takeEpoch('acme', 'r1', 3), memory.takeEpoch('acme', 'r2', 0)], [0, 1, 7, 8, 0]);
  memory.close();
});
