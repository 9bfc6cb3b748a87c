import type { DescMessage } from '@bufbuild/protobuf';
import type { McapWriter } from '@mcap/core';
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

/** A channel of the file that is being written. Its id is given when its first message is written. */
export interface McapChannel {
  readonly topic: string;
  id: number | null;
}

interface Declared extends McapChannel {
  readonly schemaName: string;
  readonly schemaData: () => Uint8Array;
  readonly metadata: ReadonlyMap<string, string>;
  /** Fields of a message of numbers: two lists under one name are two schemas. */
  readonly names: readonly string[];
}

/** Topics and schemas of one MCAP file, each registered once. Everything is encoded as protobuf. */
export class McapChannels {
  readonly #writer: McapWriter;
  readonly #byTopic = new Map<string, Declared>();
  readonly #schemaIds = new Map<string, number>();

  constructor(writer: McapWriter) {
    this.#writer = writer;
  }

  get topics(): readonly string[] {
    return [...this.#byTopic.values()].filter(({ id }) => id !== null).map(({ topic }) => topic);
  }

  foxglove(topic: string, name: FoxgloveName): McapChannel {
    return this.#declare(topic, `foxglove.${name}`, () => descriptorBytes(foxgloveDescriptors(name)));
  }

  /** Payloads of events as they stand in the record; null for a type that has no message here. */
  payload(topic: string, eventType: string): McapChannel | null {
    const schema = PAYLOADS[eventType];
    if (schema === undefined) return null;
    return this.#declare(topic, schema.typeName, () => descriptorBytes(ownDescriptors(schema)), [
      ['event_type', eventType],
    ]);
  }

  /** Numbers with names, one message type for each list of names. */
  numbers(topic: string, model: string, channel: string, names: readonly string[]): McapChannel {
    const packageName = `sigma.${identifier(model)}`;
    const message = capital(identifier(channel));
    const data = () => descriptorBytes(numbersDescriptors(packageName, message, names));
    return this.#declare(topic, `${packageName}.${message}`, data, [], names);
  }

  /** Id of the channel, registered with its schema when this is its first message. */
  async open(channel: McapChannel): Promise<number> {
    if (channel.id !== null) return channel.id;
    const { topic, schemaName, schemaData, metadata, names } = channel as Declared;
    const key = [schemaName, ...names].join();
    let schemaId = this.#schemaIds.get(key);
    if (schemaId === undefined) {
      schemaId = await this.#writer.registerSchema({ name: schemaName, encoding: 'protobuf', data: schemaData() });
      this.#schemaIds.set(key, schemaId);
    }
    channel.id = await this.#writer.registerChannel({
      topic,
      schemaId,
      messageEncoding: 'protobuf',
      metadata: new Map(metadata),
    });
    return channel.id;
  }

  #declare(
    topic: string,
    schemaName: string,
    schemaData: () => Uint8Array,
    metadata: readonly (readonly [string, string])[] = [],
    names: readonly string[] = [],
  ): McapChannel {
    // Two kinds of message under one name stand in two topics: readers expect one schema for each.
    const known = this.#byTopic.get(topic);
    if (known !== undefined && known.schemaName === schemaName && known.names.join() === names.join()) return known;
    if (known !== undefined) return this.#declare(`${topic}_`, schemaName, schemaData, metadata, names);
    const channel = { topic, id: null, schemaName, schemaData, metadata: new Map(metadata), names };
    this.#byTopic.set(topic, channel);
    return channel;
  }
}

/** A name that protobuf takes. */
const identifier = (name: string): string => name.replace(/[^A-Za-z0-9]+/g, '_').replace(/^(?=[0-9_])/, 'x');

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
