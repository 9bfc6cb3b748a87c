import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryBus, subjectOf } from '@sigma/bus';
import { HybridClock, hubWitnessName, memoryMarks, type SigningKey, type TextConflict } from '@sigma/recorder';
import { ed25519Key } from '@sigma/recorder/keys';
import { createAnalyzer } from '@sigma/telemetry';
import { type Clock, systemClock } from './clock.ts';
import { People as KnownPeople } from './identity/people.ts';
import { indexTexts } from './identity/text-index.ts';
import { postgresTexts, WrittenTexts } from './identity/written-texts.ts';
import { markLate } from './link/late-marking.ts';
import { LinkDesk } from './link/link-desk.ts';
import { LiveFleet } from './live/live-fleet.ts';
import type { HubOptions } from './main.ts';
import type { Roles } from './queries/context.ts';
import { openProofDesk } from './queries/proof-desk.ts';
import { postgresAlerts } from './roles/alerts/alert-store.ts';
import { Alerts, type Trouble } from './roles/alerts/alerts.ts';
import { HUB } from './roles/alerts/causes.ts';
import { postgresSilences, Silences } from './roles/alerts/silences.ts';
import { AnalyzerRole } from './roles/analyzer/analyzer.ts';
import { DecisionArchive, postgresDecisions } from './roles/arbitration/decision-archive.ts';
import { ChainRecord, signal } from './roles/arbitration/hub-record.ts';
import { MissionLedger, postgresMissions } from './roles/arbitration/mission-ledger.ts';
import { Acts, postgresActs } from './roles/chronicle/acts.ts';
import { postgresMarks } from './roles/chronicle/mark-store.ts';
import { Marks } from './roles/chronicle/marks.ts';
import { postgresReadPlaces } from './roles/chronicle/read-places.ts';
import { RecordIndex } from './roles/chronicle/record-index.ts';
import { postgresReports } from './roles/chronicle/report-store.ts';
import { Reports } from './roles/chronicle/reports.ts';
import { Core } from './roles/core/core.ts';
import { postgresPlanner } from './roles/core/planner-memory.ts';
import { FenceDesk } from './roles/fences/fence-desk.ts';
import { postgresFences } from './roles/fences/fence-store.ts';
import { ActiveFaults, postgresFaults } from './roles/gateway/active-faults.ts';
import { Gateway } from './roles/gateway/gateway.ts';
import { LeaseDesk, postgresLeases } from './roles/gateway/leases.ts';
import { keptOrderKey } from './roles/gateway/order-key.ts';
import { PaceDesk } from './roles/gateway/pace-desk.ts';
import { postgresHighWater, Sequences } from './roles/gateway/sequences.ts';
import { PostgresHistory } from './roles/ingest/history.ts';
import { Ingest, refusedCount } from './roles/ingest/ingest.ts';
import { BacklogThread } from './roles/sync/backlog-thread.ts';
import { SyncRole } from './roles/sync/sync-role.ts';
import { keptUpkeep, Upkeep } from './roles/upkeep/upkeep.ts';
import { openOwnHeads } from './roles/witness/own-heads.ts';
import { WitnessRole } from './roles/witness/witness-role.ts';
import { postgresWitness } from './roles/witness/witness-store.ts';
import { witnessKeyText } from './roles/witness/witness-words.ts';
import { openSiteTime, type SiteTime } from './site-clock.ts';
import { keptSecret } from './store/data-dir.ts';
import type { Database } from './store/database.ts';
import { type HubRecording, openHubRecording, withMoved } from './store/recording.ts';
import { inHybridTime } from './store/sync-marks.ts';

type Closing = (() => Promise<void> | void)[];

/** Everything of `Roles` that needs neither the door nor people's accounts. */
export type Composed = Omit<Roles, 'accounts'> & { readonly record: ChainRecord; readonly siteTime: SiteTime | null };

const RECORDER_FAILED = 'recorder:failed';
const FENCES_REFUSED = 'fences:refused';
const TEXTS_MISSED = 'texts:missed';
const CRITICAL = 4;
const WARNING = 3;

/** What every role is given. */
interface Ground {
  readonly options: HubOptions;
  readonly database: Database;
  readonly tenant: string;
  readonly clock: Clock;
  /** Of a simulated site whose time can be set. */
  readonly siteTime: SiteTime | null;
  readonly bus: MemoryBus;
  readonly record: ChainRecord;
  readonly newId: () => string;
  readonly closing: Closing;
  /** Puts a loss on record (law L8). */
  readonly lost: (name: `hub.${string}`, of: string) => (count: number, why: string) => void;
}

/** Opens every role of the hub in this process, each closed again by what it leaves in `closing`, and restores them. */
export async function composeRoles(options: HubOptions, database: Database, closing: Closing): Promise<Composed> {
  markLate();
  const ground = await openGround(options, database, closing);
  const { tenant, clock, siteTime, bus, record, newId } = ground;
  const { onPace } = options;
  const telemetry = openTelemetry(ground);
  const planning = await openPlanning(ground);
  const fleet = new LiveFleet(bus, tenant, 'live');
  const people = openPeople(ground, planning, fleet);
  const witness = openWitness(ground, people);
  const reports = await Reports.open({
    clock,
    record,
    alerts: people.alerts,
    marks: people.marks,
    decisions: planning.decisions,
    store: postgresReports(database, tenant),
  });
  const index = await RecordIndex.open({
    clock,
    realClock: systemClock(),
    tenant,
    store: ground.recording,
    marks: people.marks,
    decisions: planning.decisions,
    moments: ground.marks,
    places: postgresReadPlaces(database, tenant),
    reports,
  });
  closing.push(() => index.close());
  const backlogs = openBacklogs(ground, index);
  const sync = new SyncRole({
    clock,
    realClock: systemClock(),
    tenant,
    record,
    alerts: people.alerts,
    store: ground.recording,
    backlogs,
    ...(options.dataUrl !== undefined && { dataUrl: options.dataUrl }),
    hybrid: ground.hybrid,
    marks: ground.marks,
    index,
  });
  const link = new LinkDesk({
    bus,
    clock,
    tenant,
    ingest: telemetry.ingest,
    record,
    orderKey: planning.gateway.publicKey,
    witness,
    sync,
  });
  recordLosses(bus, tenant, record);
  await restore(ground, planning, people);
  await restoreTexts(ground, people);
  const { path, recording } = ground;
  const tasks = options.upkeep?.(path) ?? [];
  const memory = keptUpkeep(join(options.dataDir, 'upkeep.json'));
  // Days are those of the wall clock, whatever the time of the site.
  const upkeep = new Upkeep({ clock: systemClock(), record, alerts: people.alerts, tasks, memory });
  closing.push(() => upkeep.close());
  const ofHub = {
    path,
    heads: () => recording.heads(),
    blocks: recording.blocks.bind(recording),
    snapshotBefore: recording.snapshotBefore.bind(recording),
  };
  const blocks = options.showWith?.(ofHub) ?? ofHub;
  const proofs = openProofDesk(blocks, join(options.dataDir, 'shown'), headKey(options.dataDir));
  closing.push(() => proofs.close());
  const { history, ...live } = telemetry;
  return {
    ...live,
    ...planning,
    ...people,
    tenant,
    clock,
    record,
    siteTime,
    pace: siteTime === null || onPace === undefined ? null : new PaceDesk(siteTime, record, onPace),
    fleet,
    index,
    link,
    blocks,
    proofs,
    forks: options.forks?.(path) ?? null,
    site: options.site,
    faults: options.faults ?? null,
    version: options.version ?? '0.1.0',
    startedTimeUs: clock.nowUs(),
    newId,
    health: () => health(ground, telemetry, planning, people, link, witness, sync, index, history),
  };
}

async function openGround(options: HubOptions, database: Database, closing: Closing) {
  const { tenant } = options;
  const siteTime = options.onPace === undefined ? null : openSiteTime(options.dataDir);
  if (siteTime !== null) closing.push(siteTime.close);
  const clock = siteTime?.clock ?? systemClock();
  const newId = (): string => `${Math.floor(clock.nowUs() / 1000).toString(36)}${randomBytes(4).toString('hex')}`;
  const own = options.recording === undefined ? await openHubRecording({ ...options, database }) : null;
  if (own !== null) closing.push(() => own.close());
  const recording = options.recording ?? (own as HubRecording).store;
  const path = own?.path ?? 'the recording of whoever started the hub';
  // Whoever brought the recording keeps what is beside it.
  const marks = own?.marks ?? memoryMarks();
  const hybrid = new HybridClock((await marks.newest()) ?? undefined);
  const stamped = inHybridTime(recording, hybrid, marks.add);
  const record = await ChainRecord.open(stamped, clock, tenant, `sigma-hub ${options.version ?? '0.1.0'}`);
  const bus = new MemoryBus({ nowUs: () => clock.nowUs() });
  closing.push(() => bus.close());
  const lost = (name: `hub.${string}`, of: string) => (count: number, why: string) => {
    void record.append(signal(name, of, { count, why })).catch(() => undefined);
  };
  return {
    options,
    database,
    tenant,
    clock,
    siteTime,
    bus,
    record,
    newId,
    closing,
    lost,
    path,
    recording,
    moved: own?.moved ?? [],
    besideUrl: own?.besideUrl ?? null,
    hybrid,
    marks,
  };
}

/** The thread that takes in backlogs, where the recording can be written by another one. */
function openBacklogs(
  { options, record, besideUrl: url, tenant, marks, closing }: Awaited<ReturnType<typeof openGround>>,
  index: RecordIndex,
) {
  if (url === null) return null;
  const { host = '127.0.0.1', dataPort = 0 } = options;
  const backlogs = new BacklogThread({
    ...{ url, tenant, index },
    dataPort: dataPort === null ? null : { host, port: dataPort },
    deaf: (message) => void record.append(signal('hub.data_port_failed', 'hub', { message })).catch(() => undefined),
    keep: (mark) => marks.add(mark),
  });
  closing.push(() => backlogs.close());
  return backlogs;
}

function openTelemetry({ options, database, tenant, clock, bus, closing, lost }: Ground) {
  const history = new PostgresHistory(database, tenant, clock, lost('hub.history_shed', 'telemetry_samples'));
  closing.push(() => history.close());
  const ingest = new Ingest({ bus, clock, tenant, history });
  const analyzerOf = options.analyzerOf ?? ((_, schemas) => createAnalyzer(schemas));
  return { history, ingest, analyzer: new AnalyzerRole({ bus, tenant, analyzerOf }) };
}

async function openPlanning({ options, database, tenant, clock, bus, record, newId, closing, lost }: Ground) {
  const missions = new MissionLedger({ bus, clock, tenant, record, store: postgresMissions(database, tenant) });
  closing.push(() => missions.settled());
  const store = postgresDecisions(database, tenant);
  const onShed = lost('hub.decisions_shed', 'decisions');
  const decisions = new DecisionArchive({ bus, clock, tenant, store, onShed });
  closing.push(() => decisions.close());
  const planners = postgresPlanner(database, tenant);
  const { supervisor } = options;
  const core = new Core({ bus, clock, tenant, supervisor, planners, siteDigest: options.site.digest });
  closing.push(() => core.close());
  const sequences = await Sequences.open(postgresHighWater(database, tenant));
  const gateway = new Gateway({ bus, clock, tenant, record, key: keptOrderKey(options.dataDir), sequences });
  const leases = new LeaseDesk({ clock, record, gateway, store: postgresLeases(database, tenant), newId });
  closing.push(() => leases.close());
  const fences = new FenceDesk({ bus, clock, tenant, record, gateway, store: postgresFences(database, tenant) });
  closing.push(() => fences.close());
  return { missions, decisions, core, gateway, leases, fences };
}

type Planning = Awaited<ReturnType<typeof openPlanning>>;

function openPeople(ground: Ground, { missions, fences }: Planning, fleet: LiveFleet) {
  const { options, database, tenant, clock, bus, record, newId, closing, lost } = ground;
  const silences = new Silences({ clock, record, newId, store: postgresSilences(database, tenant) });
  const store = postgresAlerts(database, tenant);
  const alerts = new Alerts({ bus, clock, tenant, record, newId, store, silences, causes: options.causes });
  closing.push(() => alerts.close());
  fences.onRefusal((agentId, reason) => {
    const text = `it does not obey the fences that people drew: ${reason}`;
    const advice = 'Stop it before it comes near one, then link it again';
    alerts.say(agentId, FENCES_REFUSED, reason === null ? null : { level: CRITICAL, text, advice });
  });
  fences.onConflict(({ id, name }, conflicts) => {
    alerts.say(HUB, `conflict:fence/${id}`, conflicts.length === 0 ? null : noteConflict(name, conflicts));
  });
  const known = new KnownPeople(join(options.dataDir, 'hub.sqlite'));
  known.introduceTo(record);
  const texts = new WrittenTexts({ people: known, record, store: postgresTexts(database, tenant) });
  const acts = new Acts({ clock, record, newId, people: known, store: postgresActs(database, tenant) });
  const heard = { alerts, missions, acts };
  const onShed = lost('hub.marks_shed', 'marks');
  const marks = new Marks({
    bus,
    clock,
    tenant,
    fleet,
    newId,
    onShed,
    ...heard,
    store: postgresMarks(database, tenant),
  });
  closing.push(() => marks.close());
  const activeFaults = new ActiveFaults({ clock, fleet, store: postgresFaults(database, tenant) });
  return { silences, alerts, acts, marks, activeFaults, people: known, texts };
}

/** What people are told of a note that two of them changed in the same lines. */
function noteConflict(name: string, conflicts: readonly TextConflict[]): Trouble {
  const said = (lines: readonly string[]): string => `'${lines.join(' / ')}'`;
  const each = conflicts.map(
    ({ base, ours, theirs }) => `it was ${said(base)}, it stands as ${said(ours)}, it was to become ${said(theirs)}`,
  );
  return {
    level: WARNING,
    text: `two people changed the same lines of the note of fence '${name}': ${each.join('; ')}`,
    advice: 'Write the note as it is to be; both versions are on record',
  };
}

type People = ReturnType<typeof openPeople>;

const headSeed = (dataDir: string): Uint8Array =>
  new Uint8Array(Buffer.from(keptSecret(dataDir, 'heads', 32), 'base64url'));

/** Signs the heads of chains that the hub answers for. */
const headKey = (dataDir: string): SigningKey => ed25519Key(headSeed(dataDir));

/** The witness of what edges record; a recording that the caller brought is his to have witnessed. */
function openWitness(ground: Ground & { readonly path: string }, { alerts }: People): WitnessRole {
  const { options, database, tenant, clock, bus, record, path } = ground;
  const { dataDir } = options;
  const seed = headSeed(dataDir);
  const key = headKey(dataDir);
  const acceptIn = join(dataDir, 'keys', 'edges-accepted');
  const shelf = join(dataDir, 'hub.sqlite');
  const own = options.recording === undefined ? openOwnHeads({ path, dataDir, shelf, seed, tenant }) : null;
  writeFileSync(join(dataDir, 'witness.pub'), `${witnessKeyText(hubWitnessName(tenant), key.publicKey)}\n`);
  return new WitnessRole({
    bus,
    clock,
    tenant,
    record,
    alerts,
    store: postgresWitness(database, tenant),
    key,
    ownHeads: own,
    accepted: () =>
      existsSync(acceptIn)
        ? readFileSync(acceptIn, 'utf8')
            .split('\n')
            .map((line) => line.trim())
        : [],
    acceptIn,
    ...(options.headsEveryMs === undefined ? {} : { everyUs: options.headsEveryMs * 1000 }),
  });
}

async function restore(
  { record }: Ground,
  { core, leases, missions, fences }: Planning,
  people: People,
): Promise<void> {
  const { alerts, silences, activeFaults } = people;
  await silences.restore();
  await alerts.restore();
  alerts.say(HUB, RECORDER_FAILED, null);
  record.onFailure(({ message }) => {
    const advice = 'Make room or mend the disk, then start the hub again; until then only stops leave';
    alerts.say(HUB, RECORDER_FAILED, { level: CRITICAL, text: message, advice });
  });
  await activeFaults.restore();
  await leases.restore();
  const left = await core.restore();
  if (left !== null)
    void record.append(signal('hub.planner_state_left', 'core', { reason: left })).catch(() => undefined);
  await fences.restore();
  await missions.restore();
}

/** Texts are found by a table; whatever of them it has lost stands on the hub's own chain. */
async function restoreTexts(
  { options, database, tenant, record, recording, moved }: Awaited<ReturnType<typeof openGround>>,
  { alerts }: People,
): Promise<void> {
  const { dataDir, s3 = null } = options;
  const whole = await withMoved({ store: recording, moved }, dataDir, s3);
  try {
    const { added, missed } = await indexTexts(whole.recording, recording, tenant, postgresTexts(database, tenant));
    if (added > 0) void record.append(signal('hub.texts_restored', 'texts', { count: added })).catch(() => undefined);
    const text = `texts that people wrote could not all be looked for on record: ${missed?.message ?? ''}`;
    const advice = 'Where a reference stands in the place of words, bring back what holds the record, and start again';
    alerts.say(HUB, TEXTS_MISSED, missed === null ? null : { level: WARNING, text, advice });
  } finally {
    await whole.close();
  }
}

function health(
  { record }: Ground,
  { ingest, analyzer }: ReturnType<typeof openTelemetry>,
  { core, gateway, decisions }: Planning,
  { marks, acts }: People,
  link: LinkDesk,
  witness: WitnessRole,
  sync: SyncRole,
  index: RecordIndex,
  history: PostgresHistory,
): ReturnType<Roles['health']> {
  const said = (name: string, ok: boolean, detail: string) => ({ name, ok, detail });
  const forgets = core.forgetful === null ? null : `a restart would forget who does what: ${core.forgetful.message}`;
  return [
    said('ingest', true, `${ingest.total.accepted} frames accepted, ${refusedCount(ingest.total)} refused`),
    said('analyzer', true, `${analyzer.analyzed} frames analyzed`),
    said('core', forgets === null, forgets ?? `${core.supervisions} supervisions`),
    said(
      'gateway',
      record.failure === null,
      `${gateway.sent} orders sent, ${gateway.undelivered} undelivered, ${gateway.held} held back for want of a record`,
    ),
    said('recorder', record.failure === null, record.failure?.message ?? `epoch ${record.chain.epoch}`),
    said('history', history.shed === 0, `${history.written} samples written, ${history.shed} shed`),
    said(
      'decisions',
      decisions.shed === 0,
      `${decisions.written} decisions kept, ${decisions.shed} left to the robots' own recordings`,
    ),
    said(
      'chronicle',
      marks.shed + acts.shed === 0,
      `${marks.written} marks kept, ${marks.shed} marks and ${acts.shed} acts lost`,
    ),
    said('link', true, `${link.edges} edges linked`),
    said(
      'sync',
      sync.failure === null,
      sync.failure ?? `${sync.counts.blocks} blocks of edges kept, ${sync.counts.refused} batches refused`,
    ),
    said(
      'index',
      index.failure === null,
      index.failure ?? `${index.counts.events} events of robots looked into${missingWords(index)}`,
    ),
    said(
      'witness',
      witness.failure === null,
      witness.failure ??
        `${witness.counts.cosigned} heads of edges cosigned, ${witness.counts.refused} refused; edges cosigned ${witness.counts.witnessed} of the hub's`,
    ),
  ];
}

/** Robots whose record is on its way, and up to when it is here. */
function missingWords(index: RecordIndex): string {
  const missing = index.homecomings(new Map());
  const [first] = missing;
  if (first === undefined) return '';
  const upTo = first.upToUs === 0 ? 'nothing yet' : `up to ${new Date(first.upToUs / 1000).toISOString()}`;
  const others = missing.length > 1 ? ` and ${missing.length - 1} others` : '';
  return `; on its way from ${first.source} (${upTo})${others}`;
}

/** What the bus had to shed or could not get handled goes on record (law L8). */
function recordLosses(bus: MemoryBus, tenant: string, record: ChainRecord): void {
  const decoder = new TextDecoder();
  bus.subscribe(
    subjectOf(tenant, 'bus', 'loss'),
    (message) => {
      const report = JSON.parse(decoder.decode(message.data)) as { readonly subscription: string };
      void record.append(signal('hub.bus_loss', report.subscription, { ...report })).catch(() => undefined);
    },
    { name: 'arbitration.loss' },
  );
}
