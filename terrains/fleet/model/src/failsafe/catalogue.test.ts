import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  arbitrate,
  type CommandProposal,
  catalogueFaults,
  type FailsafeUpdate,
  initialFailsafe,
  NO_INTERVENTION,
  type OperatingMode,
  type Proposal,
  type Situation,
  updateFailsafe,
} from '@sigma/kernel';
import { drawnSite, HALL, NO_RULES, Stage } from '../../testing/stage.ts';
import type { FleetBelief, Track } from '../belief/belief.ts';
import { fleetModel } from '../fleet-model.ts';
import type { Zone } from '../site/site.ts';
import { HOLD_COMMAND } from '../skills/parametrize.ts';

const RESTRICTED: Zone = { id: 'z1', name: 'pit', kind: 'restricted', cells: [66], speedMps: null };
const SITE = drawnSite(HALL, [RESTRICTED]);
const MODEL = fleetModel({ site: SITE, policy: NO_RULES });
const CATALOGUE = MODEL.failsafe;
const AT_US = 20_000_000;

const PERSON: Track = {
  id: 1,
  xM: 0,
  yM: 0,
  vxMps: 0,
  vyMps: 0,
  widthM: 0.4,
  kind: 'person',
  peer: null,
  hits: 5,
  misses: 0,
  seenUs: AT_US,
  confirmed: true,
};

type Patch = (situation: Situation<FleetBelief>) => Situation<FleetBelief>;
const motion =
  (change: Partial<FleetBelief['motion']>): Patch =>
  (s) => ({ ...s, world: { ...s.world, motion: { ...s.world.motion, ...change } } });
const health =
  (change: Partial<FleetBelief['health']>): Patch =>
  (s) => ({ ...s, world: { ...s.world, health: { ...s.world.health, ...change } } });
const sight =
  (change: Partial<FleetBelief['sight']>): Patch =>
  (s) => ({ ...s, world: { ...s.world, sight: { ...s.world.sight, ...change } } });

/** What makes each condition true. A condition without a line here fails the first test. */
const CAUSES: Readonly<Record<string, Patch>> = {
  operator_emergency_stop: (s) => ({ ...s, stop: 'emergency' }),
  operator_protective_stop: (s) => ({ ...s, stop: s.stop === 'none' ? 'protective' : s.stop }),
  operator_normal_stop: (s) => ({ ...s, stop: s.stop === 'none' ? 'normal' : s.stop }),
  motor_overload: motion({ overCurrentSinceUs: AT_US - 60_000 }),
  motor_hot: health({ motorLeftC: 120 }),
  board_hot: health({ boardC: 90 }),
  battery_hot: health({ batteryC: 65 }),
  tilted: motion({ pitchRad: -0.3 }),
  bumped: motion({ bumper: true }),
  overspeed: motion({ speedMps: 2.4 }),
  moves_against_command: (s) => ({ ...s, commandSinceUs: 0 }),
  odometry_disagrees: motion({ stuckLeftUs: 300_000 }),
  imu_drifts: motion({ gyroBiasRadps: 0.1 }),
  blind: sight({ repeats: 5, freshTravelM: -1 }),
  frames_late: (s) => ({ ...s, atUs: AT_US + 3_000_000 }),
  fence_left: motion({ xM: 6.5, yM: 5.5 }),
  person_too_close: (s) => sight({ tracks: [{ ...PERSON, xM: s.world.motion.xM + 0.5, yM: s.world.motion.yM }] })(s),
  planner_doubts: (s) => ({ ...s, confidence: 0.2 }),
  recorder_down: (s) => ({ ...s, world: { ...s.world, recorderDownSinceUs: AT_US - 6_000_000 } }),
  link_lost: (s) => ({ ...s, linkSilentUs: 3_000_000 }),
  voltage_collapsed: health({ batteryV: 35 }),
  battery_critical: health({ charge: 0.04 }),
  battery_low: health({ charge: 0.04 }),
  needs_help: health({ charge: 0.04 }),
};
const CONDITIONS = Object.keys(CAUSES);

const STAGE = new Stage({ site: SITE, start: { xM: 3.5, yM: 4.5, headingRad: 0 } }).run(0.5);
const BASE: Situation<FleetBelief> = {
  atUs: AT_US,
  world: {
    ...STAGE.belief,
    motion: { ...STAGE.belief.motion, atUs: AT_US, takenUs: AT_US, stillSinceUs: -1, speedMps: 0.6 },
    sight: { ...STAGE.belief.sight, atUs: AT_US },
  },
  mode: 'automatic',
  task: null,
  plan: {
    from: 'primary',
    taskId: 't',
    revision: 1,
    intents: [],
    cursor: 0,
    confidence: 1,
    rationale: '',
    basis: null,
    startedUs: 0,
    intentSinceUs: 0,
    command: null,
    commandSinceUs: 0,
  },
  command: HOLD_COMMAND,
  commandSinceUs: AT_US,
  operator: null,
  chain: 'primary',
  linkSilentUs: 0,
  primarySilentUs: 0,
  secondarySilentUs: 0,
  stop: 'none',
  confidence: 1,
  recentViolations: 0,
  signals: {},
};

const situationOf = (
  causes: readonly string[],
  mode: OperatingMode,
  signals: Situation<FleetBelief>['signals'],
): Situation<FleetBelief> => {
  let situation: Situation<FleetBelief> = { ...BASE, mode, signals };
  for (const name of CONDITIONS) if (causes.includes(name)) situation = (CAUSES[name] as Patch)(situation);
  return situation;
};

const run = (situation: Situation<FleetBelief>): FailsafeUpdate =>
  updateFailsafe(CATALOGUE, initialFailsafe(AT_US - 10_000), situation, [], NO_INTERVENTION);

const MISSION: CommandProposal = {
  type: 'command',
  source: 'plan:primary',
  authority: 'mission',
  severity: 0,
  priority: 1,
  sequence: 1,
  rationale: '',
  confidence: 1,
  ruleHash: null,
  command: { kind: 'setpoint', name: 'drive', params: { speedMps: 1, turnRadps: 0.2 }, durationUs: 300_000 },
};

const hazardOf = (situation: Situation<FleetBelief>, proposals: readonly Proposal[]): number => {
  const verdict = arbitrate([MISSION, ...proposals], MODEL.rest, (command, restriction) =>
    MODEL.clamp(command, restriction, situation.world),
  );
  return MODEL.hazard(verdict.command);
};

/** Said once more, in the words of SPEC [F41]: what can run, told without the catalogue's functions. */
function expectedAction(asked: string, causes: readonly string[], welded: boolean): string {
  const brakes = !causes.some((name) => ['motor_overload', 'motor_hot', 'voltage_collapsed'].includes(name));
  const electric = [
    'hold',
    'ai_self_suspension',
    'human_proximity_override',
    'geofence_restriction',
    'unsafe_movement_override',
    'thermal_shutdown',
  ];
  if (electric.includes(asked)) return brakes ? asked : welded ? 'mechanical' : 'motor_overload_cutoff';
  if (asked === 'motor_overload_cutoff' || asked === 'emergency_stop') return welded ? 'mechanical' : asked;
  return asked;
}

const severity = (id: string): number => CATALOGUE.actions.find((action) => action.id === id)?.severity ?? Number.NaN;

function check(causes: readonly string[], mode: OperatingMode, welded: boolean): number {
  const situation = situationOf(causes, mode, welded ? { contactor_stuck: 1 } : {});
  const { state, proposals } = run(situation);
  const present = state.entries.map((entry) => entry.condition);
  for (const cause of causes) {
    const masked =
      (cause === 'operator_normal_stop' || cause === 'operator_protective_stop') &&
      situation.stop !== cause.split('_')[1];
    assert.ok(masked || present.includes(cause), `${cause} is missing among ${present.join(', ')}`);
  }
  let worst: string | null = null;
  for (const { action } of state.entries) {
    const runs = expectedAction(action, present, welded);
    if (worst === null || severity(runs) > severity(worst)) worst = runs;
  }
  assert.equal(state.selected, worst, `${causes.join(' + ')} in ${mode}`);
  for (const { action, condition } of state.entries) {
    const wanted = CATALOGUE.actions.find(({ id }) => id === action)?.restriction;
    if (wanted === null || wanted === undefined) continue;
    assert.ok(
      proposals.some((p) => p.type === 'restriction' && p.source === `failsafe:${condition}`),
      `restriction of ${condition}`,
    );
  }
  return hazardOf(situation, proposals);
}

test('[F40] the catalogue holds together, and every condition has a cause in this test', () => {
  assert.deepEqual(catalogueFaults(CATALOGUE), []);
  assert.deepEqual(CATALOGUE.conditions.map(({ id }) => id).sort(), [...CONDITIONS].sort());
  for (const id of [
    'sos_broadcast',
    'low_power_stability',
    'ai_self_suspension',
    'human_proximity_override',
    'geofence_restriction',
    'unsafe_movement_override',
    'thermal_shutdown',
    'motor_overload_cutoff',
  ]) {
    assert.ok(
      CATALOGUE.conditions.some(({ action }) => action === id),
      `${id} has a condition`,
    );
  }
});

test('[F41] [L1] every one, pair and triple of conditions, in every mode, with and without a welded contactor', () => {
  let cases = 0;
  for (const mode of ['automatic', 'manual', 'service'] as const) {
    for (const welded of [false, true]) {
      const hazards = new Map<string, number>([['', MODEL.hazard(MISSION.command)]]);
      const visit = (causes: readonly string[]): void => {
        const hazard = check(causes, mode, welded);
        hazards.set(causes.join(), hazard);
        cases++;
        for (const left of causes) {
          const fewer = causes.filter((name) => name !== left).join();
          assert.ok(
            hazard <= (hazards.get(fewer) as number) + 1e-12,
            `${causes.join(' + ')} is bolder than without ${left}`,
          );
        }
      };
      for (let a = 0; a < CONDITIONS.length; a++) visit([CONDITIONS[a] as string]);
      for (let a = 0; a < CONDITIONS.length; a++) {
        for (let b = a + 1; b < CONDITIONS.length; b++) visit([CONDITIONS[a] as string, CONDITIONS[b] as string]);
      }
      for (let a = 0; a < CONDITIONS.length; a++) {
        for (let b = a + 1; b < CONDITIONS.length; b++) {
          for (let c = b + 1; c < CONDITIONS.length; c++)
            visit([CONDITIONS[a] as string, CONDITIONS[b] as string, CONDITIONS[c] as string]);
        }
      }
    }
  }
  assert.equal(cases, 6 * (24 + 276 + 2024));
});

test('[F42] nobody can take over a motor cutoff, a heat shutdown or a stop that guards a person', () => {
  for (const { id, takeover, action } of CATALOGUE.conditions) {
    const guarded = [
      'motor_overload_cutoff',
      'thermal_shutdown',
      'human_proximity_override',
      'emergency_stop',
    ].includes(action);
    if (guarded) assert.equal(takeover, 'never', id);
  }
});

test('[F43] what cuts the power off stays off until a person acknowledges and resets', () => {
  for (const { id, clear, action } of CATALOGUE.conditions) {
    if (action === 'motor_overload_cutoff' || action === 'emergency_stop') assert.equal(clear, 'on_reset', id);
  }
});
