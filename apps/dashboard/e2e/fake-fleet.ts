import { create } from '@bufbuild/protobuf';
import {
  type AgentDecision,
  AgentDecisionSchema,
  type AgentStatus,
  AgentStatusSchema,
  type Alert,
  AlertLevel,
  AlertSchema,
  Authority,
  type FailsafeEntry,
  FailsafeEntrySchema,
  OrderReceiptSchema,
} from '@sigma/proto';

/**
 * A small honest fleet for the page's own tests: robots on fixed loops that stop when they are told, carry failsafe
 * entries that only a person can end, decide at every corner, and answer each order with what they did. It proves the
 * page, not the product; the product's own tests run the real hub.
 */
export interface FakeRobot {
  readonly id: string;
  readonly body: 'carrier' | 'humanoid';
  readonly corners: readonly (readonly [number, number])[];
  along: number;
  speedMps: number;
  battery: number;
  stop: string;
  mode: string;
  leaseHolder: string;
  entries: FailsafeEntry[];
  taskId: string;
  decisions: AgentDecision[];
  corner: number;
  /** Waits for its peers; its task goes on afterwards. */
  waits: boolean;
  /** Not located since; drawn grey. */
  silentSinceMs: number | null;
}

/** Aisles of the fake site that a loop may use: rows between shelves, columns across them (metres, cell centres). */
const AISLE_YS = [1.5, 4.5, 7.5, 10.5, 13.5, 16.5, 19.5, 22.5, 25.5, 28.5];
const CROSS_XS = [9.5, 20.5, 31.5, 42.5, 54.5];

export function fakeRobots(count: number): FakeRobot[] {
  return Array.from({ length: count }, (_, k): FakeRobot => {
    const west = CROSS_XS[k % 3] as number;
    const east = CROSS_XS[(k % 3) + 1 + (k % 2)] as number;
    const south = AISLE_YS[(k * 2) % 8] as number;
    const north = AISLE_YS[((k * 2) % 8) + 1] as number;
    return {
      id: `r${String(k + 1).padStart(2, '0')}`,
      body: k % 3 === 0 ? 'humanoid' : 'carrier',
      corners: [
        [west, south],
        [east, south],
        [east, north],
        [west, north],
      ],
      along: k * 3.7,
      speedMps: 0.9,
      battery: 0.95 - (k % 25) * 0.03,
      stop: 'none',
      mode: 'automatic',
      leaseHolder: '',
      entries: [],
      taskId: k % 4 === 3 ? '' : `task-${k + 1}`,
      decisions: [],
      corner: -1,
      waits: false,
      silentSinceMs: null,
    };
  });
}

export function poseOf(robot: FakeRobot): { xM: number; yM: number; headingRad: number; corner: number } {
  const { corners } = robot;
  let left = robot.along % loopLength(corners);
  for (let k = 0; k < corners.length; k++) {
    const [ax, ay] = corners[k] as readonly [number, number];
    const [bx, by] = corners[(k + 1) % corners.length] as readonly [number, number];
    const length = Math.hypot(bx - ax, by - ay);
    if (left <= length) {
      const share = left / length;
      return {
        xM: ax + (bx - ax) * share,
        yM: ay + (by - ay) * share,
        headingRad: Math.atan2(by - ay, bx - ax),
        corner: k,
      };
    }
    left -= length;
  }
  const [xM, yM] = corners[0] as readonly [number, number];
  return { xM, yM, headingRad: 0, corner: 0 };
}

function loopLength(corners: FakeRobot['corners']): number {
  return corners.reduce((sum, [ax, ay], k) => {
    const [bx, by] = corners[(k + 1) % corners.length] as readonly [number, number];
    return sum + Math.hypot(bx - ax, by - ay);
  }, 0);
}

const mayMove = (robot: FakeRobot): boolean =>
  robot.stop === 'none' && robot.taskId !== '' && robot.entries.every((entry) => entry.action === 'human_proximity');

/** Moves a robot on by `seconds`, and lets it decide when it comes to a corner or its standing changed. */
export function advance(robot: FakeRobot, seconds: number, atUs: bigint): void {
  robot.speedMps = mayMove(robot) ? (robot.entries.length > 0 ? 0.3 : 0.9) : 0;
  robot.along += robot.speedMps * seconds;
  robot.battery = Math.max(0, robot.battery - seconds * 1e-5);
  const { corner } = poseOf(robot);
  if (corner === robot.corner) return;
  robot.corner = corner;
  decide(robot, atUs);
}

export function decide(robot: FakeRobot, atUs: bigint): void {
  const slow = robot.entries.find((entry) => entry.action === 'human_proximity');
  const safety = robot.stop !== 'none' || robot.entries.some((entry) => entry !== slow);
  const drive = {
    name: 'drive',
    params: [number('speedMps', 0.9), number('turnRadps', 0)],
    kind: setPoint(1_200_000n),
  };
  const planned = {
    source: 'plan:primary',
    authority: Authority.MISSION,
    sequence: BigInt(robot.decisions.length),
    rationale: 'next cell of the aisle is free',
    confidence: 0.94,
    wants: { case: 'command' as const, value: drive },
  };
  const yielding = {
    source: 'peer:r02',
    authority: Authority.SWARM,
    rationale: 'r02 has right of way at the crossing',
    confidence: 1,
    wants: { case: 'command' as const, value: { name: 'hold', kind: setPoint(400_000n) } },
  };
  const stopping = {
    source: robot.entries.length > 0 ? `failsafe:${robot.entries[0]?.action}` : `operator:${robot.stop}_stop`,
    authority: robot.entries.length > 0 ? Authority.SAFETY : Authority.OPERATOR,
    severity: 60,
    rationale: robot.entries[0]?.cause ?? `${robot.stop} stop was ordered`,
    confidence: 1,
    wants: {
      case: 'command' as const,
      value: { name: 'stop', params: [number('category', 1)], kind: setPoint(500_000n) },
    },
  };
  const limit = {
    source: 'reflex:human_proximity',
    authority: Authority.SAFETY,
    rationale: 'person at 1.2 m',
    confidence: 1,
    wants: {
      case: 'restriction' as const,
      value: { atMost: [{ param: 'speedMps', atMost: 0.3 }], forbid: ['zone:work-1'] },
    },
  };
  const chosen = safety ? stopping : planned;
  const slowed = { ...drive, params: [number('speedMps', 0.3), number('turnRadps', 0)] };
  const sequence = BigInt(robot.decisions.length + 1);
  const decision = create(AgentDecisionSchema, {
    agentId: robot.id,
    atUs,
    timeUs: BigInt(Date.now()) * 1000n,
    decision: {
      sequence,
      context: { epoch: 1, inputSequence: sequence * 40n, policyHash: '6f2c91e07a4d55b1c0de' },
      chosen,
      command: safety ? stopping.wants.value : slow === undefined ? drive : slowed,
      rationale: chosen.rationale,
      confidence: chosen.confidence,
      rejected: safety
        ? [{ proposal: planned, reason: 'lower_authority', by: stopping.source }]
        : [{ proposal: yielding, reason: 'older', by: 'plan:primary' }],
      restrictions: slow === undefined ? [] : [limit],
      clamped: slow === undefined || safety ? [] : [{ param: 'speedMps', from: 0.9, to: 0.3 }],
      taskId: robot.taskId,
      planRevision: 3n,
      planner: 'primary',
      planBasis: { epoch: 1, inputSequence: sequence * 40n - 6n },
    },
  });
  robot.decisions.unshift(decision);
}

const number = (name: string, value: number) => ({ name, value: { case: 'number' as const, value } });
const setPoint = (durationUs: bigint) => ({ case: 'setPoint' as const, value: { durationUs } });

export function statusOf(robot: FakeRobot, atUs: bigint): AgentStatus {
  const decision = robot.decisions[0]?.decision;
  return create(AgentStatusSchema, {
    agentId: robot.id,
    epoch: 1,
    atUs,
    role: 'robot',
    body: robot.body,
    mode: robot.mode,
    chain: 'primary',
    failsafe: robot.entries[0]?.action ?? '',
    failsafeEntries: robot.entries,
    stop: robot.stop,
    leaseHolder: robot.leaseHolder,
    taskId: robot.taskId,
    taskStatus: robot.taskId === '' ? '' : robot.waits ? 'waiting' : 'active',
    planRevision: 3n,
    planCursor: robot.corner,
    planLength: 4,
    decisionSequence: decision?.sequence ?? 0n,
    command: decision?.command?.name ?? '',
    authority: decision?.chosen?.source.startsWith('failsafe') ? 'safety' : 'mission',
    rationale: decision?.rationale ?? '',
  });
}

export const FAULTS: Readonly<
  Record<string, { action: string; cause: string; advice: string; clear: string; level: AlertLevel }>
> = {
  overheating: {
    action: 'thermal_shutdown',
    cause: 'Left motor at 96 °C, above 90 °C',
    advice: 'Let it cool, look for a blocked wheel, then acknowledge and reset.',
    clear: 'on_reset',
    level: AlertLevel.CRITICAL,
  },
  stuck_encoder: {
    action: 'unsafe_movement_override',
    cause: 'Left encoder stands still while the gyro turns',
    advice: 'Check the encoder cable before the robot drives again.',
    clear: 'on_acknowledge',
    level: AlertLevel.WARNING,
  },
  person_steps_in: {
    action: 'human_proximity',
    cause: 'A person at 1.2 m',
    advice: 'Nothing: it drives on when the person has left.',
    clear: 'when_clears',
    level: AlertLevel.ADVISORY,
  },
};

export function raise(robot: FakeRobot, fault: string, atUs: bigint): Alert | undefined {
  const known = FAULTS[fault];
  if (known === undefined) return undefined;
  const { action, cause, advice, clear, level } = known;
  robot.entries = robot.entries.filter((entry) => entry.condition !== fault);
  robot.entries.push(
    create(FailsafeEntrySchema, { condition: fault, action, cause, advice, clear, sinceUs: atUs, present: true }),
  );
  decide(robot, atUs);
  const raisedTimeUs = BigInt(Date.now()) * 1000n;
  return create(AlertSchema, {
    id: `alert-${robot.id}-${fault}`,
    level,
    agentId: robot.id,
    cause: action,
    text: `${robot.id}: ${cause}`,
    advice,
    raisedTimeUs,
    count: 1,
  });
}

/** What a person did, or time: entries end by their own rule. Returns why nothing ended, or an empty text. */
export function settle(robot: FakeRobot, act: 'acknowledge' | 'reset' | 'clear', by: string, atUs: bigint): string {
  if (act === 'acknowledge') {
    if (robot.entries.length === 0 && robot.stop === 'none') return 'nothing to acknowledge';
    for (const entry of robot.entries) entry.acknowledgedBy = by;
    robot.entries = robot.entries.filter((entry) => entry.present || entry.clear !== 'on_acknowledge');
  } else if (act === 'reset') {
    const blocking = robot.entries.find((entry) => entry.present || entry.acknowledgedBy === '');
    if (blocking !== undefined) return blocking.present ? `${blocking.cause}: still there` : 'acknowledge it first';
    robot.entries = [];
    robot.stop = 'none';
  }
  decide(robot, atUs);
  return '';
}

export const receipt = (agentId: string, reason: string, sequence: bigint) =>
  create(OrderReceiptSchema, {
    agentId,
    issuer: 'operator:ada',
    sequence,
    outcome: reason === '' ? 'accepted' : 'refused',
    reason,
  });
