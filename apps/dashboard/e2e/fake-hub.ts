import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter, createConnectRouter, type ServiceImpl } from '@connectrpc/connect';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { siteToJson, zoneFromPolygon } from '@sigma/fleet-model';
import {
  AccountService,
  AgentScanSchema,
  type Alert,
  AlertService,
  FleetService,
  type Mission,
  type MissionGoal,
  MissionSchema,
  MissionService,
  MissionStatus,
  SimulationService,
  SiteService,
  type Task,
  TaskSchema,
  TaskStatus,
  type WatchSiteRequest,
  WatchSiteResponseSchema,
} from '@sigma/proto';
import { FakeFences } from './fake-fences.ts';
import {
  advance,
  decide,
  FAULTS,
  type FakeRobot,
  fakeRobots,
  poseOf,
  raise,
  receipt,
  settle,
  statusOf,
} from './fake-fleet.ts';
import { FakeForks } from './fake-forks.ts';
import { FakeImports } from './fake-imports.ts';
import { FakeRecord } from './fake-record.ts';
import { fakeSite } from './fake-site.ts';

export const EMAIL = 'ada@example.org';
export const PASSWORD = 'correct horse battery';
const SESSION = 'fake_session=open';

/** The cookie of a session that is open, for those who do not come to see the door. */
export const signedIn = (url: string) => ({ name: 'fake_session', value: 'open', url });

/** What a test serves beside, or in place of, what every page needs; put in before the hub listens. */
export interface FakeExtras {
  fleet?: Partial<ServiceImpl<typeof FleetService>>;
  missions?: Partial<ServiceImpl<typeof MissionService>>;
  alerts?: Partial<ServiceImpl<typeof AlertService>>;
  simulation?: Partial<ServiceImpl<typeof SimulationService>>;
  account?: Partial<ServiceImpl<typeof AccountService>>;
}

/** Serves the built page, the sign-in paths and the hub's services over one loopback port, as the real hub does. */
export class FakeHub {
  readonly robots: FakeRobot[];
  readonly site = fakeSite();
  readonly missions = new Map<string, Mission>();
  readonly alerts = new Map<string, Alert>();
  readonly fences = new FakeFences();
  orders: string[] = [];
  readonly record = new FakeRecord();
  readonly forks = new FakeForks();
  readonly imports = new FakeImports();
  /** What WhoAmI says; what needs more is refused. */
  role = 'engineer';
  /** Whether its robots are simulated ones, to which faults may be done. */
  simulated = true;
  readonly extras: FakeExtras = {};
  /** Every so long its robots move on and it tells of them; as often as a real hub where somebody looks at how they move. */
  tickMs = 500;
  /** While true the stream stays open and says nothing. */
  mute = false;
  /** What the hub takes for now, beside the time of this machine. */
  clockAheadUs = 0n;
  /** While true every stream is cut and none is opened, as if the hub were gone. */
  down = false;
  tries = 0;
  #sequence = 0n;
  #revision = 0;
  #server: Server | undefined;
  #ended = new AbortController();
  readonly #started = Date.now();
  readonly #dist: string;

  constructor(dist: string, robots = 14) {
    this.#dist = dist;
    this.robots = fakeRobots(robots);
  }

  async listen(): Promise<string> {
    const router = createConnectRouter();
    this.#routes(router);
    const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
    this.#server = createServer((request, response) => {
      if (this.down) return void request.socket.destroy();
      const rpc = request.url?.startsWith('/sigma.v1.') === true;
      if (rpc && !request.headers.cookie?.includes(SESSION)) {
        response.writeHead(401).end();
        return;
      }
      if (!rpc) return void this.#plain(request, response);
      const handler = handlers.get(request.url ?? '');
      if (handler === undefined) return void response.writeHead(404).end();
      // A page may leave while it is answered: that is nobody's failure, and nothing to be told on stderr.
      handler(universalRequestFromNodeRequest(request, response, undefined, undefined))
        .then((answer) => universalResponseToNodeResponse(answer, response))
        .catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, '127.0.0.1', resolve));
    void this.#live();
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  /** As if somebody had gone from robot to robot and reset each. */
  release(): void {
    this.orders = [];
    for (const robot of this.robots) robot.stop = 'none';
  }

  /** A mission as somebody else would have named it. */
  addMission(name: string): void {
    this.#create(name, undefined, 0);
  }

  robot(id: string): FakeRobot {
    const found = this.robots.find((robot) => robot.id === id);
    if (found === undefined) throw new ConnectError(`there is no robot '${id}'`, Code.NotFound);
    return found;
  }

  get #atUs(): bigint {
    return BigInt(Date.now() - this.#started) * 1000n;
  }

  /** The fleet lives whether anybody watches or not. */
  async #live(): Promise<void> {
    for (const robot of this.robots) decide(robot, 0n);
    while (!this.#ended.signal.aborted) {
      for (const robot of this.robots) advance(robot, this.tickMs / 1000, this.#atUs);
      for (const mission of this.missions.values()) this.#progress(mission);
      this.#revision++;
      await wait(this.tickMs, undefined, { signal: this.#ended.signal }).catch(() => undefined);
    }
  }

  #site() {
    return {
      siteJson: JSON.stringify(siteToJson(this.site)),
      digest: this.site.digest,
      simulated: this.simulated,
      tenant: 'test',
    };
  }

  /** The hub's own clock, which need not be the browser's. */
  get nowUs(): bigint {
    return BigInt(Date.now()) * 1000n + this.clockAheadUs;
  }

  #progress(mission: Mission): void {
    if (mission.status !== MissionStatus.ACTIVE) return;
    // Who is done is not active any more.
    mission.progress = Math.min(0.96, mission.progress + 0.004);
    for (const task of mission.tasks) task.progress = mission.progress;
  }

  #routes(router: ConnectRouter): void {
    router.service(SiteService, {
      getSite: () => {
        if (this.role === '') throw new ConnectError('this account has no role', Code.PermissionDenied);
        return this.#site();
      },
      watchSite: (request, context) => this.#watch(request, context.signal),
      getHealth: () => ({ version: 'fake', agents: this.robots.length }),
      listFences: () => ({ fences: [...this.fences.all] }),
      putFence: (request) => ({ fence: this.fences.put(request, EMAIL) }),
      reviseFence: (request) => this.fences.revise(request, EMAIL),
      removeFence: ({ fenceId, expectsVersion }) => {
        this.fences.remove(fenceId, expectsVersion);
        return {};
      },
    });
    router.service(FleetService, {
      listAgents: () => ({ agents: [], channels: CHANNELS }),
      getAgent: ({ agentId }) => ({ frames: [this.#healthFrame(this.robot(agentId))], channels: CHANNELS }),
      listDecisions: ({ agentId, limit, before }) => ({
        decisions: this.robot(agentId)
          .decisions.filter((one) => before === 0n || (one.decision?.sequence ?? 0n) < before)
          .slice(0, limit || 100),
      }),
      takeLease: ({ agentId, takeOver, seconds }) => {
        const robot = this.robot(agentId);
        if (robot.leaseHolder !== '' && !takeOver)
          throw new ConnectError(`${robot.leaseHolder} holds ${agentId}`, Code.FailedPrecondition);
        robot.leaseHolder = EMAIL;
        return { leaseId: 'lease-1', holder: EMAIL, expiresTimeUs: BigInt(Date.now() + seconds * 1000) * 1000n };
      },
      returnLease: ({ agentId }) => {
        this.robot(agentId).leaseHolder = '';
        return {};
      },
      stopAgents: ({ agentIds, stop }) => {
        this.#needs(['operator', 'engineer', 'administrator']);
        const ids = agentIds.length === 0 ? this.robots.map((robot) => robot.id) : agentIds;
        return { receipts: ids.map((id) => this.#order(id, `stop ${stop}`, () => this.#stop(this.robot(id), stop))) };
      },
      acknowledgeAgent: ({ agentId }) => ({
        receipt: this.#order(agentId, 'acknowledge', () =>
          settle(this.robot(agentId), 'acknowledge', EMAIL, this.#atUs),
        ),
      }),
      resetAgent: ({ agentId }) => ({
        receipt: this.#order(agentId, 'reset', () => settle(this.robot(agentId), 'reset', EMAIL, this.#atUs)),
      }),
      setAgentMode: ({ agentId, mode }) => ({
        receipt: this.#order(agentId, `mode ${mode}`, () => {
          this.robot(agentId).mode = mode;
          return '';
        }),
      }),
      ...this.extras.fleet,
    });
    router.service(MissionService, {
      previewMission: ({ goal }) => this.#preview(goal),
      createMission: ({ name, goal, priority }) => ({ mission: this.#create(name, goal, priority) }),
      listMissions: () => ({ missions: [...this.missions.values()] }),
      cancelMission: ({ missionId, reason }) => {
        const mission = this.missions.get(missionId);
        if (mission === undefined) throw new ConnectError(`there is no mission '${missionId}'`, Code.NotFound);
        mission.status = MissionStatus.CANCELLED;
        mission.detail = reason;
        return { mission };
      },
      ...this.extras.missions,
    });
    router.service(AlertService, {
      listAlerts: () => ({ alerts: [...this.alerts.values()] }),
      acknowledgeAlert: ({ alertId }) => {
        const alert = this.alerts.get(alertId);
        if (alert === undefined) throw new ConnectError(`there is no alert '${alertId}'`, Code.NotFound);
        alert.acknowledgedBy = EMAIL;
        return { alert };
      },
      ...this.extras.alerts,
    });
    router.service(SimulationService, {
      listFaults: () => ({ faults: Object.keys(FAULTS), simulated: true, active: this.robots.flatMap(faultsOf) }),
      injectFault: ({ agentId, fault, clear }) => ({
        receipt: this.#order(agentId, `${clear ? 'clear' : 'inject'} ${fault}`, () =>
          this.fault(agentId, fault, clear),
        ),
      }),
      ...this.extras.simulation,
    });
    router.service(AccountService, {
      whoAmI: () => {
        if (this.role === '') throw new ConnectError('this account has no role', Code.PermissionDenied);
        return { accountId: 'ada', email: EMAIL, role: this.role, holder: EMAIL };
      },
      listActs: ({ target }) => ({ acts: this.fences.acts.filter(({ targets }) => targets.includes(target)) }),
      ...this.extras.account,
    });
    this.record.routes(router);
    this.forks.routes(router);
    this.imports.routes(router);
  }

  #needs(roles: readonly string[]): void {
    if (!roles.includes(this.role)) throw new ConnectError(`${roles[0]} or more may do this`, Code.PermissionDenied);
  }

  #order(agentId: string, what: string, act: () => string) {
    this.orders.push(`${agentId} ${what}`);
    return receipt(agentId, act(), ++this.#sequence);
  }

  #stop(robot: FakeRobot, stop: string): string {
    if (stop === 'none' && robot.stop === 'emergency') return 'an emergency stop ends with acknowledge and reset';
    robot.stop = stop;
    decide(robot, this.#atUs);
    return '';
  }

  /** Injects or clears a fault; why not, or an empty text. */
  fault(agentId: string, fault: string, clear: boolean): string {
    const robot = this.robot(agentId);
    if (clear) {
      for (const entry of robot.entries) if (entry.condition === fault) entry.present = false;
      robot.entries = robot.entries.filter((entry) => entry.present || entry.clear !== 'when_clears');
      return settle(robot, 'clear', EMAIL, this.#atUs);
    }
    const alert = raise(robot, fault, this.#atUs);
    if (alert === undefined) return `there is no fault '${fault}'`;
    this.alerts.set(alert.id, alert);
    return '';
  }

  #preview(goal: MissionGoal | undefined) {
    const tasks = this.#tasksOf(goal, 'preview');
    return { tasks, seconds: 340, detail: 'Two robots from the nearest aisles.' };
  }

  #tasksOf(goal: MissionGoal | undefined, missionId: string): Task[] {
    const kind = goal?.goal.case ?? 'cover';
    if (goal?.goal.case === 'cover' && goal.goal.value.area.case === 'polygon') {
      const points = goal.goal.value.area.value.points.map(({ xM, yM }) => [xM, yM] as const);
      const outline = zoneFromPolygon(this.site, points);
      if (!outline.ok) throw new ConnectError(outline.message, Code.InvalidArgument);
    }
    return ['r03', 'r05'].map((agentId, k) =>
      create(TaskSchema, {
        id: `${missionId}-${k + 1}`,
        missionId,
        agentId,
        kind,
        status: TaskStatus.ACTIVE,
        detail: 'on its way',
      }),
    );
  }

  #create(name: string, goal: MissionGoal | undefined, priority: number): Mission {
    const id = `m-${this.missions.size + 1}`;
    const createdTimeUs = BigInt(Date.now()) * 1000n;
    const tasks = this.#tasksOf(goal, id);
    const detail = `${tasks.length} robots are on their way`;
    const shared = { id, name, priority, createdBy: EMAIL, createdTimeUs, tasks, detail, status: MissionStatus.ACTIVE };
    const mission = create(MissionSchema, goal === undefined ? shared : { ...shared, goal });
    this.missions.set(id, mission);
    return mission;
  }

  #healthFrame(robot: FakeRobot) {
    const hot = robot.entries.some((entry) => entry.condition === 'overheating' && entry.present);
    const values = [hot ? 96.4 : 41.2, 40.8, 44.1, 48.6, robot.speedMps > 0 ? 5.2 : 1.3, robot.battery, 29.5];
    return { agentId: robot.id, channel: 'health', sequence: BigInt(this.#revision), timeUs: this.nowUs, values };
  }

  async *#watch({ follow, allDecisions }: WatchSiteRequest, signal: AbortSignal) {
    let first = true;
    let fences = -1;
    while (!signal.aborted && !this.#ended.signal.aborted && !this.down) {
      const poses = this.robots.map(poseOf);
      if (this.mute) {
        await wait(this.tickMs, undefined, { signal }).catch(() => undefined);
        continue;
      }
      const at = this.robots.filter(({ id }) => follow.includes(id));
      const walk = Math.sin(Date.now() / 4_000) * 3;
      yield create(WatchSiteResponseSchema, {
        timeUs: this.nowUs,
        ...(fences === this.fences.version ? {} : { fences: this.fences.list() }),
        agentIds: first ? this.robots.map((robot) => robot.id) : [],
        roster: 1,
        xM: poses.map((pose) => pose.xM),
        yM: poses.map((pose) => pose.yM),
        headingRad: poses.map((pose) => pose.headingRad),
        speedMps: this.robots.map((robot) => robot.speedMps),
        battery: this.robots.map((robot) => robot.battery),
        ageMs: this.robots.map((robot) => (robot.silentSinceMs === null ? 40 : Date.now() - robot.silentSinceMs)),
        peopleM: [5 + walk, 12.5, 26 + walk, 4.5, 5.5, 22 - walk],
        statuses: this.robots.map((robot) => statusOf(robot, this.#atUs)),
        missions: [...this.missions.values()],
        alerts: [...this.alerts.values()],
        decisions: (allDecisions ? this.robots : at).flatMap((robot) => robot.decisions.slice(0, 3)),
        paths: at.map((robot) => ({
          agentId: robot.id,
          pointsM: [...robot.corners.slice(poseOf(robot).corner + 1), ...robot.corners.slice(0, 1)].flat(),
        })),
        scans: at.map((robot) => this.#scan(robot)),
      });
      first = false;
      fences = this.fences.version;
      await wait(this.tickMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Rays against the walls of the fake site, by small steps. */
  #scan(robot: FakeRobot) {
    const { xM, yM, headingRad } = poseOf(robot);
    const rangesM = Array.from({ length: 180 }, (_, ray) => {
      const angle = headingRad + (ray * Math.PI) / 90;
      for (let range = 0.4; range < 8; range += 0.1) {
        const column = Math.floor(xM + Math.cos(angle) * range);
        const row = this.site.height - 1 - Math.floor(yM + Math.sin(angle) * range);
        const outside = column < 0 || row < 0 || column >= this.site.width || row >= this.site.height;
        if (outside || this.site.blocked[row * this.site.width + column] === 1) return range;
      }
      return 0;
    });
    return create(AgentScanSchema, { agentId: robot.id, xM, yM, headingRad, rangesM });
  }

  async #plain(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    if (path.startsWith('/api/auth/')) return this.#auth(path, request, response);
    const wanted = extname(path) === '' ? 'index.html' : normalize(path);
    try {
      const body = await readFile(join(this.#dist, wanted));
      const headers = {
        'content-type': TYPES[extname(wanted)] ?? 'application/octet-stream',
        'cache-control': path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      };
      response.writeHead(200, headers).end(body);
    } catch {
      response.writeHead(404).end();
    }
  }

  async #auth(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    if (path === '/api/auth/get-session') {
      const open = request.headers.cookie?.includes(SESSION) === true;
      return void json(200, open ? { session: {}, user: { name: 'Ada', email: EMAIL, role: 'engineer' } } : null);
    }
    if (path === '/api/auth/sign-out')
      return void json(200, { success: true }, { 'set-cookie': 'fake_session=; Max-Age=0; Path=/' });
    let text = '';
    for await (const part of request) text += part;
    const { email, password } = JSON.parse(text) as { email?: string; password?: string };
    if (++this.tries > 3) return void json(429, { message: 'Too many requests' }, { 'x-retry-after': '2' });
    if (email !== EMAIL || password !== PASSWORD) return void json(401, { code: 'INVALID_EMAIL_OR_PASSWORD' });
    this.tries = 0;
    json(200, { user: { email } }, { 'set-cookie': `${SESSION}; HttpOnly; SameSite=Lax; Path=/` });
  }
}

/** What stands against a robot and was put there by name. */
const faultsOf = ({ id, entries }: FakeRobot) =>
  entries.filter(({ present }) => present).map(({ condition }) => ({ agentId: id, fault: condition }));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.woff2': 'font/woff2',
};

const CHANNELS = [
  {
    channel: 'health',
    fields: [
      { name: 'motorTempLeft', unit: 'degC', low: 0, high: 80 },
      { name: 'motorTempRight', unit: 'degC', low: 0, high: 80 },
      { name: 'boardTemp', unit: 'degC', low: 0, high: 75 },
      { name: 'batteryVoltage', unit: 'V', low: 42, high: 54.6 },
      { name: 'batteryCurrent', unit: 'A' },
      { name: 'batteryCharge', unit: 'fraction', low: 0.2 },
      { name: 'batteryTemp', unit: 'degC', low: 5, high: 45 },
    ],
  },
];
