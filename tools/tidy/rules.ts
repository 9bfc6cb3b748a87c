import { isForTests } from './house.ts';
import { type Finding, field, fieldNode, fieldNodes, lineFinder, type Module, type Node, walk } from './syntax.ts';
import type { House } from './walls.ts';

/** A numbered rule of a SPEC.md, or the number that a title carries, and where it stands. */
interface Place {
  readonly number: string;
  readonly path: string;
  readonly line: number;
}

/** How many laws the design has: [L1] to [L12]. They stand above the packages and in no SPEC.md. */
const LAWS = 12;
const LAW_NUMBERS = Array.from({ length: LAWS }, (_, i) => `L${i + 1}`);

/** A rule begins a list item by its number, however that is dressed, or stands in bold brackets behind another one. */
const RULE = /^- [*_[]*([A-Z]\d+)\b|\*\*\[([A-Z]\d+)\]\*\*/gm;
const CARRIED = /\[([A-Z]\d+)\]/g;

const TESTS = new Set(['test', 'it', 'describe', 'suite']);

function rulesOf(house: House): Place[] {
  return house.specs.flatMap(({ path, text }) => {
    const lineOf = lineFinder(text);
    return [...text.matchAll(RULE)].map((match) => ({
      number: match[1] ?? match[2] ?? '',
      path,
      line: lineOf(match.index),
    }));
  });
}

/** The text of a string, or what is known of a template before it runs. */
function writtenText(node: Node | undefined): string {
  if (node?.type === 'Literal') return String(field(node, 'value'));
  if (node?.type !== 'TemplateLiteral') return '';
  const pieces = fieldNodes(node, 'quasis').map((piece) => field(piece, 'value') as { readonly cooked: string });
  return pieces.map(({ cooked }) => cooked).join('…');
}

/**
 * The title of a test: what stands first in a call of `test`, of the test within a test (`t.test`), or of whatever a
 * contract suite calls its own. What is skipped or left to do (`test.skip`) holds nothing and has no title here.
 */
function titleOf(node: Node): string {
  const [title, ...rest] = node.type === 'CallExpression' ? fieldNodes(node, 'arguments') : [];
  if (rest.length === 0) return '';
  const callee = fieldNode(node, 'callee');
  const property = callee?.type === 'MemberExpression' ? fieldNode(callee, 'property') : undefined;
  const isTest =
    callee?.type === 'Identifier' || (property !== undefined && TESTS.has(String(field(property, 'name'))));
  return isTest ? writtenText(title) : '';
}

/** Numbers in brackets in the titles of a module's tests. */
function carriedBy({ path, text, program }: Module): Place[] {
  if (!(isForTests(path) || path.includes('/soak/')) || text.search(CARRIED) === -1) return [];
  const lineOf = lineFinder(text);
  const found: Place[] = [];
  walk(program, (node) => {
    for (const [, number = ''] of titleOf(node).matchAll(CARRIED))
      found.push({ number, path, line: lineOf(node.start) });
  });
  return found;
}

const finding = ({ path, line }: Place, message: string): Finding => ({ path, line, message });

/** A number belongs to one rule, whichever SPEC.md it stands in. A SPEC.md in which no rule is found is no pass. */
export function doubledRules(house: House): Finding[] {
  const rules = rulesOf(house);
  const unread = house.specs
    .filter(({ path }) => !rules.some((rule) => rule.path === path))
    .map(({ path }) => ({ path, line: 0, message: 'no numbered rule stands in this file' }));
  const first = new Map<string, Place>();
  const doubled = rules.flatMap((rule) => {
    const before = first.get(rule.number);
    if (before === undefined) first.set(rule.number, rule);
    return before === undefined
      ? []
      : [finding(rule, `${rule.number} stands already in ${before.path}:${before.line}; give one another number`)];
  });
  return [...unread, ...doubled];
}

/** A number in a test title is a rule or a law. Letters that no SPEC.md uses are free for other things. */
export function unknownRules(house: House): Finding[] {
  const known = new Set([...LAW_NUMBERS, ...rulesOf(house).map(({ number }) => number)]);
  const letters = new Set([...known].map((number) => number[0]));
  return house.modules
    .flatMap(carriedBy)
    .filter(({ number }) => letters.has(number[0]) && !known.has(number))
    .map((place) => finding(place, `[${place.number}] is no rule of any SPEC.md`));
}

/** Every rule is named by the title of a test that holds it. */
export function untestedRules(house: House): Finding[] {
  const named = new Set(house.modules.flatMap(carriedBy).map(({ number }) => number));
  return rulesOf(house)
    .filter(({ number }) => !named.has(number))
    .map((rule) => finding(rule, `no test title carries [${rule.number}]`));
}
