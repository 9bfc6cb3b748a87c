import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY } from '../../policies/default.ts';
import { drawnSite, HALL, Stage } from '../../testing/stage.ts';
import { groundOf } from '../ground.ts';
import { BrokenRuleError, compilePolicy, type RuleText } from './policy.ts';

const GROUND = groundOf(
  drawnSite(HALL, [{ id: 'w1', name: 'packing', kind: 'work', cells: [101, 102], speedMps: null }]),
);

const rule = (when: string, change: Partial<RuleText> = {}): RuleText => ({
  id: 'r',
  rate: 'situation',
  when,
  effect: { type: 'restrict', restriction: { atMost: { speedMps: 0.5 }, forbid: [] } },
  rationale: 'because',
  ...change,
});

const compiled = (when: string) => {
  const found = compilePolicy({ version: '1', rules: [rule(when)] }, GROUND).rules[0];
  assert.ok(found);
  return found;
};

const situation = () => {
  const stage = new Stage({ site: GROUND.site, start: { xM: 1.5, yM: 3.5, headingRad: 0 } });
  stage.run(0.1);
  const { world, mode, plan, command } = stage.agent;
  return {
    atUs: stage.atUs,
    world,
    mode,
    plan,
    command,
    commandSinceUs: 0,
    operator: null,
    task: null,
    chain: 'primary' as const,
    linkSilentUs: 0,
    primarySilentUs: 0,
    secondarySilentUs: 0,
    stop: 'none' as const,
    confidence: 1,
    recentViolations: 0,
    signals: {},
  };
};

test('[F60] rules see the robot, its place and its work in typed words', () => {
  const now = situation();
  assert.equal(compiled("robot.body == 'humanoid' && robot.speed_mps < 0.1").evaluate(now), 'fires');
  assert.equal(compiled("robot.battery < 0.15 || mode == 'manual'").evaluate(now), 'quiet');
  assert.equal(compiled("zone.work && 'w1' in zone.ids").evaluate(now), 'fires');
  assert.equal(compiled("task.kind in ['deliver', 'dock']").evaluate(now), 'quiet');
  assert.equal(compiled('(robot.loaded ? 0.8 : 1.2) > 1').evaluate(now), 'fires');
  assert.equal(compiled("robot.name.startsWith('r') && size(zone.ids) == 1").evaluate(now), 'fires');
});

test('[F61] a rule that is no CEL names itself, line and column, and the way out', () => {
  const broken = (when: string): BrokenRuleError => {
    try {
      compilePolicy({ version: '1', rules: [rule(when)] }, GROUND);
    } catch (error) {
      assert.ok(error instanceof BrokenRuleError, String(error));
      return error;
    }
    throw new Error(`'${when}' was accepted`);
  };
  const syntax = broken('robot.speed_mps >');
  assert.deepEqual([syntax.rule, syntax.line, syntax.column > 10], ['r', 1, true]);
  const name = broken('zone.work &&\n  robot.sped_mps > 1.0');
  assert.equal(name.line, 2);
  assert.match(name.message, /no 'robot.sped_mps'.*robot\.speed_mps/);
  assert.match(broken("robot.speed_mps > 'fast'").message, /cannot order double and string/);
  assert.match(broken('robot.speed_mps + 1 > 2.0').message, /write 2\.0 instead of 2/);
  assert.match(broken('robot.speed_mps').message, /gives a double/);
  assert.match(broken("zone.ids.exists(z, z == 'a')").message, /loops/);
  assert.match(broken('constructor').message, /no 'constructor'/);
  assert.match(broken(' ').message, /empty/);
});

test('[F62] effects are checked too: unknown actions, negative bounds, things that forbid nothing, an id twice', () => {
  const refused = (rules: readonly RuleText[]): string => {
    try {
      compilePolicy({ version: '1', rules }, GROUND);
    } catch (error) {
      return (error as Error).message;
    }
    return 'accepted';
  };
  assert.match(
    refused([rule('true', { effect: { type: 'failsafe', action: 'panic' } })]),
    /no failsafe action 'panic'; known: sos_broadcast/,
  );
  const bound = (atMost: Record<string, number>, forbid: string[]): RuleText =>
    rule('true', { effect: { type: 'restrict', restriction: { atMost, forbid } } });
  assert.match(refused([bound({ speedMps: -1 }, [])]), /at least 0/);
  assert.match(refused([bound({ speedMps: Number.NaN }, [])]), /at least 0/);
  assert.match(refused([bound({}, ['lift'])]), /zone:ID/);
  assert.match(refused([rule('true'), rule('false')]), /twice/);
});

test('[F63] an evaluation that goes wrong is an error, which the kernel treats as fired', () => {
  const now = situation();
  const broken = { ...now, world: { ...now.world, name: 7 as unknown as string } };
  assert.equal(compiled("robot.name.startsWith('r')").evaluate(broken), 'error');
});

test('[F64] the hash covers every field, not the order of the rules, and is the same tomorrow', () => {
  const hash = (rules: readonly RuleText[]): string => compilePolicy({ version: '1', rules }, GROUND).hash;
  const a = rule('true');
  const b = rule('false', { id: 's' });
  assert.equal(hash([a, b]), hash([b, a]));
  for (const changed of [
    rule('false'),
    rule('true', { rationale: 'x' }),
    rule('true', { rate: 'reflex' }),
    rule('true', { id: 'q' }),
  ]) {
    assert.notEqual(hash([a]), hash([changed]));
  }
  assert.equal(hash([a]), '4606b62beaa0ef45ba5f7b131653d994164995f998fa25b035d6107bf72267ac');
});

test('[F65] the default policy compiles, and its rules fire where they should', () => {
  const { rules } = compilePolicy(DEFAULT_POLICY, GROUND);
  const now = situation();
  const fires = (world: Partial<typeof now.world>, more: Partial<typeof now> = {}): string[] =>
    rules
      .filter((one) => one.evaluate({ ...now, ...more, world: { ...now.world, ...world } }) === 'fires')
      .map(({ id }) => id);
  const elsewhere = { motion: { ...now.world.motion, xM: 5.5 } };
  assert.deepEqual(fires(elsewhere), []);
  assert.deepEqual(fires({}), ['work_zone']);
  assert.deepEqual(fires({ ...elsewhere, cargo: 'box' }), ['humanoid_loaded']);
  assert.deepEqual(fires({ ...elsewhere, health: { ...now.world.health, charge: 0.1 } }), ['no_lift_when_low']);
  assert.deepEqual(fires(elsewhere, { linkSilentUs: 1_500_000 }), ['link_quiet']);
  assert.deepEqual(fires(elsewhere, { recentViolations: 6 }), ['too_many_surprises']);
});
