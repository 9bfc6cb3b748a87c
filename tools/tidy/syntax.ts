import { parseSync } from 'oxc-parser';

/** A file of the repository: its path from the root with forward slashes, and its text. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** A node of the ESTree syntax tree; fields beyond these are read through `field` and `children`. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** One place where a module names another one. `specifier` is undefined when it is computed at run time. */
export interface Import {
  readonly specifier: string | undefined;
  readonly line: number;
}

export interface Module extends TextFile {
  readonly program: Node;
  readonly imports: readonly Import[];
  /** String literals that look like a path; a worker or a child process is started by one. */
  readonly pathLiterals: readonly string[];
}

/** A broken rule at a place. `line` is 1-based; 0 stands for the file as a whole. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export const describeFinding = ({ path, line, message }: Finding): string =>
  line === 0 ? `${path}: ${message}` : `${path}:${line}: ${message}`;

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

export const field = (node: Node, name: string): unknown => (node as unknown as Record<string, unknown>)[name];

export function fieldNode(node: Node, name: string): Node | undefined {
  const value = field(node, name);
  return isNode(value) ? value : undefined;
}

export const fieldNodes = (node: Node, name: string): Node[] => {
  const value = field(node, name);
  return Array.isArray(value) ? value.filter(isNode) : [];
};

/** The direct children of a node in source order of their fields. */
export function children(node: Node): Node[] {
  return Object.values(node).flatMap((value) =>
    Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  );
}

export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const child of children(node)) walk(child, visit);
}

/** Turns offsets of a text into 1-based line numbers. */
export function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

/** Node types that name another module in their field `source`. */
const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
]);

function stringOf(node: Node | undefined): string | undefined {
  const value = node?.type === 'Literal' ? field(node, 'value') : undefined;
  return typeof value === 'string' ? value : undefined;
}

function importOf(node: Node, line: number): Import | undefined {
  if (IMPORTING.has(node.type)) {
    const source = fieldNode(node, 'source');
    return source === undefined ? undefined : { specifier: stringOf(source), line };
  }
  if (node.type === 'TSExternalModuleReference') return { specifier: stringOf(fieldNode(node, 'expression')), line };
  const callee = node.type === 'CallExpression' ? fieldNode(node, 'callee') : undefined;
  if (callee?.type !== 'Identifier' || field(callee, 'name') !== 'require') return undefined;
  return { specifier: stringOf(fieldNodes(node, 'arguments')[0]), line };
}

/**
 * Parses a source file. Throws with the file and the parser's own words when it is not TypeScript or JavaScript, because
 * a rule must never pass for the reason that it could not read.
 */
export function parseModule({ path, text }: TextFile): Module {
  const { program, errors } = parseSync(path, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${path} does not parse: ${error.message}`);
  const root = program as unknown as Node;
  const lineOf = lineFinder(text);
  const imports: Import[] = [];
  const pathLiterals: string[] = [];
  walk(root, (node) => {
    const found = importOf(node, lineOf(node.start));
    if (found !== undefined) imports.push(found);
    const value = stringOf(node);
    if (value !== undefined && /^[\w@./-]+\.[cm]?[jt]sx?$/.test(value)) pathLiterals.push(value);
  });
  return { path, text, program: root, imports, pathLiterals };
}
