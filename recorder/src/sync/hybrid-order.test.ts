import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { exportCloudEvents } from '../../exports/index.ts';
import { testOpening } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { ChainWriter, type SealedBlock } from '../chain-writer.ts';
import { signalEvent } from '../payload/agent-events.ts';
import { openingEvent } from '../payload/opening.ts';
import { HybridClock } from './hybrid-clock.ts';
import { type HybridMarks, memoryMarks } from './hybrid-marks.ts';
import { outgoingBlock } from './outgoing.ts';
import { SyncSender } from './sending/sync-sender.ts';
import { type SinkWord, SyncSink } from './taking/sync-sink.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const DAY_US = 86_400_000_000;
const BEGAN_US = 1_750_000_000_000_000;

/** A hub and edges whose wall clocks are wrong by as much as it is told, with sync between them and nothing else. */
function site(marks: HybridMarks = memoryMarks()) {
  const store = new MemoryStore();
  let trueUs = BEGAN_US;
  /** What the hub has: whoever hears a word of it from now on may act on that. */
  const committed = new Set<string>();
  const sink = new SyncSink({
    tenant: 'acme',
    store,
    sha256,
    wallUs: () => trueUs,
    paceTime: { nowUs: () => trueUs, after: () => undefined },
    clock: new HybridClock(),
    keep: marks.add,
    found: (finding) => assert.equal(finding.type === 'refused' || finding.type === 'failed', false),
  });
  const join = async (source: string, offUs: number) => {
    const wallUs = (): number => trueUs + offUs;
    const writer = new ChainWriter(testOpening(source), sha256);
    const blocks: SealedBlock[] = [];
    const sender = new SyncSender({ tenant: 'acme', bytesPerS: Number.POSITIVE_INFINITY, batchBytes: 400 });
    const known = new Set<string>();
    const causes = new Map<string, ReadonlySet<string>>();
    const words: SinkWord[] = [];
    const link = sink.linked({ edgeId: source, sources: new Set([source]), say: (word) => void words.push(word) });
    const seal = (block: SealedBlock): void => {
      blocks.push(block);
      const { sequence, hash } = writer.head;
      sender.grown({ source, epoch: 0 }, { sequence, hash });
    };
    const hear = async (): Promise<void> => {
      await sink.settled();
      for (const word of words.splice(0)) {
        if (word.type === 'held') {
          sender.heard(word.time, wallUs());
          sender.held(word.chains, word.allowedBytes);
        } else {
          const { held } = word.answer;
          for (const { firstSequence } of blocks) {
            if (firstSequence <= held.sequence) committed.add(`${source}-${firstSequence}`);
          }
          sender.heard(word.answer.time, wallUs());
          sender.answered(word.answer, 0);
        }
        for (const id of committed) known.add(id);
      }
    };
    const opening = openingEvent({ ...testOpening(source), timeUs: wallUs() });
    seal(writer.seal([opening]));
    link.hear({ type: 'shown', chains: sender.linked(), time: { us: wallUs(), count: 0 } });
    await hear();
    return {
      causes,
      record: (text: string): void => {
        trueUs += 1_000;
        const id = `${source}-${writer.head.sequence + 1}`;
        causes.set(id, new Set(known));
        known.add(id);
        seal(writer.seal([signalEvent('note', { text }, trueUs - BEGAN_US, wallUs())]));
      },
      /** What it has reaches the hub, and the hub's words reach it. */
      sync: async (): Promise<void> => {
        for (;;) {
          const step = sender.next(0);
          if (step.type !== 'read') return;
          const rest = blocks.filter(({ firstSequence }) => firstSequence >= step.fromSequence);
          const batch = sender.take(step.chain, rest.map(outgoingBlock), 0);
          if (batch === null) return;
          trueUs += 500;
          link.hear({ type: 'sent', batch });
          await hear();
        }
      },
    };
  };
  /** Events of all sources in the order in which the hub's recording is told. */
  const told = async (): Promise<string[]> => {
    const lines: string[] = [];
    await exportCloudEvents({
      recording: Object.assign(store, { hybridMarks: marks.of }),
      chains: await store.heads(),
      span: { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER },
      sha256,
      exact: false,
      sink: { write: async (bytes) => void lines.push(...new TextDecoder().decode(bytes).trim().split('\n')) },
    });
    return lines.map((line) => {
      const { source, sequence } = JSON.parse(line) as { source: string; sequence: string };
      return `${source.split('/').at(-1)}-${Number(sequence)}`;
    });
  };
  return { join, told };
}

test('[R128] with clocks wrong by a day, to either side, an effect never stands before its cause', async () => {
  for (const [first, second] of [
    [DAY_US, -DAY_US],
    [-DAY_US, DAY_US],
    [DAY_US, 0],
    [0, -DAY_US],
  ] as const) {
    const { join, told } = site();
    const a = await join('a', first);
    const b = await join('b', second);
    a.record('the door is open');
    await a.sync();
    // An edge hears of the hub's time in the answers to what it sends.
    b.record('all is well');
    await b.sync();
    b.record('so nobody drives there');
    await b.sync();
    a.record('all is well');
    await a.sync();
    a.record('the door is shut');
    await a.sync();
    const order = await told();
    const causal = ['a-2', 'b-3', 'a-4'].map((id) => order.indexOf(id));
    assert.deepEqual(
      causal,
      [...causal].sort((x, y) => x - y),
      `${first} ${second}: ${order.join(' ')}`,
    );
  }
});

test('[R128] whoever heard what, and however wrong its clock is: causes come first in what the hub tells', async () => {
  const step = fc.record({ edge: fc.nat(2), act: fc.constantFrom('record', 'sync') });
  const off = fc.oneof(fc.constantFrom(0, DAY_US, -DAY_US), fc.integer({ min: -20_000, max: 20_000 }));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), off, off, off, async (steps, a, b, c) => {
      const { join, told } = site();
      const edges = [await join('a', a), await join('b', b), await join('c', c)] as const;
      for (const { edge, act } of steps) {
        const one = edges[edge as 0];
        if (act === 'sync') await one.sync();
        else one.record('x');
      }
      for (const one of edges) await one.sync();
      const place = new Map((await told()).map((id, i) => [id, i]));
      for (const { causes } of edges) {
        for (const [effect, before] of causes) {
          for (const cause of before) {
            assert.ok((place.get(cause) as number) < (place.get(effect) as number), `${cause} is behind ${effect}`);
          }
        }
      }
    }),
    { seed: 128, numRuns: 150 },
  );
});
