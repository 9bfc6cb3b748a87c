/** What a query can need at most; null where it may need everything. Times are inclusive. */
export interface Bounds {
  readonly tenants: readonly string[] | null;
  readonly sources: readonly string[] | null;
  readonly epochs: readonly number[] | null;
  readonly fromUs: number | null;
  readonly toUs: number | null;
}

export const NO_BOUNDS: Bounds = { tenants: null, sources: null, epochs: null, fromUs: null, toUs: null };

/** Both at once. */
export function narrower(a: Bounds, b: Bounds): Bounds {
  return {
    tenants: common(a.tenants, b.tenants),
    sources: common(a.sources, b.sources),
    epochs: common(a.epochs, b.epochs),
    fromUs: extreme(Math.max, a.fromUs, b.fromUs),
    toUs: extreme(Math.min, a.toUs, b.toUs),
  };
}

const common = <T>(a: readonly T[] | null, b: readonly T[] | null): readonly T[] | null =>
  a === null ? b : b === null ? a : a.filter((one) => b.includes(one));

const extreme = (pick: (...n: number[]) => number, a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : pick(a, b);

/** A node of DuckDB's `json_serialize_sql`. */
type Node = { readonly [key: string]: unknown };

/** Microseconds since 1970 of a text that stands for a time, as DuckDB reads it; null when it does not. */
export type TimeOf = (text: string) => Promise<number | null>;

const TABLES = new Set(['events', 'decisions']);

/**
 * What the WHERE of a query says of tenant, source, epoch and time (R169). Read from DuckDB's own syntax tree, and only
 * where nothing can be misunderstood: the query names `events` or `decisions` exactly once, in a FROM of its own, and
 * the bounds are comparisons with constants that are joined by AND. In all else every object counts as needed.
 */
export async function boundsOf(tree: unknown, timeOf: TimeOf): Promise<Bounds> {
  const nodes = [...every(tree)];
  // A table function may name a table in a text of its own (`query_table('events')`).
  if (nodes.some((node) => node['type'] === 'TABLE_FUNCTION')) return NO_BOUNDS;
  const named = nodes.filter((node) => node['type'] === 'BASE_TABLE' && TABLES.has(lower(node['table_name'])));
  const select = nodes.find((node) => node['type'] === 'SELECT_NODE' && named.includes(node['from_table'] as Node));
  const table = named[0];
  if (named.length !== 1 || table === undefined || select === undefined) return NO_BOUNDS;
  const names = new Set([lower(table['alias']), lower(table['table_name'])]);
  let bounds = NO_BOUNDS;
  for (const condition of conjuncts(select['where_clause'])) {
    const found = await boundOf(condition as Node, names, timeOf);
    if (found !== null) bounds = narrower(bounds, found);
  }
  return bounds;
}

function* every(value: unknown): Iterable<Node> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Node;
  for (const part of Object.values(value)) yield* every(part);
}

const lower = (name: unknown): string => String(name ?? '').toLowerCase();

function* conjuncts(where: unknown): Iterable<unknown> {
  const node = (where ?? {}) as Node;
  if (node['type'] === 'CONJUNCTION_AND') for (const child of node['children'] as unknown[]) yield* conjuncts(child);
  else yield node;
}

async function boundOf(node: Node, names: ReadonlySet<string>, timeOf: TimeOf): Promise<Bounds | null> {
  const column = (of: unknown): string | null => columnOf(of as Node, names);
  if (node['type'] === 'COMPARE_IN') {
    const [left, ...right] = node['children'] as Node[];
    return oneOf(column(left), right);
  }
  if (node['type'] === 'COMPARE_BETWEEN') {
    const at = column(node['input']);
    const least = await rangeOf(at, '>=', node['lower'], timeOf);
    const most = await rangeOf(at, '<=', node['upper'], timeOf);
    return least === null || most === null ? null : narrower(least, most);
  }
  const comparison = COMPARISONS[String(node['type'])];
  if (comparison === undefined || node['class'] !== 'COMPARISON') return null;
  const [left, right] = [column(node['left']), column(node['right'])];
  if (left !== null) return compared(left, comparison, node['right'], timeOf);
  return right === null ? null : compared(right, MIRRORED[comparison], node['left'], timeOf);
}

type Comparison = '=' | '<' | '<=' | '>' | '>=';

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  COMPARE_EQUAL: '=',
  COMPARE_LESSTHAN: '<',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHAN: '>',
  COMPARE_GREATERTHANOREQUALTO: '>=',
};

const MIRRORED: Readonly<Record<Comparison, Comparison>> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

async function compared(column: string, how: Comparison, value: unknown, timeOf: TimeOf): Promise<Bounds | null> {
  if (how === '=') {
    const one = oneOf(column, [value as Node]);
    if (one !== null) return one;
  }
  return rangeOf(column, how, value, timeOf);
}

function columnOf(node: Node | undefined, names: ReadonlySet<string>): string | null {
  if (node?.['type'] !== 'COLUMN_REF') return null;
  const path = (node['column_names'] as unknown[]).map(lower);
  if (path.length > 2 || (path.length === 2 && !names.has(path[0] ?? ''))) return null;
  return path[path.length - 1] ?? null;
}

function oneOf(column: string | null, constants: readonly Node[]): Bounds | null {
  const values = constants.map(constantOf);
  if ((column === 'source' || column === 'tenant') && values.every((value) => typeof value === 'string')) {
    return column === 'source'
      ? { ...NO_BOUNDS, sources: values as string[] }
      : { ...NO_BOUNDS, tenants: values as string[] };
  }
  const whole = column === 'epoch' && values.every((value) => Number.isSafeInteger(value));
  return whole ? { ...NO_BOUNDS, epochs: values as number[] } : null;
}

/** Strict bounds are taken as inclusive ones: more may be read than is needed, never less. */
async function rangeOf(column: string | null, how: Comparison, value: unknown, timeOf: TimeOf): Promise<Bounds | null> {
  const us = await microseconds(column, value as Node, timeOf);
  if (us === null) return null;
  const fromUs = how === '<' || how === '<=' ? null : us;
  const toUs = how === '>' || how === '>=' ? null : us;
  return { ...NO_BOUNDS, fromUs, toUs };
}

async function microseconds(column: string | null, value: Node, timeOf: TimeOf): Promise<number | null> {
  if (column === 'time_us') {
    const number = constantOf(value);
    return Number.isSafeInteger(number) ? (number as number) : null;
  }
  if (column !== 'time') return null;
  const cast = value['type'] === 'OPERATOR_CAST' && value['try_cast'] === false;
  const target = cast ? ((value['cast_type'] as Node | undefined)?.['id'] ?? '') : 'TIMESTAMP';
  const text = constantOf(cast ? (value['child'] as Node) : value);
  if (typeof text !== 'string' || (target !== 'TIMESTAMP' && target !== 'DATE')) return null;
  return timeOf(text);
}

/** A text or a whole number; undefined of everything else. */
function constantOf(node: Node): string | number | undefined {
  if (node['type'] !== 'VALUE_CONSTANT') return undefined;
  const { is_null: none, type, value } = node['value'] as Node;
  const kind = (type as Node | undefined)?.['id'];
  if (none === true) return undefined;
  if (kind === 'VARCHAR' && typeof value === 'string') return value;
  return (kind === 'INTEGER' || kind === 'BIGINT') && typeof value === 'number' ? value : undefined;
}
