import {
  BrokenRuleError,
  checkCost,
  compilePolicy,
  type Ground,
  type PolicyText,
  type RuleText,
} from '@sigma/fleet-model';
import { isScalar, LineCounter, parseDocument, Scalar, type YAMLMap } from 'yaml';

/** A policy file that cannot be tried; says where. */
export class PolicyFileError extends Error {
  readonly file: string;
  /** From 1; 0 when the whole file is meant. */
  readonly line: number;

  constructor(file: string, line: number, problem: string) {
    super(`${file}${line > 0 ? `:${line}` : ''}: ${problem}`);
    this.name = 'PolicyFileError';
    this.file = file;
    this.line = line;
  }
}

/** A policy or a change of one. */
export interface PolicyChange {
  /** Name of the file that says it. */
  readonly file: string;
  /** A whole policy takes the place of the recorded one; otherwise these rules are added to it, or replace those of their id. */
  readonly whole: boolean;
  readonly version: string;
  readonly rules: readonly RuleText[];
  /** Rules that are taken out, by id. */
  readonly without: readonly string[];
}

/** As a file says it, with the lines that its rules stand in. */
export interface PolicyFile extends PolicyChange {
  /** Line of each rule's condition, by id. */
  readonly lines: Readonly<Record<string, number>>;
}

/** @throws PolicyFileError for an alias of nothing, and for few that would become very many */
function contentOf(file: string, document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 20 });
  } catch (error) {
    throw new PolicyFileError(file, 0, `${firstLine((error as Error).message)}; write it without aliases`);
  }
}

const MOST_SAID = 200;

/** The first line of what a parser says, which may hold a whole file: of one that is no text, all that a terminal obeys. */
function firstLine(message: string): string {
  const line = (message.split('\n')[0] ?? '').replace(/\p{C}|\uFFFD/gu, '·');
  return line.length > MOST_SAID ? `${line.slice(0, MOST_SAID)}…` : line;
}

const EXAMPLE = 'id: slow_by_people, rate: situation, when: person.distance_m < 3.0, effect: …, rationale: …';
const MOST_RULES = 200;

/**
 * Reads a policy file, YAML or JSON: a whole policy (`version`, `rules`), or what changes in the recorded one (one rule, a
 * list of rules, or `rules` and `without`).
 *
 * @throws PolicyFileError with the line
 */
export function parsePolicyFile(file: string, text: string): PolicyFile {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const broken = document.errors[0];
  if (broken !== undefined) {
    const line = broken.linePos?.[0].line ?? 0;
    throw new PolicyFileError(file, line, `${firstLine(broken.message)}; write YAML or JSON`);
  }
  const said = contentOf(file, document);
  const lines: Record<string, number> = {};
  const read = readParts(file, said);
  const { rules } = read;
  if (rules.length > MOST_RULES)
    throw new PolicyFileError(file, 0, `${rules.length} rules are more than ${MOST_RULES}; split the file`);
  rules.forEach((rule, index) => {
    const path = Array.isArray(said) ? [index] : hasRules(said) ? ['rules', index] : [];
    const node = document.getIn([...path, 'when'], true);
    const offset = isScalar(node) ? (node.range?.[0] ?? 0) : ((document.getIn(path, true) as YAMLMap)?.range?.[0] ?? 0);
    const block = isScalar(node) && (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED);
    const line = counter.linePos(offset).line + (block ? 1 : 0);
    checkShape(file, line, rule);
    lines[rule.id] = line;
  });
  return { file, lines, ...read };
}

const hasRules = (said: unknown): said is { readonly rules: readonly RuleText[] } =>
  typeof said === 'object' && said !== null && Array.isArray((said as { rules?: unknown }).rules);

function readParts(file: string, said: unknown): Omit<PolicyChange, 'file'> {
  if (Array.isArray(said)) return { whole: false, version: '', rules: said as RuleText[], without: [] };
  if (hasRules(said) || (typeof said === 'object' && said !== null && 'without' in said)) {
    const { version, rules = [], without = [] } = said as Partial<PolicyText> & { readonly without?: unknown };
    if (!Array.isArray(without) || without.some((id) => typeof id !== 'string'))
      throw new PolicyFileError(file, 0, "'without' is a list of ids of rules");
    if (version !== undefined && typeof version !== 'string')
      throw new PolicyFileError(file, 0, "'version' is a text: put it into quotes");
    return { whole: version !== undefined, version: version ?? '', rules, without: without as string[] };
  }
  if (typeof said === 'object' && said !== null && 'when' in said)
    return { whole: false, version: '', rules: [said as RuleText], without: [] };
  throw new PolicyFileError(file, 0, `there is no rule in it; a rule is ${EXAMPLE}`);
}

function checkShape(file: string, line: number, rule: RuleText): void {
  const { id, rate, when, effect, rationale } = rule ?? {};
  const wrong = (problem: string): never => {
    throw new PolicyFileError(file, line, problem);
  };
  if (typeof id !== 'string' || id === '') wrong(`a rule has no id; a rule is ${EXAMPLE}`);
  for (const [name, value] of Object.entries({ rate, when, rationale }))
    if (typeof value !== 'string') wrong(`rule '${id}': '${name}' is missing or no text`);
  const shape = effect as Partial<Record<string, unknown>> | undefined;
  const restriction = shape?.['restriction'] as { atMost?: unknown; forbid?: unknown } | undefined;
  const whole =
    (shape?.['type'] === 'failsafe' && typeof shape['action'] === 'string') ||
    (shape?.['type'] === 'restrict' && typeof restriction?.atMost === 'object' && Array.isArray(restriction.forbid));
  if (!whole) {
    wrong(
      `rule '${id}': 'effect' is {type: restrict, restriction: {atMost: {speedMps: 0.5}, forbid: []}} or {type: failsafe, action: ID}`,
    );
  }
}

/** The recorded policy with the file's change in it. @throws PolicyFileError when it takes out a rule that is not there */
export function policyAfter(recorded: PolicyText, { file, whole, version, rules, without }: PolicyChange): PolicyText {
  const base = whole ? [] : recorded.rules;
  const absent = without.find((id) => !recorded.rules.some((rule) => rule.id === id));
  if (absent !== undefined) {
    const known = recorded.rules.map(({ id }) => id).join(', ');
    throw new PolicyFileError(file, 0, `there is no rule '${absent}' to leave out; the recorded policy has ${known}`);
  }
  const kept = base.filter(({ id }) => !without.includes(id) && !rules.some((rule) => rule.id === id));
  const name = file.split('/').at(-1) ?? file;
  return { version: whole ? version : `${recorded.version}+${name}`, rules: [...kept, ...rules] };
}

/**
 * Compiles what the file says, so that a broken rule is found before history is read.
 *
 * @throws PolicyFileError with the line of the file at which the rule is broken
 */
export function checkPolicyFile(policy: PolicyFile, ground: Ground): void {
  for (const rule of policy.rules) {
    try {
      checkCost(rule);
      compilePolicy({ version: '', rules: [rule] }, ground);
    } catch (error) {
      throw inFile(policy, error);
    }
  }
  const twice = policy.rules.find((rule, k) => policy.rules.findIndex(({ id }) => id === rule.id) !== k);
  if (twice !== undefined)
    throw new PolicyFileError(policy.file, policy.lines[twice.id] ?? 0, `rule '${twice.id}' stands twice`);
}

function inFile({ file, lines }: PolicyFile, error: unknown): unknown {
  if (!(error instanceof BrokenRuleError)) return error;
  return new PolicyFileError(file, (lines[error.rule] ?? 1) + Math.max(0, error.line - 1), error.message);
}
