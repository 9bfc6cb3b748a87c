/** A field of a decoded value: the way to it, and what stands there. */
export interface Field {
  readonly path: string;
  readonly text: string;
}

const DEEPEST = 12;
const MOST_TEXT = 2_000;

/** Every field of a value, in its order; lists of plain values stay together. What a file says may be anything. */
export function fieldsOf(value: unknown, most: number): { readonly fields: readonly Field[]; readonly more: boolean } {
  const fields: Field[] = [];
  let more = false;
  const visit = (one: unknown, path: string, depth: number): void => {
    if (fields.length >= most) {
      more = true;
      return;
    }
    if (typeof one !== 'object' || one === null) {
      fields.push({ path, text: plain(one) });
      return;
    }
    const entries = Object.entries(one);
    const flat = Array.isArray(one) && one.every((item) => typeof item !== 'object' || item === null);
    if (entries.length === 0 || flat || depth >= DEEPEST) {
      fields.push({
        path,
        text: flat ? (one as unknown[]).map(plain).join(', ') || 'none' : told(one, entries.length),
      });
      return;
    }
    for (const [name, of] of entries) visit(of, path === '' ? name : `${path}.${name}`, depth + 1);
  };
  visit(value, '', 0);
  return { fields, more };
}

const told = (value: object, count: number): string =>
  count === 0 ? 'empty' : Array.isArray(value) ? `${count} items` : `${count} fields`;

function plain(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(7)));
  if (value === null) return 'null';
  return String(value).slice(0, MOST_TEXT);
}

/** What an import tells of a value, read again; a text that is no JSON is itself. */
export function valueIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Said by the time of the event already, or the same in every event. */
const NO_NEWS = /(^|\.)(timestamp|frame_id|specversion)$/;
const MOST_SAID = 8;

/** A value in one line. */
export function lineOf(text: string): string {
  const { fields } = fieldsOf(valueIn(text), 24);
  const news = fields.filter(({ path }) => !NO_NEWS.test(path));
  return (news.length === 0 ? fields : news)
    .slice(0, MOST_SAID)
    .map(({ path, text: said }) => (path === '' ? said : `${path} ${said}`))
    .join(' · ');
}
