import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FAULTS, fleetSupervisor, type Site, siteToJson } from '@sigma/fleet-model';
import {
  DataDirError,
  type Hub,
  type HubOptions,
  NewerSchemaError,
  PortInUseError,
  PostgresStartError,
  type Supervisor,
  startHub,
} from '@sigma/hub';
import { StoreError } from '@sigma/recorder';
import type { S3Access } from '@sigma/recorder/archive';
import { isArchive } from '../archive-input.ts';
import type { SoloForks } from '../forks/solo-forks.ts';
import { readCredentials, signIn, writeCredentials } from '../hub-access.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { SoloQuestions } from '../questions/solo-questions.ts';
import type { UpkeepPlan } from '../upkeep/upkeep-file.ts';
import { upkeepTasks } from '../upkeep/upkeep-tasks.ts';
import { showRecordings } from './shown-recordings.ts';

export interface SoloHubOptions {
  readonly tenant: string;
  readonly site: Site;
  readonly dataDir: string;
  readonly root: string;
  readonly port: number;
  readonly host?: string | undefined;
  readonly dataPort?: HubOptions['dataPort'];
  readonly dataUrl?: string | undefined;
  readonly publicUrl?: string | undefined;
  readonly proxies?: readonly string[] | undefined;
  readonly databaseUrl?: string | undefined;
  /** Key of the server that archives in buckets rest on. */
  readonly s3?: S3Access | null;
  /** Folder of the built page is served unless false. */
  readonly pages: boolean;
  readonly simulated: boolean;
  /** Recordings of edges beside this hub, shown with its own to whoever verifies; each may begin later. */
  readonly edgeRecordings?: readonly string[];
  /** Who lets recorded lives go on otherwise; closed with the hub. */
  readonly forks?: ((recordingPath: string) => SoloForks) | undefined;
  /** What the hub does every day, and which recordings beside its own that concerns. */
  readonly upkeep?:
    | { readonly plan: UpkeepPlan; readonly live: readonly string[]; readonly closed: () => readonly string[] }
    | undefined;
  /** A simulated site whose time can be set: tells its bodies. */
  readonly onPace?: HubOptions['onPace'];
}

/**
 * Starts the hub for a fleet on a site, and leaves credentials for the other commands where only this user reads them.
 *
 * @throws CommandError naming port, folder or database, and the way out
 */
export async function startSoloHub(options: SoloHubOptions): Promise<Hub> {
  const {
    tenant,
    site,
    dataDir,
    root,
    port,
    host,
    dataPort,
    dataUrl,
    publicUrl,
    proxies,
    databaseUrl,
    s3,
    pages,
    simulated,
    edgeRecordings = [],
    onPace,
    forks,
    upkeep,
  } = options;
  const shown = showRecordings(edgeRecordings);
  let desk: SoloForks | undefined;
  try {
    const hub = await startHub({
      tenant,
      dataDir: join(dataDir, 'hub'),
      site: { json: JSON.stringify(siteToJson(site)), digest: site.digest },
      // The supervisor's state is its own; the hub only carries it.
      supervisor: fleetSupervisor(site) as unknown as Supervisor,
      port,
      host: host ?? '127.0.0.1',
      dataPort,
      dataUrl,
      publicUrl,
      proxies,
      databaseUrl,
      s3,
      faults: simulated ? FAULTS : undefined,
      pages: pages ? join(root, 'apps/dashboard/dist') : undefined,
      showWith: shown.showWith,
      forks: forks === undefined ? undefined : (own) => (desk = forks(own)),
      onPace,
      questions: (own: string) => {
        const archive = upkeep?.plan.archive?.to;
        const places = (): readonly string[] => [
          own,
          ...[...edgeRecordings, ...(upkeep?.closed() ?? [])].filter((path) => existsSync(path)),
          ...(archive === undefined || !isArchive(archive) ? [] : [archive]),
        ];
        return new SoloQuestions({ tenant, root, dataDir, places });
      },
      importDays: await importDaysOf(upkeep?.plan ?? null, tenant),
      ...(upkeep !== undefined && {
        upkeep: (own: string) =>
          upkeepTasks(upkeep.plan, { root, dataDir, live: [own, ...upkeep.live], closed: upkeep.closed }),
      }),
    });
    await keepCredentials(dataDir, hub);
    const close = async (): Promise<void> => {
      await hub.close();
      await desk?.close();
    };
    return { ...hub, close: () => close().finally(shown.close) };
  } catch (error) {
    await desk?.close();
    await shown.close();
    if (isExpected(error)) throw new CommandError(EXIT.machine, error.message, '', { cause: error });
    throw error;
  }
}

async function importDaysOf(plan: UpkeepPlan | null, tenant: string): Promise<number | null> {
  if (plan === null || plan.kept === null) return null;
  const { retentionOf } = await import('@sigma/recorder/archive');
  return retentionOf(plan.kept, tenant).importDays;
}

const isExpected = (error: unknown): error is Error =>
  error instanceof PortInUseError ||
  error instanceof DataDirError ||
  error instanceof PostgresStartError ||
  error instanceof NewerSchemaError ||
  error instanceof StoreError;

/** At the first start the password is known, once: it becomes a session. Later the session of before is kept. */
async function keepCredentials(dataDir: string, { url, joinToken, operator }: Hub): Promise<void> {
  const { email, password } = operator;
  const before = readCredentials(dataDir);
  const session = password === null ? (before?.session ?? null) : await signIn(url, email, password);
  writeCredentials(dataDir, { url, joinToken, email, session });
}
