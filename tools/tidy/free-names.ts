import { children, field, fieldNode, fieldNodes, isNode, type Node } from './syntax.ts';

/** A use of a name that the file does not declare: a global. `parent` is the node it stands in. */
export interface FreeName {
  readonly name: string;
  readonly node: Node;
  readonly parent: Node;
}

/** Type-level wrappers that hold an expression; every other TS node is types only and never runs. */
const TS_WITH_EXPRESSION = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
]);

const SCOPES = new Set([
  'Program',
  'BlockStatement',
  'StaticBlock',
  'ForStatement',
  'ForInStatement',
  'ForOfStatement',
  'SwitchStatement',
  'CatchClause',
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassDeclaration',
  'ClassExpression',
]);

/** The names a binding pattern declares: `{ a, b: [c = 1], ...d }` gives a, c, d. */
function boundNames(pattern: Node | undefined): string[] {
  if (pattern === undefined) return [];
  switch (pattern.type) {
    case 'Identifier':
      return [String(field(pattern, 'name'))];
    case 'ObjectPattern':
      return fieldNodes(pattern, 'properties').flatMap(boundNames);
    case 'ArrayPattern':
      return fieldNodes(pattern, 'elements').flatMap(boundNames);
    case 'Property':
      return boundNames(fieldNode(pattern, 'value'));
    case 'AssignmentPattern':
      return boundNames(fieldNode(pattern, 'left'));
    case 'RestElement':
      return boundNames(fieldNode(pattern, 'argument'));
    case 'TSParameterProperty':
      return boundNames(fieldNode(pattern, 'parameter'));
    default:
      return [];
  }
}

/** Names that one statement puts into the scope it stands in. */
function declaredBy(statement: Node): string[] {
  switch (statement.type) {
    case 'VariableDeclaration':
      return fieldNodes(statement, 'declarations').flatMap((one) => boundNames(fieldNode(one, 'id')));
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
    case 'TSEnumDeclaration':
      return boundNames(fieldNode(statement, 'id'));
    case 'ImportDeclaration':
      return fieldNodes(statement, 'specifiers').flatMap((one) => boundNames(fieldNode(one, 'local')));
    case 'ExportNamedDeclaration':
    case 'ExportDefaultDeclaration': {
      const declaration = fieldNode(statement, 'declaration');
      return declaration === undefined ? [] : declaredBy(declaration);
    }
    default:
      return [];
  }
}

/** Names visible inside a scope node because of the node itself. `var` is treated as block scoped; the linter bans it. */
function namesOf(scope: Node): string[] {
  const body = field(scope, 'body');
  const statements = Array.isArray(body) ? body.filter(isNode) : [];
  const cases = fieldNodes(scope, 'cases').flatMap((one) => fieldNodes(one, 'consequent'));
  const heads = ['init', 'left'].map((name) => fieldNode(scope, name)).filter((node) => node !== undefined);
  const own = scope.type === 'Program' ? [] : boundNames(fieldNode(scope, 'id'));
  return [
    ...own,
    ...[...statements, ...cases, ...heads].flatMap(declaredBy),
    ...fieldNodes(scope, 'params').flatMap(boundNames),
    ...boundNames(fieldNode(scope, 'param')),
  ];
}

/** Children that can hold a reference: not property names, labels, imported names or types. */
function referring(node: Node): Node[] {
  if (node.type.startsWith('TS')) {
    const inner = TS_WITH_EXPRESSION.has(node.type) ? fieldNode(node, 'expression') : undefined;
    if (node.type === 'TSParameterProperty') return fieldNodes(node, 'decorators');
    return inner === undefined ? [] : [inner];
  }
  const named = ['property', 'key'].map((name) => fieldNode(node, name));
  const hidden = field(node, 'computed') === true ? [] : named;
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'BreakStatement':
    case 'ContinueStatement':
      return [];
    case 'LabeledStatement':
      return children(node).filter((child) => child !== fieldNode(node, 'label'));
    case 'ExportSpecifier':
      return children(node).filter((child) => child === fieldNode(node, 'local'));
    case 'ExportNamedDeclaration':
      return fieldNode(node, 'source') === undefined ? children(node) : [];
    case 'MetaProperty':
      return [];
    default:
      return children(node).filter((child) => !hidden.includes(child));
  }
}

/** Every use of a name that no scope of the file declares. Types are left out: they do not run. */
export function freeNames(program: Node): FreeName[] {
  const found: FreeName[] = [];
  const visit = (node: Node, parent: Node, scopes: readonly ReadonlySet<string>[]): void => {
    if (node.type === 'Identifier') {
      const name = String(field(node, 'name'));
      if (!scopes.some((scope) => scope.has(name))) found.push({ name, node, parent });
      return;
    }
    const inside = SCOPES.has(node.type) ? [...scopes, new Set(namesOf(node))] : scopes;
    for (const child of referring(node)) visit(child, node, inside);
  };
  visit(program, program, []);
  return found;
}
