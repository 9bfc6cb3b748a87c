import { type DescField, type DescMessage, isMessage, type Message } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import type { People } from '../identity/people.ts';
import { PRINCIPAL } from '../identity/principal.ts';

type Names = Pick<People, 'named'>;

/**
 * The door is where aliases end: what people are told names people by their address, in answers, streams and refusals.
 * Behind it, and in everything that is recorded, they bear aliases.
 */
export function names(people: Names): Interceptor {
  return (next) => async (request) => {
    try {
      const response = await next(request);
      if (request.contextValues.get(PRINCIPAL).kind !== 'person') return response;
      const { output } = request.method;
      if (!mayName(output)) return response;
      if (!response.stream) return { ...response, message: named(people, output, response.message) };
      return { ...response, message: eachNamed(people, output, response.message) };
    } catch (error) {
      if (error instanceof ConnectError) throw namedError(people, error);
      throw error;
    }
  };
}

async function* eachNamed(people: Names, desc: DescMessage, messages: AsyncIterable<Message>): AsyncIterable<Message> {
  for await (const message of messages) yield named(people, desc, message);
}

function namedError(people: Names, error: ConnectError): ConnectError {
  const details = error.details.map((detail) =>
    'desc' in detail ? { ...detail, value: plainNamed(people, detail.value) } : detail,
  );
  const told = new ConnectError(people.named(error.rawMessage), error.code ?? Code.Unknown, error.metadata);
  told.details = details as typeof error.details;
  told.cause = error.cause;
  return told;
}

/** The texts of a detail, which is a plain object of one level. */
const plainNamed = <Value extends object>(people: Names, value: Value): Value =>
  Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, typeof one === 'string' ? people.named(one) : one]),
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
function named<Shape extends Message>(people: Names, desc: DescMessage, message: Shape): Shape {
  let copy: Record<string, unknown> | null = null;
  for (const field of desc.fields) {
    const holder = message as Record<string, unknown>;
    const oneof = field.oneof === undefined ? null : (holder[field.oneof.localName] as Case | undefined);
    if (oneof !== null && oneof?.case !== field.localName) continue;
    const before = oneof === null ? holder[field.localName] : oneof?.value;
    const after = namedValue(people, field, before);
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

function namedValue(people: Names, field: DescField, value: unknown): unknown {
  if (typeof value === 'string') return people.named(value);
  const desc = inside(field);
  if (Array.isArray(value) && (isText(field) || (desc !== null && mayName(desc)))) {
    const list = value.map((one) => namedOne(people, desc, one));
    return list.some((one, i) => one !== value[i]) ? list : value;
  }
  return desc !== null && mayName(desc) ? namedOne(people, desc, value) : value;
}

function namedOne(people: Names, desc: DescMessage | null, value: unknown): unknown {
  if (typeof value === 'string') return people.named(value);
  return desc !== null && isMessage(value) ? named(people, desc, value) : value;
}
