import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { McapIndexedReader, McapStreamReader, type McapTypes } from '@mcap/core';
import { loadDecompressHandlers } from '@mcap/support';
import { EVENT_TYPE, type EventDraft, readablePayload, signalEvent } from '../../src/index.ts';
import { type ImportedChain, ImportedTimeline, type ImportOptions, type ImportResult } from './timeline.ts';

/** Payloads of ours that are taken for what they were: those that mean the same in any chain. */
const TAKEN_BACK: ReadonlySet<string> = new Set([
  EVENT_TYPE.decision,
  EVENT_TYPE.signal,
  EVENT_TYPE.message,
  EVENT_TYPE.order,
  EVENT_TYPE.stateChange,
]);

/** Attachments beyond this are named and not kept. */
const MOST_ATTACHMENT_BYTES = 16 * 1024 * 1024;

/** The file is no MCAP at all. */
export class NotMcapError extends Error {
  constructor(path: string, why: string) {
    super(`${path} is no MCAP file: ${why}`);
    this.name = 'NotMcapError';
  }
}

interface Piece {
  readonly message: McapTypes.Message;
  readonly channel: McapTypes.Channel;
  readonly schema: McapTypes.Schema | undefined;
}

type Told = Piece | { readonly metadata: McapTypes.Metadata } | { readonly attachment: McapTypes.Attachment };

/**
 * Makes one chain of an MCAP file: each message an event, by log time, with the bytes that it had. Its `type` is
 * `mcap.<schema>`, its subject the topic, its `dataschema` names encoding and schema; before a topic's first message a
 * signal `import.channel` holds both. What this program itself had exported is given its own type back. Agent time counts
 * from the first message, in whole microseconds. A file that is cut short, or damaged behind some place, is taken up to
 * there, and the result says so.
 *
 * @param name of the source, without the mark that it is imported
 * @throws NotMcapError, StoreError, the signal's reason
 */
export async function importMcap(path: string, name: string, options: ImportOptions): Promise<ImportResult> {
  const timeline = new ImportedTimeline(options, 'mcap');
  let chain: McapChain | null = null;
  let early: Exclude<Told, Piece>[] = [];
  const onCut = (why: string): void => timeline.leaveOut('the rest of the file', why);
  for await (const told of piecesOf(path, onCut)) {
    if (!('message' in told)) {
      // What describes the file stands at the time of what was read last.
      if (chain === null) early.push(told);
      else for (const event of chain.described(told, timeline)) await timeline.add(chain.chain, event, event.subject);
      continue;
    }
    const timeUs = Number(told.message.logTime / 1000n);
    const where = `a message of ${told.channel.topic}`;
    if (!Number.isSafeInteger(timeUs)) {
      timeline.leaveOut(where, `its time is ${told.message.logTime} ns`);
      continue;
    }
    chain ??= new McapChain(timeline.chain(name, timeUs, {}), timeUs);
    const before = early.flatMap((one) => chain?.described(one, timeline) ?? []);
    early = [];
    for (const event of [...before, ...chain.events(told, timeUs)]) await timeline.add(chain.chain, event, where);
  }
  await timeline.end();
  return timeline.result;
}

class McapChain {
  readonly chain: ImportedChain;
  readonly #firstUs: number;
  readonly #known = new Set<number>();
  #lastUs: number;

  constructor(chain: ImportedChain, firstUs: number) {
    this.chain = chain;
    this.#firstUs = firstUs;
    this.#lastUs = firstUs;
  }

  events({ message, channel, schema }: Piece, timeUs: number): readonly EventDraft[] {
    const atUs = Math.max(0, timeUs - this.#firstUs);
    this.#lastUs = Math.max(this.#lastUs, timeUs);
    const event = eventOf(message, channel, schema, atUs, timeUs);
    if (this.#known.has(channel.id)) return [event];
    this.#known.add(channel.id);
    return [channelSignal(channel, schema, atUs, timeUs), event];
  }

  described(told: Exclude<Told, Piece>, timeline: ImportedTimeline): readonly EventDraft[] {
    const timeUs = this.#lastUs;
    const atUs = timeUs - this.#firstUs;
    if ('metadata' in told) {
      const { name, metadata } = told.metadata;
      return [signalEvent('import.metadata', { name, values: Object.fromEntries(metadata) }, atUs, timeUs)];
    }
    const { name, mediaType, data } = told.attachment;
    if (data.length > MOST_ATTACHMENT_BYTES) {
      timeline.leaveOut(`attachment ${name}`, `it has ${data.length} bytes`);
      return [];
    }
    const dataschema = `mcap-attachment:${mediaType}`;
    return [{ type: 'mcap.attachment', subject: name, atUs, timeUs, traceparent: '', data: data.slice(), dataschema }];
  }
}

function eventOf(
  { data }: McapTypes.Message,
  { topic, messageEncoding, metadata }: McapTypes.Channel,
  schema: McapTypes.Schema | undefined,
  atUs: number,
  timeUs: number,
): EventDraft {
  const own = metadata.get('event_type') ?? '';
  const event = { subject: topic, atUs, timeUs, traceparent: '', data: data.slice() };
  if (TAKEN_BACK.has(own) && reads({ ...event, type: own })) return { ...event, type: own };
  const schemaName = schema?.name ?? '';
  const type = schemaName === '' ? 'mcap.message' : `mcap.${schemaName}`;
  return { ...event, type, dataschema: `mcap:${messageEncoding}/${schemaName}` };
}

/** A file may say of anything that it is a decision. */
function reads(event: EventDraft): boolean {
  try {
    readablePayload(event);
    return true;
  } catch {
    return false;
  }
}

function channelSignal(
  { topic, messageEncoding, metadata }: McapTypes.Channel,
  schema: McapTypes.Schema | undefined,
  atUs: number,
  timeUs: number,
): EventDraft {
  const described =
    schema === undefined
      ? null
      : { name: schema.name, encoding: schema.encoding, base64: Buffer.from(schema.data).toString('base64') };
  const body = { topic, messageEncoding, metadata: Object.fromEntries(metadata), schema: described };
  return { ...signalEvent('import.channel', body, atUs, timeUs), subject: topic };
}

/** By log time where the file has an index, and as it stands in the file where it has none. */
async function* piecesOf(path: string, onCut: (why: string) => void): AsyncGenerator<Told> {
  const decompressHandlers = await loadDecompressHandlers();
  const handle = await open(path);
  try {
    const reader = await McapIndexedReader.Initialize({ readable: readableOf(handle), decompressHandlers }).catch(
      () => null,
    );
    if (reader === null || reader.chunkIndexes.length === 0) {
      yield* streamed(path, decompressHandlers, onCut);
      return;
    }
    for await (const message of reader.readMessages()) {
      const channel = reader.channelsById.get(message.channelId);
      if (channel !== undefined) yield { message, channel, schema: reader.schemasById.get(channel.schemaId) };
    }
    for await (const metadata of reader.readMetadata()) yield { metadata };
    for await (const attachment of reader.readAttachments()) yield { attachment };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined || error instanceof NotMcapError) throw error;
    onCut((error as Error).message);
  } finally {
    await handle.close();
  }
}

async function* streamed(
  path: string,
  decompressHandlers: McapTypes.DecompressHandlers,
  onCut: (why: string) => void,
): AsyncGenerator<Told> {
  const reader = new McapStreamReader({ decompressHandlers });
  const schemas = new Map<number, McapTypes.Schema>();
  const channels = new Map<number, McapTypes.Channel>();
  let records = 0;
  try {
    for await (const bytes of createReadStream(path) as AsyncIterable<Uint8Array>) {
      reader.append(bytes);
      for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
        records++;
        if (record.type === 'Schema') schemas.set(record.id, record);
        else if (record.type === 'Channel') channels.set(record.id, record);
        else if (record.type === 'Metadata') yield { metadata: record };
        else if (record.type === 'Attachment') yield { attachment: record };
        else if (record.type === 'Message') {
          const channel = channels.get(record.channelId);
          if (channel !== undefined) yield { message: record, channel, schema: schemas.get(channel.schemaId) };
        }
      }
    }
  } catch (error) {
    if (records === 0 && (error as NodeJS.ErrnoException).code === undefined) {
      throw new NotMcapError(path, (error as Error).message);
    }
    throw error;
  }
  if (records === 0) throw new NotMcapError(path, 'it is empty or cut off in its first record');
  if (!reader.done()) onCut('it is cut short: there is no footer');
}

const readableOf = (handle: FileHandle) => ({
  size: async () => BigInt((await handle.stat()).size),
  read: async (offset: bigint, size: bigint) => {
    const bytes = new Uint8Array(Number(size));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, Number(offset));
    if (bytesRead < bytes.length) throw new Error(`it ends at ${Number(offset) + bytesRead}`);
    return bytes;
  },
});
