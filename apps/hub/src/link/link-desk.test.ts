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
import { HEARTBEAT_US, LinkDesk } from './link-desk.ts';

type Frame = Exclude<MessageInitShape<typeof ConnectRequestSchema>['frame'], undefined>;

/** A stream that the test speaks into and listens to. */
function stream(desk: LinkDesk) {
  const said: ConnectRequest[] = [];
  let wake: () => void = () => undefined;
  const frames = async function* (): AsyncGenerator<ConnectRequest> {
    for (;;) {
      const next = said.shift();
      if (next !== undefined) yield next;
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
  return { say, heard, kinds: () => heard.map(({ frame }) => frame.case), ended: () => ended };
}

async function desk() {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  const ingest = new Ingest({ bus, clock, tenant: 'acme', history: noHistory });
  const record = { append: async () => undefined };
  const fleet = new LiveFleet(bus, 'acme', 'test');
  const link = new LinkDesk({ bus, clock, tenant: 'acme', ingest, record, orderKey: new Uint8Array(32) });
  return { clock, fleet, link };
}

const hello: Frame = {
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
