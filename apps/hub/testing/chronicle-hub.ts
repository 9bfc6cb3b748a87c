import { create, toBinary } from '@bufbuild/protobuf';
import { MemoryBus } from '@sigma/bus';
import { AgentEventSchema, AgentStatusSchema, DecisionMadeSchema } from '@sigma/proto';
import {
  type BlockStore,
  decodeSignal,
  memoryMarks as hybridMarks,
  linkedKey,
  type SealedBlock,
} from '@sigma/recorder';
import { MemoryStore } from '@sigma/recorder/testing';
import { LiveFleet } from '../src/live/live-fleet.ts';
import type { Trouble } from '../src/roles/alerts/alerts.ts';
import { DecisionArchive, type DecisionStore, type KeptDecision } from '../src/roles/arbitration/decision-archive.ts';
import { type Mark, memoryMarks } from '../src/roles/chronicle/mark-store.ts';
import { Marks } from '../src/roles/chronicle/marks.ts';
import type { ReadPlace, ReadPlaceStore } from '../src/roles/chronicle/read-places.ts';
import { RecordIndex } from '../src/roles/chronicle/record-index.ts';
import type { Report, ReportStore } from '../src/roles/chronicle/report-store.ts';
import { Reports } from '../src/roles/chronicle/reports.ts';
import { about, packed, tell } from '../src/subjects.ts';
import { LIFE_BEGAN_US, RAISED, RobotLife, VIOLATION } from './robot-life.ts';
import { TurnedClock } from './turned-clock.ts';

export const S = 1_000_000;
export const ALL = {
  fromTimeUs: 0,
  toTimeUs: Number.MAX_SAFE_INTEGER,
  kinds: [],
  agentId: '',
  choose: 'oldest',
} as const;
const key = ({ agentId, epoch, sequence }: Pick<KeptDecision, 'agentId' | 'epoch' | 'sequence'>) =>
  `${agentId} ${epoch} ${sequence}`;

/** The table of decisions, in memory. */
function decisionTable() {
  const rows = new Map<string, KeptDecision>();
  const reported = new Set<string>();
  const unprovable = new Map<string, string>();
  const newest = (agentId: string) =>
    [...rows.values()]
      .filter((one) => one.agentId === agentId)
      .sort((a, b) => b.epoch - a.epoch || b.sequence - a.sequence);
  let written = 0;
  const store: Pick<DecisionStore, 'add' | 'lacking' | 'floor' | 'prune' | 'retract' | 'giveUp'> = {
    add: async (batch, ahead = false) => {
      for (const one of batch) {
        if (rows.has(key(one)) && !(reported.has(key(one)) && !ahead)) continue;
        rows.set(key(one), one);
        if (ahead) reported.add(key(one));
        else reported.delete(key(one));
      }
      written += batch.length;
    },
    retract: async (keys) => {
      for (const one of keys) if (reported.delete(key(one))) rows.delete(key(one));
    },
    giveUp: async (keys, why) => {
      for (const one of keys) if (reported.has(key(one))) unprovable.set(key(one), why);
    },
    lacking: async (keys) => keys.filter((one) => !rows.has(key(one)) || reported.has(key(one))),
    floor: async (agentId, keep) => newest(agentId)[keep - 1] ?? null,
    prune: async (agentId, keep) => {
      for (const one of newest(agentId).slice(keep)) rows.delete(key(one));
    },
  };
  return { store: store as DecisionStore, rows, reported, unprovable, written: () => written };
}

function placeTable() {
  const rows = new Map<string, ReadPlace>();
  let broken = false;
  const store: ReadPlaceStore = {
    load: async () => structuredClone([...rows.values()]),
    put: async (places) => {
      if (broken) throw new Error('the power is cut');
      for (const place of places) rows.set(`${place.source}/${place.epoch}`, structuredClone(place));
    },
  };
  return {
    store,
    rows,
    cut: (on: boolean) => {
      broken = on;
    },
  };
}

function reportTable() {
  const rows = new Map<string, Report>();
  const store: ReportStore = {
    load: async () => [...rows.values()],
    add: async (reports) => {
      for (const report of reports) {
        const name = `${linkedKey(report)} ${report.sequence}`;
        if (!rows.has(name)) rows.set(name, report);
      }
    },
    remove: async (chain, upTo) => {
      for (const [name, report] of rows) {
        if (linkedKey(report) === linkedKey(chain) && report.sequence <= upTo) rows.delete(name);
      }
    },
  };
  return { store, rows };
}

/** What is on the hub's disk: it survives a life of the hub. */
export const disk = () => ({ store: new MemoryStore(), ...tables() });

/** The same but for the recording. */
export const tables = () => ({
  marks: memoryMarks(),
  decisions: decisionTable(),
  places: placeTable(),
  reports: reportTable(),
  moments: hybridMarks(),
});

/** @param on.store where blocks are kept: in memory, or wherever a test has them */
export async function hub<Store extends Pick<BlockStore, 'append' | 'heads' | 'blocks'> = MemoryStore>(
  on: ReturnType<typeof tables> & { readonly store: Store } = disk() as never,
  over: { readonly keptMarks?: number; readonly keptDecisions?: number } = {},
) {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  const fleet = new LiveFleet(bus, 'acme', 'test');
  let ids = 0;
  const marks = new Marks({
    bus,
    clock,
    tenant: 'acme',
    fleet,
    alerts: { onChange: () => () => undefined },
    missions: { onChange: () => () => undefined },
    acts: { onAct: () => () => undefined },
    newId: () => `${clock.nowUs()}${++ids}`,
    onShed: () => undefined,
    store: on.marks,
    ...(over.keptMarks === undefined ? {} : { kept: over.keptMarks }),
  });
  const told: Mark[] = [];
  marks.onMark((mark) => told.push(mark));
  const decisions = new DecisionArchive({
    bus,
    clock,
    tenant: 'acme',
    store: on.decisions.store,
    onShed: () => undefined,
    ...(over.keptDecisions === undefined ? {} : { kept: over.keptDecisions }),
  });
  const { store, moments } = on;
  const common = { clock, realClock: clock, tenant: 'acme', store, moments };
  const noted: ReturnType<typeof decodeSignal>[] = [];
  const troubles = new Map<string, Trouble | null>();
  const reports = await Reports.open({
    clock,
    marks,
    decisions,
    store: on.reports.store,
    record: { append: async ({ data }) => void noted.push(decodeSignal(data)) },
    alerts: { say: (agentId, cause, trouble) => void troubles.set(`${agentId} ${cause}`, trouble) },
  });
  const index = await RecordIndex.open({ ...common, marks, decisions, places: on.places.store, reports });
  const link = ({ agentId, epoch }: RobotLife, epochTimeUs = LIFE_BEGAN_US) => {
    const agent = { agentId, linked: true, edgeId: 'e', epoch, role: 'carrier', body: 'carrier', capabilities: [] };
    tell(bus, about('acme', 'link', agentId), packed({ ...agent, epochTimeUs, channels: [] }), 'command');
  };
  /** The hub hears of all that the life says, and of none of its blocks. */
  const hears = (life: RobotLife) => {
    const { agentId, epoch } = life;
    link(life);
    for (const made of life.decisions)
      tell(bus, about('acme', 'decision', agentId), toBinary(DecisionMadeSchema, made), 'telemetry');
    for (const event of life.events)
      tell(bus, about('acme', 'event', agentId), toBinary(AgentEventSchema, event), 'command');
    for (const { atUs, stop } of [{ atUs: 0, stop: 'none' }, ...life.stops]) {
      const status = create(AgentStatusSchema, { agentId, epoch, atUs: BigInt(atUs), stop });
      tell(bus, about('acme', 'status', agentId), toBinary(AgentStatusSchema, status), 'command');
    }
  };
  /** Blocks come home. */
  const takes = async (blocks: readonly SealedBlock[]) => {
    const last = blocks.at(-1);
    if (last === undefined) return;
    await store.append(blocks);
    index.stored({
      source: last.source,
      epoch: last.epoch,
      sequence: last.firstSequence + last.count - 1,
      stored: blocks,
    });
  };
  /** All that is stored is read, however long it takes. */
  const reads = async () => {
    await clock.turn(2 * S);
    let done = false;
    void index.read().then(() => {
      done = true;
    });
    // A store that is a real one answers by the event loop.
    for (; !done; await new Promise(setImmediate)) await clock.turn(S);
  };
  const shown = async () => {
    await reads();
    const { marks: found } = await marks.find(ALL, 1000);
    return found
      .map(({ reported, unprovable = '', ...mark }) => {
        const standing = unprovable === '' ? 'reported' : unprovable;
        return { ...mark, text: reported === true ? `${mark.text} (${standing})` : mark.text };
      })
      .toSorted((a, b) => a.timeUs - b.timeUs || (a.kind + a.text < b.kind + b.text ? -1 : 1))
      .map(({ timeUs, kind, agentId, text, decisionEpoch, decisionSequence }) =>
        [(timeUs - LIFE_BEGAN_US) / S, kind, agentId, text, `${decisionEpoch}.${decisionSequence}`].join(' '),
      );
  };
  const listed = () => [...on.decisions.rows.keys()].sort();
  return {
    ...on,
    on,
    reportedDecisions: on.decisions.reported,
    unprovableDecisions: on.decisions.unprovable,
    reports,
    noted,
    troubles,
    clock,
    reads,
    index,
    marks,
    decisions,
    told,
    hears,
    takes,
    shown,
    listed,
  };
}

export function aLife(): RobotLife {
  const life = new RobotLife('r1', 3);
  life.lives({ atUs: 1 * S, decision: 1 }, { atUs: 2 * S, signals: [{ name: 'violation', body: VIOLATION }] });
  life.lives(
    { atUs: 3 * S, signals: [{ name: 'failsafe', body: RAISED }], decision: 2, padding: 500 },
    { atUs: 4 * S, signals: [{ name: 'failsafe', body: { ...RAISED, change: 'cleared' } }], decision: 3 },
  );
  life.lives({ atUs: 5 * S, stop: 'emergency', decision: 4 }, { atUs: 6 * S, stop: 'reset' });
  return life;
}
export const A_LIFE = [
  '2 violation r1 drive: xM was to be 2 and is 1.5 3.1',
  '3 failsafe r1 protective_stop: too near 3.2',
  '5 stop r1 emergency stop 3.4',
  '6 stop r1 the emergency stop has ended 3.4',
];
export const ITS_DECISIONS = ['r1 3 1', 'r1 3 2', 'r1 3 3', 'r1 3 4'];
