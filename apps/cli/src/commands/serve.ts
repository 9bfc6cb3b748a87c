import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { threadPriority } from '@sigma/edge/priority';
import { type Command, InvalidArgumentError } from 'commander';
import { networks, numberAbove, wholeNumber } from '../arguments.ts';
import { checkHubUrl } from '../environment.ts';
import { credentialsPath, readCredentials } from '../hub-access.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { command, type Shell } from '../shell.ts';
import { loadSite } from '../site-input.ts';
import type { EdgeTally } from '../solo/edge-messages.ts';
import { isRefused, ToldLink } from '../solo/told-link.ts';
import { untilEnd } from '../solo/waiting.ts';
import { readUpkeep } from '../upkeep/upkeep-file.ts';

interface HubServerFlags {
  readonly port: number;
  readonly host: string;
  readonly dataPort?: number | null;
  readonly dataUrl?: string;
  readonly publicUrl?: string;
  readonly trustedProxy?: readonly string[];
  readonly data?: string;
  readonly tenant: string;
  readonly map?: string;
  readonly site?: string;
  readonly seconds?: number;
  readonly upkeep?: string;
  readonly json?: boolean;
}

/** `sigma hub`: the hub alone. */
export function hubServerCommand(shell: Shell): Command {
  return command('hub', 'Run a hub alone; edges come to it with the join token', [
    'sigma hub --port 8080',
    'DATABASE_URL=postgres://… sigma hub',
  ])
    .option('--port <n>', '0 takes any free one', wholeNumber(0, 65_535), 8080)
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option(
      '--data-port <n>',
      'where edges that were away bring what they recorded, beside their links, when the recording is in PostgreSQL: a port, or `none` (default: any free one; an edge that cannot reach it uses its link)',
      dataPort,
    )
    .option('--data-url <url>', 'where edges reach that port when a proxy stands before it', address)
    .option(
      '--public-url <url>',
      'where people reach it when a proxy stands before it (docs/guide/behind-a-proxy.md)',
      address,
    )
    .option(
      '--trusted-proxy <address>',
      'a proxy, or a network of them, that says who calls; again for each (default: with --public-url this machine)',
      networks,
    )
    .option('--data <dir>', 'folder for keys, database and recording (default: SIGMA_DATA, or .data)')
    .option('--tenant <id>', 'who owns it', 'solo')
    .option('--map <file>', 'MovingAI grid map (default: the warehouse)')
    .option('--site <file>', 'site file for the map')
    .option('--upkeep <file>', 'JSON: what is archived and backed up every day (docs/archive.md)')
    .option('--seconds <n>', 'end by itself', numberAbove(0, 1e9))
    .action(async (flags: HubServerFlags) => {
      const { startSoloHub } = await import('../solo/solo-hub.ts');
      const { forkFolderIn, SoloForks } = await import('../forks/solo-forks.ts');
      const terminal = shell.terminal(flags.json === true);
      const { root, dataDir, databaseUrl } = shell.environment;
      const site = loadSite(flags, root);
      const folder = flags.data === undefined ? dataDir : resolve(flags.data);
      const { port, host, dataPort, dataUrl, publicUrl, trustedProxy: proxies, tenant } = flags;
      if (port !== 0 && dataPort === port) {
        throw new CommandError(
          EXIT.usage,
          `--port and --data-port are both ${port}`,
          'Give --data-port another, or leave it out: then it is any free one',
        );
      }
      threadPriority('soon');
      const hub = await startSoloHub({
        tenant,
        site,
        dataDir: folder,
        root,
        port,
        host,
        dataPort,
        dataUrl,
        publicUrl,
        proxies,
        databaseUrl,
        s3: shell.environment.s3,
        pages: true,
        simulated: true,
        forks: (recordingPath) =>
          new SoloForks({
            ...{ tenant, site, recordingPath, folder: forkFolderIn(folder) },
            ...{ hubDir: join(folder, 'hub'), s3: shell.environment.s3 },
          }),
        ...(flags.upkeep !== undefined && {
          upkeep: { plan: await readUpkeep(flags.upkeep), live: [], closed: () => [] },
        }),
      });
      const { email, password } = hub.operator;
      terminal.event({ type: 'sigma.hub.started', url: hub.url });
      terminal.say(`hub at ${hub.url}, recording ${hub.recordingPath}`);
      if (password !== null) terminal.say(`operator ${email}, password ${password} (shown this once)`);
      terminal.say(
        `edges join with SIGMA_JOIN_TOKEN, the joinToken of ${credentialsPath(folder)}; with the same data folder they find it`,
      );
      await untilEnd(shell, flags.seconds, []);
      await hub.close();
      terminal.result({ url: hub.url, recording: hub.recordingPath }, 'hub ended');
    });
}

interface EdgeFlags extends Pick<HubServerFlags, 'map' | 'site' | 'tenant' | 'data' | 'seconds' | 'json'> {
  readonly hub?: string;
  readonly name: string;
  readonly first: number;
  readonly robots: number;
  readonly people: number;
  readonly seed: number;
  readonly syncLimit?: number;
  /** Bytes. */
  readonly spool?: number;
}

/** How often the link to the hub is looked at. */
const LINK_EVERY_MS = 1_000;

/** `sigma edge`: a simulated fleet that joins a hub. */
export function edgeCommand(shell: Shell): Command {
  return command('edge', 'Run the edge of a simulated fleet, linked to a hub', [
    'sigma edge --hub http://127.0.0.1:8080 --robots 12',
    'sigma edge --sync-limit 500 --spool 20000',
    'sigma edge --name north --robots 20 --first 41 --data north',
  ])
    .option('--hub <url>', 'address of the hub (default: SIGMA_HUB, or the one started here)')
    .option('--name <id>', 'its own; each edge of a hub has another', edgeName, 'edge-1')
    .option('--robots <n>', 'how many', wholeNumber(1, 1000), 40)
    .option('--first <n>', 'number of the first: each robot of a hub has another', wholeNumber(1, 1000), 1)
    .option('--people <n>', 'how many walk the site', wholeNumber(0, 10_000), 8)
    .option('--seed <n>', 'chance in bodies and world', wholeNumber(0, 0xffffffff), 1)
    .option('--tenant <id>', 'who owns it', 'solo')
    .option('--map <file>', 'MovingAI grid map (default: the warehouse)')
    .option('--site <file>', 'site file for the map')
    .option('--data <dir>', 'folder for the recording, which every run carries on (default: SIGMA_DATA, or .data)')
    .option(
      '--sync-limit <kB/s>',
      'most of the recording that is sent a second (default: as much as the link takes)',
      numberAbove(0, 1e9),
    )
    .option(
      '--spool <MB>',
      'room for the recording, or `none` for no bound; beyond it the least needed is dropped, and that is recorded: what the hub has, then inputs, the oldest first; 220 keep of a robot without its hub a week of decisions, safety and a state for each minute (default: 300 for each robot, and four fifths at most of what the disk has)',
      spoolBytes,
    )
    .option('--seconds <n>', 'end by itself', numberAbove(0, 1e9))
    .action(async (flags: EdgeFlags) => {
      const { spoolRoom } = await import('@sigma/edge');
      const { startEdgeChild } = await import('../solo/edge-child.ts');
      const { soloEdge } = await import('../solo/fleet-parts.ts');
      const terminal = shell.terminal(flags.json === true);
      const { root, dataDir, hubUrl } = shell.environment;
      const known = readCredentials(dataDir);
      const url = flags.hub === undefined ? (hubUrl ?? known?.url ?? null) : checkHubUrl(flags.hub, '--hub');
      const joinToken = shell.environment.joinToken ?? known?.joinToken ?? null;
      if (url === null || joinToken === null) {
        throw new CommandError(
          EXIT.usage,
          'no hub and join token are known here',
          'Give --hub and SIGMA_JOIN_TOKEN, or start one with `sigma hub`',
        );
      }
      const folder = join(flags.data === undefined ? dataDir : resolve(flags.data), 'recordings');
      mkdirSync(folder, { recursive: true });
      // One spool for all its runs: what one could not send the next one brings home.
      const recordingPath = join(folder, 'edge.sqlite');
      const site = loadSite(flags, root);
      const { tenant, name, robots, first, people, seed, syncLimit } = flags;
      const recordingMostBytes = flags.spool ?? spoolRoom(recordingPath, robots);
      const edge = await startEdgeChild({
        ...soloEdge({
          ...{ tenant, site, name, robots, first, people, seed, recordingPath },
          ...{ hub: { url, joinToken }, pace: null },
        }),
        ...(syncLimit === undefined ? {} : { syncBytesPerS: syncLimit * 1000 }),
        ...(Number.isFinite(recordingMostBytes) && { recordingMostBytes }),
      });
      const most = Number.isFinite(recordingMostBytes)
        ? `at most ${(recordingMostBytes / 1e9).toFixed(1)} GB`
        : 'no bound';
      terminal.say(`${robots} robots at the edge, recording ${recordingPath}, ${most}`);
      const told = new ToldLink(url);
      const tellLink = ({ link }: EdgeTally): void => {
        const news = told.news(link);
        if (news !== null) terminal.say(news);
      };
      // Who fails is told by `untilEnd`.
      const looking = setInterval(() => void edge.tally().then(tellLink, () => undefined), LINK_EVERY_MS);
      await untilEnd(shell, flags.seconds, [edge.failed]).finally(() => clearInterval(looking));
      const tally = await edge.close();
      tellLink(tally);
      if (isRefused(tally.link)) {
        throw new CommandError(
          EXIT.refused,
          `the hub at ${url} never took this edge in: ${tally.link.lastError}`,
          `Look at --hub, --tenant, --name, --first and SIGMA_JOIN_TOKEN (\`sigma hub\` says where it lies). What was recorded is in ${recordingPath}, and goes there with the next run`,
        );
      }
      terminal.result(
        { recording: recordingPath, ...tally },
        `${tally.decisions} decisions, ${tally.violations} violations`,
      );
    });
}

function edgeName(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,30}$/.test(text)) return text;
  throw new InvalidArgumentError('Give small letters, digits and hyphens, as in north-1.');
}

function dataPort(text: string): number | null {
  return text === 'none' ? null : wholeNumber(0, 65_535)(text);
}

function address(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('Give an address like https://hub.example.org.');
}

/** @returns bytes */
function spoolBytes(text: string): number {
  if (text === 'none') return Number.POSITIVE_INFINITY;
  const megabytes = Number(text);
  if (text.trim() !== '' && megabytes > 0 && megabytes <= 1e9) return megabytes * 1e6;
  throw new InvalidArgumentError('Give a number of megabytes above 0, at most 1000000000, or `none`.');
}
