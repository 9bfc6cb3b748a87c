import type { Site } from '@sigma/fleet-model';
import { Acts } from '../../live/acts.ts';
import { explain, type Hub, isSignedOut, shortReason } from '../../live/hub.ts';
import { LiveSite } from '../../live/live-site.ts';
import { Observable } from '../../live/observable.ts';
import { type Session, signOut } from '../../live/session.ts';
import { ShownSite } from '../../live/shown-site.ts';
import { SiteStream } from '../../live/site-stream.ts';
import { PastEngine, type PastWorker } from '../../past/past-engine.ts';
import { TimeMachine } from '../../past/time-machine.ts';
import type { Draft } from '../../site/draft.ts';
import { rememberedChoices } from '../../site/site-layers.ts';
import { Identity } from '../access/me.ts';
import type { MissionControl, Theme } from '../mission-control.tsx';
import type { TerrainPart } from '../panel-port.ts';
import { keepAddress } from '../place/address.ts';
import { pagePath } from '../place/page-path.ts';
import { robotSelection, type Selection } from '../place/selection.ts';
import { storageHere } from '../remembered.ts';

interface ControlPorts {
  readonly hub: Hub;
  readonly theme: Observable<Theme>;
  readonly terrains: readonly TerrainPart[];
  readonly session: Session;
  readonly site: Site;
  readonly simulated: boolean;
  readonly onLeft: (notice: string) => void;
  readonly sessionOver: string;
}

/** Changes reach the components at most this often; positions do not go this way at all. */
const PUBLISH_MS = 200;
const browserFetch = (path: string, init?: RequestInit) => fetch(path, init);

/** Everything behind one open page. `run` starts what talks to the hub, and returns how to end it. */
export function openControl(ports: ControlPorts): { readonly control: MissionControl; readonly run: () => () => void } {
  const { hub, theme, terrains, session, site, simulated, onLeft } = ports;
  const nowMs = () => performance.now();
  const now = new LiveSite((run) => setTimeout(run, PUBLISH_MS));
  const live = new ShownSite(now);
  const stream = new SiteStream(now, {
    watch: (follow, resume, signal) =>
      hub.site.watchSite({ rate: 10, follow: [...follow], allDecisions: true, resume }, { signal }),
    nowMs,
    wait: waitFor,
    chance: Math.random,
    reason: shortReason,
    refused: isSignedOut,
  });
  const identity = new Identity(hub, session, () => onLeft(ports.sessionOver));
  const selection = new Observable<Selection | null>(null);
  const selected = robotSelection(selection);
  const engine = new PastEngine(startWorker, workersHere(), nowMs);
  const clock = new TimeMachine({
    now,
    shown: live,
    engine,
    nowMs,
    followed: selected.get,
    nearestMark: (kinds, agentId, atUs, onward) => nearestMark(hub, kinds, agentId, atUs, onward),
    every: (ms, run) => {
      const timer = setInterval(run, ms);
      return () => clearInterval(timer);
    },
    later: (ms, run) => void setTimeout(run, ms),
  });
  const control: MissionControl = {
    hub,
    live,
    now,
    stream,
    acts: new Acts(explain),
    site,
    simulated,
    session,
    terrains,
    me: identity.me,
    time: clock.shown,
    clock,
    engine,
    named: new Observable<{ readonly name: string; readonly atUs: number } | null>(null),
    split: new Observable(false),
    selection,
    selected,
    path: pagePath(window),
    viewpoint: new Observable(''),
    choices: rememberedChoices(storageHere()),
    layered: new Observable(false),
    draft: new Observable<Draft | null>(null),
    aside: new Observable<Draft | null>(null),
    theme,
    nowMs,
    signOut: () => void signOut(browserFetch).finally(() => onLeft('')),
  };
  return { control, run: () => runControl(control, identity, ports) };
}

function runControl(control: MissionControl, identity: Identity, ports: ControlPorts): () => void {
  const { stream, selected, clock } = control;
  const ends = [
    identity.start(),
    keepAddress(control, window),
    selected.subscribe(() => {
      const id = selected.get();
      stream.follow(id === null ? [] : [id]);
    }),
    stream.subscribe(() => {
      if (stream.connection.state === 'signed_out') ports.onLeft(ports.sessionOver);
    }),
  ];
  const id = selected.get();
  if (id !== null) stream.follow([id]);
  const warm = setTimeout(
    () => control.now.timeUs > 0n && control.engine.warm(Number(control.now.timeUs)),
    WARM_AFTER_MS,
  );
  void stream.run();
  void loadHistory(control);
  return () => {
    clearTimeout(warm);
    for (const end of ends) end();
    stream.stop();
    clock.end();
  };
}

const startWorker = (): PastWorker =>
  new Worker(new URL('../../past/worker/past-worker.ts', import.meta.url), { type: 'module', name: 'past' });

/** Two workers use two cores; beyond that the page itself and the browser need the rest. */
const workersHere = (): number => Math.min(4, Math.max(2, navigator.hardwareConcurrency - 2));

/** The first picture and the 3D part come before the past. */
const WARM_AFTER_MS = 4_000;

/** The longest that a step looks for: a day. */
const STEP_REACH_US = 86_400_000_000;

async function nearestMark(hub: Hub, kinds: readonly string[], agentId: string, atUs: number, onward: boolean) {
  // Marks come in microseconds; one that is shown already is not the next one.
  const from = onward ? atUs + 1 : atUs - STEP_REACH_US;
  const to = onward ? atUs + STEP_REACH_US : atUs - 1;
  const { marks } = await hub.record.listMarks({
    fromTimeUs: BigInt(Math.max(0, Math.round(from))),
    toTimeUs: BigInt(Math.round(to)),
    kinds: [...kinds],
    agentId,
    limit: 1,
    newestFirst: !onward,
    oldestFirst: onward,
  });
  return marks[0] ?? null;
}

/** Missions and alerts from before this page was opened; what happens from now on comes with the stream. */
async function loadHistory({ hub, now, acts }: MissionControl): Promise<void> {
  try {
    const [missions, alerts] = await Promise.all([
      hub.missions.listMissions({ limit: 100 }),
      hub.alerts.listAlerts({ limit: 200, includeCleared: true }),
    ]);
    for (const mission of missions.missions) if (now.mission(mission.id) === undefined) now.putMission(mission);
    const known = new Set(now.alerts().map((alert) => alert.id));
    for (const alert of alerts.alerts) if (!known.has(alert.id)) now.putAlert(alert);
  } catch (error) {
    await acts.run(
      'Load missions and alerts',
      [],
      () => Promise.reject(error),
      () => ({ kind: 'done', detail: '' }),
    );
  }
}

function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
