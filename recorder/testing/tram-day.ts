import { type Agent, createAgent, draw, encodeState, type Stimulus, step, type TerrainModel } from '@sigma/kernel';
import {
  AgentJournal,
  ChainWriter,
  type Opening,
  openingEvent,
  type SealedBlock,
  type Sha256,
  type Wake,
} from '../src/index.ts';
import { testOpening } from './chains.ts';
import { type Tram, tramModel } from './tram.ts';

/** A tram's recorded life, and what its state really was after every wake. */
export interface TramDay {
  readonly opening: Opening;
  readonly blocks: readonly SealedBlock[];
  readonly lived: readonly { readonly atUs: number; readonly state: string }[];
  readonly decisions: number;
}

export interface TramDayOptions {
  readonly source?: string;
  readonly seed: number;
  readonly wakes: number;
  readonly sha256: Sha256;
  /** Wakes in a block. */
  readonly cutEvery?: number;
  /** Blocks between snapshots; 0 for none. */
  readonly snapshotEvery?: number;
  readonly model?: TerrainModel<Tram>;
}

/** Drives a tram through a seeded day on a virtual clock and records it. */
export function tramDay(options: TramDayOptions): TramDay {
  const { seed, wakes, sha256, source = 'tram-1', cutEvery = 10, snapshotEvery = 3, model = tramModel() } = options;
  const opening = testOpening(source, { model: model.name, policyHash: model.policy.hash, config: { atMm: 5 }, seed });
  const { tenant, role, epoch, flags, config, atUs } = opening;
  let agent: Agent<Tram> = createAgent(model, { id: source, tenant, role, seed, epoch, flags, config, atUs });
  const writer = new ChainWriter(opening, sha256);
  const journal = new AgentJournal({ agent: source, model, sha256, inputSequence: 0 });
  const blocks = [writer.seal([openingEvent(opening)])];
  const lived: { atUs: number; state: string }[] = [];
  let decisions = 0;
  for (let n = 0; n < wakes; n++) {
    const wake = tramWake(seed, n);
    const { agent: next, outputs } = step(model, agent, wake.inbox, wake.atUs);
    agent = next;
    journal.wake(wake.atUs, wake.inbox, outputs);
    lived.push({ atUs: wake.atUs, state: encodeState(agent) });
    if (outputs.decision !== null) decisions++;
    if ((n + 1) % cutEvery !== 0) continue;
    if (snapshotEvery > 0 && blocks.length % snapshotEvery === 0) journal.snapshot(agent);
    blocks.push(writer.seal(journal.cut(1_700_000_000_000_000 + wake.atUs)));
  }
  const rest = journal.cut(1_700_000_000_000_000 + wakes * 100_000);
  if (rest.length > 0) blocks.push(writer.seal(rest));
  return { opening, blocks, lived, decisions };
}

/** The n-th wake of a tram's day: rail and scan frames, beats, orders, plans, messages and nonsense by chance. */
export function tramWake(seed: number, n: number): Wake {
  const atUs = 1000 + n * 100_000 + (draw(seed, 1, n, 1, 0) % 700);
  const chance = (k: number): number => draw(seed, 1, n, 2, k);
  const inbox: Stimulus[] = [
    { kind: 'percept', channel: 'rail', values: Int32Array.of(n * 60 + (chance(0) % 40), 600) },
  ];
  if (n % 3 === 0) {
    const nearest = chance(1) % 5 === 0 ? 300 : 6000;
    inbox.push({
      kind: 'percept',
      channel: 'scan',
      values: Int32Array.from({ length: 30 }, (_, i) => nearest + 13 * i),
    });
  }
  if (n % 8 === 1) inbox.push({ kind: 'beat', from: 'primary' });
  if (n % 40 === 2) inbox.push(goOrder(n, atUs));
  if (n % 10 === 3) inbox.push(plan(n));
  if (chance(2) % 11 === 0) {
    const promise = { id: `p${n}`, what: 'yield', args: null, dueUs: atUs + 900_000 };
    inbox.push({
      kind: 'message',
      from: 'tram-2',
      topic: 'talk',
      body: { n, odd: [-0, Number.NaN] } as never,
      promise,
    });
  }
  if (chance(3) % 17 === 0) inbox.push({ kind: 'signal', name: 'recorder_down', value: chance(4) % 2 });
  return { atUs, inbox: chance(5) % 7 === 0 ? [] : inbox };
}

function goOrder(n: number, atUs: number): Stimulus {
  const task = {
    id: `t${n}`,
    missionId: 'm1',
    kind: n % 80 === 2 ? 'go' : 'fly',
    args: { toMm: n * 60 + 2000 },
    priority: 1,
  };
  return {
    kind: 'order',
    issuer: 'core',
    sequence: n,
    expiresAtUs: atUs + 1_000_000,
    order: { type: 'assign', task },
  };
}

function plan(n: number): Stimulus {
  return {
    kind: 'plan',
    from: 'primary',
    taskId: `t${Math.floor((n - 2) / 80) * 80 + 2}`,
    revision: n,
    intents: [{ name: 'advance', args: { toMm: n * 60 + 900, speedMps: 1.1 } }],
    confidence: 0.9,
    rationale: 'the line is long',
    basis: { epoch: 0, inputSequence: n },
    alternatives: [],
  };
}
