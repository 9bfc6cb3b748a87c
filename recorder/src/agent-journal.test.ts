import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { type Agent, createAgent, encodeState, type Outputs, type Stimulus, step } from '@sigma/kernel';
import { type Tram, tramModel } from '../testing/tram.ts';
import { tramWake } from '../testing/tram-day.ts';
import {
  AgentJournal,
  decodeDecision,
  decodeKernelEvent,
  decodeMessage,
  decodeSegment,
  decodeSignal,
  decodeSnapshot,
  EVENT_TYPE,
  type EventDraft,
  type Sha256,
  signalEvent,
} from './index.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const WALL_US = 1_700_000_000_000_000;

/** A tram that writes its journal by hand. */
function ride() {
  const model = tramModel();
  const options = { id: 'tram-1', tenant: 'acme', role: 'tram', seed: 1, epoch: 0, flags: [], config: null, atUs: 0 };
  let agent: Agent<Tram> = createAgent(model, options);
  const journal = new AgentJournal({ agent: 'tram-1', model, sha256, inputSequence: 0 });
  const said: Outputs[] = [];
  return {
    journal,
    said,
    agent: () => agent,
    wake(atUs: number, inbox: readonly Stimulus[]): void {
      const result = step(model, agent, inbox, atUs);
      agent = result.agent;
      said.push(result.outputs);
      journal.wake(atUs, inbox, result.outputs);
    },
  };
}

const typesOf = (events: readonly EventDraft[]): string[] => events.map(({ type }) => type);

test('[R32] a cut gives the segment first, then signals, decision and messages of each wake, as they happened', () => {
  const tram = ride();
  for (let n = 0; n < 200; n++) {
    const { atUs, inbox } = tramWake(3, n);
    tram.wake(atUs, inbox);
  }
  const [segment, ...rest] = tram.journal.cut(WALL_US);
  assert.equal(segment?.type, EVENT_TYPE.stimulusSegment);
  const { firstInput, wakes } = decodeSegment(segment?.data ?? new Uint8Array());
  assert.equal(firstInput, 1);
  assert.equal(wakes.length, 200);
  assert.equal(
    wakes.reduce((sum, { inbox }) => sum + inbox.length, 0),
    tram.agent().inputSequence,
  );
  const expected = tram.said.flatMap(({ events, decision, messages }) => [
    ...events,
    ...(decision === null ? [] : [decision]),
    ...messages,
  ]);
  const recorded = rest.map(({ type, atUs, data }) => {
    if (type === EVENT_TYPE.decision) return decodeDecision(data, atUs);
    return type === EVENT_TYPE.message ? decodeMessage(data).message : decodeKernelEvent(data);
  });
  assert.equal(encodeState(recorded), encodeState(expected));
  assert.ok(new Set(typesOf(rest)).size === 3, 'the ride had signals, decisions and messages');
  assert.ok(rest.every(({ timeUs }) => timeUs === WALL_US));
});

test('[R21] [R32] cuts follow each other without gap; a cut without a wake is empty', () => {
  const tram = ride();
  assert.deepEqual(tram.journal.cut(WALL_US), []);
  let inputs = 0;
  for (let n = 0; n < 30; n++) {
    const { atUs, inbox } = tramWake(5, n);
    tram.wake(atUs, inbox);
    assert.equal(tram.journal.pendingWakes, 1);
    const [segment] = tram.journal.cut(WALL_US);
    assert.equal(decodeSegment(segment?.data ?? new Uint8Array()).firstInput, inputs + 1);
    inputs += inbox.length;
  }
  assert.deepEqual(tram.journal.cut(WALL_US), []);
});

test('[R33] [R34] a snapshot and a note stand where they were put, between the segments around them', () => {
  const tram = ride();
  tram.wake(100_000, [{ kind: 'beat', from: 'primary' }]);
  tram.journal.snapshot(tram.agent());
  const state = encodeState(tram.agent());
  tram.journal.note((timeUs) => signalEvent('edge.started', { pid: 7 }, 100_000, timeUs));
  tram.wake(200_000, []);
  const events = tram.journal.cut(WALL_US);
  const kept = events.filter(({ type }) => type !== EVENT_TYPE.decision);
  assert.deepEqual(typesOf(kept), [
    EVENT_TYPE.stimulusSegment,
    EVENT_TYPE.snapshot,
    EVENT_TYPE.signal,
    EVENT_TYPE.stimulusSegment,
  ]);
  const snapshot = decodeSnapshot({ sequence: 1, ...(kept[1] as EventDraft) });
  assert.equal(new TextDecoder().decode(snapshot.state), state);
  assert.deepEqual(snapshot.stateHash, sha256(snapshot.state));
  assert.deepEqual([snapshot.inputSequence, snapshot.atUs, snapshot.model], [1, 100_000, 'tram']);
  assert.deepEqual(decodeSignal(kept[2]?.data ?? new Uint8Array()), { name: 'edge.started', body: { pid: 7 } });
  assert.equal(kept[2]?.timeUs, WALL_US);
  assert.throws(() => decodeKernelEvent(kept[2]?.data ?? new Uint8Array()), /no signal of the kernel/);
  assert.equal(decodeSegment(kept[3]?.data ?? new Uint8Array()).firstInput, 2);
});
