import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aheadEvents,
  aheadFrame,
  type BatchAnswer,
  type BlockBatch,
  batchAnswerOf,
  batchBytes,
  type ChainHead,
  decodeSignal,
  type EventsAhead,
  type HeldChain,
  HybridClock,
  heldOf,
  hexOfBytes,
  memoryMarks,
  type SealedBlock,
  type ShownChain,
  StoreFailedError,
  sentFrame,
  shownFrame,
} from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import { MemoryStore, testChain } from '@sigma/recorder/testing';
import { LIFE_BEGAN_US, RAISED, RobotLife } from '../../../testing/robot-life.ts';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import type { Trouble } from '../alerts/alerts.ts';
import type { HubEvent } from '../arbitration/hub-record.ts';
import { type SyncAnswer, SyncRole, type SyncRoleOptions } from './sync-role.ts';

const NOW = { us: 0, count: 0 };

function hub(store: MemoryStore = new MemoryStore(), windowBytes?: number, index: SyncRoleOptions['index'] = null) {
  const clock = new TurnedClock();
  const marks = memoryMarks();
  const events: HubEvent[] = [];
  const alerts = new Map<string, Trouble | null>();
  const role = new SyncRole({
    clock,
    realClock: clock,
    hybrid: new HybridClock(),
    marks,
    tenant: 'acme',
    record: { append: async (event) => void events.push(event) },
    alerts: { say: (agentId, cause, trouble) => void alerts.set(`${agentId} ${cause}`, trouble) },
    store,
    index,
    ...(windowBytes === undefined ? {} : { windowBytes }),
  });
  /** An edge links, shows chains, and hears what comes. */
  const link = async (shown: readonly ShownChain[], edgeId = 'e1', agentIds: readonly string[] = ['r1', 'r2']) => {
    const heard: SyncAnswer[] = [];
    const open = role.linked({ edgeId, agentIds, send: (frame) => void heard.push(frame) });
    open.hear({ case: 'chainsShown', value: shownFrame(shown, NOW) });
    await role.settled();
    const [first] = heard;
    const held: readonly HeldChain[] = first?.case === 'chainsHeld' ? heldOf(first.value).chains : [];
    const answers = (): BatchAnswer[] =>
      heard.flatMap((frame) => (frame.case === 'blocksAnswered' ? [batchAnswerOf(frame.value)] : []));
    const send = async (batch: BlockBatch): Promise<BatchAnswer | undefined> => {
      const before = answers().length;
      open.hear({ case: 'blocksSent', value: sentFrame(batch) });
      await role.settled();
      return answers()[before];
    };
    /** Tells events ahead. @returns what the hub has answered to such by then */
    const ahead = async (...told: readonly EventsAhead[]): Promise<readonly (string | number)[]> => {
      const before = heard.length;
      for (const one of told) open.hear({ case: 'eventsAhead', value: aheadFrame(one) });
      await role.settled();
      return heard
        .slice(before)
        .flatMap(({ case: kind, value }) =>
          kind === 'eventsAheadAnswered' ? [value.refusal || Number(value.lastSequence)] : [],
        );
    };
    return { held, send, answers, ahead, ...open };
  };
  const signals = () => events.map(({ data, subject }) => ({ subject, ...decodeSignal(data) }));
  return { clock, role, store, marks, alerts, signals, link };
}

function batchOf(sent: readonly SealedBlock[], over: Partial<BlockBatch> = {}): BlockBatch {
  const [first] = sent as [SealedBlock];
  const { tenant, source, epoch, firstSequence, previousHash } = first;
  const hash = (sent.at(-1) as SealedBlock).hash;
  const blocks = sent.map(({ bytes }) => bytes);
  return { tenant, source, epoch, firstSequence, previousHash, hash, time: NOW, blocks, ...over };
}

const shownAs = ({ source, epoch, sequence, hash }: ChainHead, acknowledged = 0): ShownChain => ({
  source,
  epoch,
  sequence,
  hash,
  acknowledged,
});

/** A chain of so many notes, one a block; padded from a block on, it is another history of the same length. */
function history(source: string, notes: number, paddedFrom = notes): { blocks: SealedBlock[]; head: ChainHead } {
  const chain = testChain(source, sha256);
  const begin = chain.begin();
  const blocks = [begin, ...Array.from({ length: notes }, (_, i) => chain.notes(1, i >= paddedFrom ? 9 : 0))];
  return { blocks, head: chain.writer.head };
}

test('[R120] [R121] what is acknowledged is stored byte for byte; a batch that comes twice is acknowledged and stored once', async () => {
  const { link, store } = hub();
  const { blocks, head } = history('r1', 4);
  const { held, send } = await link([shownAs(head)]);
  assert.deepEqual(held, [{ source: 'r1', epoch: 0, sequence: 0, hash: new Uint8Array(), refusal: null, message: '' }]);
  for (const batch of [batchOf(blocks.slice(0, 3)), batchOf(blocks.slice(0, 3)), batchOf(blocks.slice(2))]) {
    const answer = await send(batch);
    assert.equal(answer?.refusal, null, answer?.message);
    assert.equal(hexOfBytes(answer?.held.hash ?? new Uint8Array()), hexOfBytes(batch.hash));
  }
  assert.deepEqual(
    store.rows.map(({ bytes }) => hexOfBytes(bytes)),
    blocks.map(({ bytes }) => hexOfBytes(bytes)),
  );
});

test('[R122] [L3] nothing is acknowledged before the store has committed, and nothing that it could not take', async () => {
  const store = new MemoryStore();
  const taken = Promise.withResolvers<void>();
  const slow = { append: store.append.bind(store) };
  store.append = async (blocks) => {
    await taken.promise;
    return slow.append(blocks);
  };
  const { link, role } = hub(store);
  const { blocks, head } = history('r1', 2);
  const open = await link([shownAs(head)]);
  open.hear({ case: 'blocksSent', value: sentFrame(batchOf(blocks)) });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(open.answers(), []);
  taken.resolve();
  await role.settled();
  assert.equal(open.answers()[0]?.refusal, null);
  store.append = async () => {
    throw new StoreFailedError('disk', 'is gone', 'Mend it');
  };
  const more = history('r2', 1);
  const answer = await open.send(batchOf(more.blocks));
  assert.equal(answer?.refusal, 'later');
  assert.match(role.failure ?? '', /is gone/);
});

test('[R122] a hub that answered and then forgot is told so: on record, before people, and cleared when it has it again', async () => {
  const { link, alerts, signals } = hub();
  const { blocks, head } = history('r1', 4);
  const { held, send } = await link([shownAs(head, 5)]);
  assert.equal(held[0]?.sequence, 0);
  assert.match(alerts.get('hub sync:forgot:e1')?.text ?? '', /holds less of 1 chains than it has acknowledged/);
  const [told] = signals();
  assert.deepEqual([told?.name, told?.body], ['hub.sync_forgot', { edgeId: 'e1', epoch: 0, acknowledged: 5, held: 0 }]);
  await send(batchOf(blocks.slice(0, 3)));
  assert.notEqual(alerts.get('hub sync:forgot:e1'), null);
  await send(batchOf(blocks.slice(3)));
  assert.equal(alerts.get('hub sync:forgot:e1'), null);
  assert.equal(signals().at(-1)?.name, 'hub.sync_mended');
});

test('[R123] [L4] two edges with one identity: the second history is refused with both hashes, said once, and the first goes on', async () => {
  const { link, store, alerts, signals } = hub();
  const ours = history('r1', 6);
  const theirs = history('r1', 6, 2);
  const first = await link([shownAs(ours.head)]);
  await first.send(batchOf(ours.blocks.slice(0, 5)));
  const posing = await link([shownAs(theirs.head)]);
  assert.equal(posing.held[0]?.refusal, null, 'it shows an end that the hub does not hold yet');
  for (let twice = 0; twice < 2; twice++) {
    const answer = await posing.send(batchOf(theirs.blocks.slice(3)));
    assert.equal(answer?.refusal, 'fork');
    assert.deepEqual(
      [hexOfBytes(answer.standingHash), hexOfBytes(answer.refusedHash)],
      [ours.blocks[3]?.hash, theirs.blocks[3]?.hash].map((hash) => hexOfBytes(hash ?? new Uint8Array())),
    );
  }
  assert.equal(store.rows.length, 5);
  const told = alerts.get('r1 sync:epoch/0');
  assert.equal(told?.level, 4);
  assert.ok(told?.text.includes(hexOfBytes(ours.blocks[3]?.hash ?? new Uint8Array())), told?.text);
  assert.equal(signals().filter(({ name }) => name === 'hub.blocks_refused').length, 1);
  const answer = await first.send(batchOf(ours.blocks.slice(5)));
  assert.equal(answer?.refusal, null);
  assert.equal(alerts.get('r1 sync:epoch/0'), null);
});

test('[R123] [L4] a batch that goes on from another block than the last one is a fork; one behind a hole is missing', async () => {
  const { link } = hub();
  const ours = history('r1', 6);
  const theirs = history('r1', 6, 2);
  const { send } = await link([shownAs(ours.head)]);
  await send(batchOf(ours.blocks.slice(0, 4)));
  const fork = await send(batchOf(theirs.blocks.slice(4)));
  assert.equal(fork?.refusal, 'fork');
  assert.equal(hexOfBytes(fork.standingHash), hexOfBytes(ours.blocks[3]?.hash ?? new Uint8Array()));
  assert.equal(hexOfBytes(fork.refusedHash), hexOfBytes(theirs.blocks[3]?.hash ?? new Uint8Array()));
  const missing = await send(batchOf(ours.blocks.slice(5)));
  assert.deepEqual([missing?.refusal, missing?.held.sequence], ['missing', 4]);
});

test('[R123] [L4] an edge restored from a backup shows an old end that is ours, then writes other content there: refused', async () => {
  const { link } = hub();
  const before = history('r1', 6);
  const { send } = await link([shownAs(before.head)]);
  await send(batchOf(before.blocks));
  const backup = { ...before.head, sequence: 4, hash: before.blocks[3]?.hash ?? new Uint8Array() };
  const restored = await link([shownAs(backup, 4)]);
  assert.deepEqual([restored.held[0]?.refusal, restored.held[0]?.sequence], [null, 7]);
  const rewritten = history('r1', 6, 3);
  const answer = await restored.send(batchOf(rewritten.blocks.slice(4, 5)));
  assert.equal(answer?.refusal, 'fork');
  assert.equal(hexOfBytes(answer.standingHash), hexOfBytes(before.blocks[4]?.hash ?? new Uint8Array()));
  const later = await link([
    shownAs({ ...rewritten.head, sequence: 6, hash: rewritten.blocks[5]?.hash ?? new Uint8Array() }),
  ]);
  assert.equal(later.held[0]?.refusal, 'fork', 'once it is written it is seen at once');
});

test('[R123] [L7] the batch of another tenant, of a stranger, and of the hub itself: refused, told once, nothing stored', async () => {
  const { link, store, alerts, signals } = hub();
  const { send } = await link([], 'e1', ['r1', 'hub']);
  const evil = testChain('r1', sha256, { tenant: 'evil' });
  const begin = evil.begin();
  for (let twice = 0; twice < 2; twice++) assert.equal((await send(batchOf([begin])))?.refusal, 'tenant');
  assert.equal((await send(batchOf([begin], { tenant: 'acme' })))?.refusal, 'tenant');
  for (const source of ['r9', 'hub']) {
    assert.equal((await send(batchOf([testChain(source, sha256).begin()])))?.refusal, 'stranger');
  }
  assert.deepEqual(store.rows, []);
  assert.equal(alerts.get('hub sync:tenant:e1')?.level, 4);
  assert.equal(signals().filter(({ name }) => name === 'hub.blocks_refused').length, 2);
  const chains = await link([{ source: 'r9', epoch: 0, sequence: 3, hash: new Uint8Array(32), acknowledged: 0 }]);
  assert.equal(chains.held[0]?.refusal, 'stranger');
});

test('[R120] [R123] half a batch is refused whole, and the whole one is then taken', async () => {
  const { link, store } = hub();
  const { blocks, head } = history('r1', 4);
  const { send } = await link([shownAs(head)]);
  const whole = batchOf(blocks);
  assert.equal((await send({ ...whole, blocks: whole.blocks.slice(0, 2) }))?.refusal, 'damaged');
  assert.deepEqual(store.rows, []);
  assert.equal((await send(whole))?.refusal, null);
  assert.equal(store.rows.length, 5);
});

test('[R124] [L8] what comes beyond the credit is refused unread; what is settled makes room', async () => {
  const { blocks, head } = history('r1', 8);
  const sizes = batchBytes(batchOf(blocks.slice(0, 2)));
  const store = new MemoryStore();
  const gate = Promise.withResolvers<void>();
  const append = store.append.bind(store);
  store.append = async (more) => {
    await gate.promise;
    return append(more);
  };
  const { link, role } = hub(store, sizes);
  const open = await link([shownAs(head)]);
  open.hear({ case: 'blocksSent', value: sentFrame(batchOf(blocks.slice(0, 2))) });
  open.hear({ case: 'blocksSent', value: sentFrame(batchOf(blocks.slice(2, 4))) });
  gate.resolve();
  await role.settled();
  const byFirst = new Map(open.answers().map((answer) => [answer.firstSequence, answer]));
  assert.equal(byFirst.get(3)?.refusal, 'credit');
  assert.equal(byFirst.get(1)?.refusal, null);
  assert.equal(byFirst.get(1)?.allowedBytes, 2 * sizes);
  assert.equal(role.waitingBytes, 0);
  assert.equal((await open.send(batchOf(blocks.slice(2, 4))))?.refusal, null);
});

test('[R128] the hub passes what it hears; a clock far ahead is put on record once and not followed', async () => {
  const { link, clock, signals } = hub();
  const { blocks, head } = history('r1', 4);
  const { send } = await link([shownAs(head)]);
  const ahead = { us: clock.nowUs() + 9_000_000, count: 3 };
  const answer = await send(batchOf(blocks.slice(0, 1), { time: ahead }));
  assert.deepEqual(answer?.time, { us: ahead.us, count: 4 });
  for (let twice = 0; twice < 2; twice++) {
    await send(batchOf(blocks.slice(1, 2), { time: { us: clock.nowUs() + 61_000_000, count: 0 } }));
  }
  assert.equal(signals().filter(({ name }) => name === 'hub.edge_clock_ahead').length, 1);
});

function toldAhead(agentId: string, over: Partial<EventsAhead> = {}): EventsAhead {
  const life = new RobotLife(agentId, 2);
  life.lives({ atUs: 5, signals: [{ name: 'failsafe', body: RAISED }], decision: 1 });
  const envelopes = life.blocks.flatMap(({ bytes }) => aheadEvents(bytes)).map(({ envelope }) => envelope);
  const chain = { tenant: 'acme', source: agentId, epoch: 2 };
  return { ...chain, openedUs: LIFE_BEGAN_US, envelopes, leftOut: 0, time: NOW, ...over };
}

test('[R193] what is told ahead is answered when it is kept, and not before; one message after the other', async () => {
  const kept = Promise.withResolvers<string | null>();
  const taken: string[] = [];
  const index = {
    stored: () => undefined,
    shown: () => undefined,
    reported: async (
      { source, epoch, openedUs }: { source: string; epoch: number; openedUs: number },
      events: readonly { sequence: number }[],
    ) => {
      taken.push(`${source}/${epoch} ${openedUs} ${events.map(({ sequence }) => sequence).join(' ')}`);
      return kept.promise;
    },
  };
  const { link } = hub(new MemoryStore(), undefined, index);
  const edge = await link([]);
  const answers = edge.ahead(toldAhead('r1'), toldAhead('r2'));
  await new Promise((resolve) => setImmediate(resolve));
  kept.resolve(null);
  assert.deepEqual(await answers, ['credit', 3]);
  assert.deepEqual(taken, [`r1/2 ${LIFE_BEGAN_US} 2 3`]);
  assert.deepEqual(await edge.ahead(toldAhead('r2')), [3]);
});

test('[R193] [L4] [L7] what is told ahead of another tenant, by a stranger, of the hub, malformed or too much is refused by name and told once; a store that fails says later', async () => {
  let fails = false;
  const taken: string[] = [];
  const index = {
    stored: () => undefined,
    shown: () => undefined,
    reported: async ({ source }: { source: string }) => {
      if (fails) throw new Error('the database is away');
      taken.push(source);
      return null;
    },
  };
  const { link, alerts, signals } = hub(new MemoryStore(), undefined, index);
  const { ahead } = await link([], 'e1', ['r1', 'hub']);
  for (let twice = 0; twice < 2; twice++)
    assert.deepEqual(await ahead(toldAhead('r1', { tenant: 'evil' })), ['tenant']);
  for (const source of ['r9', 'hub', 'x'.repeat(9_000)]) assert.deepEqual(await ahead(toldAhead(source)), ['stranger']);
  const garbage = new Uint8Array([0x0a, 0xff, 0xff]);
  assert.deepEqual(await ahead(toldAhead('r1', { envelopes: [garbage] })), ['damaged']);
  assert.deepEqual(await ahead(toldAhead('r1', { envelopes: [new Uint8Array(1_000_000)] })), ['credit']);
  assert.deepEqual(taken, []);
  fails = true;
  assert.deepEqual(await ahead(toldAhead('r1')), ['later']);
  fails = false;
  assert.deepEqual(await ahead(toldAhead('r1')), [3]);
  assert.deepEqual(taken, ['r1']);
  assert.equal(alerts.get('hub sync:tenant:e1')?.level, 4);
  assert.equal(alerts.get('r1 sync:epoch/2')?.level, 4);
  assert.equal(signals().filter(({ name }) => name === 'hub.blocks_refused').length, 3);
});
