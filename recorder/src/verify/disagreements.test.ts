import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { MemoryStore } from '../../testing/memory-store.ts';
import { tramModel } from '../../testing/tram.ts';
import { tramDay } from '../../testing/tram-day.ts';
import {
  agentReexecutor,
  CannotReexecuteError,
  ChainWriter,
  decodeBlock,
  decodeEnvelope,
  decodeOpening,
  decodeSegment,
  decodeSnapshot,
  EVENT_TYPE,
  type EventDraft,
  encodeSegment,
  type RecordedEvent,
  type Reexecutor,
  type Reexecutors,
  type Segment,
  type Sha256,
  type Snapshot,
  signalEvent,
  snapshotEvent,
  type VerifyReport,
  verify,
  WireWriter,
} from '../index.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const trams: Reexecutors = { tram: () => agentReexecutor(tramModel()) };
const day = tramDay({ seed: 11, wakes: 200, sha256 });
const events: readonly RecordedEvent[] = day.blocks.flatMap(({ bytes }) =>
  decodeBlock(bytes).events.map(decodeEnvelope),
);
const nth = (type: string, n: number): RecordedEvent =>
  events.filter((event) => event.type === type)[n] as RecordedEvent;

/** The day as a forger would seal it: some events replaced, hashes and links all in order. */
async function forged(
  change: (event: RecordedEvent) => EventDraft | readonly EventDraft[] | null,
  reexecutors: Reexecutors = trams,
): Promise<VerifyReport> {
  const writer = new ChainWriter(day.opening, sha256);
  const store = new MemoryStore();
  for (const { bytes } of day.blocks) {
    const drafts = decodeBlock(bytes).events.flatMap((envelope) => change(decodeEnvelope(envelope)) ?? []);
    if (drafts.length > 0) await store.append([writer.seal(drafts)]);
  }
  return verify(store, { sha256, reexecutors });
}

const replacing = (victim: RecordedEvent, by: EventDraft | readonly EventDraft[] | null) => (event: RecordedEvent) =>
  event.sequence === victim.sequence ? by : event;

function segment(event: RecordedEvent, change: (before: Segment) => Segment): EventDraft {
  const wire = new WireWriter();
  encodeSegment(wire, change(decodeSegment(event.data)));
  return { ...event, data: wire.take() };
}

const snapshot = (event: RecordedEvent, change: (before: Snapshot) => Snapshot): EventDraft =>
  snapshotEvent(change(decodeSnapshot(event)), event.timeUs);

test('[R64] an honest day counts every wake and every event that was said again', async () => {
  const { chains, ok, wakes } = await forged((event) => event);
  const said = new Set<string>([EVENT_TYPE.decision, EVENT_TYPE.message, EVENT_TYPE.signal, EVENT_TYPE.snapshot]);
  assert.deepEqual([ok, wakes], [true, 200]);
  assert.equal(chains[0]?.reexecuted, events.filter(({ type }) => said.has(type)).length);
});

test('[R64] [L2] a decision of another time, subject, type or content is named, with what the kernel says', async () => {
  const victim = nth(EVENT_TYPE.decision, 6);
  const forgeries: readonly EventDraft[] = [
    { ...victim, atUs: victim.atUs + 1 },
    { ...victim, subject: 'another task' },
    { ...victim, type: EVENT_TYPE.message },
    { ...victim, data: victim.data.slice(0, -1) },
  ];
  for (const forgery of forgeries) {
    const { firstFailure } = await forged(replacing(victim, forgery));
    assert.deepEqual([firstFailure?.kind, firstFailure?.fromSequence], ['re-execution', victim.sequence]);
    assert.match(firstFailure?.message ?? '', /re-execution says otherwise$/);
    assert.match(firstFailure?.expected ?? '', new RegExp(`^sigma.decision.v1 at ${victim.atUs} us: \\{`));
    assert.match(firstFailure?.recorded ?? '', new RegExp(`^${forgery.type} at ${forgery.atUs} us: `));
  }
});

test('[R64] the wall clock and the trace of an event are for people: they are no part of what is said again', async () => {
  const { ok } = await forged((event) => ({ ...event, timeUs: event.timeUs + 86_400_000_000 }));
  assert.equal(ok, true);
});

test('[R64] an event too many is named, with nothing on the other side', async () => {
  const last = events[events.length - 1] as RecordedEvent;
  const { firstFailure } = await forged(replacing(last, [last, nth(EVENT_TYPE.decision, 3)]));
  assert.deepEqual([firstFailure?.fromSequence, firstFailure?.expected], [last.sequence + 1, null]);
  assert.match(firstFailure?.message ?? '', /re-execution says nothing more here$/);
});

test('[R64] what is owed before the next segment, a snapshot or the end is named by what comes instead', async () => {
  const segments = events.filter(({ type }) => type === EVENT_TYPE.stimulusSegment);
  for (const [before, type] of [
    ['this segment', EVENT_TYPE.stimulusSegment],
    ['this snapshot', EVENT_TYPE.snapshot],
  ] as const) {
    // The last thing said before such an event, left out.
    const at = events.findIndex((event, n) => n > 5 && event.type === type && isSaid(events[n - 1]));
    const victim = events[at - 1] as RecordedEvent;
    const { firstFailure } = await forged(replacing(victim, null));
    assert.deepEqual([firstFailure?.kind, firstFailure?.fromSequence], ['cut_short', victim.sequence]);
    const what = new RegExp(`${victim.type} at ${victim.atUs} us is not on record before ${before}$`);
    assert.match(firstFailure?.message ?? '', what);
    assert.equal(firstFailure?.recorded, null);
    assert.match(firstFailure?.expected ?? '', new RegExp(`^${victim.type} at ${victim.atUs} us: `));
  }
  assert.ok(segments.length > 5);
});

const isSaid = (event: RecordedEvent | undefined): boolean =>
  event !== undefined && (event.type === EVENT_TYPE.decision || event.type === EVENT_TYPE.message);

test('[R64] [R21] inputs that are missing or doubled between segments are named by their numbers', async () => {
  const victim = nth(EVENT_TYPE.stimulusSegment, 4);
  const { firstInput } = decodeSegment(victim.data);
  const { firstFailure } = await forged(
    replacing(
      victim,
      segment(victim, (before) => ({ ...before, firstInput: firstInput + 2 })),
    ),
  );
  assert.deepEqual(
    [firstFailure?.kind, firstFailure?.fromSequence, firstFailure?.recorded, firstFailure?.expected],
    ['missing', victim.sequence, `first input ${firstInput + 2}`, `first input ${firstInput}`],
  );
  assert.match(firstFailure?.message ?? '', /inputs before this segment are missing or doubled/);
});

test('[R64] [R14] wakes that run backwards from one segment to the next are named', async () => {
  const victim = nth(EVENT_TYPE.stimulusSegment, 4);
  const before = decodeSegment(nth(EVENT_TYPE.stimulusSegment, 3).data).wakes.at(-1)?.atUs ?? 0;
  const again = (atUs: number) =>
    forged(
      replacing(
        victim,
        segment(victim, ({ firstInput, wakes }) => ({ firstInput, wakes: [{ atUs, inbox: [] }, ...wakes] })),
      ),
    );
  const { firstFailure } = await again(before - 5);
  assert.deepEqual(
    [firstFailure?.kind, firstFailure?.recorded, firstFailure?.expected],
    ['order', `wake at ${before - 5} us`, `not before ${before} us`],
  );
  assert.match(firstFailure?.message ?? '', /its wakes run backwards/);
  assert.notEqual((await again(before)).firstFailure?.kind, 'order', 'the same time is in order');
});

test('[R64] inputs that the kernel cannot take are a failure of that segment, not of verify', async () => {
  const failing: Reexecutor = {
    open: (opening, restored) => {
      const execution = agentReexecutor(tramModel()).open(opening, restored);
      const wake: typeof execution.wake = (atUs, inbox) => {
        if (atUs > 5_000_000 && atUs < 5_200_000) throw new Error('no such channel');
        return execution.wake(atUs, inbox);
      };
      return { ...execution, wake };
    },
  };
  const { firstFailure, chains } = await forged((event) => event, { tram: () => failing });
  assert.equal(firstFailure?.kind, 're-execution');
  assert.match(firstFailure?.message ?? '', /the wake at 5\d+ us cannot be run again: no such channel/);
  assert.equal(chains[0]?.failures.length, 1, 'it rests, and goes on from the next snapshot');
  assert.equal(chains[0]?.stretches.at(-1)?.result, 're-executed');
});

test('[R64] a snapshot that counts other inputs, or holds another state under the right hash, is named with both sides', async () => {
  const victim = nth(EVENT_TYPE.snapshot, 2);
  const { inputSequence, state } = decodeSnapshot(victim);
  const counts = await forged(
    replacing(
      victim,
      snapshot(victim, (before) => ({ ...before, inputSequence: inputSequence + 1 })),
    ),
  );
  assert.deepEqual(
    [counts.firstFailure?.kind, counts.firstFailure?.recorded, counts.firstFailure?.expected],
    ['snapshot', `after input ${inputSequence + 1}`, `after ${inputSequence}`],
  );
  assert.match(counts.firstFailure?.message ?? '', /it counts other inputs than came before it/);
  const text = new TextDecoder().decode(state);
  const place = text.indexOf('"speedMmps":') + '"speedMmps":'.length;
  const other = new TextEncoder().encode(`${text.slice(0, place)}7${text.slice(place + 1)}`);
  const lies = await forged(
    replacing(
      victim,
      snapshot(victim, (before) => ({ ...before, state: other, stateHash: sha256(other) })),
    ),
  );
  const { kind, message, recorded, expected } = lies.firstFailure ?? {};
  assert.equal(kind, 'snapshot');
  assert.match(message ?? '', /the inputs before it lead to another state/);
  assert.equal(recorded, new TextDecoder().decode(other.subarray(place - 80, place + 120)));
  assert.equal(expected, new TextDecoder().decode(state.subarray(place - 80, place + 120)));
});

test('[R65] a snapshot whose hash is false ends the stretch, and nothing is taken up from it', async () => {
  const victim = nth(EVENT_TYPE.snapshot, 1);
  const { chains } = await forged(
    replacing(
      victim,
      snapshot(victim, (before) => ({ ...before, stateHash: new Uint8Array(32) })),
    ),
  );
  assert.deepEqual(
    chains[0]?.stretches.map(({ result }) => result),
    ['re-executed', 'failed', 'chain-only', 're-executed'],
  );
  assert.equal(chains[0]?.stretches[1]?.fromSequence, victim.sequence);
  assert.equal(chains[0]?.stretches[3]?.fromSequence, nth(EVENT_TYPE.snapshot, 2).sequence);
});

test('[R34] signals of a runner are not said again, and a payload that nobody can read is a failure of format', async () => {
  const victim = nth(EVENT_TYPE.decision, 3);
  const started = signalEvent('edge.started', { port: 1 }, victim.atUs, 0);
  assert.equal((await forged(replacing(victim, [started, victim]))).ok, true);
  const garbled = { ...victim, type: EVENT_TYPE.stateChange, data: Uint8Array.of(0xff, 0xff) };
  const { firstFailure } = await forged(replacing(victim, [garbled, victim]));
  assert.deepEqual([firstFailure?.kind, firstFailure?.fromSequence], ['format', victim.sequence]);
  const spoiled = { ...started, data: Uint8Array.of(0x0a, 0x03, 0x61, 0x2e, 0x62, 0x12, 0x01, 0x7b) };
  assert.equal((await forged(replacing(victim, [spoiled, victim]))).firstFailure?.kind, 'format');
});

test('[R65] while it rests, events are read but not compared', async () => {
  const first = nth(EVENT_TYPE.decision, 6);
  const second = events.find(({ sequence, type }) => sequence > first.sequence && type === EVENT_TYPE.decision);
  const { chains } = await forged((event) =>
    event.sequence === first.sequence || event.sequence === second?.sequence ? { ...event, subject: 'x' } : event,
  );
  assert.equal(chains[0]?.failures.length, 1);
  const { chains: garbled } = await forged((event) => {
    if (event.sequence === first.sequence) return { ...event, subject: 'x' };
    return event.sequence === second?.sequence ? { ...event, data: Uint8Array.of(0xff) } : event;
  });
  assert.deepEqual(
    garbled[0]?.failures.map(({ kind }) => kind),
    ['re-execution', 'format'],
  );
});

test('[R66] a model that cannot run this chain leaves it chain-only; one that breaks is not mistaken for it', async () => {
  const refusing = (error: Error): Reexecutors => ({
    tram: () => ({
      open: () => {
        throw error;
      },
    }),
  });
  const { ok, chains } = await forged((event) => event, refusing(new CannotReexecuteError('not here')));
  assert.deepEqual([ok, chains[0]?.chainOnlyBecause], [true, 'not here']);
  assert.deepEqual(
    chains[0]?.stretches.map(({ result }) => result),
    ['chain-only'],
  );
  const broken = await forged((event) => event, refusing(new Error('a defect')));
  assert.equal(broken.ok, false);
  assert.match(broken.firstFailure?.message ?? '', /acme\/tram-1 epoch 0, event 1: a defect/);
});

test('[R66] [K91] a chain under a behaviour flag that is not known here is chain-only, from its beginning and from any snapshot', async () => {
  const opening = decodeOpening(nth(EVENT_TYPE.opening, 0));
  const snapshot = decodeSnapshot(nth(EVENT_TYPE.snapshot, 0));
  const { open } = agentReexecutor(tramModel());
  for (const restored of [undefined, snapshot]) {
    assert.doesNotThrow(() => open(opening, restored));
    assert.throws(() => open({ ...opening, flags: [1, 1001] }, restored), {
      name: 'CannotReexecuteError',
      message: /flag 1 is unknown here/,
    });
  }
});
