import { create } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import type { Interceptor, Transport } from '@connectrpc/connect';
import { createTransport } from '@connectrpc/connect/protocol-grpc';
import {
  compressionBrotli,
  compressionGzip,
  createNodeHttpClient,
  Http2SessionManager,
} from '@connectrpc/connect-node';
import { type ConnectRequest, ConnectRequestSchema } from '@sigma/proto';
import { giveBack } from '@sigma/recorder';

const BLOCKS_SENT = ConnectRequestSchema.field.blocksSent.number;
/** Before every message: flags and its length in four bytes (gRPC over HTTP/2, "Length-Prefixed-Message"). */
const PREFIX_BYTES = 5;
const TAG = tagOf(BLOCKS_SENT, WireType.LengthDelimited);
/** What stands for a field that was laid aside: its number in four bytes, and the length of that. */
const MARK_BYTES = 4;
/** Smaller ones are as quick to copy. */
const LEAST_ASIDE = 1024;

/**
 * The transport of the link: gRPC as connect-node speaks it, but what `passedOn` put into a frame goes onto the wire as it
 * lies, and is gone then. Encoding would copy it three times into memory that is new each time, and the garbage collector
 * then stops the program's thread several times a second while a backlog drains, with all that is live behind it.
 */
export function linkTransport(baseUrl: string): Transport {
  const aside = new Map<number, Uint8Array>();
  const sessions = new Http2SessionManager(baseUrl);
  const client = createNodeHttpClient({ httpVersion: '2', sessionProvider: () => sessions });
  return createTransport({
    baseUrl,
    useBinaryFormat: true,
    interceptors: [layingAside(aside)],
    httpClient: ({ body, ...request }) =>
      client(body === undefined ? request : { ...request, body: restored(body, aside) }),
    acceptCompression: [compressionGzip, compressionBrotli],
    sendCompression: null,
    // The bounds that connect-node sets where nobody asks for others.
    compressMinBytes: 1024,
    readMaxBytes: 0xffffffff,
    writeMaxBytes: 0xffffffff,
  });
}

/** Puts a mark into a frame in the place of what it passes on. */
function layingAside(aside: Map<number, Uint8Array>): Interceptor {
  let next = 0;
  async function* marked(frames: AsyncIterable<ConnectRequest>): AsyncIterable<ConnectRequest> {
    const mine = new Set<number>();
    try {
      for await (const frame of frames) {
        const [field, more] = frame.$unknown ?? [];
        if (field?.no !== BLOCKS_SENT || more !== undefined || field.data.length < LEAST_ASIDE) {
          yield frame;
          continue;
        }
        next = (next + 1) >>> 0;
        aside.set(next, field.data);
        mine.add(next);
        yield markFrame(next);
        mine.delete(next);
      }
    } finally {
      // A stream that ended in between took the last one along, or never will.
      for (const mark of mine) aside.delete(mark);
    }
  }
  return (send) => (request) =>
    request.stream
      ? send({
          ...request,
          message: marked(request.message as AsyncIterable<ConnectRequest>) as typeof request.message,
        })
      : send(request);
}

function markFrame(mark: number): ConnectRequest {
  const data = new Uint8Array(1 + MARK_BYTES);
  data[0] = MARK_BYTES;
  new DataView(data.buffer).setUint32(1, mark);
  const frame = create(ConnectRequestSchema);
  frame.$unknown = [{ no: BLOCKS_SENT, wireType: WireType.LengthDelimited, data }];
  return frame;
}

/** The bytes of a stream, with what was laid aside back in its place. */
async function* restored(
  messages: AsyncIterable<Uint8Array>,
  aside: Map<number, Uint8Array>,
): AsyncIterable<Uint8Array> {
  for await (const message of messages) {
    const mark = markIn(message);
    const field = mark === null ? undefined : aside.get(mark);
    if (mark === null || field === undefined) {
      yield message;
      continue;
    }
    aside.delete(mark);
    const head = new Uint8Array(PREFIX_BYTES + TAG.length);
    new DataView(head.buffer).setUint32(1, TAG.length + field.length);
    head.set(TAG, PREFIX_BYTES);
    yield head;
    yield field;
    // The next piece is asked for when this one has been written.
    giveBack(field.buffer);
  }
}

/** @returns null of a message that is no mark */
function markIn(message: Uint8Array): number | null {
  const at = PREFIX_BYTES + TAG.length;
  if (message.length !== at + 1 + MARK_BYTES || message[at] !== MARK_BYTES) return null;
  if (!TAG.every((byte, i) => message[PREFIX_BYTES + i] === byte)) return null;
  return new DataView(message.buffer, message.byteOffset).getUint32(at + 1);
}

/** Number and wire type of a field as they stand before it. */
function tagOf(field: number, type: WireType): Uint8Array {
  const bytes: number[] = [];
  let rest = (field << 3) | type;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}
