import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { MemoryBus } from '@sigma/bus';
import { AgentEventSchema } from '@sigma/proto';
import {
  answerOf,
  type CheckpointShelf,
  decodeSignal,
  edgeWitnessName,
  type HeadAnswer,
  HeadBook,
  type HeadOffer,
  memoryShelf,
  type OwnHead,
  offeredFrame,
  offerOf,
  originOf,
  signCheckpoint,
} from '@sigma/recorder';
import { ed25519Key } from '@sigma/recorder/keys';
import { sha256 } from '@sigma/recorder/sqlite';
import { MemoryStore, testChain } from '@sigma/recorder/testing';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { about } from '../../subjects.ts';
import type { Trouble } from '../alerts/alerts.ts';
import type { HubEvent } from '../arbitration/hub-record.ts';
import type { OwnHeads } from './own-heads.ts';
import { type HeadFrame, WitnessRole } from './witness-role.ts';
import { memoryWitness, type WitnessStore } from './witness-store.ts';
import { witnessKeyText } from './witness-words.ts';

const S = 1_000_000;
const hubKey = ed25519Key(new Uint8Array(32).fill(2));
const edgeKey = ed25519Key(new Uint8Array(32).fill(1));
const otherKey = ed25519Key(new Uint8Array(32).fill(7));

const noCheckpoints = (): CheckpointShelf => ({
  ...memoryShelf(),
  keep: async () => undefined,
  drop: async () => undefined,
  checkpoints: async () => [],
});

const bookOf = (recording: MemoryStore, sources: readonly string[], key = edgeKey): HeadBook =>
  new HeadBook({
    recording,
    shelf: noCheckpoints(),
    spare: memoryShelf,
    key,
    sha256,
    tenant: 'acme',
    sources: new Set(sources),
  });

/** A chain of so many notes, some of them longer from a block on: another history of the same length. */
async function recorded(source: string, blocks: number, paddedFrom = blocks): Promise<MemoryStore> {
  const store = new MemoryStore();
  const chain = testChain(source, sha256);
  const begin = chain.begin();
  const notes = Array.from({ length: blocks }, (_, i) => chain.notes(10, i >= paddedFrom ? 1 : 0));
  await store.append([begin, ...notes]);
  return store;
}

function hub(over: { store?: WitnessStore; own?: OwnHeads; accepted?: () => readonly string[] } = {}) {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  const events: HubEvent[] = [];
  const alerts = new Map<string, Trouble | null>();
  const role = new WitnessRole({
    bus,
    clock,
    tenant: 'acme',
    record: { append: async (event) => void events.push(event) },
    alerts: { say: (agentId, cause, trouble) => void alerts.set(`${agentId} ${cause}`, trouble) },
    store: over.store ?? memoryWitness(),
    key: hubKey,
    ownHeads: over.own ?? null,
    accepted: over.accepted ?? (() => []),
    acceptIn: '/data/keys/edges-accepted',
  });
  /** An edge links and hears what comes. */
  const link = async (edgeId = 'e1', key = edgeKey.publicKey, agentIds: readonly string[] = ['r1', 'r2']) => {
    const heard: HeadFrame[] = [];
    const ended = role.linked({ edgeId, agentIds, key, send: (frame) => void heard.push(frame) });
    await clock.settle();
    const answers = () => heard.flatMap((frame) => (frame.case === 'headAnswered' ? answerOf(frame.value) : []));
    const offer = async (offered: HeadOffer): Promise<HeadAnswer | undefined> => {
      const before = answers().length;
      ended.hear({ case: 'headOffered', value: offeredFrame(offered) });
      await clock.settle();
      return answers()[before];
    };
    return { heard, answers, offer, ...ended };
  };
  const signals = () => events.map(({ data, subject }) => ({ subject, ...decodeSignal(data) }));
  return { clock, bus, role, alerts, signals, link };
}

/** The head of a recording's only chain, and the proof that it goes on from `fromSize`. */
async function headOf(store: MemoryStore, fromSize = 0, source = 'r1', key = edgeKey): Promise<HeadOffer> {
  const book = bookOf(store, [source], key);
  const [head] = (await book.heads()) as [OwnHead];
  const consistency = await book.consistency(head.chain, Math.min(fromSize, head.size), head.size);
  return { checkpoint: head.note, fromSize, consistency };
}

test('[R145] an edge is known by its first key; another is refused with the way to accept it, and its work goes on', async () => {
  const accepted: string[] = [];
  const { link, alerts, signals } = hub({ accepted: () => accepted });
  const first = await link();
  assert.notEqual((await first.offer(await headOf(await recorded('r1', 1))))?.cosignature, '');
  first.close();
  const posing = await link('e1', otherKey.publicKey);
  assert.equal(await posing.offer(await headOf(await recorded('r1', 2), 0, 'r1', otherKey)), undefined);
  const line = witnessKeyText(edgeWitnessName('acme', 'e1'), otherKey.publicKey);
  const told = alerts.get('hub witness:key:e1');
  assert.equal(told?.level, 4);
  assert.ok(told?.advice.includes(`add the line ${line} to /data/keys/edges-accepted`), told?.advice);
  posing.close();
  const bare = await link('e1', new Uint8Array());
  assert.match(alerts.get('hub witness:key:e1')?.text ?? '', /shows no key any more/);
  bare.close();
  accepted.push(line);
  const replaced = await link('e1', otherKey.publicKey);
  assert.equal(alerts.get('hub witness:key:e1'), null);
  // Under its new key it is another log: it begins anew, and what was seen of the old one stays.
  assert.notEqual((await replaced.offer(await headOf(await recorded('r1', 1), 0, 'r1', otherKey)))?.cosignature, '');
  assert.deepEqual(
    signals().map(({ name }) => name),
    ['hub.edge_key_taken', 'hub.edge_key_changed', 'hub.edge_key_changed', 'hub.edge_key_taken'],
  );
});

test('[R145] [L7] an edge may show the chains of what it runs in its tenant, and no others', async () => {
  const { link, signals } = hub();
  const edge = await link();
  const refusal = async (offer: HeadOffer) => (await edge.offer(offer))?.refusal;
  assert.equal(await refusal(await headOf(await recorded('r9', 1), 0, 'r9')), 'stranger');
  assert.equal(await refusal(await headOf(await recorded('hub', 1), 0, 'hub')), 'stranger');
  assert.equal(await refusal(await headOf(await recorded('world-e2', 1), 0, 'world-e2')), 'stranger');
  const { chain, note } = ((await bookOf(await recorded('r1', 1), ['r1']).heads()) as [OwnHead])[0];
  const elsewhere = signCheckpoint(
    { ...chain, tenant: 'rival' },
    { size: 1, root: sha256(new Uint8Array()) },
    edgeKey,
    sha256,
  );
  assert.equal(await refusal({ checkpoint: elsewhere, fromSize: 0, consistency: [] }), 'stranger');
  assert.equal(await refusal(await headOf(await recorded('r1', 1), 0, 'r1', otherKey)), 'unsigned');
  assert.equal(await refusal({ checkpoint: note, fromSize: 0, consistency: [] }), '');
  assert.equal(await refusal(await headOf(await recorded('world-e1', 1), 0, 'world-e1')), '');
  assert.deepEqual(
    signals().map(({ name }) => name),
    ['hub.edge_key_taken'],
    'nobody fills the record with these',
  );
});

test('[R143] [L4] a chain that contradicts itself is put on record once, with both heads, and before people', async () => {
  const { link, alerts, signals } = hub();
  const honest = await recorded('r1', 5);
  const edge = await link();
  await edge.offer(await headOf(honest));
  const cut = await recorded('r1', 3);
  const short = await headOf(cut, 51);
  for (let i = 0; i < 3; i++) assert.equal((await edge.offer(short))?.refusal, 'rollback');
  const other = await recorded('r1', 5, 2);
  assert.equal((await edge.offer(await headOf(other, 51)))?.refusal, 'fork');
  const grown = await recorded('r1', 9, 2);
  assert.equal((await edge.offer(await headOf(grown, 51)))?.refusal, 'inconsistent');
  const refused = signals().filter(({ name }) => name === 'hub.head_refused');
  const bodies = refused.map(({ body }) => body as Record<string, unknown>);
  assert.deepEqual(
    bodies.map(({ kind }) => kind),
    ['rollback', 'fork', 'inconsistent'],
  );
  assert.deepEqual([bodies[0]?.['fromSequence'], bodies[0]?.['toSequence'], bodies[0]?.['edgeId']], [32, 51, 'e1']);
  assert.equal(bodies[0]?.['seen'], (await headOf(honest)).checkpoint);
  assert.equal(bodies[0]?.['offered'], short.checkpoint);
  const told = alerts.get('r1 witness:epoch/0');
  assert.match(told?.text ?? '', /recording of r1, epoch 0, events 1 to 51, .* that the hub saw \(inconsistent\)/);
  assert.match(told?.advice ?? '', /sigma verify/);
  const back = await edge.offer(await headOf(await recorded('r1', 6), 51));
  assert.notEqual(back?.cosignature, '');
  assert.equal(alerts.get('r1 witness:epoch/0'), null, 'the true one goes on');
});

test('[R95] [R142] a hub killed between storing and answering says where it stands, and is proved from there', async () => {
  const store = memoryWitness();
  const dying = hub({
    store: { ...store, save: (...what) => store.save(...what).then(() => new Promise(() => {})) },
  });
  const before = await dying.link();
  assert.equal(await before.offer(await headOf(await recorded('r1', 1))), undefined);
  const { link } = hub({ store });
  const edge = await link();
  const stale = await edge.offer(await headOf(await recorded('r1', 4)));
  assert.deepEqual([stale?.refusal, stale?.seenSize, stale?.cosignature], ['size', 11, '']);
  assert.notEqual((await edge.offer(await headOf(await recorded('r1', 4), 11)))?.cosignature, '');
});

test('[R95] what cannot be stored is not cosigned', async () => {
  const store = memoryWitness();
  const { link } = hub({ store: { ...store, save: () => Promise.reject(new Error('no database')) } });
  const edge = await link();
  assert.equal(await edge.offer(await headOf(await recorded('r1', 1))), undefined);
  assert.deepEqual(edge.heard, []);
});

test('[R144] [L8] a flood of offers is cut, and what no honest edge sends is not read', async () => {
  const store = memoryWitness();
  let loads = 0;
  const load: WitnessStore['load'] = (...what) => {
    loads++;
    return store.load(...what);
  };
  const { link, clock } = hub({ store: { ...store, load } });
  const edge = await link();
  const value = offeredFrame(await headOf(await recorded('r1', 1)));
  for (let i = 0; i < 10_000; i++) edge.hear({ case: 'headOffered', value });
  await clock.settle();
  assert.ok(edge.answers().length <= 73, `${edge.answers().length} answered`);
  assert.ok(loads <= 10);
  edge.hear({ case: 'headOffered', value: { ...value, checkpoint: 'x'.repeat(1_000_000) } });
  edge.hear({
    case: 'headOffered',
    value: { ...value, consistency: Array.from({ length: 100_000 }, () => new Uint8Array(32)) },
  });
  await clock.settle();
  assert.ok(loads <= 10);
});

/** The hub's own chain, and its end of the talk. */
function ownHeads(recording: () => MemoryStore): OwnHeads {
  let book = bookOf(recording(), ['hub'], hubKey);
  let of = recording();
  return {
    heads: () => {
      if (of !== recording()) book = bookOf(recording(), ['hub'], hubKey);
      of = recording();
      return book.heads();
    },
    consistency: (chain, from, to) => book.consistency(chain, from, to),
    keptSize: (chain) => book.keptSize(chain),
    keep: async () => undefined,
    close: async () => undefined,
  };
}

test('[R143] the hub shows its own heads when they have grown, and believes of an edge what its own signature proves', async () => {
  let recording = await recorded('hub', 5);
  const { link, bus, clock, alerts, signals } = hub({ own: ownHeads(() => recording) });
  const edge = await link();
  const offers = () => edge.heard.flatMap((frame) => (frame.case === 'headOffered' ? offerOf(frame.value) : []));
  assert.equal(offers().length, 1);
  await clock.turn(30 * S);
  assert.equal(offers().length, 1, 'unanswered, and not grown');
  const seen = offers()[0]?.checkpoint as string;
  const claim = async (body: object): Promise<void> => {
    const signal = { name: 'edge.hub_head_refused', bodyJson: JSON.stringify(body) };
    const event = create(AgentEventSchema, { agentId: 'r1', atUs: 1n, signal });
    await bus.publish(about('acme', 'event', 'r1'), toBinary(AgentEventSchema, event), 'command');
    await clock.settle();
  };
  const found = {
    kind: 'rollback',
    fromSequence: 32,
    toSequence: 51,
    message: 'its end was cut off',
    seen,
    offered: seen,
  };
  const raised = () => signals().filter(({ name }) => name === 'hub.head_refused').length;
  await claim(found);
  assert.equal(raised(), 0, 'the recording meets that head: the edge is wrong, or lies');
  const forged = signCheckpoint(
    { tenant: 'acme', source: 'hub', epoch: 0 },
    { size: 99, root: new Uint8Array(32) },
    otherKey,
    sha256,
  );
  await claim({ ...found, seen: forged });
  await claim({ ...found, seen: 7 });
  assert.equal(raised(), 0, 'the hub never signed that');
  recording = await recorded('hub', 3);
  await claim(found);
  await claim(found);
  assert.equal(raised(), 1);
  assert.match(
    alerts.get('hub witness:hub/0')?.text ?? '',
    /recording of hub, epoch 0, events 32 to 51, .* that edge e1 saw/,
  );
  assert.equal(originOf({ tenant: 'acme', source: 'hub', epoch: 0 }), 'sigma/acme/hub/0');
});
