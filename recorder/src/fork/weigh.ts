import { type Command, intersect, type Restriction, type TerrainModel } from '@sigma/kernel';
import type { ClampBrief, FactStretch, OutcomeShape, StretchFacts } from './facts.ts';
import type { DecisionSide } from './what-if.ts';

/** A rule that only one of two policies has, as far as facts can tell what it says. */
export interface ForeseenRule {
  readonly id: string;
  readonly change: 'added' | 'removed';
  readonly says: (facts: StretchFacts) => 'fires' | 'quiet' | 'either';
  /** What it bounds where it fires; null where that takes more than arithmetic (a failsafe action, something forbidden). */
  readonly restriction: Restriction | null;
}

/** What facts say of a stretch. */
export type Judgement =
  /** No rule has another outcome. */
  | { readonly type: 'quiet' }
  /** For each evaluation the rules that fire; null where none does, and where nobody asks. */
  | { readonly type: 'weighed'; readonly fired: readonly (readonly ForeseenRule[] | null)[] }
  /** It takes the life itself to tell, up to that moment. */
  | { readonly type: 'open'; readonly untilUs: number };

const QUIET: Judgement = { type: 'quiet' };

/** Judges the evaluations of a stretch from one moment, inclusive, up to another, exclusive. */
export function judge(
  stretch: FactStretch,
  rules: readonly ForeseenRule[],
  canWeigh: boolean,
  fromUs: number,
  untilUs: number,
): Judgement {
  if (stretch.rows === 0 || rules.every(({ says }) => says(stretch) === 'quiet')) return QUIET;
  const fired: (readonly ForeseenRule[] | null)[] = [];
  let openUs = -1;
  let decided = canWeigh;
  const { times } = stretch;
  for (let k = 0; k < stretch.rows; k++) {
    const atUs = times[k] as number;
    let row: readonly ForeseenRule[] | null = null;
    if (atUs >= fromUs && atUs < untilUs) {
      const facts = stretch.at(k);
      for (const rule of rules) {
        const says = rule.says(facts);
        if (says === 'quiet') continue;
        openUs = atUs;
        if (says === 'either' || rule.change === 'removed' || rule.restriction === null) decided = false;
        else row = row === null ? alone(rule) : [...row, rule];
      }
      if (row !== null && decided && stretch.shape(k) === null) decided = false;
    }
    fired.push(row);
  }
  if (openUs < 0) return QUIET;
  return decided ? { type: 'weighed', fired } : { type: 'open', untilUs: openUs };
}

const singles = new WeakMap<ForeseenRule, readonly ForeseenRule[]>();

/** Most rules fire alone, and at thousands of evaluations: one list serves them all. */
function alone(rule: ForeseenRule): readonly ForeseenRule[] {
  let list = singles.get(rule);
  if (list === undefined) {
    list = [rule];
    singles.set(rule, list);
  }
  return list;
}

/** What went out at an evaluation, and what would have. */
export interface Weighed {
  readonly was: Command;
  readonly would: Command;
  readonly sides: () => readonly [was: DecisionSide, would: DecisionSide];
}

/**
 * What more bounds would have made of a decision, by arithmetic: who wins does not depend on bounds, and bounds that
 * forbid nothing new only clamp (the kernel's `arbitrate`).
 */
export function weigh<World>(
  stretch: FactStretch,
  k: number,
  shape: OutcomeShape,
  rules: readonly ForeseenRule[],
  model: Pick<TerrainModel<World>, 'clamp'>,
  brief: ClampBrief<World>,
): Weighed {
  const asked = askedAt(stretch, k, shape);
  const held = boundsAt(stretch, k, shape);
  let closer = held;
  for (const { restriction } of rules) if (restriction !== null) closer = intersect(closer, restriction);
  const { authority, source, rationale } = shape;
  let [was, would] = [asked, asked];
  if (shape.chosen) {
    const world = brief.world(stretch.brief(k));
    was = model.clamp(asked, held, world).command ?? asked;
    would = model.clamp(asked, closer, world).command ?? asked;
  }
  const side = (command: Command, restriction: Restriction): DecisionSide => ({
    ...{ command, authority, source, rationale, restriction },
  });
  return { was, would, sides: () => [side(was, held), side(would, closer)] };
}

function askedAt(stretch: FactStretch, k: number, { asked, params }: OutcomeShape): Command {
  if (params.length === 0) return asked as Command;
  const numbers: Record<string, unknown> = { ...asked.params };
  for (let j = 0; j < params.length; j++) numbers[params[j] as string] = stretch.outcome(k, j);
  return { ...asked, params: numbers } as Command;
}

function boundsAt(stretch: FactStretch, k: number, { params, atMost, forbid }: OutcomeShape): Restriction {
  const bounds: Record<string, number> = {};
  for (let j = 0; j < atMost.length; j++) bounds[atMost[j] as string] = stretch.outcome(k, params.length + j);
  return { atMost: bounds, forbid };
}
