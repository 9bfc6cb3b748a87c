import { createReadStream } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { parse } from '@foxglove/rosmsg';
import { MessageReader } from '@foxglove/rosmsg2-serialization';
import { McapStreamReader, type McapTypes } from '@mcap/core';
import { CommandError, EXIT } from '../outcome.ts';
import { type FeedPiece, idOf } from './feed.ts';

/** Most numbers of one channel, and most of one list in a message. */
const MOST_FIELDS = 1_024;
const MOST_LIST = 256;

/** How to read the messages of one channel, or why they cannot be read. */
type Reading =
  | { readonly ok: true; readonly channel: string; readonly reader: MessageReader; fields: readonly string[] | null }
  | { readonly ok: false; readonly reason: string };

/**
 * A ROS 2 recording in MCAP: each topic a channel, each number in its messages a field (`pose.position.x`, `ranges[3]`),
 * as the first message has them. Chunks may be compressed with zstd or not at all.
 *
 * @throws CommandError naming what is wrong with the file
 */
export async function* readMcap(path: string): AsyncGenerator<FeedPiece> {
  const reader = new McapStreamReader({
    decompressHandlers: { zstd: (bytes) => new Uint8Array(zstdDecompressSync(bytes)) },
  });
  const schemas = new Map<number, McapTypes.Schema>();
  const readings = new Map<number, Reading>();
  try {
    for await (const bytes of createReadStream(path) as AsyncIterable<Uint8Array>) {
      reader.append(bytes);
      for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
        if (record.type === 'Schema') schemas.set(record.id, record);
        else if (record.type === 'Channel') readings.set(record.id, readingOf(record, schemas.get(record.schemaId)));
        else if (record.type === 'Message') yield* piecesOf(record, readings.get(record.channelId));
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
    throw new CommandError(
      EXIT.machine,
      `${path} is no sound MCAP file: ${(error as Error).message}`,
      'Give another recording',
      {
        cause: error,
      },
    );
  }
  if (!reader.done()) {
    throw new CommandError(EXIT.machine, `${path} is cut short: it has no footer`, '`mcap recover` can repair it');
  }
}

function readingOf({ topic, messageEncoding }: McapTypes.Channel, schema: McapTypes.Schema | undefined): Reading {
  if (schema === undefined) return { ok: false, reason: `${topic} has no schema` };
  if (messageEncoding !== 'cdr' || schema.encoding !== 'ros2msg') {
    return {
      ok: false,
      reason: `${topic} is ${messageEncoding} with ${schema.encoding || 'no'} schema; known is cdr with ros2msg`,
    };
  }
  try {
    const definitions = parse(new TextDecoder().decode(schema.data), { ros2: true });
    return {
      ok: true,
      channel: idOf(topic.replaceAll('/', '.')),
      reader: new MessageReader(definitions),
      fields: null,
    };
  } catch (error) {
    return { ok: false, reason: `${topic}: schema ${schema.name} cannot be read (${(error as Error).message})` };
  }
}

function* piecesOf({ logTime, data }: McapTypes.Message, reading: Reading | undefined): Generator<FeedPiece> {
  if (reading === undefined || !reading.ok) {
    yield { type: 'skipped', reason: reading?.reason ?? 'a message of an unknown channel' };
    return;
  }
  const { channel, reader } = reading;
  let numbers: ReadonlyMap<string, number>;
  try {
    numbers = numbersIn(reader.readMessage(data));
  } catch (error) {
    yield { type: 'skipped', reason: `${channel}: a message does not fit its schema (${(error as Error).message})` };
    return;
  }
  if (reading.fields === null) {
    if (numbers.size === 0) {
      yield { type: 'skipped', reason: `${channel} holds no numbers` };
      return;
    }
    reading.fields = [...numbers.keys()].slice(0, MOST_FIELDS);
    yield { type: 'channel', channel: { channel, fields: reading.fields } };
  }
  const values = reading.fields.map((field) => numbers.get(field) ?? Number.NaN);
  yield { type: 'frame', frame: { channel, timeUs: Number(logTime / 1000n), values } };
}

/** Every number of a message by its path; times are left out, for the frame has its own. */
function numbersIn(message: unknown): Map<string, number> {
  const numbers = new Map<string, number>();
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'number') numbers.set(path, value);
    else if (typeof value === 'bigint') numbers.set(path, Number(value));
    else if (typeof value === 'boolean') numbers.set(path, value ? 1 : 0);
    else if (Array.isArray(value) || ArrayBuffer.isView(value)) {
      const list = Array.from(value as ArrayLike<unknown>).slice(0, MOST_LIST);
      for (const [i, item] of list.entries()) walk(item, `${path}[${i}]`);
    } else if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value);
      if (entries.length === 2 && 'sec' in value && 'nanosec' in value) return;
      for (const [name, item] of entries) walk(item, path === '' ? name : `${path}.${name}`);
    }
  };
  walk(message, '');
  return numbers;
}
