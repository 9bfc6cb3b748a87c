import { parse } from '@bufbuild/cel';
import { BrokenRuleError, type RuleText } from './policy.ts';

type Expr = NonNullable<ReturnType<typeof parse>['expr']>;

/** A rule is evaluated ten times a second by every robot, and once for every moment of history that it is tried on. */
const LONGEST_TEXT = 4_000;
const MOST_PARTS = 500;

/**
 * Refuses a rule that would take too long: CEL without loops always ends, but its cost grows with its text.
 *
 * @throws BrokenRuleError when the condition has more than 4,000 characters or 500 names, constants and operators
 */
export function checkCost({ id, when }: RuleText): void {
  const tooMuch = (what: string): never => {
    throw new BrokenRuleError(id, 1, 1, `the condition ${what}: make two rules of it`);
  };
  if (when.length > LONGEST_TEXT) tooMuch(`has ${when.length} characters, more than ${LONGEST_TEXT}`);
  const parts = partsOf(when);
  if (parts > MOST_PARTS) tooMuch(`has ${parts} names, constants and operators, more than ${MOST_PARTS}`);
}

/** Parts of a condition, counted without recursion; 0 for one that cannot be read, which compiling it tells better. */
function partsOf(when: string): number {
  let whole: Expr | undefined;
  try {
    whole = parse(when).expr;
  } catch {
    return 0;
  }
  let parts = 0;
  const left: Expr[] = whole === undefined ? [] : [whole];
  for (let expr = left.pop(); expr !== undefined; expr = left.pop()) {
    parts++;
    const { exprKind } = expr;
    if (exprKind.case === 'callExpr') {
      left.push(...exprKind.value.args);
      if (exprKind.value.target !== undefined) left.push(exprKind.value.target);
    } else if (exprKind.case === 'listExpr') left.push(...exprKind.value.elements);
    else if (exprKind.case === 'selectExpr' && exprKind.value.operand !== undefined) left.push(exprKind.value.operand);
  }
  return parts;
}
