import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { type Site, siteToJson } from '@sigma/fleet-model';
import { blockQueries } from '@sigma/hub';
import {
  AccountService,
  AlertService,
  FleetService,
  MissionService,
  RecordService,
  SimulationService,
  SiteService,
  WatchSiteResponseSchema,
} from '@sigma/proto';
import type { Recording } from '@sigma/recorder';
import { crowdOn } from './crowd.ts';

const TICK_MS = 100;
/** Seconds of movement kept ready: then it runs backwards, so that nobody jumps. */
const LOOP_S = 20;
const SEED = 7;

/** A past that the hub can tell of, up to the present. */
interface CrowdPast {
  readonly recording: Recording;
  readonly tenant: string;
  /** The recording's last moment, microseconds since 1970: the hub's clock goes on from there. */
  readonly endUs: number;
}

/**
 * A hub that does nothing but tell where a crowd is: ten times a second, from frames made ready before, so that what is
 * measured is the page and not the server beside it on the same two cores.
 */
export class CrowdHub {
  readonly #site: Site;
  readonly #frames: readonly Uint8Array[];
  readonly #first: Uint8Array;
  readonly #past: CrowdPast | undefined;
  /** What the hub's clock is before the machine's, microseconds. */
  readonly #aheadUs: bigint;
  readonly #files = new Map<string, { readonly type: string; readonly packed: Buffer }>();
  #server: Server | undefined;
  #ended = new AbortController();

  constructor(site: Site, count: number, past?: CrowdPast) {
    this.#site = site;
    this.#past = past;
    this.#aheadUs = past === undefined ? 0n : BigInt(past.endUs) - BigInt(Date.now()) * 1000n;
    const crowd = crowdOn(site, count, SEED);
    const message = () => ({
      roster: 1,
      xM: [...crowd.xM],
      yM: [...crowd.yM],
      headingRad: [...crowd.headingRad],
      speedMps: [...crowd.speedMps],
      battery: crowd.ids.map((_, k) => 0.3 + ((k * 37) % 70) / 100),
      ageMs: crowd.ids.map(() => 40),
      peopleM: [12, 20, 30.5, 41.5, 140, 50, 150.5, 12],
    });
    const packed = (more: object) => toBinary(WatchSiteResponseSchema, create(WatchSiteResponseSchema, more));
    this.#first = packed({ ...message(), agentIds: [...crowd.ids], statuses: crowd.ids.map(statusOf), fences: {} });
    this.#frames = Array.from({ length: (LOOP_S * 1000) / TICK_MS }, () => {
      crowd.advance(TICK_MS / 1000);
      return packed(message());
    });
  }

  /** Serves the built page in `dist`, packed as a real server sends it, and the services, on a free loopback port. */
  async listen(dist: string): Promise<string> {
    for (const name of await readdir(dist, { recursive: true })) {
      const type = TYPES[extname(name)];
      if (type !== undefined) this.#files.set(`/${name}`, { type, packed: gzipSync(await readFile(join(dist, name))) });
    }
    const rpc = connectNodeAdapter({ routes: (router) => this.#routes(router) });
    this.#server = createServer((request, response) => {
      if (request.url === '/sigma.v1.SiteService/WatchSite') void this.#watch(request, response);
      else if (request.url?.startsWith('/sigma.v1.')) rpc(request, response);
      else this.#plain(request, response);
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  #routes(router: ConnectRouter): void {
    router.service(SiteService, {
      getSite: () => ({
        siteJson: JSON.stringify(siteToJson(this.#site)),
        digest: this.#site.digest,
        simulated: true,
        tenant: 'bench',
      }),
      getHealth: () => ({ version: 'bench' }),
      listFences: () => ({}),
    });
    router.service(FleetService, { listAgents: () => ({}), listSiteDecisions: () => ({}), listDecisions: () => ({}) });
    router.service(MissionService, { listMissions: () => ({}) });
    router.service(AlertService, { listAlerts: () => ({}), listAlertRates: () => ({}), listSilences: () => ({}) });
    router.service(SimulationService, { listFaults: () => ({ simulated: true }) });
    const past = this.#past;
    const blocks =
      past === undefined ? {} : blockQueries({ tenant: past.tenant, blocks: { ...past.recording, path: '' } });
    router.service(RecordService, { listChains: () => ({}), listMarks: () => ({}), ...blocks });
    router.service(AccountService, {
      whoAmI: () => ({ accountId: '1', email: EMAIL, role: 'engineer', holder: `operator:${EMAIL}` }),
    });
  }

  /** gRPC-Web by hand: a flag byte, a length, the message. Made ready before, only its time is of this moment. */
  async #watch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'application/grpc-web+proto' });
    const send = (message: Uint8Array): boolean => {
      const now = toBinary(
        WatchSiteResponseSchema,
        create(WatchSiteResponseSchema, { timeUs: BigInt(Date.now()) * 1000n + this.#aheadUs }),
      );
      const head = Buffer.alloc(5);
      head.writeUInt32BE(now.length + message.length, 1);
      return response.write(Buffer.concat([head, now, message]));
    };
    let open = true;
    response.on('close', () => {
      open = false;
    });
    request.resume();
    send(this.#first);
    const loop = [...this.#frames, ...[...this.#frames].reverse()];
    for (let k = 0; open && !this.#ended.signal.aborted; k = (k + 1) % loop.length) {
      await wait(TICK_MS, undefined, { signal: this.#ended.signal }).catch(() => undefined);
      // A reader that does not keep up misses positions, as it does at the real hub.
      if (open && response.writableLength < 1_000_000) send(loop[k] as Uint8Array);
    }
  }

  #plain(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (path.startsWith('/api/auth/')) {
      const user = { name: 'Ada', email: EMAIL, role: 'engineer' };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ session: {}, user }));
      return;
    }
    const file = this.#files.get(extname(path) === '' ? '/index.html' : path);
    if (file === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': file.type, 'content-encoding': 'gzip' }).end(file.packed);
  }
}

const EMAIL = 'ada@example.org';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.woff2': 'font/woff2',
};

/** Most work; some stand, and a few need somebody, as on a usual day. */
function statusOf(agentId: string, k: number) {
  return {
    agentId,
    epoch: 1,
    role: 'robot',
    body: k % 3 === 0 ? 'humanoid' : 'carrier',
    mode: 'automatic',
    chain: 'primary',
    stop: k % 997 === 4 ? 'emergency' : k % 499 === 11 ? 'protective' : 'none',
    taskId: k % 5 === 0 ? '' : `task-${k}`,
    taskStatus: 'active',
    command: 'drive',
    rationale: 'next cell of the aisle is free',
  };
}
