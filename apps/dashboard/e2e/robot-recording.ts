import { create, toBinary } from '@bufbuild/protobuf';
import { DEFAULT_POLICY, fleetModel, MOTION, type Site, siteToJson } from '@sigma/fleet-model';
import { createAgent, type Json, type Stimulus, step } from '@sigma/kernel';
import { GapSchema } from '@sigma/proto';
import {
  AgentJournal,
  ChainWriter,
  EVENT_TYPE,
  type EventDraft,
  type Opening,
  openingEvent,
  type SealedBlock,
  type Sha256,
} from '@sigma/recorder';

const EPOCH_TIME_US = 1_700_000_000_000_000;
const WAKE_US = 10_000;
const WAKES_A_BLOCK = 50;

export interface RobotLife {
  readonly id: string;
  /** Wall time at which it begins, microseconds. */
  readonly epochTimeUs: number;
  readonly snapshotEveryUs: number;
  /** Metres a second by its encoders; 0: it stands. */
  readonly speedMps: number;
  /** Written as if by a program so many versions newer. */
  readonly versionsNewer: number;
  /** From which second to which its inputs were lost before they were recorded; null: none. */
  readonly lostS: readonly [from: number, to: number] | null;
}

const SHORT_LIFE: RobotLife = {
  id: 'r01',
  epochTimeUs: EPOCH_TIME_US,
  snapshotEveryUs: 500_000,
  speedMps: 0,
  versionsNewer: 0,
  lostS: null,
};

/**
 * A real chain of a real robot: the kernel under the fleet model, woken a hundred times a second, stopped by an
 * operator and released again, journalled and sealed as an edge does it. `seconds` of its life.
 */
export function recordRobot(site: Site, sha256: Sha256, seconds: number, life: Partial<RobotLife> = {}): SealedBlock[] {
  const { id, epochTimeUs, snapshotEveryUs, speedMps, versionsNewer, lostS } = { ...SHORT_LIFE, ...life };
  const model = fleetModel({ site, policy: DEFAULT_POLICY });
  const [dock] = site.docks;
  if (dock === undefined) throw new Error('the test site has no dock');
  const start = {
    xM: (dock.cell % site.width) + 0.5,
    yM: site.height - Math.floor(dock.cell / site.width) - 0.5,
    headingRad: 0,
  };
  const config = { site: siteToJson(site), body: 'carrier', name: id, start } as unknown as Json;
  const modelVersion = model.version + versionsNewer;
  const opening: Opening = {
    tenant: 'test',
    source: id,
    epoch: 0,
    role: 'robot',
    model: model.name,
    modelVersion,
    config,
    seed: 7,
    flags: [],
    policyText: JSON.stringify(DEFAULT_POLICY),
    policyHash: model.policy.hash,
    previousEpochHash: new Uint8Array(),
    atUs: 0,
    timeUs: epochTimeUs,
    software: 'test',
  };
  const { tenant, epoch, role, seed, flags, atUs } = opening;
  let agent = createAgent(model, { id, tenant, role, seed, epoch, flags, config, atUs });
  const writer = new ChainWriter(opening, sha256);
  const journal = new AgentJournal({
    agent: id,
    model: { name: model.name, version: modelVersion, policy: model.policy },
    sha256,
    inputSequence: 0,
  });
  const blocks = [writer.seal([openingEvent(opening)])];
  for (let n = 1; n <= seconds * 100; n++) {
    const inbox = n % 100 === 0 ? [stopOrder(n)] : [];
    if (speedMps !== 0) inbox.push(motionFrame(n, speedMps));
    const { agent: next, outputs } = step(model, agent, inbox, n * WAKE_US);
    agent = next;
    const lost = lostS !== null && n > lostS[0] * 100 && n <= lostS[1] * 100;
    if (!lost) journal.wake(n * WAKE_US, inbox, outputs);
    if (lostS !== null && n === lostS[0] * 100 + 1) journal.note((timeUs) => gapEvent(id, n * WAKE_US, timeUs));
    if (n % WAKES_A_BLOCK !== 0 || lost) continue;
    if ((n * WAKE_US) % snapshotEveryUs === 0) journal.snapshot(agent);
    blocks.push(writer.seal(journal.cut(epochTimeUs + n * WAKE_US)));
  }
  return blocks;
}

/** Says that inputs are missing from here on. */
function gapEvent(subject: string, atUs: number, timeUs: number): EventDraft {
  const data = toBinary(GapSchema, create(GapSchema, {}));
  return { type: EVENT_TYPE.gap, subject, atUs, timeUs, traceparent: '', data };
}

/** Every second the operator changes his mind. */
function stopOrder(n: number): Stimulus {
  const stop = n % 200 === 0 ? 'none' : 'normal';
  return {
    kind: 'order',
    issuer: 'operator:ada',
    sequence: n,
    expiresAtUs: n * WAKE_US + 1_000_000,
    order: { type: 'stop', stop, by: 'ada' },
  };
}

/** Both wheels roll on evenly, as if somebody pushed. */
function motionFrame(n: number, speedMps: number): Stimulus {
  const counts = Math.round((n * 0.01 * speedMps) / MOTION.scale[0]);
  const values: Readonly<Record<string, number>> = { encoderLeft: counts, encoderRight: counts, clock: n * 100 };
  return {
    kind: 'percept',
    channel: MOTION.channel,
    values: Int32Array.from(MOTION.fields, (field) => values[field] ?? 0),
  };
}
