import { centreXM, centreYM, type PolicyText, siteToJson } from '@sigma/fleet-model';
import { drawInt, drawUnit, type Json, type KernelEvent, type PlanStimulus, purpose } from '@sigma/kernel';
import {
  decodeBlock,
  decodeEnvelope,
  decodeKernelEvent,
  decodeSignal,
  EVENT_TYPE,
  isRunnerSignal,
  type SealedBlock,
} from '@sigma/recorder';
import type { Bodies } from '../src/drivers/sim/bodies.ts';
import { BodyLoop, type FromBody, type ToBody } from '../src/drivers/sim/body-loop.ts';
import { openBodies } from '../src/drivers/sim/fleet-bodies.ts';
import { Pulse } from '../src/drivers/sim/pulse.ts';
import { SimDriver } from '../src/drivers/sim/sim-driver.ts';
import type { Question } from '../src/live/planner-thread.ts';
import { ReflexLoop } from '../src/live/reflex-loop.ts';
import type { Terrain } from '../src/live/terrain.ts';
import { fleetTerrain } from '../src/terrain/fleet.ts';
import { STORY_EPOCH_US, sha256 } from './cart-story.ts';
import { parkedCarriers, warehouse } from './live-fleet.ts';
import { orderSigner } from './signed-orders.ts';

const TICK_US = 10_000;
const PAUSE = purpose('test-starved-pause');
const DISK = purpose('test-starved-disk');
const ERRAND = purpose('test-starved-errand');
const AROUND_M = 14;
/** Nothing but reflexes and failsafe keeps these robots slow. */
const NO_RULES: PolicyText = { version: 'none', rules: [] };

/** A processor that is often elsewhere: pauses of one thread. */
class Scheduler {
  readonly #seed: number;
  readonly #thread: number;
  readonly #share: number;
  #pausedUntilUs = 0;
  #n = 0;

  /** @param share chance that a pause begins in an instant of 10 ms, 0 to 1 */
  constructor(seed: number, thread: number, share: number) {
    this.#seed = seed;
    this.#thread = thread;
    this.#share = share;
  }

  runs(nowUs: number, longestUs: number): boolean {
    if (nowUs < this.#pausedUntilUs) return false;
    const n = this.#n++;
    if (drawUnit(this.#seed, this.#thread, n, PAUSE, 0) >= this.#share) return true;
    this.#pausedUntilUs = nowUs + Math.round(drawUnit(this.#seed, this.#thread, n, PAUSE, 1) * longestUs);
    return false;
  }
}

/**
 * The live stack without its threads: the real reflex loop, driver, bodies and world on a clock of the test's, with a
 * scheduler that lets reflexes and bodies stand still for up to `longestUs`, each by itself, and a disk as slow as that.
 * The hub is gone; robots drive by the planner beside them.
 */
export class StarvedFleet {
  nowUs = 1_000_000;
  readonly ids: readonly string[];
  readonly stored: SealedBlock[] = [];
  readonly #site = warehouse();
  readonly #seed: number;
  readonly #longestUs: number;
  readonly #bodies: Bodies;
  readonly #bodyLoop: BodyLoop;
  readonly #reflexes: ReflexLoop;
  readonly #terrain: Terrain<unknown>;
  readonly #signer = orderSigner();
  readonly #toBody: ToBody[] = [];
  readonly #fromBody: FromBody[] = [];
  readonly #questions: Question[] = [];
  #onDisk = 0;
  #diskFreeUs = 0;
  #commits = 0;
  #sequence = 0;

  constructor(robots: number, people: number, seed: number, longestUs: number) {
    const site = this.#site;
    this.#seed = seed;
    this.#longestUs = longestUs;
    this.ids = Array.from({ length: robots }, (_, i) => `r${i + 1}`);
    const carriers = parkedCarriers(site, this.ids);
    this.#terrain = fleetTerrain(site, NO_RULES) as unknown as Terrain<unknown>;
    const chain = { tenant: 'acme', source: 'world', epoch: 0 };
    const record = { chain, previousEpochHash: new Uint8Array(), software: 'test', epochTimeUs: STORY_EPOCH_US };
    const settings = { site: siteToJson(site) as unknown as Json, seed, people };
    this.#bodies = openBodies(settings, { agents: carriers, record, sha256, atUs: this.nowUs });
    const pulse = new Pulse();
    this.#bodyLoop = new BodyLoop(this.ids, this.#bodies, pulse, {
      nowUs: () => this.nowUs,
      receive: () => this.#toBody.shift() ?? null,
      say: (message) => void this.#fromBody.push(message),
      stepped: () => {},
    });
    const driver = new SimDriver({
      capabilities: new Map(this.ids.map((id) => [id, this.#bodies.capabilities(id)])),
      pulse,
      nowUs: () => this.nowUs,
      receive: () => this.#fromBody.shift() ?? null,
      say: (message) => void this.#toBody.push(message),
      close: async () => {},
    });
    this.#reflexes = new ReflexLoop({
      terrain: this.#terrain,
      driver,
      bodies: carriers.map(({ id, role, seed: own, config, body }) => ({
        agent: { id, tenant: 'acme', role, seed: own, epoch: 0, flags: [], config, atUs: this.nowUs },
        body,
        previousEpochHash: new Uint8Array(),
        before: null,
        inFlight: [],
      })),
      simulated: true,
      software: 'test',
      epochTimeUs: STORY_EPOCH_US,
      verify: this.#signer.verify,
      sha256,
      ports: {
        store: (blocks) => void this.stored.push(...blocks),
        facts: () => {},
        ask: (question) => void this.#questions.push(question),
        uplink: () => {},
        wallUs: () => STORY_EPOCH_US + this.nowUs,
        committed: () => {},
      },
    });
  }

  /** Sends every robot on so many errands around the place where all of them stand, one after the other. */
  sendOut(errands: number): void {
    const site = this.#site;
    const [home] = site.docks;
    const taken = new Set([...site.docks, ...site.chargers].map(({ cell }) => cell));
    const near: number[] = [];
    site.blocked.forEach((blocked, cell) => {
      const dx = centreXM(site, cell) - centreXM(site, home?.cell ?? 0);
      const dy = centreYM(site, cell) - centreYM(site, home?.cell ?? 0);
      if (blocked === 0 && !taken.has(cell) && dx * dx + dy * dy < AROUND_M * AROUND_M) near.push(cell);
    });
    this.ids.forEach((agentId, robot) => {
      for (let k = 0; k < errands; k++) {
        const cell = near[drawInt(this.#seed, robot, k, ERRAND, 0, near.length)] ?? 0;
        const args = { xM: centreXM(site, cell), yM: centreYM(site, cell) };
        this.#order(agentId, `t${k}`, JSON.stringify(args));
      }
    });
  }

  run(seconds: number, share: number): void {
    const reflexes = new Scheduler(this.#seed, 1, share);
    const bodies = new Scheduler(this.#seed, 2, share);
    for (const endUs = this.nowUs + seconds * 1_000_000; this.nowUs < endUs; ) {
      this.nowUs += TICK_US;
      if (bodies.runs(this.nowUs, this.#longestUs)) this.#bodyLoop.run();
      if (reflexes.runs(this.nowUs, this.#longestUs)) this.#tick();
    }
  }

  /** What robots did or suffered, by kind, from their record and that of the world. */
  happened(): Readonly<Record<string, number>> {
    const world = this.#bodies.seal(false, this.nowUs);
    const counts: Record<string, number> = {};
    this.stored.push(...this.#reflexes.lastBlocks(), ...(world === null ? [] : [world]));
    for (const block of this.stored) {
      for (const event of decodeBlock(block.bytes).events.map(decodeEnvelope)) {
        if (event.type !== EVENT_TYPE.signal) continue;
        const { name } = decodeSignal(event.data);
        const kind = block.source === 'world' || isRunnerSignal(name) ? name : kindOf(decodeKernelEvent(event.data));
        if (kind !== null) counts[kind] = (counts[kind] ?? 0) + 1;
      }
    }
    return counts;
  }

  #tick(): void {
    this.#reflexes.plannerBeat();
    for (const { lie: _, ...question } of this.#questions.splice(0)) {
      const plan = this.#terrain.planner.plan(question);
      if (plan !== null) this.#reflexes.plan({ agentId: question.agentId, plan: atFullSpeed(plan) });
    }
    this.#commit();
    this.#reflexes.tick(Math.floor(this.nowUs / TICK_US) * TICK_US);
  }

  /** The disk takes as long for a commit as this machine pauses, and everything that waits goes into the next. */
  #commit(): void {
    if (this.nowUs < this.#diskFreeUs) return;
    const ends = this.stored.slice(0, this.#onDisk).slice(-200);
    const sequences = ends.map(({ source, firstSequence, count }) => [source, firstSequence + count - 1] as const);
    this.#reflexes.durable(new Map(sequences), this.nowUs);
    this.#onDisk = this.stored.length;
    const tookUs = drawUnit(this.#seed, 3, this.#commits++, DISK, 0) * this.#longestUs;
    this.#diskFreeUs = this.nowUs + 5_000 + Math.round(tookUs / 2);
  }

  #order(agentId: string, id: string, argsJson: string): void {
    const nowUs = BigInt(STORY_EPOCH_US + this.nowUs);
    const signedOrder = this.#signer.sign({
      tenant: 'acme',
      agentId,
      issuer: 'core',
      sequence: BigInt(++this.#sequence),
      issuedTimeUs: nowUs,
      expiresTimeUs: nowUs + 1_000_000n,
      order: { case: 'assign', value: { task: { id, missionId: 'm', kind: 'goto', argsJson } } },
    });
    this.#reflexes.hear({ type: 'order', agentId, signedOrder }, this.nowUs);
  }
}

/** The planner beside a body drives slowly, having no right of way; here that would hide what is to be seen. */
function atFullSpeed(plan: PlanStimulus): PlanStimulus {
  const intents = plan.intents.map(({ name, args: { speedMps: _, ...args } }) => ({ name, args }));
  return { ...plan, intents };
}

function kindOf(event: KernelEvent): string | null {
  if (event.type === 'violation')
    return `violation ${event.violation.kind === 'physical' ? event.violation.quantity : ''}`;
  if (event.type === 'failsafe') return event.change === 'raised' ? `raised ${event.entry?.condition}` : null;
  return event.type === 'task' ? `task ${event.status}` : null;
}
