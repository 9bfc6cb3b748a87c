import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../../../stores/sqlite/sqlite-store.ts';
import { testChain } from '../../../testing/chains.ts';
import { MemoryStore } from '../../../testing/memory-store.ts';
import { decodeEnvelope } from '../../block.ts';
import { signalEvent } from '../../payload/agent-events.ts';
import { type AheadEvent, aheadEvents } from '../ahead-events.ts';
import type { EventsAhead } from '../taking/take-ahead.ts';
import { type AheadMemory, AheadSource, type LookedChain } from './ahead-source.ts';
import { SyncSource } from './sync-source.ts';

const RAISED = { type: 'failsafe', change: 'raised', entry: { action: 'stop', cause: 'near' }, selected: null };
const NOW = { us: 0, count: 0 };

function memory(): AheadMemory & { readonly looks: LookedChain[] } {
  const looks: LookedChain[] = [];
  const events = new Map<string, AheadEvent[]>();
  const nameOf = ({ source, epoch }: { source: string; epoch: number }) => `${source}/${epoch}`;
  return {
    looks,
    looked: () => looks,
    keep: (chain, more) => {
      looks.push(chain);
      events.set(nameOf(chain), [...(events.get(nameOf(chain)) ?? []), ...more]);
    },
    chains: () =>
      [...new Map(looks.map((chain) => [nameOf(chain), { ...chain, leftOut: 0 }])).values()].filter(
        (chain) => (events.get(nameOf(chain)) ?? []).length > 0,
      ),
    after: (chain, from, most) =>
      (events.get(nameOf(chain)) ?? []).filter(({ sequence }) => sequence > from).slice(0, most),
    arrived: (chain, upTo) => {
      const left = (events.get(nameOf(chain)) ?? []).filter(({ sequence }) => sequence > upTo);
      events.set(nameOf(chain), left);
    },
  };
}

/** A robot that has a failsafe in each of so many blocks. */
function edge(blocks: number, padding = 0) {
  const kept = memory();
  const said: EventsAhead[] = [];
  const refused: string[] = [];
  const source = new AheadSource({
    tenant: 'acme',
    openedUs: 77,
    memory: kept,
    say: (events) => said.push(events),
    now: () => NOW,
    refused: ({ refusal }) => refused.push(`${refusal}`),
  });
  const chain = testChain('r1', sha256);
  source.look({ source: 'r1', epoch: 0 }, chain.begin().bytes, 1);
  for (let n = 1; n <= blocks; n++) {
    const body = { ...RAISED, entry: { action: 'stop', cause: `near ${'x'.repeat(padding)}` } };
    const block = chain.writer.seal([signalEvent('failsafe', body, n * 1000, n * 1000)]);
    source.look({ source: 'r1', epoch: 0 }, block.bytes, block.firstSequence);
  }
  const held = (sequence: number, refusal: 'fork' | null = null) =>
    source.held([{ source: 'r1', epoch: 0, sequence, hash: new Uint8Array(), refusal, message: '' }]);
  const answer = (lastSequence: number, refusal: 'later' | 'damaged' | 'credit' | null = null) =>
    source.answered({ source: 'r1', epoch: 0, lastSequence, refusal, message: '', time: NOW });
  const told = () =>
    said.map(({ envelopes }) => envelopes.map((envelope) => decodeEnvelope(envelope).sequence).join(' '));
  return { source, chain, kept, said, told, held, answer, refused };
}

test('[R193] when a link begins what the hub has not is told, one message after the other; what it has in blocks is not', () => {
  const { source, held, told, answer, said } = edge(5, 40_000);
  source.linked('hub');
  assert.deepEqual(told(), []);
  held(3);
  assert.deepEqual(told(), ['4 5']);
  assert.deepEqual([said[0]?.openedUs, said[0]?.tenant], [77, 'acme']);
  answer(5);
  assert.deepEqual(told(), ['4 5', '6']);
  answer(6);
  assert.deepEqual(told().length, 2);
  // The next link of the same hub asks for nothing twice; another hub has heard of nothing.
  source.linked('hub');
  held(3);
  assert.equal(told().length, 2);
  source.linked('another');
  held(0);
  assert.equal(told()[2], '4 5');
});

test('[R193] a refusal keeps nothing back: what may come later waits for the next link, what is wrong is put on record', () => {
  const { source, held, told, answer, refused } = edge(2);
  source.linked('hub');
  held(0);
  answer(0, 'later');
  assert.deepEqual(refused, []);
  source.linked('hub');
  held(0);
  assert.deepEqual(told(), ['2 3', '2 3']);
  answer(0, 'damaged');
  assert.deepEqual(refused, ['damaged']);
  assert.equal(told().length, 2);
});

test('[R193] [L4] of a chain of which the hub holds another history, nothing of this one counts as arrived', () => {
  const { source, held, told } = edge(2);
  source.linked('hub');
  held(3, 'fork');
  assert.deepEqual(told(), ['2 3']);
});

test('[R193] up to where a chain was looked into is kept with every finding, and else now and then', () => {
  const { kept, source } = edge(0);
  assert.equal(kept.looks.length, 1, 'from its first block on');
  const quiet = testChain('r2', sha256);
  const begin = quiet.begin();
  source.look({ source: 'r2', epoch: 0 }, begin.bytes, 1);
  for (let n = 0; n < 12; n++) {
    const block = quiet.notes(100);
    source.look({ source: 'r2', epoch: 0 }, block.bytes, block.firstSequence + 99);
  }
  const looks = kept.looks.filter((look) => look.source === 'r2').map(({ sequence }) => sequence);
  assert.deepEqual(looks, [1, 501, 1_001]);
});

test('[R193] what nobody is told of ahead stays out, and what is not what its type says is left to its block', () => {
  const chain = testChain('r1', sha256);
  chain.begin();
  const signal = (name: string, body: unknown) => signalEvent(name, body, 5, 5);
  const block = chain.writer.seal([
    signal('failsafe', { ...RAISED, change: 'cleared' }),
    signal('failsafe', RAISED),
    signal('violation', { violation: {} }),
    signal('task', {}),
    signal('order_accepted', { order: 'stop', issuer: 'a', sequence: 1 }),
    signal('order_accepted', { order: 'assign', issuer: 'a', sequence: 2 }),
    { ...signal('failsafe', RAISED), data: new Uint8Array([0x0a, 0x08, 0x66, 0x61]) },
    { ...signal('failsafe', null), type: 'sigma.order.v1' },
    { ...signal('failsafe', null), type: 'sigma.decision.v1', data: new Uint8Array([0x08, 0x04]) },
  ]);
  assert.deepEqual(
    aheadEvents(block.bytes).map(({ sequence, grade }) => [sequence, grade]),
    [
      [3, 3],
      [4, 1],
      [6, 3],
      [10, 3],
    ],
    'and the decision of that wake',
  );
});

/** The source of sync of an edge that recorded a failsafe before this source began: in an earlier life, or in this one. */
async function restarted(kept: AheadMemory, life: 'earlier' | 'this' = 'earlier') {
  const recording = new MemoryStore();
  const chain = testChain('r1', sha256);
  const begin = chain.begin();
  if (life === 'earlier') kept.keep({ source: 'r1', epoch: 0, sequence: 1, openedUs: 55 }, []);
  await recording.append([begin, chain.writer.seal([signalEvent('failsafe', RAISED, 9_000, 9_000)])]);
  const said: string[] = [];
  const notes: string[] = [];
  const reminded: string[] = [];
  const ahead = new AheadSource({
    tenant: 'acme',
    openedUs: 77,
    memory: kept,
    say: ({ openedUs, envelopes }) => said.push(`${openedUs} ${envelopes.length}`),
    now: () => NOW,
    refused: () => undefined,
  });
  const source = new SyncSource({
    tenant: 'acme',
    ahead,
    sources: new Set(['r1']),
    growing: life === 'this' ? [{ source: 'r1', epoch: 0 }] : [],
    recordings: [{ path: 'a', recording }],
    memory: {
      lastHub: () => null,
      acknowledged: () => [],
      acknowledge: () => undefined,
      urgent: () => [],
      remindOf: ({ source: of }, sequence) => reminded.push(`${of} ${sequence}`),
    },
    bytesPerS: Number.POSITIVE_INFINITY,
    say: ({ type }) => said.push(type),
    note: (name) => notes.push(name),
    nowUs: () => 0,
    wallUs: () => 0,
    after: () => undefined,
  });
  await source.open();
  source.linked(new Uint8Array(32));
  const held = { source: 'r1', epoch: 0, sequence: 0, hash: new Uint8Array(), refusal: null, message: '' };
  source.hear({ type: 'held', chains: [held], allowedBytes: 1e6, time: NOW, unpacks: false });
  await new Promise((resolve) => setImmediate(resolve));
  return { said, notes, reminded };
}

test('[R193] [L3] what an earlier life had no time to look into is looked into by the next, and told before all blocks', async () => {
  assert.deepEqual((await restarted(memory())).said, ['shown', '55 1', 'sent']);
});

test('[R193] [R125] a failsafe in the first moments of a life is told before all blocks too, and its chain is urgent', async () => {
  const { said, reminded } = await restarted(memory(), 'this');
  assert.deepEqual(said, ['shown', '77 1', 'sent']);
  assert.deepEqual(reminded, ['r1 2']);
});

test('[R193] [L8] a memory that fails keeps no block back', async () => {
  const broken = memory();
  const failing: AheadMemory = {
    ...broken,
    chains: () => {
      throw new Error('the disk is full');
    },
  };
  const { said, notes } = await restarted(failing);
  assert.deepEqual(said, ['shown', 'sent']);
  assert.deepEqual(notes, ['edge.sync_failed']);
});
