import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  arbitrate,
  type Command,
  type CommandProposal,
  intersect,
  type Restriction,
  type RestrictionProposal,
} from '@sigma/kernel';
import fc from 'fast-check';
import { advance, drawnSite, goTo, HALL, NO_RULES, Stage } from '../../testing/stage.ts';
import type { FleetBelief } from '../belief/belief.ts';
import { fleetModel } from '../fleet-model.ts';
import { HOLD_COMMAND } from './parametrize.ts';

const ZONES = [{ id: 'a', name: 'a', kind: 'area' as const, cells: [65, 66, 85, 86], speedMps: null }];
const SITE = drawnSite(HALL, ZONES);
const MODEL = fleetModel({ site: SITE, policy: NO_RULES });
const WORLD = new Stage({ site: SITE, start: { xM: 4.4, yM: 4.5, headingRad: 0 } }).run(0.2).belief;
/** On the way east at 1.2 m/s with a wall 0.13 m to the right of the hull: the corridor bounds what turns. */
const BESIDE_WALL = beside();

function beside(): FleetBelief {
  const stage = new Stage({ site: SITE, start: { xM: 1.5, yM: 1.45, headingRad: 0 } });
  stage.assign(goTo(17.5, 1.45)).tick();
  stage.plan(advance([17.5, 1.45])).run(3);
  assert.ok(stage.speedMps > 1.1, `${stage.speedMps} m/s`);
  return stage.belief;
}

const command: fc.Arbitrary<Command> = fc.oneof(
  fc
    .record({
      speedMps: fc.integer({ min: -30, max: 30 }).map((n) => n / 10),
      turnRadps: fc.integer({ min: -30, max: 30 }).map((n) => n / 10),
    })
    .map((params): Command => ({ kind: 'setpoint', name: 'drive', params, durationUs: 300_000 })),
  fc
    .record({
      speedMps: fc.integer({ min: -30, max: 30 }).map((n) => n / 10),
      turnRadps: fc.integer({ min: -30, max: 30 }).map((n) => n / 10),
    })
    .map(
      (params): Command => ({
        kind: 'setpoint',
        name: 'drive',
        params: { ...params, cruiseMps: 1.2 },
        durationUs: 300_000,
      }),
    ),
  fc.constantFrom<Command>(HOLD_COMMAND, {
    kind: 'action',
    name: 'load',
    params: { station: 's', item: 'i' },
    id: '1',
    idempotencyKey: '1',
    deadlineUs: 1,
  }),
);
const restriction: fc.Arbitrary<Restriction> = fc.record({
  atMost: fc.dictionary(
    fc.constantFrom('speedMps', 'turnRadps', 'cruiseMps'),
    fc.integer({ min: 0, max: 20 }).map((n) => n / 10),
    { noNullPrototype: true },
  ),
  forbid: fc.subarray(['zone:a', 'name:load', 'name:drive']),
});
const world = fc.constantFrom(WORLD, BESIDE_WALL);
const bound = (at: Restriction, source: string): RestrictionProposal => ({
  type: 'restriction',
  source,
  authority: 'safety',
  severity: 0,
  priority: 0,
  sequence: 0,
  rationale: '',
  confidence: 1,
  ruleHash: null,
  restriction: at,
});
const asked = (wish: Command): CommandProposal => ({
  type: 'command',
  source: 'plan:primary',
  authority: 'mission',
  severity: 0,
  priority: 0,
  sequence: 1,
  rationale: '',
  confidence: 1,
  ruleHash: null,
  command: wish,
});

test('[F33] [L1] adding any rule never raises the hazard of the decided command', () => {
  fc.assert(
    fc.property(world, command, fc.array(restriction, { maxLength: 4 }), restriction, (at, wish, rules, added) => {
      const decide = (all: readonly Restriction[]): number => {
        const proposals = [asked(wish), ...all.map((one, k) => bound(one, `rule:${k}`))];
        return MODEL.hazard(arbitrate(proposals, MODEL.rest, (c, r) => MODEL.clamp(c, r, at)).command);
      };
      assert.ok(decide([...rules, added]) <= decide(rules) + 1e-12);
    }),
    { seed: 7, numRuns: 2000 },
  );
});

test('[F33] the clamp keeps every bound and is idempotent', () => {
  fc.assert(
    fc.property(world, command, restriction, restriction, (at, wish, a, b) => {
      const both = intersect(a, b);
      const { command: out } = MODEL.clamp(wish, both, at);
      if (out === null) return;
      for (const [name, most] of Object.entries(both.atMost)) {
        const value = out.params[name];
        if (typeof value === 'number') assert.ok(Math.abs(value) <= most, `${name} ${value} > ${most}`);
      }
      assert.deepEqual(MODEL.clamp(out, both, at).command, out);
    }),
    { seed: 8, numRuns: 2000 },
  );
});

const drive = (speedMps: number, turnRadps = 0): Command => ({
  kind: 'setpoint',
  name: 'drive',
  params: { speedMps, turnRadps },
  durationUs: 300_000,
});

test('[F34] a drive that would be in a forbidden zone within a second is barred, one that turns away or leaves is not', () => {
  const keepOut: Restriction = { atMost: {}, forbid: ['zone:a'] };
  assert.equal(MODEL.clamp(drive(1), keepOut, WORLD).forbiddenBy, 'zone:a');
  assert.equal(MODEL.clamp(drive(0.1), keepOut, WORLD).forbiddenBy, null);
  assert.equal(MODEL.clamp(drive(-1), keepOut, WORLD).forbiddenBy, null);
  assert.equal(MODEL.clamp(drive(0, 1), keepOut, WORLD).forbiddenBy, null);
  const inside = { ...WORLD, motion: { ...WORLD.motion, xM: 5.5 } };
  assert.equal(MODEL.clamp(drive(1), keepOut, inside).forbiddenBy, null, 'bars keep out, they do not lock in');
});

test('[F101] beside a wall a turn towards it is lowered, on record, and one away from it or of a robot that stands is not', () => {
  const free: Restriction = { atMost: {}, forbid: [] };
  const turnOf = (wish: Command, at: FleetBelief): number =>
    MODEL.clamp(wish, free, at).command?.params.turnRadps as number;
  assert.equal(turnOf(drive(1.2, 1.5), BESIDE_WALL), 1.5);
  assert.ok(turnOf(drive(0, -1.5), BESIDE_WALL) > -0.6, `${turnOf(drive(0, -1.5), BESIDE_WALL)}`);
  assert.deepEqual(MODEL.clamp(drive(0, -1.5), free, BESIDE_WALL).clamped, [
    { param: 'turnRadps', from: -1.5, to: turnOf(drive(0, -1.5), BESIDE_WALL) },
  ]);
  assert.equal(turnOf(drive(0, -1.5), { ...BESIDE_WALL, motion: { ...BESIDE_WALL.motion, speedMps: 0 } }), -1.5);
});

test('[F104] a person’s drive that may not go on still turns a robot that stands, never one that moves', () => {
  const turnAt = (at: FleetBelief, speedMps: number): number =>
    MODEL.clamp(drive(1, 0.8), { atMost: { speedMps }, forbid: [] }, at).command?.params.turnRadps as number;
  assert.deepEqual(
    [0, 0.5].map((speedMps) => turnAt(WORLD, speedMps)),
    [0.8, 0.8],
  );
  const moving = { ...WORLD, motion: { ...WORLD.motion, speedMps: 0.1 } };
  assert.deepEqual(
    [0, 0.5].map((speedMps) => turnAt(moving, speedMps)),
    [0, 0.4],
  );
});

test('[F33] numbers that are none are no command', () => {
  assert.equal(MODEL.clamp(drive(Number.NaN), { atMost: {}, forbid: [] }, WORLD).command, null);
});

test('[F35] hazard: every stop is 0, a drive grows with both its speeds, an action is above 0', () => {
  assert.equal(MODEL.hazard(HOLD_COMMAND), 0);
  for (const { command: stop } of MODEL.failsafe.actions) if (stop !== null) assert.equal(MODEL.hazard(stop), 0);
  assert.equal(MODEL.hazard(drive(0)), 0);
  assert.ok(MODEL.hazard(drive(-0.5)) < MODEL.hazard(drive(-0.6)));
  assert.ok(MODEL.hazard(drive(0.5, 0.1)) < MODEL.hazard(drive(0.5, -0.2)));
});
