import type { parse } from '@bufbuild/cel';
import type { ContextType } from './context.ts';

/**
 * A type checker for the part of CEL that rules are written in: names of the context, constants, comparison, logic,
 * arithmetic, `in`, lists, `? :` and the text functions. The library's own checker is not part of its public interface,
 * and a rule with a misspelt name would otherwise be found on the floor.
 */
export type CelType = ContextType | 'int' | 'list(double)' | 'list(int)' | 'list(bool)';

/** What a rule gets wrong, and where: offset in UTF-16 units from the start of its text. */
export class RuleTypeError extends Error {
  readonly offset: number;

  constructor(offset: number, problem: string) {
    super(problem);
    this.name = 'RuleTypeError';
    this.offset = offset;
  }
}

type Parsed = ReturnType<typeof parse>;
type Expr = NonNullable<Parsed['expr']>;

interface Checking {
  readonly names: Readonly<Record<string, { readonly type: ContextType }>>;
  readonly used: Set<string>;
  readonly offsetOf: (expr: Expr) => number;
}

const TEXT_FUNCTIONS = ['startsWith', 'endsWith', 'contains', 'matches'];
const ORDER = ['_<_', '_<=_', '_>_', '_>=_'];
const ARITHMETIC = ['_+_', '_-_', '_*_', '_/_'];
const numeric = (type: CelType): boolean => type === 'double' || type === 'int';
const spelled = (operator: string): string => operator.replaceAll('_', '').replace('@in', 'in');

/** @returns the type of the whole expression and the names it uses. @throws RuleTypeError */
export function checkTypes(
  parsed: Parsed,
  names: Checking['names'],
): { readonly type: CelType; readonly used: readonly string[] } {
  const positions = parsed.sourceInfo?.positions ?? {};
  const offsetOf = (expr: Expr): number => positions[String(expr.id)] ?? 0;
  const checking: Checking = { names, used: new Set(), offsetOf };
  if (parsed.expr === undefined) throw new RuleTypeError(0, 'the rule is empty');
  return { type: typeOf(parsed.expr, checking), used: [...checking.used].sort() };
}

function typeOf(expr: Expr, checking: Checking): CelType {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'constExpr':
      return constantType(expr, exprKind.value.constantKind.case, checking);
    case 'identExpr':
    case 'selectExpr':
      return nameType(expr, checking);
    case 'listExpr':
      return listType(expr, exprKind.value.elements, checking);
    case 'callExpr':
      return callType(expr, exprKind.value.function, exprKind.value.target, exprKind.value.args, checking);
    default:
      throw new RuleTypeError(
        checking.offsetOf(expr),
        'loops, maps and messages have no place in a rule; compare names and constants',
      );
  }
}

function constantType(expr: Expr, kind: string | undefined, checking: Checking): CelType {
  switch (kind) {
    case 'boolValue':
      return 'bool';
    case 'int64Value':
      return 'int';
    case 'doubleValue':
      return 'double';
    case 'stringValue':
      return 'string';
    default:
      throw new RuleTypeError(checking.offsetOf(expr), 'use a number, a text or true/false as a constant');
  }
}

function dotted(expr: Expr): string | null {
  const { exprKind } = expr;
  if (exprKind.case === 'identExpr') return exprKind.value.name;
  if (exprKind.case !== 'selectExpr' || exprKind.value.operand === undefined) return null;
  const operand = dotted(exprKind.value.operand);
  return operand === null || exprKind.value.testOnly ? null : `${operand}.${exprKind.value.field}`;
}

function nameType(expr: Expr, checking: Checking): CelType {
  const name = dotted(expr);
  const found = name === null || !Object.hasOwn(checking.names, name) ? undefined : checking.names[name];
  if (name === null || found === undefined) {
    const group = name?.split('.')[0] ?? '';
    const all = Object.keys(checking.names);
    const near = all.filter((known) => known.startsWith(`${group}.`));
    const list = (near.length > 0 ? near : all).join(', ');
    throw new RuleTypeError(checking.offsetOf(expr), `there is no '${name ?? '?'}'; known: ${list}`);
  }
  checking.used.add(name);
  return found.type;
}

function listType(expr: Expr, elements: readonly Expr[], checking: Checking): CelType {
  const types = new Set(elements.map((element) => typeOf(element, checking)));
  const only = [...types][0];
  if (types.size !== 1 || only === undefined || only.startsWith('list')) {
    throw new RuleTypeError(checking.offsetOf(expr), 'a list needs at least one element, all of one type');
  }
  return `list(${only})` as CelType;
}

function callType(
  expr: Expr,
  name: string,
  target: Expr | undefined,
  args: readonly Expr[],
  checking: Checking,
): CelType {
  const wrong = (problem: string): never => {
    throw new RuleTypeError(checking.offsetOf(expr), problem);
  };
  const types = args.map((arg) => typeOf(arg, checking));
  const [a, b, c] = types as [CelType, CelType, CelType];
  if (target !== undefined) {
    if (typeOf(target, checking) === 'string' && TEXT_FUNCTIONS.includes(name) && types.length === 1 && a === 'string')
      return 'bool';
    return wrong(`'.${name}()' does not fit; texts have ${TEXT_FUNCTIONS.join(', ')}, each with one text`);
  }
  if (name === '_&&_' || name === '_||_')
    return a === 'bool' && b === 'bool' ? 'bool' : wrong(`'${spelled(name)}' joins two conditions, not ${a} and ${b}`);
  if (name === '!_') return a === 'bool' ? 'bool' : wrong(`'!' needs a condition, not ${a}`);
  if (name === '-_') return numeric(a) ? a : wrong(`'-' needs a number, not ${a}`);
  if (ORDER.includes(name)) {
    return (numeric(a) && numeric(b)) || (a === b && a === 'string') ? 'bool' : wrong(`cannot order ${a} and ${b}`);
  }
  if (name === '_==_' || name === '_!=_') {
    return a === b || (numeric(a) && numeric(b))
      ? 'bool'
      : wrong(`cannot compare ${a} with ${b}; both sides must be of one type`);
  }
  if (ARITHMETIC.includes(name)) {
    if (numeric(a) && a === b) return a;
    return wrong(
      `'${spelled(name)}' needs two numbers of one type, not ${a} and ${b}${numeric(a) && numeric(b) ? ': write 2.0 instead of 2' : ''}`,
    );
  }
  if (name === '@in') return b === `list(${a})` ? 'bool' : wrong(`'in' needs a list of ${a}, not ${b}`);
  if (name === '_?_:_')
    return a === 'bool' && b === c
      ? b
      : wrong(`'? :' needs a condition and two values of one type, not ${a}, ${b} and ${c}`);
  if (name === 'size' && types.length === 1 && (a === 'string' || a.startsWith('list'))) return 'int';
  return wrong(`there is no function '${spelled(name)}' for ${types.join(', ')}`);
}
