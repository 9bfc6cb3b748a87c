/**
 * Plain state as text and back, the same text in every engine: canonical JSON (object keys in code-unit order, no
 * spaces) with tags for what JSON lacks. ECMAScript prints a double with the fewest digits that read back to it, so
 * numbers survive bit for bit; only NaN, the infinities and -0 need a tag.
 *
 * Tags: `{"$n":"NaN" | "Infinity" | "-Infinity" | "-0"}`, `{"$i32":[...]}`, `{"$f64":[...]}`, `{"$u8":[...]}`. A key of the state's own may not
 * begin with `$`.
 */
export class UnencodableStateError extends Error {
  readonly path: string;

  constructor(path: string, what: string) {
    super(`State at '${path}' is ${what}; state holds plain data only`);
    this.name = 'UnencodableStateError';
    this.path = path;
  }
}

/** @throws UnencodableStateError naming the path of what is no plain data */
export function encodeState(value: unknown): string {
  try {
    return encode(value);
  } catch (error) {
    if (error instanceof NotPlain) throw new UnencodableStateError(pathTo(value, error.value, '') ?? '', error.message);
    throw error;
  }
}

/** Thrown inside; the path is looked for only then, because keeping it at hand would cost more than all the rest. */
class NotPlain extends Error {
  readonly value: unknown;

  constructor(value: unknown, what: string) {
    super(what);
    this.value = value;
  }
}

function encode(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return encodeNumber(value);
    case 'string':
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      return value === null ? 'null' : encodeObject(value);
    default:
      throw new NotPlain(value, `of type ${typeof value}`);
  }
}

function encodeNumber(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '{"$n":"-0"}' : '0';
  if (Number.isFinite(value)) return String(value);
  return `{"$n":"${String(value)}"}`;
}

function encodeObject(value: object): string {
  if (Array.isArray(value)) {
    let text = '[';
    for (let i = 0; i < value.length; i++) text += i === 0 ? encode(value[i]) : `,${encode(value[i])}`;
    return `${text}]`;
  }
  const prototype = Object.getPrototypeOf(value) as unknown;
  if (prototype === Object.prototype || prototype === null) return encodeRecord(value as Record<string, unknown>);
  if (value instanceof Int32Array) return `{"$i32":[${value.join(',')}]}`;
  if (value instanceof Uint8Array) return `{"$u8":[${value.join(',')}]}`;
  if (value instanceof Float64Array) return `{"$f64":[${Array.from(value, encodeNumber).join(',')}]}`;
  throw new NotPlain(value, `a ${value.constructor.name}`);
}

function encodeRecord(record: Record<string, unknown>): string {
  let text = '{';
  for (const key of Object.keys(record).sort()) {
    const item = record[key];
    if (item === undefined) continue;
    if (key.charCodeAt(0) === DOLLAR) throw new NotPlain(record, `the home of '${key}', a key that begins with $`);
    text += `${text.length === 1 ? '' : ','}${quoted(key)}:${encode(item)}`;
  }
  return `${text}}`;
}

const DOLLAR = 36;
const QUOTED_MOST = 4096;
const quotedKeys = new Map<string, string>();

/** Keys repeat, so their quoted forms are kept; strangers beyond a bound are quoted anew. */
function quoted(key: string): string {
  const known = quotedKeys.get(key);
  if (known !== undefined) return known;
  const text = JSON.stringify(key);
  if (quotedKeys.size < QUOTED_MOST) quotedKeys.set(key, text);
  return text;
}

function pathTo(value: unknown, culprit: unknown, path: string): string | null {
  if (value === culprit) return path;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, item] of Object.entries(value)) {
    const found = pathTo(item, culprit, `${path}/${key}`);
    if (found !== null) return found;
  }
  return null;
}

/** @throws SyntaxError when the text is no JSON, or a tag is unknown */
export function decodeState(text: string): unknown {
  const plain: unknown = JSON.parse(text);
  // Every tag is a key that begins with $; most texts have none.
  return text.includes('"$') ? revive(plain) : plain;
}

const NUMBERS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
};

/** Puts what the tags stand for in their places, within what JSON.parse has just made. */
function revive(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (typeof item === 'object' && item !== null) value[i] = revive(item);
    }
    return value;
  }
  const record = value as Record<string, unknown>;
  const keys = Object.keys(record);
  const tag = keys.length === 1 ? (keys[0] as string) : '';
  if (tag.startsWith('$')) return untag(tag, record[tag]);
  for (const key of keys) {
    const item = record[key];
    if (typeof item !== 'object' || item === null) continue;
    const revived = revive(item);
    if (revived === item) continue;
    // A key named __proto__ in hostile JSON is an own property and must stay one.
    if (key === '__proto__') Object.defineProperty(record, key, { value: revived });
    else record[key] = revived;
  }
  return record;
}

function untag(tag: string, value: unknown): unknown {
  if (tag === '$n' && typeof value === 'string') {
    const number = NUMBERS[value];
    if (number !== undefined) return number;
  }
  if (Array.isArray(value)) {
    if (tag === '$i32') return Int32Array.from(value as number[]);
    if (tag === '$u8') return Uint8Array.from(value as number[]);
    if (tag === '$f64') return Float64Array.from(value.map((item) => revive(item) as number));
  }
  throw new SyntaxError(`Unknown tag '${tag}' in encoded state`);
}
