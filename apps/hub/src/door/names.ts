import { type DescField, type DescMessage, isMessage, type Message } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { QueryEventsResponseSchema } from '@sigma/proto';
import type { People } from '../identity/people.ts';
import { PRINCIPAL } from '../identity/principal.ts';
import type { WrittenTexts } from '../identity/written-texts.ts';

/** Who stands behind aliases, and what behind references to texts. */
export interface Names {
  readonly people: Pick<People, 'named'>;
  readonly texts: Pick<WrittenTexts, 'reading' | 'fetch'>;
}

/** A text as people read it; of JSON it stays JSON. */
type Say = (text: string, isJson?: boolean) => string;

/**
 * The door is where aliases end: what people are told names people by their address, and says what people wrote, in
 * answers, streams and refusals. Behind it, and in everything that is recorded, there are aliases and references.
 */
export function names(known: Names): Interceptor {
  return (next) => async (request) => {
    try {
      const response = await next(request);
      if (request.contextValues.get(PRINCIPAL).kind !== 'person') return response;
      const { output } = request.method;
      if (!mayName(output)) return response;
      if (!response.stream)
        return { ...response, message: await said(known, (say) => named(say, output, response.message)) };
      return { ...response, message: eachNamed(known, output, response.message) };
    } catch (error) {
      if (error instanceof ConnectError) throw await said(known, (say) => namedError(say, error));
      throw error;
    }
  };
}

/** What `tell` makes of something with every text at hand; what is not is fetched, and it is told again. */
async function said<Told>({ people, texts }: Names, tell: (say: Say) => Told): Promise<Told> {
  const once = () => {
    const { read, missing } = texts.reading();
    // What a person wrote is nobody's alias: it is put in last.
    return { told: tell((text, isJson) => read(people.named(text), isJson)), missing };
  };
  const { told, missing } = once();
  if (missing.size === 0) return told;
  await texts.fetch(missing);
  return once().told;
}

async function* eachNamed(known: Names, desc: DescMessage, messages: AsyncIterable<Message>): AsyncIterable<Message> {
  for await (const message of messages) yield said(known, (say) => named(say, desc, message));
}

function namedError(say: Say, error: ConnectError): ConnectError {
  const details = error.details.map((detail) =>
    'desc' in detail ? { ...detail, value: plainNamed(say, detail.value) } : detail,
  );
  const told = new ConnectError(say(error.rawMessage), error.code ?? Code.Unknown, error.metadata);
  told.details = details as typeof error.details;
  told.cause = error.cause;
  return told;
}

/** The texts of a detail, which is a plain object of one level. */
const plainNamed = <Value extends object>(say: Say, value: Value): Value =>
  Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, typeof one === 'string' ? say(one) : one]),
  ) as Value;

const TEXT = 9;
const naming = new Map<string, boolean>();

/** Whether a message of this kind, or one inside it, has a text at all: bytes and numbers name nobody. */
function mayName(desc: DescMessage): boolean {
  const known = naming.get(desc.typeName);
  if (known !== undefined) return known;
  // For messages that hold themselves.
  naming.set(desc.typeName, false);
  const found = desc.fields.some(
    (field) => isText(field) || (inside(field) !== null && mayName(inside(field) as DescMessage)),
  );
  naming.set(desc.typeName, found);
  return found;
}

const isText = (field: DescField): boolean =>
  (field.fieldKind === 'scalar' && field.scalar === TEXT) ||
  (field.fieldKind === 'list' && field.listKind === 'scalar' && field.scalar === TEXT);

const inside = (field: DescField): DescMessage | null => {
  if (field.fieldKind === 'message') return field.message;
  return field.fieldKind === 'list' && field.listKind === 'message' ? field.message : null;
};

/** The message, or a copy of it where somebody is named: what others hold of it stays as it is. */
function named<Shape extends Message>(say: Say, desc: DescMessage, message: Shape): Shape {
  let copy: Record<string, unknown> | null = null;
  for (const field of desc.fields) {
    const holder = message as Record<string, unknown>;
    const oneof = field.oneof === undefined ? null : (holder[field.oneof.localName] as Case | undefined);
    if (oneof !== null && oneof?.case !== field.localName) continue;
    const before = oneof === null ? holder[field.localName] : oneof?.value;
    const after = namedValue(say, field, before);
    if (after === before) continue;
    copy ??= { ...holder };
    if (field.oneof === undefined) copy[field.localName] = after;
    else copy[field.oneof.localName] = { case: field.localName, value: after };
  }
  return (copy ?? message) as Shape;
}

interface Case {
  readonly case: string | undefined;
  readonly value?: unknown;
}

function namedValue(say: Say, field: DescField, value: unknown): unknown {
  if (isRows(field) && Array.isArray(value)) return value.map((row: string) => namedRow(say, row));
  if (typeof value === 'string') return say(value, field.localName.endsWith('Json'));
  const desc = inside(field);
  if (Array.isArray(value) && (isText(field) || (desc !== null && mayName(desc)))) {
    const list = value.map((one) => namedOne(say, desc, one));
    return list.some((one, i) => one !== value[i]) ? list : value;
  }
  return desc !== null && mayName(desc) ? namedOne(say, desc, value) : value;
}

/** Rows of an answer in SQL, each a JSON array. */
const isRows = ({ parent, localName }: DescField): boolean =>
  parent?.typeName === QueryEventsResponseSchema.typeName && localName === 'rows';

function namedRow(say: Say, row: string): string {
  return MAY_NAME.test(row) ? JSON.stringify(namedCell(say, JSON.parse(row))) : row;
}

const MAY_NAME = /\b(text|operator|person):[0-9a-f]{32}\b/;

/** A cell that is JSON itself, such as the body of an event, stays JSON. */
function namedCell(say: Say, cell: unknown): unknown {
  if (typeof cell === 'string') return MAY_NAME.test(cell) ? say(cell, isJson(cell)) : cell;
  if (Array.isArray(cell)) return cell.map((one) => namedCell(say, one));
  if (typeof cell !== 'object' || cell === null) return cell;
  return Object.fromEntries(Object.entries(cell).map(([name, one]) => [name, namedCell(say, one)]));
}

function isJson(text: string): boolean {
  if (!/^\s*[{["]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function namedOne(say: Say, desc: DescMessage | null, value: unknown): unknown {
  if (typeof value === 'string') return say(value);
  return desc !== null && isMessage(value) ? named(say, desc, value) : value;
}
