import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layCable } from './cable.ts';
import { type SigmaProgram, startSigma } from './sigma-program.ts';

/**
 * One hall, so large that its plan, which a robot tells at the beginning of each life, is more than a narrow link takes
 * at once: what the robot recorded behind that waits.
 */
const WIDE = 300;
const DEEP = 140;
const HALL = ['type octile', `height ${DEEP}`, `width ${WIDE}`, 'map', ...Array(DEEP).fill('.'.repeat(WIDE)), ''];
const DOCK = { name: 'hall', metresPerCell: 0.25, docks: [{ id: 'd1', cell: [20, 20] }] };

/** Nobody listens there. */
const OUT_OF_REACH = 'http://127.0.0.1:9';

/** `sigma hub` and `sigma edge` as two programs with a folder each, and the cable between them. */
export interface ApartSystem {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  /** One robot, which goes on where the one before ended; that one is ended. @param flags of `sigma edge` */
  readonly startEdge: (...flags: readonly string[]) => Promise<void>;
  /** As Ctrl-C does; what it kept stays. */
  readonly endEdge: () => Promise<void>;
  /** Nothing goes from one to the other until it is mended. */
  readonly cut: () => void;
  readonly mend: () => void;
  /** Whether these words stand in what the edge keeps on its disk. */
  readonly kept: (words: string) => Promise<boolean>;
  /** Ends both as Ctrl-C does; what they kept stays. */
  readonly end: () => Promise<void>;
  /** Ends both, and leaves nothing. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts the hub, while the robot lives a first life out of its reach. So what is recorded in the second waits behind it
 * on a narrow link.
 *
 * @throws Error with everything that one of them said, when it does not come up
 */
export async function startApart(): Promise<ApartSystem> {
  const home = await mkdtemp(join(tmpdir(), 'sigma-apart-'));
  const [hubFolder, edgeFolder, map] = [join(home, 'hub'), join(home, 'edge'), join(home, 'hall.map')];
  await writeFile(map, HALL.join('\n'));
  await writeFile(join(home, 'hall.site.json'), JSON.stringify(DOCK));
  const hub = startSigma(['hub', '--port', '0', '--map', map, '--data', hubFolder]);
  let edge: SigmaProgram | null = null;
  const endEdge = async () => {
    await edge?.end();
    edge = null;
  };
  const run = async (url: string, token: string, flags: readonly string[]) => {
    await endEdge();
    const all = ['edge', '--robots', '1', '--people', '0', '--map', map, '--data', edgeFolder, ...flags];
    edge = startSigma(all, { SIGMA_HUB: url, SIGMA_TOKEN: token });
    await edge.says(/(robots at the edge)/);
  };
  const end = async () => {
    await Promise.all([endEdge(), hub.end()]);
  };
  const leaveNothing = () => rm(home, { recursive: true, force: true });
  try {
    const [url] = await Promise.all([hub.says(/hub at (\S+), recording/), run(OUT_OF_REACH, 'none', [])]);
    const [email, password] = [
      await hub.says(/operator (\S+), password \S+ \(shown/),
      await hub.says(/operator \S+, password (\S+) \(shown/),
    ];
    const credentials = await readFile(join(hubFolder, 'credentials.json'), 'utf8');
    const { joinToken } = JSON.parse(credentials) as { readonly joinToken: string };
    const cable = await layCable(Number(new URL(url).port));
    return {
      ...{ url, email, password, endEdge, end, cut: cable.cut, mend: cable.mend },
      startEdge: (...flags) => run(cable.url, joinToken, flags),
      kept: (words) => standsIn(join(edgeFolder, 'recordings'), words),
      stop: async () => {
        await end();
        await cable.remove();
        await leaveNothing();
      },
    };
  } catch (error) {
    await end();
    await leaveNothing();
    throw error;
  }
}

/** Whether words stand in one of the files below a folder, as they were written. */
async function standsIn(folder: string, words: string): Promise<boolean> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = found.filter((one) => one.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  // A log that was taken into its database meanwhile is gone, and what it held stands there.
  const texts = await Promise.all(paths.map((path) => readFile(path, 'latin1').catch(() => '')));
  return texts.some((text) => text.includes(words));
}
