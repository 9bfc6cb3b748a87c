import { createServer as createHttp1, type RequestListener } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer, type Socket } from 'node:net';
import type { NodeHandler } from './door.ts';

/** One TCP port for HTTP/1.1 and HTTP/2 without TLS. */
export interface Listener {
  readonly port: number;
  /** Stops listening, ends idle connections, and gives busy ones a moment. */
  close(): Promise<void>;
}

export class PortInUseError extends Error {
  readonly port: number;

  constructor(port: number, options?: ErrorOptions) {
    super(
      `port ${port} is in use; stop the program that has it, or choose another with --port (0 takes any free one)`,
      options,
    );
    this.name = 'PortInUseError';
    this.port = port;
  }
}

/** RFC 9113 section 3.4: how every HTTP/2 connection begins. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const FIRST_BYTES_MS = 15_000;
const CLOSE_GRACE_MS = 500;

/**
 * The first bytes of a connection tell which protocol it speaks; the socket then goes to Node's own server of that
 * protocol with those bytes put back.
 * @throws PortInUseError
 */
export async function listen(host: string, port: number, handler: NodeHandler): Promise<Listener> {
  const http1 = createHttp1(handler as RequestListener);
  http1.requestTimeout = 0;
  http1.headersTimeout = 20_000;
  const http2 = createHttp2({ settings: { maxConcurrentStreams: 1_000, initialWindowSize: 1_048_576 } }, handler);
  http2.on('sessionError', () => undefined);
  http2.on('session', (session) => session.setLocalWindowSize(16 * 1_048_576));
  const sockets = new Set<Socket>();
  const front = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    void route(socket, (isHttp2) => (isHttp2 ? http2 : http1).emit('connection', socket));
  });
  await new Promise<void>((resolve, reject) => {
    front.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new PortInUseError(port, { cause: error }) : error),
    );
    front.listen(port, host, resolve);
  });
  return {
    port: (front.address() as { port: number }).port,
    close: async () => {
      const closed = new Promise<void>((resolve) => front.close(() => resolve()));
      http1.closeIdleConnections();
      const late = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, CLOSE_GRACE_MS);
      await closed;
      clearTimeout(late);
    },
  };
}

function route(socket: Socket, hand: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  socket.setTimeout(FIRST_BYTES_MS, () => socket.destroy());
  const read = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = Buffer.concat([seen, chunk]);
    const compared = Math.min(seen.length, PREFACE.length);
    const alike = seen.subarray(0, compared).equals(PREFACE.subarray(0, compared));
    if (alike && seen.length < PREFACE.length) return;
    socket.off('readable', read);
    socket.setTimeout(0);
    socket.removeAllListeners('timeout');
    socket.unshift(seen);
    hand(alike);
  };
  socket.on('readable', read);
}
