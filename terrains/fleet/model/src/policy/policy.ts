import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import type { Policy, Restriction, Rule, RuleEffect, RuleVerdict, Situation } from '@sigma/kernel';
import type { FleetBelief } from '../belief/belief.ts';
import { FLEET_ACTIONS } from '../failsafe/actions.ts';
import { fencedGround, type Ground } from '../ground.ts';
import { checkTypes, RuleTypeError } from './check.ts';
import { CONTEXT, contextOf } from './context.ts';
import { sha256Hex } from './sha256.ts';

/** A rule as people write it: plain JSON. `when` is CEL over the names of the context. */
export interface RuleText {
  readonly id: string;
  readonly rate: 'reflex' | 'situation';
  readonly when: string;
  readonly effect: RuleEffect;
  readonly rationale: string;
}

export interface PolicyText {
  readonly version: string;
  readonly rules: readonly RuleText[];
}

/** A rule that cannot come into force. `line` and `column` count from 1; 0 when the fault is not in its condition. */
export class BrokenRuleError extends Error {
  readonly rule: string;
  readonly line: number;
  readonly column: number;

  constructor(rule: string, line: number, column: number, problem: string) {
    super(`rule '${rule}'${line > 0 ? `, line ${line}, column ${column}` : ''}: ${problem}`);
    this.name = 'BrokenRuleError';
    this.rule = rule;
    this.line = line;
    this.column = column;
  }
}

const ENVIRONMENT = celEnv();

/** The text that is hashed: every field, in a fixed order, so that two equal rules have one hash and no others do. */
function canonical({ id, rate, when, effect, rationale }: RuleText): string {
  const bounds =
    effect.type === 'restrict' ? Object.entries(effect.restriction.atMost).sort(([a], [b]) => (a < b ? -1 : 1)) : [];
  const told =
    effect.type === 'restrict'
      ? ['restrict', bounds, [...effect.restriction.forbid].sort()]
      : ['failsafe', effect.action];
  return JSON.stringify(['sigma.rule.1', id, rate, when, told, rationale]);
}

/**
 * Compiles a policy. Every rule is parsed, type-checked against the context and hashed; the first that is broken names
 * itself, the place and the way out, and nothing comes into force.
 * @throws BrokenRuleError
 */
export function compilePolicy(policy: PolicyText, ground: Ground): Policy<Situation<FleetBelief>> {
  const seen = new Set<string>();
  for (const { id } of policy.rules) {
    if (seen.has(id)) throw new BrokenRuleError(id, 0, 0, 'the id stands twice; give each rule its own');
    seen.add(id);
  }
  const rules = policy.rules.map((rule) => compileRule(rule, ground));
  const ordered = [...rules].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { version: policy.version, hash: sha256Hex(ordered.map((rule) => rule.hash).join('\n')), rules };
}

function compileRule(text: RuleText, ground: Ground): Rule<Situation<FleetBelief>> {
  checkFields(text);
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(text.when);
  } catch (error) {
    const { line, column } = startOf(error);
    const said = error instanceof Error ? error.message.replace(/^<input>:\d+:\d+: /, '') : String(error);
    throw new BrokenRuleError(
      text.id,
      line,
      column,
      `${said}; conditions are CEL, such as robot.speed_mps > 1.0 && zone.work`,
    );
  }
  let used: readonly string[];
  try {
    const checked = checkTypes(parsed, CONTEXT);
    if (checked.type !== 'bool') {
      throw new RuleTypeError(0, `the condition gives a ${checked.type}, not true or false; compare it with something`);
    }
    used = checked.used;
  } catch (error) {
    if (!(error instanceof RuleTypeError)) throw error;
    const { line, column } = placeOf(text.when, error.offset);
    throw new BrokenRuleError(text.id, line, column, error.message);
  }
  const run = plan(ENVIRONMENT, parsed);
  const evaluate = (situation: Situation<FleetBelief>): RuleVerdict => {
    const answer = run(
      contextOf(used, situation, fencedGround(ground, situation.world.fences)) as Record<string, never>,
    );
    if (isCelError(answer)) return 'error';
    return answer === true ? 'fires' : answer === false ? 'quiet' : 'error';
  };
  const { id, rate, rationale, effect } = text;
  return { id, hash: sha256Hex(canonical(text)), rate, rationale, effect, evaluate };
}

function checkFields({ id, rate, effect, when }: RuleText): void {
  const wrong = (problem: string): never => {
    throw new BrokenRuleError(id, 0, 0, problem);
  };
  if (rate !== 'reflex' && rate !== 'situation') wrong(`rate '${String(rate)}' is neither 'reflex' nor 'situation'`);
  if (typeof when !== 'string' || when.trim() === '') wrong("'when' is empty; write a condition or 'true'");
  if (effect.type === 'failsafe') {
    const known = FLEET_ACTIONS.map((action) => action.id);
    if (!known.includes(effect.action)) wrong(`no failsafe action '${effect.action}'; known: ${known.join(', ')}`);
  } else if (effect.type === 'restrict') {
    checkRestriction(effect.restriction, wrong);
  } else {
    wrong("the effect is neither 'restrict' nor 'failsafe'");
  }
}

function checkRestriction({ atMost, forbid }: Restriction, wrong: (problem: string) => never): void {
  for (const [name, bound] of Object.entries(atMost)) {
    if (!(Number.isFinite(bound) && bound >= 0))
      wrong(`the bound on '${name}' is ${bound}; it must be a number of at least 0`);
  }
  const bare = forbid.find((thing) => !thing.startsWith('zone:') && !thing.startsWith('name:'));
  if (bare !== undefined) wrong(`'${bare}' forbids nothing; write 'zone:ID' or 'name:COMMAND'`);
}

function startOf(error: unknown): { line: number; column: number } {
  const { location } = error as { location?: { start?: { line?: number; column?: number } } };
  return { line: location?.start?.line ?? 1, column: location?.start?.column ?? 1 };
}

function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}
