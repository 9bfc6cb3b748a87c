import type { DescMessage } from '@bufbuild/protobuf';
import {
  DecisionSchema,
  GapSchema,
  MessageSchema,
  OpeningSchema,
  OrderIssuedSchema,
  StateChangeSchema,
  SystemSignalSchema,
} from '@sigma/proto';
import { EVENT_TYPE } from '../../src/index.ts';
import {
  descriptorBytes,
  type FoxgloveName,
  foxgloveDescriptors,
  numbersDescriptors,
  ownDescriptors,
} from './foxglove/descriptors.ts';
import type { McapFile } from './mcap-file.ts';

/** The message that an event type names; segments are shown by what is in them, snapshots not at all. */
const PAYLOADS: Readonly<Record<string, DescMessage>> = {
  [EVENT_TYPE.opening]: OpeningSchema,
  [EVENT_TYPE.decision]: DecisionSchema,
  [EVENT_TYPE.stateChange]: StateChangeSchema,
  [EVENT_TYPE.message]: MessageSchema,
  [EVENT_TYPE.order]: OrderIssuedSchema,
  [EVENT_TYPE.signal]: SystemSignalSchema,
  [EVENT_TYPE.gap]: GapSchema,
};

/** A topic of an imported file, as the signal `import.channel` holds it (R188). */
export interface ImportedTopic {
  readonly topic: string;
  readonly messageEncoding: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly schema: { readonly name: string; readonly encoding: string; readonly base64: string } | null;
}

/** A channel of the file that is being written. Its id is given when its first message is written. */
export interface McapChannel {
  readonly topic: string;
  id: number | null;
}

interface Declared extends McapChannel {
  readonly messageEncoding: string;
  /** Null where messages have none. */
  readonly schema: Schema | null;
  readonly metadata: ReadonlyMap<string, string>;
}

interface Schema {
  readonly name: string;
  readonly encoding: string;
  readonly data: () => Uint8Array;
  /** What tells two schemas of one name apart: the fields of a message of numbers, or the bytes of a foreign schema. */
  readonly mark: string;
}

/** Topics and schemas of one MCAP file, each registered once. All that is ours is encoded as protobuf. */
export class McapChannels {
  readonly #file: McapFile;
  readonly #byTopic = new Map<string, Declared>();
  readonly #schemaIds = new Map<string, number>();

  constructor(file: McapFile) {
    this.#file = file;
  }

  get topics(): readonly string[] {
    return [...this.#byTopic.values()].filter(({ id }) => id !== null).map(({ topic }) => topic);
  }

  foxglove(topic: string, name: FoxgloveName): McapChannel {
    return this.#own(topic, `foxglove.${name}`, () => descriptorBytes(foxgloveDescriptors(name)));
  }

  /** A topic of another program's file, with the schema that it had there. */
  foreign({ topic, messageEncoding, metadata, schema }: ImportedTopic): McapChannel {
    const described =
      schema === null
        ? null
        : { ...schema, data: () => new Uint8Array(Buffer.from(schema.base64, 'base64')), mark: schema.base64 };
    return this.#declare(topic, { messageEncoding, schema: described, metadata: new Map(Object.entries(metadata)) });
  }

  /** Payloads of events as they stand in the record; null for a type that has no message here. */
  payload(topic: string, eventType: string): McapChannel | null {
    const schema = PAYLOADS[eventType];
    if (schema === undefined) return null;
    const metadata = new Map([['event_type', eventType]]);
    return this.#own(topic, schema.typeName, () => descriptorBytes(ownDescriptors(schema)), '', metadata);
  }

  /** Numbers with names, one message type for each list of names. */
  numbers(topic: string, model: string, channel: string, names: readonly string[]): McapChannel {
    const packageName = `sigma.${identifier(model)}`;
    const message = capital(identifier(channel));
    const data = () => descriptorBytes(numbersDescriptors(packageName, message, names));
    return this.#own(topic, `${packageName}.${message}`, data, names.join());
  }

  /** Id of the channel, registered with its schema when this is its first message. */
  open(channel: McapChannel): number {
    if (channel.id !== null) return channel.id;
    const { topic, messageEncoding, schema, metadata } = channel as Declared;
    const schemaId = schema === null ? 0 : this.#schemaId(schema);
    channel.id = this.#file.addChannel({ topic, schemaId, messageEncoding, metadata: new Map(metadata) });
    return channel.id;
  }

  #schemaId({ name, encoding, data, mark }: Schema): number {
    const key = keyOf(name, mark);
    const known = this.#schemaIds.get(key);
    if (known !== undefined) return known;
    const id = this.#file.addSchema({ name, encoding, data: data() });
    this.#schemaIds.set(key, id);
    return id;
  }

  #own(
    topic: string,
    name: string,
    data: () => Uint8Array,
    mark = '',
    metadata: ReadonlyMap<string, string> = new Map(),
  ): McapChannel {
    const schema = { name, encoding: 'protobuf', data, mark };
    return this.#declare(topic, { messageEncoding: 'protobuf', schema, metadata });
  }

  #declare(topic: string, declared: Pick<Declared, 'messageEncoding' | 'schema' | 'metadata'>): McapChannel {
    // Two kinds of message under one name stand in two topics: readers expect one schema for each.
    const known = this.#byTopic.get(topic);
    if (known !== undefined && kindOf(known) === kindOf(declared)) return known;
    if (known !== undefined) return this.#declare(`${topic}_`, declared);
    const channel = { topic, id: null, ...declared };
    this.#byTopic.set(topic, channel);
    return channel;
  }
}

const keyOf = (name: string, mark: string): string => JSON.stringify([name, mark]);

const kindOf = ({ messageEncoding, schema }: Pick<Declared, 'messageEncoding' | 'schema'>): string =>
  messageEncoding + (schema === null ? '' : keyOf(schema.name, schema.mark));

/** A name that protobuf takes. */
const identifier = (name: string): string => name.replace(/[^A-Za-z0-9]+/g, '_').replace(/^(?=[0-9_])/, 'x');

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
