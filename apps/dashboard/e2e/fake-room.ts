import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  type Account,
  AccountSchema,
  type Act,
  type ActiveFault,
  ActiveFaultSchema,
  ActSchema,
  type AgentDecision,
  AlertLevel,
  Authority,
  type Mission,
  MissionSchema,
  MissionStatus,
  type Silence,
  SilenceSchema,
} from '@sigma/proto';
import { FAULTS, type FakeRobot, receipt } from './fake-fleet.ts';
import { EMAIL, type FakeHub } from './fake-hub.ts';

const nowUs = (): bigint => BigInt(Date.now()) * 1000n;

/** Markup, and a character that turns what follows it round: a name that wants to be something else. */
export const NASTY = '<script>window.hacked=1</script>\u202Egnp.exe';

/**
 * The rest of a control room for the fake hub: accounts, acts, silences, rates, a history of missions, the site's log,
 * sensors of a robot, the bench. Small and honest: what is asked is done, and what is wrong is refused in words.
 */
export class FakeRoom {
  readonly accounts: Account[] = [
    account('ada', EMAIL, 'Ada Lovelace', 'administrator'),
    account('bob', 'bob@example.org', 'Bob', 'operator'),
  ];
  readonly acts: Act[] = [];
  readonly silences: Silence[] = [];
  readonly active: ActiveFault[] = [];
  /** Of simulated time. */
  speed = 1;
  /** Missions that ended before the page was opened, newest first. */
  readonly history: Mission[] = [];
  /** Decisions that the hub remembers beyond those of the fake robots, in any order. */
  remembered: AgentDecision[] = [];
  people: { xM: number; yM: number; seconds: number }[] = [];
  readonly #hub: FakeHub;
  #sorted: { readonly of: readonly AgentDecision[]; readonly list: readonly AgentDecision[] } = { of: [], list: [] };
  #next = 1;

  /** To be called before the hub listens. */
  constructor(hub: FakeHub) {
    this.#hub = hub;
    Object.assign(hub.extras, {
      account: this.#account(),
      alerts: this.#alerts(),
      missions: this.#missions(),
      fleet: this.#fleet(),
      simulation: this.#simulation(),
    });
  }

  /** Puts an act on the list, as the hub does for each call that changes something. */
  did(act: string, summary: string, targets: readonly string[], outcome = 'accepted', reason = '', by = EMAIL): void {
    const id = `act-${this.#next++}`;
    this.acts.unshift(
      create(ActSchema, { id, timeUs: nowUs(), actor: by, act, summary, targets: [...targets], outcome, reason }),
    );
  }

  #account(): FakeHub['extras']['account'] {
    const needAdministrator = () => {
      if (this.#hub.role !== 'administrator') throw new ConnectError('administrators only', Code.PermissionDenied);
    };
    const named = (id: string): Account => {
      const found = this.accounts.find((one) => one.id === id);
      if (found === undefined) throw new ConnectError(`there is no account '${id}'`, Code.NotFound);
      return found;
    };
    return {
      listAccounts: () => {
        needAdministrator();
        return { accounts: this.accounts };
      },
      createAccount: ({ email, name, role }) => {
        needAdministrator();
        if (this.accounts.some((one) => one.email === email)) {
          throw new ConnectError(`there is an account for ${email} already`, Code.AlreadyExists);
        }
        const made = account(`account-${this.#next++}`, email, name, role);
        this.accounts.push(made);
        return { account: made, password: 'umber-otter-17-lantern' };
      },
      setAccountRole: ({ accountId, role }) => {
        needAdministrator();
        const changed = named(accountId);
        changed.role = role;
        return { account: changed };
      },
      removeAccount: ({ accountId }) => {
        needAdministrator();
        this.accounts.splice(this.accounts.indexOf(named(accountId)), 1);
        return {};
      },
      listActs: ({ actor, target, beforeTimeUs, limit }) => ({
        acts: [...this.acts, ...this.#hub.fences.acts]
          .filter((act) => actor === '' || act.actor === actor)
          .filter((act) => target === '' || act.targets.includes(target))
          .filter((act) => beforeTimeUs === 0n || act.timeUs < beforeTimeUs)
          .slice(0, limit || 100),
      }),
    };
  }

  #alerts(): FakeHub['extras']['alerts'] {
    const tell = () => {
      for (const alert of this.#hub.alerts.values()) {
        const over = this.silences.find(
          ({ cause, agentId }) => cause === alert.cause && (agentId === '' || agentId === alert.agentId),
        );
        alert.silencedUntilTimeUs = over === undefined || alert.level === AlertLevel.CRITICAL ? 0n : over.untilTimeUs;
      }
    };
    return {
      silenceAlerts: ({ cause, agentId, seconds, reason }) => {
        const critical = [...this.#hub.alerts.values()].some(
          (one) => one.cause === cause && one.level === AlertLevel.CRITICAL,
        );
        if (critical) throw new ConnectError('a critical alarm is never silenced', Code.FailedPrecondition);
        const untilTimeUs = nowUs() + BigInt(seconds) * 1_000_000n;
        const silence = create(SilenceSchema, {
          id: `silence-${this.#next++}`,
          cause,
          agentId,
          untilTimeUs,
          by: EMAIL,
          reason,
          createdTimeUs: nowUs(),
        });
        this.silences.push(silence);
        tell();
        return { silence };
      },
      endSilence: ({ silenceId }) => {
        const at = this.silences.findIndex((one) => one.id === silenceId);
        if (at < 0) throw new ConnectError('that silence is over', Code.NotFound);
        this.silences.splice(at, 1);
        tell();
        return {};
      },
      listSilences: () => ({ silences: this.silences }),
      listAlertRates: () => ({
        rates: [...new Set([...this.#hub.alerts.values()].map((one) => one.cause))].map((cause, k) => {
          const fired = [...this.#hub.alerts.values()].filter((one) => one.cause === cause);
          return {
            cause,
            level: fired[0]?.level ?? AlertLevel.INFO,
            lastHour: fired.length,
            lastDay: fired.length * (k + 3),
            lastWeek: fired.length * (k + 3) * 5,
            stoodS: 42 + k * 60,
            agentIds: fired.map((one) => one.agentId),
          };
        }),
      }),
    };
  }

  #missions(): FakeHub['extras']['missions'] {
    return {
      listMissions: ({ limit, beforeTimeUs, statuses }) => ({
        missions: [...this.#hub.missions.values(), ...this.history]
          .filter((mission) => statuses.length === 0 || statuses.includes(mission.status))
          .filter((mission) => beforeTimeUs === 0n || mission.createdTimeUs < beforeTimeUs)
          .sort((a, b) => (a.createdTimeUs < b.createdTimeUs ? 1 : -1))
          .slice(0, limit || 100),
      }),
      setMissionPriority: ({ missionId, priority }) => {
        const mission = this.#hub.missions.get(missionId);
        if (mission === undefined) throw new ConnectError(`there is no mission '${missionId}'`, Code.NotFound);
        mission.priority = priority;
        return { mission };
      },
    };
  }

  #fleet(): FakeHub['extras']['fleet'] {
    const all = (): AgentDecision[] => [...this.#hub.robots.flatMap((robot) => robot.decisions), ...this.remembered];
    return {
      listDecisions: ({ agentId, limit, before, beforeEpoch }) => ({
        decisions: all()
          .filter((one) => one.agentId === agentId)
          .filter((one) => before === 0n || isBefore(one, beforeEpoch, before))
          .sort(newestFirst)
          .slice(0, limit || 100),
      }),
      getAgent: ({ agentId }) => this.#agent(this.#hub.robot(agentId)),
      listSiteDecisions: ({ agentIds, authorities, text, beforeTimeUs, limit }) => {
        const most = limit || 100;
        const found: AgentDecision[] = [];
        for (const one of this.#newestFirst()) {
          if (found.length > most) break;
          if (agentIds.length > 0 && !agentIds.includes(one.agentId)) continue;
          if (authorities.length > 0 && !authorities.includes(authorityOf(one))) continue;
          if (text !== '' && !wordsOf(one).includes(text.toLowerCase())) continue;
          if (beforeTimeUs === 0n || one.timeUs < beforeTimeUs) found.push(one);
        }
        const decisions = found.slice(0, most);
        return { decisions, lookedToTimeUs: found.length > most ? (decisions.at(-1)?.timeUs ?? 0n) : 0n };
      },
    };
  }

  /** What is remembered is older than what the robots of this fleet decide; it is sorted once. */
  #newestFirst(): readonly AgentDecision[] {
    if (this.#sorted.of !== this.remembered) {
      this.#sorted = { of: this.remembered, list: this.remembered.toSorted(laterFirst) };
    }
    return [...this.#hub.robots.flatMap((robot) => robot.decisions).sort(laterFirst), ...this.#sorted.list];
  }

  #agent(robot: FakeRobot) {
    const hot = robot.entries.some((entry) => entry.condition === 'overheating' && entry.present);
    const wave = Math.sin(Date.now() / 3_000);
    const timeUs = nowUs();
    const health = [
      hot ? 96.4 : 41.2,
      40.8 + wave,
      44.1,
      48.6 + wave * 0.2,
      robot.speedMps > 0 ? 5.2 + wave : 1.3,
      robot.battery,
      29.5,
    ];
    const joints = [4.1 + wave, 2.2, 2.4 - wave, 0.3, 0.2, Number.NaN];
    const motion = [robot.speedMps, 0.02 * wave, 0.04];
    return {
      agent: {
        linked: robot.silentSinceMs === null,
        edgeId: 'edge-1',
        software: 'sigma-edge 0.4.1',
        capabilities: ['drive', 'scan', 'load', robot.body, 'payload:40'],
        leaseExpiresTimeUs: robot.leaseHolder === '' ? 0n : timeUs + 240_000_000n,
        seenTimeUs: timeUs,
      },
      frames: [
        { agentId: robot.id, channel: 'health', sequence: timeUs, timeUs, values: health },
        { agentId: robot.id, channel: 'joints', sequence: timeUs, timeUs, values: joints },
        { agentId: robot.id, channel: 'state', sequence: timeUs, timeUs, values: motion },
      ],
      channels: CHANNELS,
      bands: [{ channel: 'health', field: 'motorTempRight', low: 38, high: 44 }],
    };
  }

  #simulation(): FakeHub['extras']['simulation'] {
    const inject = this.#hub.fault.bind(this.#hub);
    return {
      listFaults: () => ({
        faults: [...Object.keys(FAULTS), 'link_loss'],
        simulated: true,
        active: this.active,
        speed: { speed: this.speed, speeds: [0.25, 0.5, 1, 2, 4] },
      }),
      setSpeed: ({ speed }) => {
        this.speed = speed;
        return {};
      },
      injectFault: ({ agentId, fault, clear, seconds }) => {
        if (this.#hub.role === 'viewer') throw new ConnectError('engineers only', Code.PermissionDenied);
        if (clear)
          this.active.splice(
            0,
            this.active.length,
            ...this.active.filter((one) => one.agentId !== agentId || one.fault !== fault),
          );
        else {
          const endsTimeUs = seconds === 0 ? 0n : nowUs() + BigInt(seconds) * 1_000_000n;
          this.active.push(create(ActiveFaultSchema, { agentId, fault, endsTimeUs, by: EMAIL }));
        }
        if (fault === 'link_loss') {
          this.#hub.robot(agentId).silentSinceMs = clear ? null : Date.now();
          return { receipt: receipt(agentId, '', 1n) };
        }
        return { receipt: receipt(agentId, inject(agentId, fault, clear), 1n) };
      },
      placePerson: ({ xM, yM, seconds }) => {
        this.people.push({ xM, yM, seconds });
        return { receipt: receipt('', '', 1n) };
      },
    };
  }
}

const account = (id: string, email: string, name: string, role: string): Account =>
  create(AccountSchema, { id, email, name, role, createdTimeUs: nowUs() - 86_400_000_000n * 30n, seenTimeUs: nowUs() });

/** Missions that ended long ago, the newest an hour back, five minutes apart. */
export function endedMissions(count: number): Mission[] {
  const ends = [MissionStatus.DONE, MissionStatus.DONE, MissionStatus.CANCELLED, MissionStatus.FAILED];
  return Array.from({ length: count }, (_, k) => {
    const createdTimeUs = nowUs() - BigInt(k + 12) * 300_000_000n;
    const status = ends[k % ends.length] as MissionStatus;
    return create(MissionSchema, {
      id: `old-${count - k}`,
      name: `Patrol ${count - k}`,
      status,
      progress: status === MissionStatus.DONE ? 1 : 0.4,
      createdBy: EMAIL,
      createdTimeUs,
      finishedTimeUs: createdTimeUs + 200_000_000n,
      detail: status === MissionStatus.FAILED ? 'nobody could reach the last point' : '',
      goal: {
        goal: {
          case: 'patrol',
          value: {
            points: [
              { xM: 5, yM: 5 },
              { xM: 20, yM: 5 },
            ],
            rounds: 1,
          },
        },
      },
    });
  });
}

const AUTHORITY: Readonly<Record<number, string>> = {
  [Authority.SAFETY]: 'safety',
  [Authority.OPERATOR]: 'operator',
  [Authority.SWARM]: 'swarm',
  [Authority.MISSION]: 'mission',
};

const authorityOf = (one: AgentDecision): string => AUTHORITY[one.decision?.chosen?.authority ?? 0] ?? 'rest';
const epochOf = (one: AgentDecision): number => one.decision?.context?.epoch ?? 0;
const sequenceOf = (one: AgentDecision): bigint => one.decision?.sequence ?? 0n;

/** Without an epoch the agent's newest is meant, which in the fake fleet is 1. */
function isBefore(one: AgentDecision, epoch: number | undefined, sequence: bigint): boolean {
  const newest = epoch ?? 1;
  return epochOf(one) < newest || (epochOf(one) === newest && sequenceOf(one) < sequence);
}

const laterFirst = (a: AgentDecision, b: AgentDecision): number =>
  a.timeUs < b.timeUs ? 1 : a.timeUs > b.timeUs ? -1 : 0;

const newestFirst = (a: AgentDecision, b: AgentDecision): number =>
  epochOf(b) - epochOf(a) || (sequenceOf(a) < sequenceOf(b) ? 1 : -1);

const wordsOf = ({ decision }: AgentDecision): string =>
  `${decision?.rationale} ${decision?.chosen?.source} ${decision?.command?.name}`.toLowerCase();

const CHANNELS = [
  {
    channel: 'health',
    fields: [
      { name: 'motorTempLeft', unit: 'degC', low: 0, high: 80 },
      { name: 'motorTempRight', unit: 'degC', low: 0, high: 80 },
      { name: 'boardTemp', unit: 'degC', low: 0, high: 75 },
      { name: 'batteryVoltage', unit: 'V', low: 42, high: 54.6 },
      { name: 'batteryCurrent', unit: 'A', low: -60, high: 60 },
      { name: 'batteryCharge', unit: 'fraction', low: 0.2 },
      { name: 'batteryTemp', unit: 'degC', low: 5, high: 45 },
    ],
  },
  {
    channel: 'joints',
    fields: [
      'torqueWaist',
      'torqueShoulderLeft',
      'torqueShoulderRight',
      'torqueElbowLeft',
      'torqueElbowRight',
      'torqueLift',
    ].map((name) => ({ name, unit: 'N m', low: -20, high: 20 })),
  },
  {
    channel: 'state',
    fields: [
      { name: 'speedMps', unit: 'm/s', low: -1.9, high: 1.9 },
      { name: 'turnRadps', unit: 'rad/s', low: -1.8, high: 1.8 },
      { name: 'positionSigmaM', unit: 'm', low: 0, high: 0.25 },
    ],
  },
];
