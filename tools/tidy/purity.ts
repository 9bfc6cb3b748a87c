import { freeNames } from './free-names.ts';
import { type Finding, field, fieldNode, lineFinder, type Module, walk } from './syntax.ts';

/**
 * The parts of Math that IEEE 754 or ECMAScript define to the last bit. Everything else (sin, exp, pow, hypot, ...) is
 * left to the engine, and two engines differ; @sigma/kernel has its own.
 */
const EXACT_MATH = new Set(
  'sqrt abs floor ceil round trunc min max sign imul fround clz32 PI E LN2 LN10 LOG2E LOG10E SQRT2 SQRT1_2'.split(' '),
);

const TIME = 'time comes in as atUs, an integer of microseconds';
const CHANCE = 'chance is draw(...) of @sigma/kernel';
const OUTSIDE = 'a pure package has no outside; take it as an argument';
const LOCALE = 'the result depends on the locale of the machine';

/** Globals that let ambient time, chance or the outside world in. */
const BANNED_GLOBALS: ReadonlyMap<string, string> = new Map([
  ...['Date', 'Temporal', 'performance'].map((name) => [name, TIME] as const),
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'].map(
    (name) => [name, TIME] as const,
  ),
  ...['requestAnimationFrame', 'requestIdleCallback', 'queueMicrotask', 'scheduler'].map(
    (name) => [name, TIME] as const,
  ),
  ['crypto', CHANCE],
  ...['process', 'require', 'module', 'fetch', 'WebSocket', 'Worker', 'navigator', 'localStorage', 'console'].map(
    (name) => [name, OUTSIDE] as const,
  ),
  ...['globalThis', 'window', 'self', 'global', 'document', 'eval', 'Function', 'Buffer'].map(
    (name) => [name, OUTSIDE] as const,
  ),
  ...['WeakRef', 'FinalizationRegistry', 'Atomics', 'SharedArrayBuffer'].map(
    (name) => [name, 'its behaviour depends on the engine and its timing'] as const,
  ),
  ['Intl', LOCALE],
]);

const BANNED_METHODS: ReadonlySet<string> = new Set([
  'localeCompare',
  'toLocaleString',
  'toLocaleDateString',
  'toLocaleTimeString',
  'toLocaleLowerCase',
  'toLocaleUpperCase',
]);

/** Ambient time, chance and inexact arithmetic in one module; the caller decides which modules must be pure. */
export function impurities(module: Module): Finding[] {
  const lineOf = lineFinder(module.text);
  const found: Finding[] = [];
  const report = (offset: number, message: string) => found.push({ path: module.path, line: lineOf(offset), message });

  for (const { name, node, parent } of freeNames(module.program)) {
    const reason = BANNED_GLOBALS.get(name);
    if (reason !== undefined) report(node.start, `${name} is banned here: ${reason}`);
    if (name !== 'Math') continue;
    const property = parent.type === 'MemberExpression' ? fieldNode(parent, 'property') : undefined;
    const member =
      property?.type === 'Identifier' && field(parent, 'computed') !== true ? field(property, 'name') : undefined;
    if (typeof member !== 'string') {
      report(node.start, 'Math is used other than as Math.name, so that its functions cannot be checked');
    } else if (member === 'random') {
      report(node.start, `Math.random is banned here: ${CHANCE}`);
    } else if (!EXACT_MATH.has(member)) {
      report(node.start, `Math.${member} is not exact across engines; @sigma/kernel has its own elementary functions`);
    }
  }

  walk(module.program, (node) => {
    const operator = field(node, 'operator');
    if (operator === '**' || operator === '**=')
      report(node.start, `${operator} is not exact across engines; use pow of @sigma/kernel`);
    if (node.type === 'MetaProperty' && module.text.slice(node.start, node.start + 6) === 'import') {
      report(node.start, `import.meta is banned here: ${OUTSIDE}`);
    }
    const property = node.type === 'MemberExpression' ? fieldNode(node, 'property') : undefined;
    const method = property?.type === 'Identifier' ? String(field(property, 'name')) : '';
    if (BANNED_METHODS.has(method)) report(node.start, `${method} is banned here: ${LOCALE}`);
  });
  return found;
}
