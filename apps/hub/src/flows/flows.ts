import type { Topic } from '../subjects.ts';

/** Who takes part in flows, and where it runs. */
export const ROLES = {
  sensors: { name: 'sensors', place: 'edge' },
  reflex: { name: 'reflex loop', place: 'edge' },
  agent: { name: 'agent', place: 'edge' },
  actuators: { name: 'actuators', place: 'edge' },
  edgeRecorder: { name: 'recorder', place: 'edge' },
  peer: { name: 'peer', place: 'peers' },
  link: { name: 'link', place: 'hub' },
  ingest: { name: 'ingest', place: 'hub' },
  sync: { name: 'sync', place: 'hub' },
  analyzer: { name: 'analyzer', place: 'hub' },
  core: { name: 'core', place: 'hub' },
  supervisor: { name: 'supervisor', place: 'hub' },
  swarm: { name: 'swarm', place: 'hub' },
  gateway: { name: 'command gateway', place: 'hub' },
  arbitration: { name: 'arbitration', place: 'hub' },
  alerts: { name: 'alerts', place: 'hub' },
  chronicle: { name: 'chronicle', place: 'hub' },
  fences: { name: 'fences', place: 'hub' },
  live: { name: 'live view', place: 'hub' },
  record: { name: 'recorder', place: 'hub' },
  history: { name: 'history', place: 'hub' },
  twin: { name: 'twin', place: 'hub' },
  database: { name: 'PostgreSQL', place: 'stores' },
  archive: { name: 'archive', place: 'stores' },
  people: { name: 'people', place: 'people' },
  channels: { name: 'PagerDuty, e-mail, webhook', place: 'people' },
} as const satisfies Readonly<Record<string, { readonly name: string; readonly place: Place }>>;

export type Place = 'edge' | 'peers' | 'hub' | 'stores' | 'people';
export type RoleId = keyof typeof ROLES;
export type FlowId = 'F1' | 'F2' | 'F3' | 'F4' | 'F5' | 'F6' | 'F7' | 'F8' | 'F9' | 'F10' | 'F11' | 'F12';

/** One hand-over: over a topic of the hub's bus, or by what the words say. */
export interface Step {
  readonly from: RoleId;
  readonly to: RoleId;
  readonly over: { readonly topic: Topic } | { readonly by: string };
}

export interface Flow {
  readonly name: string;
  /** Name of its span in a trace. */
  readonly span: `sigma.${string}`;
  readonly steps: readonly Step[];
  /** Steps that are drawn and not walked yet. */
  readonly later: readonly Step[];
}

const topic = (from: RoleId, name: Topic, to: RoleId): Step => ({ from, to, over: { topic: name } });
const by = (from: RoleId, words: string, to: RoleId): Step => ({ from, to, over: { by: words } });

/** Every flow of the system (DESIGN, flows), as the roles of this hub walk it. */
export const FLOWS: Readonly<Record<FlowId, Flow>> = {
  F1: {
    name: 'robot → telemetry → ingest',
    span: 'sigma.telemetry',
    steps: [
      by('sensors', 'frames', 'agent'),
      by('agent', 'gRPC stream', 'link'),
      by('link', 'checked frame', 'ingest'),
      topic('ingest', 'telemetry', 'live'),
    ],
    later: [],
  },
  F2: {
    name: 'ingest → analyzer',
    span: 'sigma.analysis',
    steps: [topic('ingest', 'telemetry', 'analyzer'), topic('analyzer', 'finding', 'alerts')],
    later: [],
  },
  F3: {
    name: 'analyzer → core',
    span: 'sigma.supervision',
    steps: [
      topic('ingest', 'telemetry', 'core'),
      topic('link', 'status', 'core'),
      topic('link', 'asked', 'core'),
      topic('link', 'event', 'core'),
      by('core', 'inputs', 'supervisor'),
    ],
    later: [topic('analyzer', 'finding', 'core')],
  },
  F4: {
    name: 'core → arbitration',
    span: 'sigma.arbitration',
    steps: [
      by('supervisor', 'outputs', 'core'),
      topic('core', 'mission', 'arbitration'),
      topic('core', 'wanted', 'gateway'),
      by('gateway', 'order', 'record'),
    ],
    later: [],
  },
  F5: {
    name: 'command gateway → edge → actuators',
    span: 'sigma.order',
    steps: [
      topic('gateway', 'edge', 'link'),
      by('link', 'signed order', 'agent'),
      by('agent', 'command', 'actuators'),
      topic('link', 'answer', 'gateway'),
      by('fences', 'all in force', 'gateway'),
    ],
    later: [],
  },
  F6: {
    name: 'ingest → PostgreSQL → archive',
    span: 'sigma.history',
    steps: [by('ingest', 'a sample a second', 'history'), by('history', 'rows', 'database')],
    later: [by('database', 'after 90 days', 'archive')],
  },
  F7: {
    name: 'telemetry → twin → simulation → prediction',
    span: 'sigma.twin',
    steps: [],
    later: [topic('ingest', 'telemetry', 'twin'), by('twin', 'predictions', 'people')],
  },
  F8: {
    name: 'supervisor ↔ swarm',
    span: 'sigma.mission',
    steps: [
      by('people', 'mission', 'arbitration'),
      topic('arbitration', 'wish', 'core'),
      by('people', 'fence', 'fences'),
      topic('fences', 'wish', 'core'),
      by('supervisor', 'tasks and bids', 'swarm'),
      by('swarm', 'allocation, right of way', 'supervisor'),
      topic('core', 'mission', 'live'),
    ],
    later: [],
  },
  F9: {
    name: 'peer ↔ peer',
    span: 'sigma.mesh',
    steps: [],
    later: [by('agent', 'election, hazards, avoidance', 'peer'), by('peer', 'promises', 'agent')],
  },
  F10: {
    name: 'reflex and failsafe chain',
    span: 'sigma.failsafe',
    steps: [
      by('sensors', 'frame', 'reflex'),
      by('reflex', 'stop', 'actuators'),
      by('agent', 'status', 'link'),
      topic('link', 'status', 'alerts'),
      by('people', 'stop', 'gateway'),
      topic('link', 'event', 'chronicle'),
      topic('link', 'status', 'chronicle'),
      by('chronicle', 'marks and acts', 'database'),
    ],
    later: [],
  },
  F11: {
    name: 'alerts → PagerDuty, e-mail, webhook',
    span: 'sigma.alert',
    steps: [
      topic('alerts', 'alert', 'live'),
      by('alerts', 'change', 'record'),
      by('alerts', 'raised', 'chronicle'),
      by('live', 'alert', 'people'),
    ],
    later: [by('alerts', 'notification', 'channels')],
  },
  F12: {
    name: 'recorder → sync → hub → replay',
    span: 'sigma.record',
    steps: [
      by('agent', 'events', 'edgeRecorder'),
      topic('link', 'decision', 'arbitration'),
      by('arbitration', 'decisions', 'database'),
      by('edgeRecorder', 'blocks', 'link'),
      by('link', 'batches', 'sync'),
      by('sync', 'blocks', 'record'),
      by('record', 'blocks', 'people'),
    ],
    later: [],
  },
};
