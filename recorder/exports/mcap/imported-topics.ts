import { decodeSignal, EVENT_TYPE, type RecordedEvent } from '../../src/index.ts';
import type { ImportedTopic, McapChannel, McapChannels } from './channels.ts';

/** The topics of an imported MCAP file, learnt from its chain: what came out of one goes back into the like of it (R188). */
export class ImportedTopics {
  readonly #channels: McapChannels;
  readonly #known = new Map<string, McapChannel>();

  constructor(channels: McapChannels) {
    this.#channels = channels;
  }

  /** @returns whether the event describes a topic, and is nothing else. @throws MalformedBytesError */
  learns(event: RecordedEvent): boolean {
    const topic = importedTopic(event);
    if (topic === null) return false;
    const channel = this.#channels.foreign(topic);
    for (const key of keysOf(topic)) this.#known.set(key, channel);
    return true;
  }

  /** Where the event stood in the file that it came from; undefined for what came from elsewhere. */
  of({ subject, dataschema = '' }: RecordedEvent): McapChannel | undefined {
    return this.#known.get(keyOf(subject, dataschema));
  }
}

/** The topic that an event of an imported chain describes, or null. @throws MalformedBytesError */
export function importedTopic({ type, data }: RecordedEvent): ImportedTopic | null {
  if (type !== EVENT_TYPE.signal) return null;
  const { name, body } = decodeSignal(data);
  return name === 'import.channel' && isTopic(body) ? body : null;
}

/** How events of a topic are known: payloads of ours got their own type back, and stand without the name of a schema. */
export const keysOf = ({ topic, messageEncoding, schema }: ImportedTopic): readonly string[] => [
  keyOf(topic, `mcap:${messageEncoding}/${schema?.name ?? ''}`),
  keyOf(topic, ''),
];

export const keyOf = (topic: string, dataschema: string): string => JSON.stringify([topic, dataschema]);

/** Whoever wrote the file that was imported may have written anything. */
function isTopic(body: unknown): body is ImportedTopic {
  if (!isRecord(body) || typeof body['topic'] !== 'string' || typeof body['messageEncoding'] !== 'string') return false;
  const { metadata, schema } = body;
  if (!isRecord(metadata) || !Object.values(metadata).every((one) => typeof one === 'string')) return false;
  return (
    schema === null ||
    (isRecord(schema) && ['name', 'encoding', 'base64'].every((field) => typeof schema[field] === 'string'))
  );
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
