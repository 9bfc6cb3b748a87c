import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Run, startRun } from './solo-system.ts';

/** `sigma hub` and `sigma edge` as two programs, each with a folder of its own, and the cable between them. */
export interface ApartSystem {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  /** Anew where it runs already. @param flags beside those that say where its hub is */
  readonly startEdge: (...flags: readonly string[]) => Promise<void>;
  /** Ends the edge as Ctrl-C does; what it recorded stays with it. */
  readonly endEdge: () => Promise<void>;
  /** Nothing goes from one to the other until it is mended. */
  readonly cut: () => void;
  readonly mend: () => void;
  /** How often these bytes stand in what the edge has on its disk. */
  readonly recorded: (words: string) => Promise<number>;
  /** Ends both, and leaves nothing. */
  readonly stop: () => Promise<void>;
}

/** Starts the hub; the edge comes later. @throws Error with everything that it said, when it does not come up */
export async function startApart(): Promise<ApartSystem> {
  const home = await mkdtemp(join(tmpdir(), 'sigma-apart-'));
  const [hubFolder, edgeFolder] = [join(home, 'hub'), join(home, 'edge')];
  const hub = startRun(['hub', '--port', '0'], { SIGMA_DATA: hubFolder });
  const cable = await layCable();
  let edge: Run | null = null;
  const endEdge = async () => {
    await edge?.end();
    edge = null;
  };
  const stop = async () => {
    await endEdge();
    await cable.remove();
    await hub.end();
    await rm(home, { recursive: true, force: true });
  };
  try {
    const url = await hub.says(/hub at (\S+), recording/);
    const [email, password] = [
      await hub.says(/operator (\S+), password \S+ \(shown/),
      await hub.says(/operator \S+, password (\S+) \(shown/),
    ];
    const { joinToken } = JSON.parse(await readFile(join(hubFolder, 'credentials.json'), 'utf8')) as {
      readonly joinToken: string;
    };
    cable.leadTo(Number(new URL(url).port));
    const startEdge = async (...flags: readonly string[]) => {
      await endEdge();
      const env = { SIGMA_DATA: edgeFolder, SIGMA_HUB: cable.url, SIGMA_TOKEN: joinToken };
      edge = startRun(['edge', ...flags], env);
      await edge.says(/(robots at the edge)/);
    };
    const recorded = async (words: string) => {
      const found = await readdir(join(edgeFolder, 'recordings'), { recursive: true, withFileTypes: true });
      const paths = found.filter((one) => one.isFile()).map(({ parentPath, name }) => join(parentPath, name));
      // A log that was taken into the recording meanwhile is gone, and what it held stands there.
      const files = await Promise.all(paths.map((path) => readFile(path, 'latin1').catch(() => '')));
      return files.reduce((sum, text) => sum + text.split(words).length - 1, 0);
    };
    return { url, email, password, startEdge, endEdge, cut: cable.cut, mend: cable.mend, recorded, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A line that can be cut, from a port of its own to one that is named later. */
async function layCable() {
  const ends = new Set<Socket>();
  let whole = true;
  let port = 0;
  const server = createServer((near) => {
    if (!whole) {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(one);
      one
        .on('error', () => undefined)
        .on('close', () => {
          ends.delete(one);
          other.destroy();
        });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    whole = false;
    for (const end of ends) end.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (to: number) => {
      port = to;
    },
    cut,
    mend: () => {
      whole = true;
    },
    remove: () => {
      cut();
      return new Promise<unknown>((resolve) => server.close(resolve));
    },
  };
}
