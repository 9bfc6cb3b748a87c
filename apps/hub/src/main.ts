import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  AccountService,
  AgentLinkService,
  AlertService,
  ArchiveService,
  FleetService,
  ForkService,
  ImportService,
  IngestService,
  MissionService,
  RecordService,
  SimulationService,
  SiteService,
} from '@sigma/proto';
import type { BlockStore } from '@sigma/recorder';
import type { S3Access } from '@sigma/recorder/archive';
import { composeRoles } from './compose.ts';
import { OWN_MACHINE } from './door/caller-address.ts';
import { type NodeHandler, openDoor } from './door/door.ts';
import { type Listener, listen } from './door/listener.ts';
import { AccountDesk } from './identity/accounts.ts';
import { openIdentity } from './identity/identity.ts';
import { ImportDesk } from './imports/import-desk.ts';
import { accountQueries } from './queries/accounts.ts';
import { alertQueries } from './queries/alerts.ts';
import type { Roles } from './queries/context.ts';
import { fleetQueries } from './queries/fleet.ts';
import type { ForkDesk } from './queries/fork-desk.ts';
import { forkQueries } from './queries/forks.ts';
import { importQueries } from './queries/imports.ts';
import { ingestQueries } from './queries/ingest.ts';
import { missionQueries } from './queries/missions.ts';
import type { QuestionDesk } from './queries/question-desk.ts';
import { questionQueries } from './queries/questions.ts';
import { type BlockReader, recordQueries } from './queries/records.ts';
import { simulationQueries } from './queries/simulation.ts';
import { siteQueries } from './queries/site/site.ts';
import type { CausalRule } from './roles/alerts/causes.ts';
import type { AnalyzerOf } from './roles/analyzer/analyzer.ts';
import type { Supervisor } from './roles/core/supervisor.ts';
import type { UpkeepTask } from './roles/upkeep/upkeep.ts';
import type { Pace } from './site-clock.ts';
import { keptSecret, takeDataDir } from './store/data-dir.ts';
import { type Database, openDatabase } from './store/database.ts';
import { type EmbeddedPostgres, startEmbedded } from './store/embedded.ts';

const LOOK_AT_IMPORTS_US = 3_600_000_000;

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
  /** Where packs of backlogs come in beside the links (recorder/SPEC.md R197): any free port unless one is named; null: nowhere. */
  readonly dataPort?: number | null | undefined;
  /** Where edges reach it when a proxy stands before it: http: or https:, with its path. */
  readonly dataUrl?: string | undefined;
  /** Key of the server that archives in buckets rest on. */
  readonly s3?: S3Access | null | undefined;
  /** A PostgreSQL of one's own, as owner of its database; else one is run below `dataDir`. */
  readonly databaseUrl?: string | undefined;
  /** Names of the faults that a simulated fleet accepts; absent for a real one. */
  readonly faults?: readonly string[] | undefined;
  /** A simulated site whose time can be set: tells the bodies beside the hub how it passes from now on. */
  readonly onPace?: ((pace: Pace) => void) | undefined;
  /** Folder of the built dashboard. */
  readonly pages?: string | undefined;
  /** Where the hub's own chain goes; else `databaseUrl`, or a file below `dataDir`. The caller closes what it brings. */
  readonly recording?: BlockStore | undefined;
  /** What the record queries read, given the hub's own recording; else that alone. */
  readonly showWith?: ((ofHub: BlockReader) => BlockReader) | undefined;
  /** Who lets recorded lives go on otherwise; without one the hub says that it runs no forks. The caller closes it. */
  readonly forks?: ((recordingPath: string) => ForkDesk) | undefined;
  /** Who answers SQL, given where the hub's own recording rests; without one the hub says that it answers none. */
  readonly questions?: ((recordingPath: string) => QuestionDesk) | undefined;
  /** What is to be done every day, given where the hub's own recording rests. */
  readonly upkeep?: ((recordingPath: string) => readonly UpkeepTask[]) | undefined;
  /** Days after which what was imported is deleted; null or absent: never. */
  readonly importDays?: number | null | undefined;
  readonly analyzerOf?: AnalyzerOf | undefined;
  /** Which alert explains which; a fleet's unless others are named. */
  readonly causes?: readonly CausalRule[] | undefined;
  readonly operatorEmail?: string | undefined;
  /** Where people reach it when a proxy stands before it: pages of there may sign in, and with `https:` cookies go nowhere else. */
  readonly publicUrl?: string | undefined;
  /** Addresses and networks of proxies whose word for who calls is taken; with a `publicUrl` those of this machine, else none. */
  readonly proxies?: readonly string[] | undefined;
  readonly version?: string | undefined;
  /** How often each side of a link shows the other the heads of its chains that have grown; 10 s unless named. */
  readonly headsEveryMs?: number | undefined;
}

export interface Hub {
  readonly url: string;
  readonly port: number;
  /** What an edge or a feed shows at the door. */
  readonly joinToken: string;
  /** `password` only at the first start, and nowhere else. */
  readonly operator: { readonly email: string; readonly password: string | null };
  /** Of the hub's own recording: a file, or the address of its database. */
  readonly recordingPath: string;
  /** How the time of the site passes now; null where it is the wall clock's. */
  pace(): Pace | null;
  close(): Promise<void>;
}

const DEFAULT_OPERATOR = 'operator@sigma.local';
const SERVICES = [
  AgentLinkService,
  SiteService,
  AccountService,
  FleetService,
  MissionService,
  AlertService,
  SimulationService,
  RecordService,
  ForkService,
  ArchiveService,
  ImportService,
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
  const composed = await composeRoles(options, database, closing);
  const { clock, record, version, blocks, people, texts, fences } = composed;
  closing.push(
    () => listener.close(),
    () => composed.link.close(),
    () => {
      door.handler = notReady;
    },
  );
  const joinToken = keptSecret(dataDir, 'join-token', 24);
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}`;
  const own = [url, `http://localhost:${listener.port}`, `http://127.0.0.1:${listener.port}`];
  const outside = new URL(options.publicUrl ?? url).origin;
  const trustedOrigins = [...own, outside];
  const secret = keptSecret(dataDir, 'session-secret', 32);
  const identity = openIdentity({ database, tenant, url: outside, trustedOrigins, secret, joinToken, people });
  const operator = await identity.firstOperator(options.operatorEmail ?? DEFAULT_OPERATOR);
  const accounts = new AccountDesk({ database, tenant, clock, record, people, enrol: identity.enrol });
  const questions = options.questions?.(blocks.path) ?? null;
  const folder = join(dataDir, 'imports');
  const { newId } = composed;
  const imports = new ImportDesk({ folder, tenant, clock, record, newId, keptDays: options.importDays });
  closing.push(() => imports.close());
  await imports.removeAged();
  closing.push(clock.every(LOOK_AT_IMPORTS_US, () => void imports.removeAged()));
  const roles: Roles = { ...composed, accounts };
  door.handler = openDoor({
    guard: { identity, accounts, clock },
    acts: roles.acts,
    names: { people, texts },
    written: { texts, people, notesNear: (fenceId, version) => fences.notesNear(fenceId, version) },
    services: SERVICES,
    pages: options.pages !== undefined && existsSync(options.pages) ? options.pages : null,
    version,
    proxies: options.proxies ?? (options.publicUrl === undefined ? [] : OWN_MACHINE),
    healthy: () => record.failure === null,
    routes: (router) => {
      router
        .service(AgentLinkService, { connect: (frames) => roles.link.serve(frames) })
        .service(SiteService, siteQueries(roles))
        .service(AccountService, accountQueries(roles))
        .service(FleetService, fleetQueries(roles))
        .service(MissionService, missionQueries(roles))
        .service(AlertService, alertQueries(roles))
        .service(SimulationService, simulationQueries(roles))
        .service(RecordService, recordQueries(roles))
        .service(ForkService, forkQueries(roles))
        .service(ArchiveService, questionQueries(questions, texts))
        .service(ImportService, importQueries(imports))
        .service(IngestService, ingestQueries(roles));
    },
  });
  const pace = () => composed.siteTime?.clock.pace ?? null;
  return { url, port: listener.port, joinToken, operator, recordingPath: blocks.path, pace, close };
}
