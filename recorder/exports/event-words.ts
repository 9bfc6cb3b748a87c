import { createFileRegistry, fromBinary, type Registry, toJsonString } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { MalformedBytesError, type RecordedEvent } from '../src/index.ts';
import type { ImportedTopic } from './mcap/channels.ts';
import { importedTopic, keyOf, keysOf } from './mcap/imported-topics.ts';
import { logLine } from './mcap/log-line.ts';

/** Longest line. */
const MOST_CHARACTERS = 400;

type Reader = (data: Uint8Array) => string;

/** What the events of one chain say, each in a line; those of an imported file by the schemas that the file brought. */
export class EventWords {
  readonly #imported: boolean;
  readonly #readers = new Map<string, Reader>();

  constructor(imported: boolean) {
    this.#imported = imported;
  }

  /** Null for what is no news: inputs and snapshots. Is asked of every event of the chain in its order. */
  of(event: RecordedEvent): string | null {
    const topic = this.#imported ? topicIn(event) : null;
    if (topic !== null) {
      for (const key of keysOf(topic)) this.#readers.set(key, readerOf(topic));
      return `topic ${topic.topic}: ${topic.schema?.name ?? 'no schema'}, ${topic.messageEncoding}`;
    }
    const { type, data, subject, dataschema = '' } = event;
    const own = logLine(event);
    if (own !== null) return own.text;
    if (type.startsWith('sigma.')) return null;
    if (dataschema === 'application/cloudevents+json') return short(`${type} ${cloudEventData(data)}`);
    const read = this.#readers.get(keyOf(subject, dataschema)) ?? size;
    return short(`${subject} ${type.replace(/^mcap\./, '')} ${read(data)}`);
  }
}

function topicIn(event: RecordedEvent): ImportedTopic | null {
  try {
    return importedTopic(event);
  } catch (error) {
    if (error instanceof MalformedBytesError) return null;
    throw error;
  }
}

const short = (text: string): string => text.slice(0, MOST_CHARACTERS);

const size: Reader = (data) => `of ${data.length} bytes`;

/** What cannot be read by the schema that came with it is told by its size. */
function readerOf({ messageEncoding, schema }: ImportedTopic): Reader {
  if (messageEncoding === 'json') return (data) => LENIENT.decode(data.subarray(0, 4 * MOST_CHARACTERS));
  if (messageEncoding !== 'protobuf' || schema?.encoding !== 'protobuf') return size;
  let registry: Registry;
  try {
    registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(schema.base64, 'base64')));
  } catch {
    return size;
  }
  const message = registry.getMessage(schema.name);
  if (message === undefined) return size;
  return (data) => {
    try {
      return toJsonString(message, fromBinary(message, data), { registry });
    } catch {
      return size(data);
    }
  };
}

/** What the line of a CloudEvent carries. It was read as JSON when it was imported. */
function cloudEventData(line: Uint8Array): string {
  const event = JSON.parse(LENIENT.decode(line)) as { readonly data?: unknown; readonly data_base64?: string };
  if (event.data !== undefined) return JSON.stringify(event.data);
  return event.data_base64 === undefined ? '' : `of ${Buffer.byteLength(event.data_base64, 'base64')} bytes`;
}

const LENIENT = new TextDecoder();
