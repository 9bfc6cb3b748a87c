import { createFileRegistry, fromBinary, type Registry, toJson } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type RecordedEvent, readablePayload } from '@sigma/recorder';
import type { ImportedTopic } from '@sigma/recorder/exports';

/** Reads the events of one lane. */
export interface ValueReader {
  /** Why it cannot, for all of them alike; empty where it can. */
  readonly unread: string;
  /** @throws Error with what is the matter with this one */
  readonly read: (event: RecordedEvent) => unknown;
}

const LENIENT = new TextDecoder();
const json = (data: Uint8Array): unknown => JSON.parse(LENIENT.decode(data));

const unreadable = (unread: string): ValueReader => ({
  unread,
  read: () => {
    throw new Error(unread);
  },
});

/** By the schema that came with the file; names of fields are those of the schema. */
export function readerOf({ dataschema }: { readonly dataschema: string }, topic: ImportedTopic | null): ValueReader {
  if (dataschema === 'application/cloudevents+json') return { unread: '', read: ({ data }) => cloudEventData(data) };
  // Payloads of ours that were taken back.
  if (dataschema === '') return { unread: '', read: (event) => JSON.parse(readablePayload(event)) as unknown };
  if (dataschema.startsWith('mcap-attachment:'))
    return unreadable(`an attachment (${dataschema.slice('mcap-attachment:'.length) || 'of no type'})`);
  if (topic === null) return unreadable('the file does not say how it is written');
  const { messageEncoding, schema } = topic;
  if (messageEncoding === 'json') return { unread: '', read: ({ data }) => json(data) };
  if (messageEncoding !== 'protobuf') return unreadable(`${messageEncoding || 'its encoding'} is not read here`);
  if (schema === null) return unreadable('it came without a schema');
  return protobufReader(schema);
}

function protobufReader({ name, encoding, base64 }: NonNullable<ImportedTopic['schema']>): ValueReader {
  if (encoding !== 'protobuf') return unreadable(`its schema is written in ${encoding || 'nothing that is named'}`);
  let registry: Registry;
  try {
    registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(base64, 'base64')));
  } catch (error) {
    return unreadable(`its schema ${name} cannot be read: ${(error as Error).message}`);
  }
  const message = registry.getMessage(name);
  if (message === undefined) return unreadable(`its schema does not describe ${name}`);
  return {
    unread: '',
    read: ({ data }) => toJson(message, fromBinary(message, data), { registry, useProtoFieldName: true }),
  };
}

/** What a CloudEvent carries; of one that carries nothing, what it says of itself. */
function cloudEventData(line: Uint8Array): unknown {
  const event = json(line) as Readonly<Record<string, unknown>>;
  if (event['data'] !== undefined) return event['data'];
  const { data_base64: base64 } = event;
  if (typeof base64 === 'string') return { data_base64: `${Buffer.byteLength(base64, 'base64')} bytes` };
  return event;
}

const DEEPEST = 24;
/** What a name, a quote and a comma take beside a value. */
const PER_VALUE = 6;

/**
 * As JSON of about so many characters; whatever nests deeper or goes on longer is told by how much it is. What is given
 * is JSON still, so that it can be told field by field.
 */
export function textOf(value: unknown, characters: number): { readonly text: string; readonly cut: boolean } {
  const most = characters <= 1_000 ? { entries: 6, letters: 80 } : { entries: 100, letters: 1_000 };
  let left = characters;
  let cut = false;
  const clip = (one: unknown, depth: number): unknown => {
    if (typeof one === 'string') {
      const letters = Math.min(most.letters, Math.max(20, left));
      left -= Math.min(one.length, letters) + PER_VALUE;
      if (one.length <= letters) return one;
      cut = true;
      return `${one.slice(0, letters)}… (${one.length} characters)`;
    }
    if (typeof one !== 'object' || one === null) {
      left -= String(one).length + PER_VALUE;
      return one;
    }
    const list = Array.isArray(one);
    const entries = Object.entries(one);
    if (depth >= DEEPEST) {
      cut = true;
      return `… (${entries.length} ${list ? 'items' : 'fields'})`;
    }
    const kept: [string, unknown][] = [];
    for (const [key, of] of entries) {
      if (left <= 0 || kept.length >= (list ? most.entries : 100)) break;
      left -= list ? 0 : key.length;
      kept.push([key.slice(0, most.letters), clip(of, depth + 1)]);
    }
    const rest = entries.length - kept.length;
    if (rest > 0) cut = true;
    if (list) return [...kept.map(([, of]) => of), ...(rest > 0 ? [`… (${rest} more)`] : [])];
    // A field may have any name, `__proto__` among them.
    return Object.fromEntries([...kept, ...(rest > 0 ? [['…', `${rest} more`] as const] : [])]);
  };
  const text = JSON.stringify(clip(value, 0)) ?? 'null';
  return { text, cut };
}
