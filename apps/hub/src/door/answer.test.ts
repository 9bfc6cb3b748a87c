import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { createConnectRouter } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { RecordService } from '@sigma/proto';
import { answerCall } from './answer.ts';
import { type Listener, listen } from './listener.ts';

const PATH = `/${RecordService.typeName}/ReadBlocks`;
const TYPE = 'application/connect+proto';
/** A call without anything asked: one empty message. */
const EMPTY = Buffer.alloc(5);
/** Of many small blocks the socket is full between two writes, of great ones within one. */
const SMALL = 8_000;
const GREAT = 1_000_000;
/** What does not let go does so never. */
const SOON = { timeout: 20_000 };

let listener: Listener;
let blockBytes = SMALL;
let sent = 0;
/** After so many, nothing more is sent until the caller is gone. */
let most = Number.POSITIVE_INFINITY;
/** Resolved when what was being sent let go of what it held. */
let letGo = Promise.withResolvers<void>();

before(async () => {
  const router = createConnectRouter();
  router.service(RecordService, {
    async *readBlocks(_, { signal }) {
      try {
        while (!signal.aborted) {
          sent++;
          yield { block: new Uint8Array(blockBytes) };
          if (sent === most) await once(signal, 'abort');
        }
      } finally {
        letGo.resolve();
      }
    },
  });
  const handler = router.handlers.find(({ requestPath }) => requestPath === PATH) as UniversalHandler;
  listener = await listen('127.0.0.1', 0, (request, response) => {
    if (request.url === PATH) void answerCall(handler, request, response, undefined);
    else response.end('here');
  });
});

after(() => listener.close());

beforeEach(() => {
  sent = 0;
  most = Number.POSITIVE_INFINITY;
  letGo = Promise.withResolvers();
});

/** Asks over HTTP/1.1, reads nothing more than the beginning, and gives the socket once nothing more fits into it. */
async function halfRead(): Promise<Socket> {
  const socket = connect(listener.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    `POST ${PATH} HTTP/1.1\r\nhost: hub\r\ncontent-type: ${TYPE}\r\nconnect-protocol-version: 1\r\ncontent-length: ${EMPTY.length}\r\n\r\n`,
  );
  socket.write(EMPTY);
  await once(socket, 'readable');
  await full();
  return socket;
}

/** Looks until nothing was sent between two looks. */
async function full(): Promise<void> {
  for (let before = -1; before !== sent || sent === 0; ) {
    before = sent;
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

const leave: Readonly<Record<string, (socket: Socket) => void>> = {
  'hangs up': (socket) => socket.end().resume(),
  'is gone': (socket) => socket.destroy(),
  'resets the line': (socket) => socket.resetAndDestroy(),
};

for (const [how, go] of Object.entries(leave)) {
  for (const [what, bytes] of Object.entries({ 'small blocks': SMALL, 'great blocks': GREAT })) {
    test(
      `who ${how} over HTTP/1.1 amid many ${what}: what was being sent ends and lets go, nothing is said on stderr, and the port lives on`,
      SOON,
      async (t) => {
        const said = t.mock.method(process.stderr, 'write', () => true);
        blockBytes = bytes;
        go(await halfRead());
        await letGo.promise;
        assert.equal(await (await fetch(`http://127.0.0.1:${listener.port}/`)).text(), 'here');
        assert.deepEqual(
          said.mock.calls.map((call) => call.arguments),
          [],
        );
      },
    );
  }
}

test(
  'who hangs up over HTTP/1.1 while there is nothing to send: it ends and lets go, and the port lives on',
  SOON,
  async () => {
    blockBytes = SMALL;
    most = 1;
    (await halfRead()).end().resume();
    await letGo.promise;
    assert.equal(await (await fetch(`http://127.0.0.1:${listener.port}/`)).text(), 'here');
  },
);

test(
  'who resets a stream of HTTP/2 amid many blocks: what was being sent ends and lets go, and the connection lives on',
  SOON,
  async (t) => {
    const said = t.mock.method(process.stderr, 'write', () => true);
    blockBytes = GREAT;
    const session = connectHttp2(`http://127.0.0.1:${listener.port}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': PATH,
      'content-type': TYPE,
      'connect-protocol-version': '1',
    });
    stream.end(EMPTY);
    await once(stream, 'readable');
    await full();
    stream.close(8);
    await letGo.promise;
    const next = session.request({ ':path': '/' }).setEncoding('utf8');
    let text = '';
    for await (const chunk of next) text += chunk;
    session.close();
    assert.equal(text, 'here');
    assert.equal(said.mock.callCount(), 0);
  },
);
