import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type CallOptions, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import {
  AgentLinkService,
  BlocksSentSchema,
  type ConnectRequest,
  ConnectRequestSchema,
  TelemetryFrameSchema,
} from '@sigma/proto';
import { type BlockBatch, encodeSent, passedOn } from '@sigma/recorder';
import { linkTransport } from './link-transport.ts';

/** A batch of one block with bytes of every value, of about the given size. */
function batch(sequence: number, bytes: number): BlockBatch {
  const block = Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + sequence) & 0xff);
  const hash = new Uint8Array(32).fill(sequence);
  const time = { us: 1_700_000_000_000_000 + sequence, count: sequence };
  const chain = { tenant: 'acme', source: 'r1', epoch: 1, firstSequence: sequence, previousHash: hash, hash };
  return { ...chain, blocks: [block], time };
}

const telemetry = (sequence: number): ConnectRequest =>
  create(ConnectRequestSchema, {
    frame: { case: 'telemetry', value: create(TelemetryFrameSchema, { sequence: BigInt(sequence) }) },
  });

/** A server that takes bytes on gRPC's path, and says nothing. @returns its address, and the bodies of calls */
async function listener(t: { after: (run: () => void) => void }) {
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      bodies.push(Buffer.concat(parts));
      response.writeHead(200, { 'content-type': 'application/grpc+proto', 'grpc-status': '0' });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sessions = new Set<{ destroy: () => void }>();
  server.on('session', (session) => sessions.add(session));
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

async function call(
  transport: Parameters<typeof createClient>[1],
  frames: () => AsyncIterable<ConnectRequest>,
  options: CallOptions = {},
): Promise<void> {
  const answers = createClient(AgentLinkService, transport).connect(frames(), options);
  try {
    for await (const _ of answers);
  } catch {
    // The server ends without a word, or the test ends the call: what was sent is what counts.
  }
}

test('[R120] what is passed on stands on the wire, byte for byte, where gRPC would have put it, between all that is live', async (t) => {
  async function* frames(): AsyncIterable<ConnectRequest> {
    yield telemetry(1);
    yield passedOn(encodeSent(batch(1, 70_000)));
    yield telemetry(2);
    // As short as what stands in for one that was laid aside.
    yield create(ConnectRequestSchema, {
      frame: { case: 'blocksSent', value: create(BlocksSentSchema, { source: 'r1' }) },
    });
    yield passedOn(encodeSent(batch(2, 10)));
    yield passedOn(encodeSent(batch(3, 1_000_000)));
    yield passedOn(encodeSent(batch(4, 2_000)));
    yield telemetry(3);
  }
  const [ours, theirs] = [await listener(t), await listener(t)];
  await call(linkTransport(ours.url), frames);
  await call(createGrpcTransport({ baseUrl: theirs.url }), frames);
  const [expected] = theirs.bodies;
  assert.ok(expected !== undefined && expected.length > 1_072_000);
  assert.ok(ours.bodies[0]?.equals(expected), 'the same bytes');
});

test('[R125] what was passed on leaves no memory behind for the garbage collector, however slowly it is taken', async (t) => {
  const { url, bodies } = await listener(t);
  const sent = [70_000, 1_000_000, 300_000].map((bytes, i) => encodeSent(batch(i + 1, bytes)));
  const whole = Buffer.concat(sent);
  async function* frames(): AsyncIterable<ConnectRequest> {
    for (const [i, field] of sent.entries()) {
      yield passedOn(field);
      yield telemetry(i);
    }
  }
  await call(linkTransport(url), frames);
  assert.deepEqual(
    sent.map(({ length }) => length),
    [0, 0, 0],
  );
  assert.ok((bodies[0]?.length ?? 0) > whole.length);
  for (let i = 0, at = 0; i < 3; i++) {
    const length = encodeSent(batch(i + 1, [70_000, 1_000_000, 300_000][i] as number)).length;
    assert.ok(bodies[0]?.includes(whole.subarray(at, at + length)), 'and stands on the wire whole');
    at += length;
  }
});

test('a call that is given up in the middle of a batch leaves nothing that the next one could take for its own', async (t) => {
  const first = await listener(t);
  const transport = linkTransport(first.url);
  const giveUp = new AbortController();
  async function* cut(): AsyncIterable<ConnectRequest> {
    yield passedOn(encodeSent(batch(1, 3_000_000)));
    giveUp.abort();
    yield passedOn(encodeSent(batch(2, 3_000_000)));
  }
  await call(transport, cut, { signal: giveUp.signal });
  async function* whole(): AsyncIterable<ConnectRequest> {
    yield passedOn(encodeSent(batch(3, 5_000)));
  }
  const theirs = await listener(t);
  await call(transport, whole);
  await call(createGrpcTransport({ baseUrl: theirs.url }), whole);
  const [expected] = theirs.bodies;
  assert.ok(expected !== undefined && expected.length > 5_000);
  assert.ok(first.bodies.at(-1)?.equals(expected), 'the same bytes');
});
