import { existsSync, renameSync } from 'node:fs';
import { fleetTerrain } from '@sigma/edge';
import {
  type FleetBelief,
  fleetModel,
  type PolicyText,
  type RecordedModels,
  type Site,
  siteToJson,
} from '@sigma/fleet-model';
import { encodeState, type Json, type TerrainModel } from '@sigma/kernel';
import {
  type BlockStore,
  BrokenChangeError,
  type Change,
  changedModel,
  type Life,
  LifeReader,
  type Lineage,
  type LivedWake,
  type Opening,
  pieceAt,
  runAt,
  siteHead,
  type Timeline,
} from '@sigma/recorder';
import { openSqliteRecorder, removeRecording, sha256 } from '@sigma/recorder/sqlite';
import { modelsOn } from '../recording.ts';
import { ClosedLoop, type TouchedRobot } from './closed-loop.ts';
import { firstTouches } from './first-touch.ts';
import { policyOf } from './fleet-trial.ts';
import type { LostOf, PreparedFork, RobotParts } from './fork-parts.ts';
import { ForkRefusedError, type ForkRequest } from './fork-request.ts';
import { mustBeKnown } from './known-moment.ts';
import { LivedWorld } from './lived-world.ts';
import { ofTenant } from './one-tenant.ts';
import { runOpenLoop } from './open-loop.ts';
import { parentNameFor } from './parents.ts';
import { policyAfter } from './policy-file.ts';
import { policyInForce, policyToJson } from './policy-in-force.ts';

const SECOND_US = 1_000_000;
const STEP_US = 10_000;
const SOFTWARE = 'sigma 0.1.0 (fork)';

export interface ForkResult {
  readonly recording: string;
  readonly parent: string;
  readonly loop: Change['loop'];
  readonly atUs: number;
  readonly endUs: number;
  /** True when the parent's recording ended before the fork was to. */
  readonly cutShort: boolean;
  /** Whose events were dropped where it ends; null when it ends otherwise. */
  readonly lost: LostOf | null;
  readonly touched: readonly TouchedRobot[];
  readonly robots: number;
  /** Wakes of all robots in the time of the fork, and those of them (with what led up to them) that were run. */
  readonly wakes: number;
  readonly recomputed: number;
  /** Wakes that were run again, open loop, to see whom the policy touches, and when. */
  readonly looked: number;
  readonly head: string;
}

export interface ForkOptions {
  readonly onProgress?: (atUs: number, ofUs: number, touched: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Makes a fork of a timeline into a new file, which is there once it is whole (`<out>.part` before).
 *
 * @param timeline of one tenant; where it holds several runs, of the newest in which the moment is (`runTimeline` names another)
 * @throws ForkRefusedError, TenantError, PolicyFileError, StoreError, MalformedBytesError
 */
export async function makeFork(
  timeline: Timeline,
  request: ForkRequest,
  out: string,
  options: ForkOptions = {},
): Promise<ForkResult> {
  const parent = { ...timeline, lives: livesAt(runAt(ofTenant(timeline.lives, null), request.atUs), request.atUs) };
  if (existsSync(out)) throw new ForkRefusedError(`${out} is there already; name another file or remove it`);
  const worldLife = LivedWorld.lifeIn(parent.lives);
  const clock = worldLife === null ? null : await clockOf(parent, worldLife);
  const simulated = clock !== null;
  const fork = await prepare(parent, request, out, simulated ? worldLife : null, clock === 'every step');
  // Half a fork would look like one that was to end there, also when this process is killed: until it is whole it bears
  // another name.
  const part = `${out}.part`;
  removeRecording(part);
  const store = await openSqliteRecorder(part);
  let whole = false;
  try {
    const result = simulated
      ? await runClosed(fork, store, request, options)
      : await runOpenLoop(fork, store, request, options);
    const head = siteHead(await store.heads(), sha256);
    whole = true;
    return { recording: out, parent: parent.name, ...result, looked: fork.looked, head };
  } finally {
    await store.close();
    if (whole) renameSync(part, out);
    else removeRecording(part);
  }
}

/** Of each source the life that it was in: a program that was started anew has several. */
function livesAt(lives: readonly Life[], atUs: number): readonly Life[] {
  const began = ({ pieces }: Life): boolean => (pieces[0]?.fromUs ?? 0) < atUs;
  return lives.filter((life) => {
    const same = lives.filter(({ tenant, source }) => tenant === life.tenant && source === life.source);
    return life === (same.findLast(began) ?? same[0]);
  });
}

async function prepare(
  parent: Timeline,
  request: ForkRequest,
  out: string,
  worldLife: Life | null,
  everyStep: boolean,
): Promise<PreparedFork> {
  const robots = parent.lives.filter(({ opening }) => opening.model === 'fleet');
  const named = [
    ...request.agents,
    ...request.orders.map(({ agent }) => agent),
    ...request.faults.map(({ robot }) => robot),
  ];
  const stranger = named.find((id) => !robots.some(({ source }) => source === id));
  if (stranger !== undefined) {
    throw new ForkRefusedError(
      `there is no robot '${stranger}'; there are ${[...new Set(robots.map(({ source }) => source))].join(', ')}`,
    );
  }
  if (worldLife === null && request.faults.length > 0)
    throw new ForkRefusedError('a fault needs a computed world, and this recording has none');
  const closed = worldLife !== null;
  const atUs = closed ? Math.ceil(request.atUs / STEP_US) * STEP_US : request.atUs;
  const span = spanOf(worldLife === null ? robots : [worldLife]);
  if (!(atUs > span.fromUs && atUs <= span.untilUs)) {
    const [from, until] = [span.fromUs, span.untilUs].map((us) => (us / 1e6).toFixed(2));
    throw new ForkRefusedError(
      `${(atUs / 1e6).toFixed(2)} s lies outside the recording; give a moment after ${from} s and up to ${until} s`,
    );
  }
  await mustBeKnown(worldLife === null ? robots.filter(({ endUs }) => endUs >= atUs) : [worldLife, ...robots], atUs);
  const { agents, parameters, without, orders, what } = request;
  const policy = request.policy === null ? null : policyToJson(request.policy);
  const change: Change = { what, agents, loop: closed ? 'closed' : 'open', policy, parameters, without, orders };
  const siteHeadBytes = Buffer.from(siteHead(await parent.recording.heads(), sha256), 'hex');
  const recording = parentNameFor(parent.name, out);
  const models = await modelsOn(parent);
  // Where the world ends the fork does: whom the policy would touch later is not run.
  const forUs = closed ? Math.min(request.forUs, worldLife.endUs + STEP_US - atUs) : request.forUs;
  const touches = await firstTouches(parent, models, { ...request, forUs }, atUs);
  return {
    worldLife,
    lives: parent.lives,
    everyStep,
    atUs,
    change,
    touchedFrom: touches.fromUs,
    looked: touches.looked,
    faults: request.faults.map((fault) => ({ ...fault, atUs: Math.max(fault.atUs, atUs) })),
    orders,
    software: SOFTWARE,
    sha256,
    lineageFrom: ({ blockEnd, blockHash }: LivedWake, fromUs: number, of: Change): Lineage => ({
      recording,
      siteHead: siteHeadBytes,
      sequence: blockEnd,
      blockHash,
      atUs: fromUs,
      change: of,
    }),
    robotParts: robotPartsOf(models, parent, request, change),
  };
}

function spanOf(lives: readonly Life[]): { readonly fromUs: number; readonly untilUs: number } {
  const fromUs = Math.min(...lives.map(({ pieces }) => pieces[0]?.opening.atUs ?? 0));
  return { fromUs, untilUs: Math.max(...lives.map(({ endUs }) => endUs)) };
}

/**
 * How robots wake: in every step of the world, as in a simulation, or in some, as where a program runs them in real time.
 * Null where they wake between its steps: then both cannot be run on together.
 */
async function clockOf({ lives }: Timeline, world: Life): Promise<'every step' | 'some steps' | null> {
  // A simulation begins with a step; a program begins whenever somebody starts it.
  let every = (world.pieces[0]?.opening.atUs ?? 0) % STEP_US === 0;
  for (const life of lives.filter(({ opening }) => opening.model === 'fleet')) {
    const beganUs = life.pieces[0]?.opening.atUs ?? 0;
    const reader = await LifeReader.open(life, beganUs);
    await reader.fill(beganUs + SECOND_US);
    let beforeUs = -1;
    for (const { atUs } of reader.peek(beganUs + SECOND_US)) {
      if (atUs % STEP_US !== 0) return null;
      every &&= beforeUs < 0 || atUs - beforeUs === STEP_US;
      beforeUs = atUs;
    }
  }
  return every ? 'every step' : 'some steps';
}

type Made = Pick<RobotParts, 'terrain' | 'changed' | 'policyText' | 'change' | 'config'>;

function robotPartsOf(
  models: RecordedModels,
  parent: Timeline,
  request: ForkRequest,
  change: Change,
): (agent: string, fromUs: number) => RobotParts {
  const made = new Map<string, Made>();
  const changedHere = (agent: string): boolean => request.agents.length === 0 || request.agents.includes(agent);
  return (agent, fromUs) => {
    const life = parent.lives.findLast(({ source }) => source === agent);
    if (life === undefined) throw new ForkRefusedError(`there is no robot '${agent}'`);
    const { opening } = life;
    const before = pieceAt(life, fromUs).opening;
    const own = changedHere(agent);
    const inForce = policyInForce(parent, life);
    const key = [...[before, opening].map(modelKey), encodeState(inForce)].join(` ${own} `);
    let parts = made.get(key);
    if (parts === undefined) {
      const lived = models.modelOf(opening);
      if (typeof lived === 'string') throw new ForkRefusedError(lived);
      const { digest } = (opening.config as { readonly site: { readonly digest: string } }).site;
      parts = partsFor(models.sites.get(digest) as Site, before, opening, inForce, own ? request : null, change);
      made.set(key, parts);
    }
    return { ...parts, sha256, software: SOFTWARE };
  };
}

/** Two openings that give the same were made of the same model. */
const modelKey = ({ policyHash, config, lineage }: Opening): string =>
  `${policyHash} ${encodeState(config)} ${encodeState(lineage?.change ?? null)}`;

/**
 * @param lived opening of the piece that leads up to the fork: a fork of a fork may begin before its parent touched the
 * robot, in what was lived as in the parent's parent
 * @param opening of the newest piece: what the parent made of the robot, which the fork keeps
 * @param inForce the policy that it lives under in the parent, which need not be that of the newest piece
 * @throws ForkRefusedError when a parameter is none
 */
function partsFor(
  site: Site,
  lived: Opening,
  opening: Opening,
  inForce: PolicyText,
  request: ForkRequest | null,
  change: Change,
): Made {
  const terrain = fleetTerrain(site, policyOf(lived));
  const before = opening.lineage?.change;
  const policy: PolicyText = request?.policy == null ? inForce : policyAfter(inForce, request.policy);
  // A fork of a fork keeps what that one changed, unless it is changed again.
  const parameters = { ...before?.parameters, ...request?.parameters };
  const without = [...(before?.without ?? []), ...(request?.without ?? [])];
  const changes = { ...change, parameters, without };
  try {
    const changedThen = lived.lineage?.change;
    mustHave(terrain.model, request?.without ?? []);
    const model = changedThen === undefined ? terrain.model : changedModel(terrain.model, changedThen);
    return {
      terrain: { ...terrain, model },
      changed: changedModel(fleetModel({ site, policy }), changes),
      policyText: encodeState(policy),
      change: changes,
      config: { ...(opening.config as { readonly [name: string]: Json }), site: siteToJson(site) as unknown as Json },
    };
  } catch (error) {
    if (error instanceof BrokenChangeError) throw new ForkRefusedError(error.message);
    throw error;
  }
}

/** @throws ForkRefusedError naming what can be left out */
function mustHave({ failsafe, reflexes }: TerrainModel<FleetBelief>, without: readonly string[]): void {
  const known = [...failsafe.conditions, ...reflexes].map(({ id }) => id);
  const stranger = without.find((id) => !known.includes(id));
  if (stranger === undefined) return;
  throw new ForkRefusedError(`there is no condition or reflex '${stranger}' to leave out; known: ${known.join(', ')}`);
}

async function runClosed(
  { worldLife, atUs, ...parts }: PreparedFork,
  store: BlockStore,
  { forUs }: ForkRequest,
  { onProgress, signal }: ForkOptions,
) {
  const loop = await ClosedLoop.open({ ...parts, worldLife: worldLife as Life }, atUs);
  const untilUs = atUs + forUs;
  let goesOn = true;
  while (goesOn && loop.atUs < untilUs) {
    signal?.throwIfAborted();
    const nextUs = Math.min(untilUs, loop.atUs + SECOND_US);
    await loop.fill(nextUs);
    while (goesOn && loop.atUs < nextUs) goesOn = await loop.step();
    const blocks = loop.takeBlocks();
    if (blocks.length > 0) await store.append(blocks);
    onProgress?.(loop.atUs - atUs, forUs, loop.touched);
  }
  const lost = goesOn ? null : await loop.lost();
  const result = loop.finish();
  await store.append(loop.takeBlocks());
  const recomputed = result.touched.reduce((sum, { wakes, warmUps }) => sum + wakes + warmUps, 0);
  const { endUs, touched, robots, wakes } = result;
  return { loop: 'closed' as const, atUs, endUs, cutShort: endUs < untilUs, lost, touched, robots, wakes, recomputed };
}
