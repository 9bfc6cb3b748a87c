import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildServedPage } from './build.ts';
import { outputOf, type Run, startRun } from './sigma-program.ts';

/** A hub and the edge of a fleet as two programs, with a cable between them that can be cut. */
export interface HouseApart {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  cut(): void;
  mend(): void;
  /** Ends the edge that runs, as Ctrl-C does, and starts it on what it has recorded. @param flags beside its own */
  edge(...flags: readonly string[]): Promise<void>;
  /** What a robot has recorded at the edge, in words. */
  recorded(agentId: string): Promise<string>;
  close(): Promise<void>;
}

export async function openHouseApart(robots: number): Promise<HouseApart> {
  await buildServedPage();
  const dataDir = await mkdtemp(join(tmpdir(), 'sigma-apart-'));
  const ends = new Set<Socket>();
  let [whole, hubPort] = [true, 0];
  const cable = createServer((near) => {
    if (!whole) {
      near.destroy();
      return;
    }
    const far = connect(hubPort, '127.0.0.1');
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
  const cut = (): void => {
    whole = false;
    for (const end of ends) end.destroy();
  };
  const hub = startRun(['hub', '--port', '0', '--data', dataDir]);
  let edge: Run | null = null;
  const close = async (): Promise<void> => {
    await edge?.end();
    await hub.end();
    cut();
    cable.close();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    const [url, email, password] = [
      await hub.says(/hub at (\S+),/),
      await hub.says(/operator (\S+), password/),
      await hub.says(/operator \S+, password (\S+) \(shown/),
    ];
    hubPort = Number(new URL(url).port);
    await new Promise<void>((resolve) => cable.listen(0, '127.0.0.1', resolve));
    const throughCable = `http://127.0.0.1:${(cable.address() as AddressInfo).port}`;
    const { joinToken } = JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8')) as {
      joinToken: string;
    };
    const own = ['edge', '--hub', throughCable, '--robots', String(robots), '--people', '0', '--data', dataDir];
    return {
      url,
      email,
      password,
      cut,
      mend: () => {
        whole = true;
      },
      edge: async (...flags) => {
        await edge?.end();
        edge = startRun([...own, ...flags], { SIGMA_JOIN_TOKEN: joinToken });
        await edge.says(/(robots at the edge)/);
      },
      recorded: (agentId) =>
        outputOf(['record', 'show', '--agents', agentId, join(dataDir, 'recordings', 'edge.sqlite')]),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
