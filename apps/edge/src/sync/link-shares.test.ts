import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { BlocksSentSchema, ConnectRequestSchema, TelemetryFrameSchema } from '@sigma/proto';
import { TestHub } from '../../testing/test-hub.ts';
import { HubLink } from '../link/hub-link.ts';
import type { Uplink } from '../runtime/uplink.ts';

const FRAMES = 300;
const BATCHES = 20;

test('[R125] [L8] on the link frames of the moment go before blocks, and of 32 frames one is of blocks when blocks wait', async (t) => {
  const hub = await new TestHub().open();
  let left = BATCHES;
  const blocks = { case: 'blocksSent', value: create(BlocksSentSchema, { source: 'r1' }) } as const;
  const next = () => (left-- > 0 ? create(ConnectRequestSchema, { frame: blocks }) : undefined);
  const link = new HubLink({
    transport: createGrpcTransport({ baseUrl: hub.url }),
    joinToken: 'secret',
    hello: () => ({ tenant: 'acme', edgeId: 'e1' }),
    onKey: () => undefined,
    onHeard: () => undefined,
    onOrder: () => undefined,
    onState: () => undefined,
    sync: { linked: () => undefined, held: () => undefined, answered: () => undefined, next },
    wallUs: () => 0,
    random: () => 0,
  });
  t.after(async () => {
    await link.close();
    await hub.vanish();
  });
  link.send(
    Array.from({ length: FRAMES }, (_, i): Uplink => {
      const value = create(TelemetryFrameSchema, { sequence: BigInt(i) });
      return { class: 'telemetry', frame: { case: 'telemetry', value } };
    }),
  );
  link.start();
  await hub.until(
    'all has come',
    () => hub.of('telemetry').length === FRAMES && hub.of('blocksSent').length === BATCHES,
  );
  const order = hub.frames.flatMap((frame) => {
    return frame.case === 'telemetry' || frame.case === 'blocksSent' ? [frame.case] : [];
  });
  const places = order.flatMap((kind, place) => (kind === 'blocksSent' ? [place] : []));
  assert.deepEqual(
    places.slice(0, 9),
    Array.from({ length: 9 }, (_, i) => 31 + 32 * i),
  );
  assert.equal(
    order.lastIndexOf('telemetry') < (places[10] ?? 0),
    true,
    'the rest of the blocks when nothing else waits',
  );
});
