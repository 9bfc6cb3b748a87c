import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { MemoryBus } from '@sigma/bus';
import { type ConnectRequest, ConnectRequestSchema, type ConnectResponse } from '@sigma/proto';
import { STATE_SCHEMA } from '../../testing/fake-edge.ts';
import { TurnedClock } from '../../testing/turned-clock.ts';
import { LiveFleet } from '../live/live-fleet.ts';
import { noHistory } from '../roles/ingest/history.ts';
import { Ingest } from '../roles/ingest/ingest.ts';
import { all, type Topic } from '../subjects.ts';
import { HEARTBEAT_US, LinkDesk } from './link-desk.ts';

type Frame = Exclude<MessageInitShape<typeof ConnectRequestSchema>['frame'], undefined>;

/** A stream that the test speaks into and listens to. */
function stream(desk: LinkDesk) {
  const said: ConnectRequest[] = [];
  let wake: () => void = () => undefined;
  let broken = false;
  const frames = async function* (): AsyncGenerator<ConnectRequest> {
    for (;;) {
      const next = said.shift();
      if (next !== undefined) yield next;
      else if (broken) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  };
  const heard: ConnectResponse[] = [];
  let ended = false;
  void (async () => {
    for await (const frame of desk.serve(frames())) heard.push(frame);
    ended = true;
  })();
  const say = (frame: Frame): void => {
    said.push(create(ConnectRequestSchema, { frame }));
    wake();
  };
  /** The network breaks: the stream ends without a word. */
  const cut = (): void => {
    broken = true;
    wake();
  };
  return { say, cut, heard, kinds: () => heard.map(({ frame }) => frame.case), ended: () => ended };
}

async function desk() {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  const ingest = new Ingest({ bus, clock, tenant: 'acme', history: noHistory });
  const record = { append: async () => undefined };
  const fleet = new LiveFleet(bus, 'acme', 'test');
  const link = new LinkDesk({ bus, clock, tenant: 'acme', ingest, record, orderKey: new Uint8Array(32) });
  const heard = (topic: Topic): readonly Uint8Array[] => {
    const messages: Uint8Array[] = [];
    bus.subscribe(all('acme', topic), ({ data }) => void messages.push(data), { name: `test.${topic}` });
    return messages;
  };
  return { clock, fleet, link, heard };
}

const hello: Extract<Frame, { case: 'hello' }> = {
  case: 'hello',
  value: { tenant: 'acme', edgeId: 'e1', agents: [{ agentId: 'r1', epoch: 1 }], channels: [STATE_SCHEMA] },
};

test('both sides beat; an edge that falls silent is dropped within three seconds and its robots count as gone', async () => {
  const { clock, fleet, link } = await desk();
  const edge = stream(link);
  edge.say(hello);
  await clock.settle();
  assert.deepEqual(edge.kinds(), ['welcome']);
  for (let beat = 1n; beat <= 10n; beat++) {
    edge.say({ case: 'heartbeat', value: { sequence: beat } });
    await clock.turn(HEARTBEAT_US);
  }
  assert.equal(link.edges, 1);
  assert.ok(edge.kinds().filter((kind) => kind === 'heartbeat').length >= 9);
  const last = edge.heard.at(-1)?.frame;
  assert.equal(last?.case === 'heartbeat' ? last.value.heard : 0n, 10n);
  assert.equal(fleet.agents.get('r1')?.link.linked, true);
  await clock.turn(3_000_000);
  assert.equal(link.edges, 0);
  assert.equal(fleet.agents.get('r1')?.link.linked, false);
  const farewell = edge.heard.at(-1)?.frame;
  assert.match(farewell?.case === 'refused' ? farewell.value.reason : '', /nothing was heard/);
  assert.ok(edge.ended());
});

test('a stream that does not begin with hello, or says nothing, is ended with the reason', async () => {
  const { clock, link } = await desk();
  const rude = stream(link);
  rude.say({ case: 'heartbeat', value: { sequence: 1n } });
  const mute = stream(link);
  await clock.turn(5_000_001);
  for (const edge of [rude, mute]) {
    assert.deepEqual(edge.kinds(), ['refused']);
    assert.ok(edge.ended());
  }
});

const decision = (sequence: bigint): Frame => ({
  case: 'decision',
  value: { agentId: 'r1', atUs: sequence, decision: { sequence, context: { epoch: 1 } } },
});
const event = (atUs: bigint, name: string): Frame => ({
  case: 'event',
  value: { agentId: 'r1', atUs, signal: { name, bodyJson: '{}' } },
});
const ask = (inputSequence: bigint): Frame => ({
  case: 'ask',
  value: { agentId: 'r1', task: { id: 't1' }, reason: 'new task', basis: { epoch: 1, inputSequence } },
});
const answer = (issuer: string, sequence: bigint): Frame => ({
  case: 'answer',
  value: { agentId: 'r1', issuer, sequence, accepted: true, reason: '' },
});
/** A safety decision (5) overtakes two others, two events share an instant, one signal comes back later. */
const CONVERSATION: readonly Frame[] = [
  decision(1n),
  ask(10n),
  event(100n, 'task'),
  event(100n, 'chain'),
  decision(5n),
  answer('core', 7n),
  decision(3n),
  decision(4n),
  answer('operator:a', 7n),
  ask(11n),
  event(101n, 'task'),
  decision(6n),
];

test('[L3] [L6] cut at every point and sent again from every earlier point, each frame arrives once', async () => {
  for (let cutAfter = 0; cutAfter <= CONVERSATION.length; cutAfter++) {
    for (let heardUpTo = 0; heardUpTo <= cutAfter; heardUpTo++) {
      const { clock, fleet, link, heard } = await desk();
      const topics = { decision: 'decision', ask: 'asked', event: 'event', answer: 'answer' } as const;
      const inbox = Object.values(topics).map((topic) => ({ topic, messages: heard(topic) }));
      const first = stream(link);
      first.say(hello);
      for (const frame of CONVERSATION.slice(0, cutAfter)) first.say(frame);
      await clock.settle();
      first.cut();
      await clock.settle();
      const second = stream(link);
      second.say(hello);
      for (const frame of CONVERSATION.slice(heardUpTo)) second.say(frame);
      await clock.settle();
      for (const { topic, messages } of inbox) {
        const sent = CONVERSATION.filter((frame) => topics[frame.case as keyof typeof topics] === topic).length;
        const once = new Set(messages.map((bytes) => Buffer.from(bytes).toString('hex'))).size;
        assert.deepEqual(
          [messages.length, once],
          [sent, sent],
          `${topic}: cut after ${cutAfter}, again from ${heardUpTo}`,
        );
      }
      assert.equal(link.arrivals.again, cutAfter - heardUpTo);
      assert.deepEqual(
        fleet.agents.get('r1')?.decisions.map((made) => Number(made.decision?.sequence)),
        [1, 3, 4, 5, 6],
      );
    }
  }
});

test('an agent that begins a new epoch is heard anew', async () => {
  const { clock, link, heard } = await desk();
  const messages = heard('answer');
  for (const epoch of [1, 2]) {
    const edge = stream(link);
    edge.say({ case: 'hello', value: { ...hello.value, agents: [{ agentId: 'r1', epoch }] } as typeof hello.value });
    edge.say(answer('core', 1n));
    await clock.settle();
    edge.cut();
    await clock.settle();
  }
  assert.equal(messages.length, 2);
});
