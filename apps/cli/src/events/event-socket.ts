import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { CommandError, EXIT } from '../outcome.ts';

/** Most readers at a time; each may hold a spool of its own. */
const MOST_READERS = 8;
/** Longest path that a Unix socket takes (sockaddr_un, unix(7)), without the byte that ends it. */
const MOST_PATH_BYTES = 107;

/** A Unix socket on which readers of the event stream call. */
export interface EventSocket {
  /** Takes no more readers, and removes the socket from its folder. */
  close(): Promise<void>;
}

/**
 * Listens; only the same user may connect. A socket that a program left behind when it was killed is replaced.
 *
 * @param onReader is given each reader that connects; it owns the socket from then on
 * @throws CommandError when the path is taken, too long or cannot be written
 */
export async function listenForReaders(path: string, onReader: (reader: Socket) => void): Promise<EventSocket> {
  if (Buffer.byteLength(path) > MOST_PATH_BYTES) {
    throw inTheWay(path, `a socket's path has at most ${MOST_PATH_BYTES} bytes`, 'Give a shorter path');
  }
  await clearOf(path);
  const server = createServer(onReader);
  server.maxConnections = MOST_READERS;
  await listening(server, path);
  chmodSync(path, 0o600);
  // A command that has done its work ends, whoever still listens.
  server.unref();
  return { close: () => new Promise((closed) => server.close(() => closed())) };
}

async function clearOf(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw inTheWay(path, 'a file of that name exists', 'Give another path');
  if (await answers(path)) throw inTheWay(path, 'another program listens there', 'Give another path, or end the other');
  rmSync(path, { force: true });
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });

const listening = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error) => reject(inTheWay(path, error.message, 'Give another path')));
    server.listen(path, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });

const inTheWay = (path: string, what: string, wayOut: string): CommandError =>
  new CommandError(EXIT.machine, `${path}: no event stream there: ${what}`, wayOut);
