import { connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be cut at the worst moment. */
export interface Wire {
  readonly url: string;
  /** From now on what the client sends arrives and the answers do not, and at the next answer the line is cut. */
  cutBeforeAnswer(): void;
  /** From now on nothing comes back any more, and the line stays up. */
  fallSilent(): void;
  close(): Promise<void>;
}

export async function wireTo(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let mode: 'whole' | 'cut' | 'silent' = 'whole';
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    near.on('data', (bytes) => far.write(bytes)).on('close', () => far.end());
    far.on('data', (bytes) => {
      if (mode === 'whole') near.write(bytes);
      else if (mode === 'cut') near.destroy();
    });
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const there = new URL(url);
  there.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  return {
    url: there.href,
    cutBeforeAnswer: () => {
      mode = 'cut';
    },
    fallSilent: () => {
      mode = 'silent';
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
