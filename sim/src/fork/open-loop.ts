import { type Agent, createAgent, decodeState, type OrderStimulus, type Stimulus, step } from '@sigma/kernel';
import {
  AgentJournal,
  type BlockStore,
  ChainWriter,
  type Life,
  LifeReader,
  type LivedWake,
  type LostLife,
  type Opening,
  openingEvent,
} from '@sigma/recorder';
import type { TouchedRobot } from './closed-loop.ts';
import type { LostOf, PreparedFork } from './fork-parts.ts';
import { ForkRefusedError, type ForkRequest } from './fork-request.ts';
import type { ForkOptions } from './make-fork.ts';

const CUT_US = 250_000;
const SNAPSHOT_US = 5_000_000;
const READ_US = 1_000_000;
const ORDER_US = 60_000_000;

/**
 * Runs the named agents on by themselves, over the stimuli that were recorded, whatever they do: where no world was
 * computed, nobody knows what they would have met (SPEC R114).
 */
export async function runOpenLoop(
  fork: PreparedFork,
  store: BlockStore,
  { forUs }: ForkRequest,
  { onProgress, signal }: ForkOptions,
) {
  const robots = fork.lives.filter(({ opening }) => opening.model === 'fleet');
  const lives = robots.filter(({ source, endUs }) => fork.touchedFrom.has(source) && endUs >= fork.atUs);
  if (lives.length === 0)
    throw new ForkRefusedError('the change touches nobody who lived at that moment: name agents, or another time');
  const untilUs = fork.atUs + forUs;
  const touched: TouchedRobot[] = [];
  let endUs = fork.atUs;
  let lost: LostOf | null = null;
  for (const life of lives) {
    signal?.throwIfAborted();
    const lived = await new OpenLife(fork, life).run(untilUs, store);
    touched.push(lived.robot);
    endUs = Math.max(endUs, lived.endUs);
    if (lived.lost !== null) lost ??= { source: life.source, ...lived.lost };
    onProgress?.(touched.length, lives.length, touched.length);
  }
  const recomputed = touched.reduce((sum, { wakes, warmUps }) => sum + wakes + warmUps, 0);
  const wakes = touched.reduce((sum, one) => sum + one.wakes, 0);
  const cutShort = lost !== null || lives.some((life) => life.endUs < untilUs - CUT_US);
  return {
    loop: 'open' as const,
    atUs: fork.atUs,
    endUs,
    cutShort,
    lost,
    touched,
    robots: robots.length,
    wakes,
    recomputed,
  };
}

interface LivedOpen {
  readonly robot: TouchedRobot;
  readonly endUs: number;
  /** What was dropped of its life where it ends. */
  readonly lost: LostLife | null;
}

/** One agent's recorded stimuli under a change. */
class OpenLife {
  readonly #fork: PreparedFork;
  readonly #life: Life;
  readonly #orders: { atUs: number; stimulus: OrderStimulus }[];
  #wakes = 0;
  #warmUps = 0;

  constructor(fork: PreparedFork, life: Life) {
    this.#fork = fork;
    this.#life = life;
    this.#orders = fork.orders
      .filter(({ agent }) => agent === life.source)
      .map(({ atUs, order }, k) => ({
        atUs,
        stimulus: { kind: 'order', issuer: 'fork', sequence: k + 1, expiresAtUs: atUs + ORDER_US, order },
      }));
  }

  async run(untilUs: number, store: BlockStore): Promise<LivedOpen> {
    const { atUs: fromUs, sha256 } = this.#fork;
    const { terrain, changed, change } = this.#fork.robotParts(this.#life.source, fromUs);
    const reader = await LifeReader.leadingUpTo(this.#life, fromUs, fromUs - 1);
    const { opening } = reader;
    let agent = beginning(reader, terrain.model);
    let last = reader.place ?? undefined;
    for (let wake = reader.next(fromUs); wake !== undefined; wake = reader.next(fromUs)) {
      agent = step(terrain.model, agent, wake.inbox, wake.atUs).agent;
      last = wake;
      this.#warmUps++;
    }
    if (last === undefined) throw new ForkRefusedError(`nothing was lived by ${agent.id} right before the fork`);
    const lineage = this.#fork.lineageFrom(last, fromUs, change);
    const { source, tenant, epoch } = this.#life;
    const chain = new ChainWriter({ tenant, source, epoch }, sha256);
    const journal = new AgentJournal({ agent: agent.id, model: changed, sha256, inputSequence: agent.inputSequence });
    journal.snapshot(agent);
    const clock = (atUs: number): number => opening.timeUs - opening.atUs + atUs;
    let events = [openingEvent(this.#opening(opening, agent.wokeUs, clock(agent.wokeUs), lineage))];
    let cutUs = fromUs;
    let snapshotUs = fromUs;
    const seal = async (): Promise<void> => {
      events.push(...journal.cut(clock(agent.wokeUs)));
      if (events.length > 0) await store.append(chain.sealCut(events));
      events = [];
    };
    for (let readUs = fromUs; readUs < untilUs; ) {
      readUs = Math.min(untilUs, readUs + READ_US);
      await reader.fill(readUs);
      for (let wake = reader.next(readUs); wake !== undefined; wake = reader.next(readUs)) {
        const inbox = this.#inbox(wake);
        const { agent: next, outputs } = step(changed, agent, inbox, wake.atUs);
        agent = next;
        this.#wakes++;
        journal.wake(wake.atUs, inbox, outputs);
        if (wake.atUs - cutUs < CUT_US) continue;
        cutUs = wake.atUs;
        if (wake.atUs - snapshotUs >= SNAPSHOT_US) {
          snapshotUs = wake.atUs;
          journal.snapshot(agent);
        }
        await seal();
      }
    }
    await seal();
    const robot = { id: source, fromUs, divergedUs: null, wakes: this.#wakes, warmUps: this.#warmUps };
    return { robot, endUs: agent.wokeUs, lost: await reader.lost() };
  }

  #inbox({ inbox, atUs }: LivedWake): readonly Stimulus[] {
    if (this.#orders[0] === undefined || this.#orders[0].atUs > atUs) return inbox;
    const due: Stimulus[] = [];
    while (this.#orders[0] !== undefined && this.#orders[0].atUs <= atUs) {
      due.push((this.#orders.shift() as { readonly stimulus: OrderStimulus }).stimulus);
    }
    return [...inbox, ...due];
  }

  #opening(of: Opening, atUs: number, timeUs: number, lineage: NonNullable<Opening['lineage']>): Opening {
    const { changed, policyText, config, software } = this.#fork.robotParts(this.#life.source, this.#fork.atUs);
    const made = { modelVersion: changed.version, policyText, policyHash: changed.policy.hash, software };
    return { ...of, ...made, config, previousEpochHash: new Uint8Array(), atUs, timeUs, lineage };
  }
}

function beginning<World>(
  { restored, opening }: LifeReader,
  model: Parameters<typeof createAgent<World>>[0],
): Agent<World> {
  if (restored !== null) return decodeState(new TextDecoder().decode(restored.state)) as Agent<World>;
  const { source: id, tenant, role, seed, epoch, flags, config, atUs } = opening;
  return createAgent(model, { id, tenant, role, seed, epoch, flags, config, atUs });
}
