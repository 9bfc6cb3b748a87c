import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryBus, subjectOf } from '@sigma/bus';
import {
  AgentLinkService,
  AlertService,
  FleetService,
  IngestService,
  MissionService,
  RecordService,
  SimulationService,
  SiteService,
} from '@sigma/proto';
import type { BlockStore } from '@sigma/recorder';
import { openSqliteRecorder } from '@sigma/recorder/sqlite';
import { createAnalyzer } from '@sigma/telemetry';
import { systemClock } from './clock.ts';
import { type NodeHandler, openDoor } from './door/door.ts';
import { type Listener, listen } from './door/listener.ts';
import { openIdentity } from './identity/identity.ts';
import { LinkDesk } from './link/link-desk.ts';
import { LiveFleet } from './live/live-fleet.ts';
import { alertQueries } from './queries/alerts.ts';
import type { Roles } from './queries/context.ts';
import { fleetQueries } from './queries/fleet.ts';
import { ingestQueries } from './queries/ingest.ts';
import { missionQueries } from './queries/missions.ts';
import { type BlockReader, recordQueries } from './queries/records.ts';
import { simulationQueries } from './queries/simulation.ts';
import { siteQueries } from './queries/site.ts';
import { Alerts, postgresAlerts } from './roles/alerts/alerts.ts';
import { type AnalyzerOf, AnalyzerRole } from './roles/analyzer/analyzer.ts';
import { DecisionArchive, postgresDecisions } from './roles/arbitration/decision-archive.ts';
import { ChainRecord, signal } from './roles/arbitration/hub-record.ts';
import { MissionLedger, postgresMissions } from './roles/arbitration/mission-ledger.ts';
import { Core } from './roles/core/core.ts';
import { postgresPlanner } from './roles/core/planner-memory.ts';
import type { Supervisor } from './roles/core/supervisor.ts';
import { Gateway } from './roles/gateway/gateway.ts';
import { LeaseDesk, postgresLeases } from './roles/gateway/leases.ts';
import { keptOrderKey } from './roles/gateway/order-key.ts';
import { postgresHighWater, Sequences } from './roles/gateway/sequences.ts';
import { PostgresHistory } from './roles/ingest/history.ts';
import { Ingest, refusedCount } from './roles/ingest/ingest.ts';
import { forOwnerOnly, keptSecret, takeDataDir } from './store/data-dir.ts';
import { type Database, openDatabase } from './store/database.ts';
import { type EmbeddedPostgres, startEmbedded } from './store/embedded.ts';

export interface HubOptions {
  readonly tenant: string;
  /** Everything the hub keeps lies below: keys, database, its recording. */
  readonly dataDir: string;
  readonly site: { readonly json: string; readonly digest: string };
  readonly supervisor: Supervisor;
  /** Loopback unless another is named. */
  readonly host?: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** A PostgreSQL of one's own, as owner of its database; else one is run below `dataDir`. */
  readonly databaseUrl?: string | undefined;
  /** Names of the faults that a simulated fleet accepts; absent for a real one. */
  readonly faults?: readonly string[] | undefined;
  /** Folder of the built dashboard. */
  readonly pages?: string | undefined;
  /** Where the hub's own chain goes; else a file below `dataDir`. The caller closes what it brings. */
  readonly recording?: BlockStore | undefined;
  /** What the record queries read; else the hub's own recording. */
  readonly blocks?: BlockReader | undefined;
  readonly analyzerOf?: AnalyzerOf | undefined;
  readonly operatorEmail?: string | undefined;
  /** Origins besides its own whose pages may sign in. */
  readonly trustedOrigins?: readonly string[] | undefined;
  readonly version?: string | undefined;
}

export interface Hub {
  readonly url: string;
  readonly port: number;
  /** What an edge or a feed shows at the door. */
  readonly joinToken: string;
  /** `password` only at the first start, and nowhere else. */
  readonly operator: { readonly email: string; readonly password: string | null };
  /** Path of the hub's recording, or of what `blocks` names. */
  readonly recordingPath: string;
  close(): Promise<void>;
}

const RECORDER_FAILED = 'recorder:failed';
const DEFAULT_OPERATOR = 'operator@sigma.local';
const SERVICES = [
  AgentLinkService,
  SiteService,
  FleetService,
  MissionService,
  AlertService,
  SimulationService,
  RecordService,
  IngestService,
];

/**
 * Starts every role of the hub in this process and opens its port. What was opened is closed again when a later step
 * fails.
 * @throws PortInUseError, DataDirError, PostgresStartError, NewerSchemaError, StoreError
 */
export async function startHub(options: HubOptions): Promise<Hub> {
  const closing: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (let step = closing.pop(); step !== undefined; step = closing.pop()) await step();
  };
  try {
    closing.push(takeDataDir(options.dataDir));
    const door: { handler: NodeHandler } = { handler: notReady };
    const host = options.host ?? '127.0.0.1';
    const listener = await listen(host, options.port, (request, response) => door.handler(request, response));
    closing.push(() => listener.close());
    const database = await openStore(options, closing);
    return await openRoles(options, host, listener, database, door, closing, close);
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

const notReady: NodeHandler = (_, response) => {
  response.writeHead(503, { 'retry-after': '1', 'content-type': 'text/plain' });
  response.end('the hub is starting\n');
};

async function openStore(options: HubOptions, closing: (() => Promise<void> | void)[]): Promise<Database> {
  let server: EmbeddedPostgres | null = null;
  if (options.databaseUrl === undefined) {
    server = await startEmbedded(options.dataDir);
    closing.push(() => (server as EmbeddedPostgres).stop());
  }
  const database = await openDatabase(
    options.databaseUrl ?? (server as EmbeddedPostgres).url,
    keptSecret(options.dataDir, 'app-role', 24),
  );
  closing.push(() => database.close());
  return database;
}

async function openRoles(
  options: HubOptions,
  host: string,
  listener: Listener,
  database: Database,
  door: { handler: NodeHandler },
  closing: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<Hub> {
  const { tenant, dataDir } = options;
  const version = options.version ?? '0.1.0';
  const clock = systemClock();
  const newId = (): string => `${Math.floor(clock.nowUs() / 1000).toString(36)}${randomBytes(4).toString('hex')}`;
  const path = join(dataDir, 'hub.sqlite');
  if (options.recording === undefined) forOwnerOnly(path);
  const recording = options.recording ?? (await openSqliteRecorder(path));
  if (options.recording === undefined) closing.push(() => recording.close());
  const record = await ChainRecord.open(recording, clock, tenant, `sigma-hub ${version}`);
  const bus = new MemoryBus({ nowUs: () => clock.nowUs() });
  closing.push(() => bus.close());

  const history = new PostgresHistory(database, tenant, clock, (count, why) => {
    void record.append(signal('hub.history_shed', 'telemetry_samples', { count, why })).catch(() => undefined);
  });
  closing.push(() => history.close());
  const ingest = new Ingest({ bus, clock, tenant, history });
  const analyzer = new AnalyzerRole({
    bus,
    tenant,
    analyzerOf: options.analyzerOf ?? ((_, schemas) => createAnalyzer(schemas)),
  });
  const alerts = new Alerts({ bus, clock, tenant, record, store: postgresAlerts(database, tenant), newId });
  closing.push(() => alerts.close());
  const missions = new MissionLedger({ bus, clock, tenant, record, store: postgresMissions(database, tenant) });
  closing.push(() => missions.settled());
  const decisions = new DecisionArchive({
    bus,
    clock,
    tenant,
    store: postgresDecisions(database, tenant),
    onShed: (count, why) =>
      void record.append(signal('hub.decisions_shed', 'decisions', { count, why })).catch(() => undefined),
  });
  closing.push(() => decisions.close());
  const core = new Core({
    bus,
    clock,
    tenant,
    supervisor: options.supervisor,
    planners: postgresPlanner(database, tenant),
    siteDigest: options.site.digest,
  });
  closing.push(() => core.close());
  const sequences = await Sequences.open(postgresHighWater(database, tenant));
  const gateway = new Gateway({ bus, clock, tenant, record, key: keptOrderKey(dataDir), sequences });
  const leases = new LeaseDesk({ clock, record, gateway, store: postgresLeases(database, tenant), newId });
  closing.push(() => leases.close());
  const fleet = new LiveFleet(bus, tenant, 'live');
  const link = new LinkDesk({ bus, clock, tenant, ingest, record, orderKey: gateway.publicKey });
  closing.push(
    () => listener.close(),
    () => link.close(),
    () => {
      door.handler = notReady;
    },
  );
  recordLosses(bus, tenant, record);
  await alerts.restore();
  alerts.aboutHub(RECORDER_FAILED, null);
  record.onFailure(({ message }) => {
    alerts.aboutHub(RECORDER_FAILED, {
      text: message,
      advice: 'Make room or mend the disk, then start the hub again; until then only stops leave',
    });
  });
  await leases.restore();
  const left = await core.restore();
  if (left !== null)
    void record.append(signal('hub.planner_state_left', 'core', { reason: left })).catch(() => undefined);
  await missions.restore();

  const joinToken = keptSecret(dataDir, 'join-token', 24);
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}`;
  const own = [url, `http://localhost:${listener.port}`, `http://127.0.0.1:${listener.port}`];
  const trustedOrigins = [...own, ...(options.trustedOrigins ?? [])];
  const secret = keptSecret(dataDir, 'session-secret', 32);
  const identity = openIdentity({ database, tenant, url, trustedOrigins, secret, joinToken });
  const operator = await identity.firstOperator(options.operatorEmail ?? DEFAULT_OPERATOR);
  const blocks = options.blocks ?? { path, heads: () => recording.heads(), blocks: recording.blocks.bind(recording) };
  const roles: Roles = {
    tenant,
    clock,
    fleet,
    ingest,
    core,
    gateway,
    leases,
    missions,
    alerts,
    decisions,
    link,
    blocks,
    site: options.site,
    faults: options.faults ?? null,
    version,
    startedTimeUs: clock.nowUs(),
    newId,
    health: () => [
      {
        name: 'ingest',
        ok: true,
        detail: `${ingest.total.accepted} frames accepted, ${refusedCount(ingest.total)} refused`,
      },
      { name: 'analyzer', ok: true, detail: `${analyzer.analyzed} frames analyzed` },
      {
        name: 'core',
        ok: core.forgetful === null,
        detail:
          core.forgetful === null
            ? `${core.supervisions} supervisions`
            : `a restart would forget who does what: ${core.forgetful.message}`,
      },
      {
        name: 'gateway',
        ok: record.failure === null,
        detail: `${gateway.sent} orders sent, ${gateway.undelivered} undelivered, ${gateway.held} held back for want of a record`,
      },
      {
        name: 'recorder',
        ok: record.failure === null,
        detail: record.failure?.message ?? `epoch ${record.chain.epoch}`,
      },
      { name: 'history', ok: history.shed === 0, detail: `${history.written} samples written, ${history.shed} shed` },
      {
        name: 'decisions',
        ok: decisions.shed === 0,
        detail: `${decisions.written} decisions kept, ${decisions.shed} left to the robots' own recordings`,
      },
      { name: 'link', ok: true, detail: `${link.edges} edges linked` },
    ],
  };
  door.handler = openDoor({
    identity,
    services: SERVICES,
    pages: options.pages !== undefined && existsSync(options.pages) ? options.pages : null,
    version,
    healthy: () => record.failure === null,
    routes: (router) => {
      router
        .service(AgentLinkService, { connect: (frames) => link.serve(frames) })
        .service(SiteService, siteQueries(roles))
        .service(FleetService, fleetQueries(roles))
        .service(MissionService, missionQueries(roles))
        .service(AlertService, alertQueries(roles))
        .service(SimulationService, simulationQueries(roles))
        .service(RecordService, recordQueries(roles))
        .service(IngestService, ingestQueries(roles));
    },
  });
  return { url, port: listener.port, joinToken, operator, recordingPath: blocks.path, close };
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
