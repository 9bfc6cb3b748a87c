import type { Body } from '@sigma/fleet-model';
import { drawNormal, purpose } from '@sigma/kernel';
import { accelLimit, modeInForce } from './drive.ts';
import { jointPower } from './joints.ts';
import {
  ACCEL,
  BATTERY_COLLAPSE,
  BATTERY_CURRENT,
  BATTERY_VOLTAGE,
  CHARGE,
  CHARGED_AH,
  CURRENT_LEFT,
  CURRENT_RIGHT,
  CYCLES,
  DOCKED,
  DRAWN_AH,
  FAULT_VALUE,
  faultActive,
  GROUND_TURN,
  LOAD_KG,
  MODE_CUTOFF,
  MODE_DRIVE,
  MODE_PROTECTIVE,
  MOTOR_OVERLOAD,
  OVERHEATING,
  ROBOT,
  SET_SPEED,
  SPEED,
  STALLED,
  STEP_S,
  TEMP_BATTERY,
  TEMP_BOARD,
  TEMP_LEFT,
  TEMP_RIGHT,
  TURN,
} from './state.ts';
import type { Draft } from './step.ts';

export const AMBIENT_C = 22;
const GRAVITY_MPS2 = 9.81;
/** Rolling resistance of the wheels as a fraction of the weight. */
const ROLLING = 0.015;
/** Unevenness of the floor as a fraction of the weight, standard deviation; it lasts about a metre at walking pace. */
const UNEVEN = 0.004;
/** A motor that turns nothing still draws this, and one that holds still this, A. */
const NO_LOAD_A = 0.35;
const HOLD_A = 0.2;
/** A motor that pushes at something that does not give way, in multiples of its rated current. */
const STALL_RATED = 2.2;
/** Winding resistance, ohm, and what part of the electrical power reaches the wheel. */
const WINDING_OHM = 0.08;
const DRIVE_EFFICIENCY = 0.85;
/** Rise of a motor that carries its rated current for ever, K, and its time constant, s. */
const MOTOR_RISE_K = 45;
const MOTOR_TAU_S = 150;
const BOARD_RISE_K = 16;
const BOARD_TAU_S = 90;
/** Time constant of the `overheating` fault, s: someone watching sees it climb. */
const OVERHEAT_TAU_S = 8;
const CELLS = 13;
/** Open-circuit voltage of a lithium-ion (NMC) cell at 25 degC, V, at these charges. */
const OCV_CHARGE = [0, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1];
const OCV_V = [3.0, 3.3, 3.45, 3.55, 3.65, 3.78, 3.95, 4.2];
const NOMINAL_V = 3.65 * CELLS;
const FULL_V = 4.2 * CELLS;
/** A battery has lost 20 % of its capacity, and its resistance has risen by 60 %, after this many full cycles. */
const LIFE_CYCLES = 800;
/** Charging current in multiples of the capacity in an hour. */
const CHARGER_C = 1;
const DOCK_C = 0.3;
const COULOMBIC_EFFICIENCY = 0.99;
const BATTERY_TAU_S = 900;
const BATTERY_K_PER_W = 1.2;
/** `battery_collapse`: failing cells multiply the resistance and lose their charge with this time constant, s. */
const COLLAPSED_OHMS = 6;
const COLLAPSE_TAU_S = 4;

const ROUGH_FLOOR = purpose('world-rough-floor');

/** Fraction of its first capacity that a battery still has. */
export const batteryHealth = (cycles: number): number => Math.max(0.4, 1 - (0.2 * cycles) / LIFE_CYCLES);
export const capacityAh = (body: Body, cycles: number): number => (body.batteryWh / NOMINAL_V) * batteryHealth(cycles);

/** Open-circuit voltage of the pack, V, for a charge in 0..1. Rises with charge. */
export function openVoltage(charge: number): number {
  let k = 1;
  while (k < OCV_CHARGE.length - 1 && charge > (OCV_CHARGE[k] as number)) k++;
  const from = OCV_CHARGE[k - 1] as number;
  const to = OCV_CHARGE[k] as number;
  const part = Math.min(1, Math.max(0, (charge - from) / (to - from)));
  return CELLS * ((OCV_V[k - 1] as number) + part * ((OCV_V[k] as number) - (OCV_V[k - 1] as number)));
}

/** Internal resistance of the pack, ohm: larger when old or cold. */
export function resistanceOhm(body: Body, cycles: number, tempC: number): number {
  const cold = Math.min(2, Math.max(0.7, 1 + 0.012 * (25 - tempC)));
  return (54 / body.batteryWh) * (1 + (0.6 * cycles) / LIFE_CYCLES) * cold;
}

/** Newton per ampere of one motor, fixed so that two at rated current carry the full payload up to speed. */
function newtonPerAmpere(body: Body): number {
  return (
    (0.5 * (body.massKg + body.payloadKg) * (accelLimit(body, body.payloadKg) + ROLLING * GRAVITY_MPS2)) /
    body.motorRatedA
  );
}

/** Currents, temperatures and battery of every robot over one step. */
export function powerRobots(draft: Draft): void {
  for (let robot = 0; robot < draft.layout.bodies.length; robot++) {
    const motorW = driveMotors(draft, robot);
    const body = draft.layout.bodies[robot] as Body;
    heat(draft, robot, body, motorW);
    runBattery(draft, robot, body, body.idleW + motorW + jointPower(draft, robot));
  }
}

/** Sets both motor currents and returns the electrical power of the drives, W. Braking returns none. */
function driveMotors(draft: Draft, robot: number): number {
  const { layout, robots: r, tick } = draft;
  const at = robot * ROBOT;
  const body = layout.bodies[robot] as Body;
  const mode = modeInForce(r, at);
  const speed = r[at + SPEED] as number;
  const standing = speed === 0 && r[at + TURN] === 0;
  if (mode === MODE_CUTOFF || (mode === MODE_PROTECTIVE && standing && r[at + STALLED] === 0)) {
    r[at + CURRENT_LEFT] = 0;
    r[at + CURRENT_RIGHT] = 0;
    return 0;
  }
  const perAmpere = newtonPerAmpere(body);
  let leftA = HOLD_A;
  let rightA = HOLD_A;
  let mechanicalW = 0;
  if (r[at + STALLED] === 1) {
    const push = mode === MODE_DRIVE ? Math.min(1, Math.abs(r[at + SET_SPEED] as number) / 0.3) : 0;
    leftA = HOLD_A + push * STALL_RATED * body.motorRatedA;
    rightA = leftA;
  } else if (!standing) {
    const massKg = body.massKg + (r[at + LOAD_KG] as number);
    const weightN = massKg * GRAVITY_MPS2;
    const rough = drawNormal(layout.seed, layout.keys[robot] as number, Math.floor(tick / 50), ROUGH_FLOOR, 0);
    const rollingN = speed > 0 ? ROLLING * weightN : speed < 0 ? -ROLLING * weightN : 0;
    const forceN = massKg * (r[at + ACCEL] as number) + rollingN + rough * UNEVEN * weightN;
    // Turning on the spot scrubs the wheels: its torque is shared as a push and a pull.
    const scrubN = (0.5 * ROLLING * weightN * (r[at + GROUND_TURN] as number)) / body.maxTurnRadps;
    leftA = NO_LOAD_A + Math.abs(forceN / 2 - scrubN) / perAmpere;
    rightA = NO_LOAD_A + Math.abs(forceN / 2 + scrubN) / perAmpere;
    mechanicalW = Math.max(0, forceN * speed);
  }
  if (faultActive(r, robot, MOTOR_OVERLOAD)) {
    leftA += (r[at + FAULT_VALUE + MOTOR_OVERLOAD] as number) * body.motorRatedA;
  }
  r[at + CURRENT_LEFT] = leftA;
  r[at + CURRENT_RIGHT] = rightA;
  return mechanicalW / DRIVE_EFFICIENCY + (leftA * leftA + rightA * rightA) * WINDING_OHM;
}

/** First-order temperatures above the ambient. */
function heat(draft: Draft, robot: number, body: Body, motorW: number): void {
  const r = draft.robots;
  const at = robot * ROBOT;
  const extraK = faultActive(r, robot, OVERHEATING) ? (r[at + FAULT_VALUE + OVERHEATING] as number) : 0;
  const motor = (temp: number, current: number) => {
    const rated = current / body.motorRatedA;
    settle(r, at + temp, AMBIENT_C + MOTOR_RISE_K * rated * rated + extraK, extraK > 0 ? OVERHEAT_TAU_S : MOTOR_TAU_S);
  };
  motor(TEMP_LEFT, r[at + CURRENT_LEFT] as number);
  motor(TEMP_RIGHT, r[at + CURRENT_RIGHT] as number);
  const boardC = AMBIENT_C + BOARD_RISE_K + 0.02 * motorW + 0.7 * extraK;
  settle(r, at + TEMP_BOARD, boardC, extraK > 0 ? OVERHEAT_TAU_S : BOARD_TAU_S);
}

function settle(r: Float64Array, column: number, toward: number, tauS: number): void {
  const now = r[column] as number;
  r[column] = now + ((toward - now) * STEP_S) / tauS;
}

/** Charge, voltage, temperature and age of one battery while it gives `loadW`. */
function runBattery(draft: Draft, robot: number, body: Body, loadW: number): void {
  const r = draft.robots;
  const at = robot * ROBOT;
  const cycles = r[at + CYCLES] as number;
  const collapsed = faultActive(r, robot, BATTERY_COLLAPSE);
  const ohm = resistanceOhm(body, cycles, r[at + TEMP_BATTERY] as number) * (collapsed ? COLLAPSED_OHMS : 1);
  const charge = r[at + CHARGE] as number;
  const openV = openVoltage(charge);
  const ah = capacityAh(body, cycles);

  // P = (U - R I) I for the smaller current; a battery that cannot give the power gives its most, U / 2R.
  const discriminant = openV * openV - 4 * ohm * loadW;
  const loadA = discriminant > 0 ? (openV - Math.sqrt(discriminant)) / (2 * ohm) : openV / (2 * ohm);
  const chargingA = chargeCurrent(draft, robot, openV, ohm, ah, loadA);
  const netA = loadA - chargingA;
  r[at + BATTERY_CURRENT] = netA;
  r[at + BATTERY_VOLTAGE] = openV - netA * ohm;

  const movedAh = (netA * STEP_S) / 3600;
  let next = charge - (movedAh > 0 ? movedAh : movedAh * COULOMBIC_EFFICIENCY) / ah;
  if (movedAh > 0) r[at + DRAWN_AH] = (r[at + DRAWN_AH] as number) + movedAh;
  else r[at + CHARGED_AH] = (r[at + CHARGED_AH] as number) - movedAh;
  if (collapsed) {
    const left = r[at + FAULT_VALUE + BATTERY_COLLAPSE] as number;
    if (next > left) next += ((left - next) * STEP_S) / COLLAPSE_TAU_S;
  }
  r[at + CHARGE] = Math.min(1, Math.max(0, next));
  r[at + CYCLES] = cycles + Math.abs(movedAh) / (2 * ah);
  settle(r, at + TEMP_BATTERY, AMBIENT_C + BATTERY_K_PER_W * netA * netA * ohm, BATTERY_TAU_S);
}

/** Constant current until the voltage stands at its limit, then constant voltage (CC/CV). 0 away from a charger. */
function chargeCurrent(draft: Draft, robot: number, openV: number, ohm: number, ah: number, loadA: number): number {
  const docked = draft.robots[robot * ROBOT + DOCKED] as number;
  if (docked < 0) return 0;
  const place = draft.layout.places[docked];
  const limitA = (place?.kind === 'charger' ? CHARGER_C : DOCK_C) * ah;
  const untilFullA = Math.max(0, (FULL_V - openV) / ohm);
  return loadA + Math.min(limitA, untilFullA);
}
