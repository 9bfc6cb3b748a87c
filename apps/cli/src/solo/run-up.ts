import { mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { threadPriority } from '@sigma/edge/priority';
import type { Hub } from '@sigma/hub';
import { SimulationService, SiteService } from '@sigma/proto';
import { siteHead, verify } from '@sigma/recorder';
import { sha256 } from '@sigma/recorder/sqlite';
import { contactsIn, fleetReexecutors } from '@sigma/sim';
import type { Environment } from '../environment.ts';
import { forkFolderIn, SoloForks } from '../forks/solo-forks.ts';
import { type HubAccess, openHub } from '../hub-access.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { withRecording } from '../recording-input.ts';
import type { Shell } from '../shell.ts';
import { loadSite } from '../site-input.ts';
import { columns, type Terminal } from '../terminal.ts';
import { readUpkeep } from '../upkeep/upkeep-file.ts';
import { type Dispatcher, dispatchWork } from './dispatcher.ts';
import { type EdgeChild, startEdgeChild } from './edge-child.ts';
import type { EdgeTally } from './edge-messages.ts';
import { soloEdge } from './fleet-parts.ts';
import { startSoloHub } from './solo-hub.ts';
import { stampOf, untilEnd } from './waiting.ts';

const TENANT = 'solo';
const TALLY_EVERY_MS = 1_000;

export interface UpFlags {
  readonly headless?: boolean;
  readonly seconds?: number;
  readonly robots: number;
  readonly people: number;
  readonly seed: number;
  readonly speed: number;
  readonly map?: string;
  readonly site?: string;
  readonly port: number;
  readonly data?: string;
  readonly upkeep?: string;
  readonly work: boolean;
  readonly json?: boolean;
}

/** Starts everything, waits for the end, and concludes. */
export async function up(shell: Shell, flags: UpFlags) {
  const terminal = shell.terminal(flags.json === true);
  const { root, databaseUrl } = shell.environment;
  const dataDir = flags.data === undefined ? shell.environment.dataDir : resolve(flags.data);
  const headless = flags.headless === true;
  const site = loadSite(flags, root);
  const plan = flags.upkeep === undefined ? null : await readUpkeep(flags.upkeep);
  terminal.progress('starting the hub and its database');
  const port = headless && flags.port === 8080 ? 0 : flags.port;
  const recordingPath = pathFor(dataDir);
  let edge: EdgeChild | null = null;
  threadPriority('soon');
  const hub = await startSoloHub({
    tenant: TENANT,
    site,
    dataDir,
    root,
    port,
    databaseUrl,
    s3: shell.environment.s3,
    pages: !headless,
    simulated: true,
    edgeRecordings: [recordingPath],
    forks: () =>
      new SoloForks({
        tenant: TENANT,
        site,
        recordingPath,
        folder: forkFolderIn(dataDir),
        hubDir: join(dataDir, 'hub'),
        s3: shell.environment.s3,
      }),
    onPace: (pace) => edge?.setPace(pace),
    ...(plan !== null && {
      upkeep: {
        plan,
        live: [recordingPath],
        closed: () => earlierRecordings(recordingPath),
      },
    }),
  });
  let work: Dispatcher | null = null;
  try {
    const { robots, people, seed } = flags;
    terminal.progress(`starting ${robots} robots`);
    const link = { url: hub.url, joinToken: hub.joinToken };
    const pace = hub.pace();
    edge = await startEdgeChild({
      ...soloEdge({ tenant: TENANT, site, robots, people, seed, recordingPath, hub: link, pace }),
      // The hub shows the recording where it lies: a second copy on the same disk would keep nothing safer.
      syncBytesPerS: 0,
    });
    // Somebody may have changed it meanwhile.
    const paceNow = hub.pace();
    if (paceNow !== null) edge.setPace(paceNow);
    const access = openHub({ hub: hub.url }, { ...shell.environment, dataDir });
    if (flags.speed !== 1) await access.client(SimulationService).setSpeed({ speed: flags.speed });
    greet(terminal, hub, flags, recordingPath);
    terminal.event({ type: 'sigma.up.started', url: hub.url, robots, recording: recordingPath });
    if (flags.work) {
      let told = false;
      work = dispatchWork(access, site, seed, robots, (error) => {
        if (!told) terminal.say(`no work is sent: ${(error as Error).message}`);
        told = true;
      });
    }
    const stopTelling = tellTallies(terminal, edge, work);
    await untilEnd(shell, flags.seconds, [edge.failed]).finally(stopTelling);
    return await conclude(terminal, hub, edge, work, access, recordingPath, { dataDir, s3: shell.environment.s3 });
  } finally {
    work?.stop();
    await edge?.close().catch(() => undefined);
    await hub.close();
  }
}

function pathFor(dataDir: string): string {
  const folder = join(dataDir, 'recordings');
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new CommandError(
      EXIT.machine,
      `${folder} cannot be made: ${(error as Error).message}`,
      'Name another folder with --data',
    );
  }
  return join(folder, `live-${stampOf(new Date())}.sqlite`);
}

/** Of earlier runs, beside the one that is written now. */
const earlierRecordings = (recordingPath: string): readonly string[] =>
  readdirSync(dirname(recordingPath))
    .filter((name) => /^live-.*\.sqlite$/.test(name) && name !== basename(recordingPath))
    .map((name) => join(dirname(recordingPath), name));

function greet(terminal: Terminal, hub: Hub, { headless, robots }: UpFlags, recordingPath: string): void {
  const { email, password } = hub.operator;
  terminal.say(
    [
      `${headless === true ? 'hub' : 'Mission Control'} at ${hub.url}`,
      password === null ? `sign in as ${email}` : `sign in as ${email}, password ${password} (shown this once)`,
      `${robots} robots at work, recording ${recordingPath}`,
      '',
      'Try next, in another terminal:',
      '  npx sigma robot list',
      '  npx sigma mission create cover --zone aisles-a1 --robots 4',
      '  npx sigma robot stop --all --kind protective',
      `  npx sigma replay --at 10 ${recordingPath}`,
      '',
      'Ctrl-C ends it.',
    ].join('\n'),
  );
}

/** @returns how to end it */
function tellTallies(terminal: Terminal, edge: EdgeChild, work: Dispatcher | null): () => void {
  const timer = setInterval(() => {
    edge
      .tally()
      .then((tally) => {
        const missionsCompleted = work?.completed() ?? 0;
        terminal.event({ type: 'sigma.up.tally', missionsCompleted, ...tally });
        terminal.progress(
          `${missionsCompleted} missions done, ${tally.decisions} decisions, ${tally.violations} violations`,
        );
      })
      .catch(() => undefined);
  }, TALLY_EVERY_MS);
  return () => clearInterval(timer);
}

async function conclude(
  terminal: Terminal,
  hub: Hub,
  edge: EdgeChild,
  work: Dispatcher | null,
  access: HubAccess,
  recordingPath: string,
  place: Pick<Environment, 'dataDir' | 's3'>,
) {
  const missionsCompleted = work?.completed() ?? 0;
  const decisionMs = await decisionTimes(access);
  work?.stop();
  terminal.progress('ending the fleet');
  const tally = await edge.close();
  await hub.close();
  terminal.progress('verifying the recording');
  const checked = await check(place, recordingPath);
  const contacts = await withRecording(place, recordingPath, contactsIn);
  const hubChecked = await check(place, hub.recordingPath);
  const result = resultOf(
    { ...tally, contacts },
    missionsCompleted,
    decisionMs,
    recordingPath,
    checked,
    hub,
    hubChecked,
  );
  terminal.result(result, describe(result));
  if (result.verify === 'ok' && hubChecked.verify === 'ok') return EXIT.ok;
  throw new CommandError(
    EXIT.failed,
    `a recording does not verify: ${result.verify} (hub: ${hubChecked.verify})`,
    `sigma verify ${recordingPath}`,
  );
}

interface Checked {
  readonly head: string;
  readonly verify: string;
}

function resultOf(
  tally: EdgeTally & { readonly contacts: number },
  missionsCompleted: number,
  decisionMs: { readonly p50: number; readonly p99: number },
  recording: string,
  checked: Checked,
  hub: Hub,
  hubChecked: Checked,
) {
  return {
    robots: tally.robots,
    missionsCompleted,
    decisions: tally.decisions,
    violations: tally.violations,
    failsafe: tally.failsafe,
    contacts: tally.contacts,
    decisionMs,
    recording,
    head: checked.head,
    verify: checked.verify,
    hubRecording: hub.recordingPath,
    hubHead: hubChecked.head,
    hubVerify: hubChecked.verify,
    url: hub.url,
    linked: tally.linked,
    ordersRefused: tally.ordersRefused,
    reflexStalls: tally.reflexStalls,
    frameToWriteMs: tally.frameToWriteMs,
  };
}

/** From a planner being asked to its plan being handed on, as the hub measures it. */
async function decisionTimes(access: HubAccess): Promise<{ readonly p50: number; readonly p99: number }> {
  const health = await access
    .client(SiteService)
    .getHealth({})
    .catch(() => null);
  return { p50: health?.decisionMsP50 ?? 0, p99: health?.decisionMsP99 ?? 0 };
}

async function check(place: Pick<Environment, 'dataDir' | 's3'>, path: string): Promise<Checked> {
  return withRecording(place, path, async (recording) => {
    const report = await verify(recording, { sha256, reexecutors: await fleetReexecutors(recording) });
    return { head: siteHead(await recording.heads(), sha256), verify: report.firstFailure?.message ?? 'ok' };
  });
}

function describe(result: ReturnType<typeof resultOf>): string {
  const { robots, missionsCompleted, decisions, violations, failsafe, contacts, decisionMs, recording, head } = result;
  const actions = Object.entries(failsafe).map(([action, times]) => `${action} ${times}`);
  return columns([
    ['robots', String(robots)],
    ['missions', `${missionsCompleted} done`],
    ['decisions', `${decisions}; ${decisionMs.p50} ms at p50, ${decisionMs.p99} ms at p99`],
    ['violations', String(violations)],
    ['failsafe', actions.length === 0 ? 'none' : actions.join(', ')],
    ['contacts', String(contacts)],
    ['recording', recording],
    ['head', head],
    ['verify', `${result.verify}; the hub's: ${result.hubVerify}`],
  ]);
}
