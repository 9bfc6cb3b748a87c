import { crc32, zstdCompressSync } from 'node:zlib';
import { type IWritable, McapConstants, McapRecordBuilder, type McapTypes } from '@mcap/core';

/** Bytes of messages between two chunks, before compression: a player reads whole chunks. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** A message record before its data: opcode, length, channel, sequence, log time, publish time. */
const MESSAGE_HEAD_BYTES = 31;
const LOG_TIME_AT = 15;
/** An entry of a message index: log time, place in the chunk. */
const INDEX_ENTRY_BYTES = 16;
/** A message index before its entries: opcode, length, channel, length of the entries. */
const INDEX_HEAD_BYTES = 15;
const TWO_32 = 2 ** 32;

/**
 * Writes an MCAP file (mcap.dev/spec) byte for byte as `McapWriter` of @mcap/core does, which a test holds it to: indexed,
 * in chunks compressed with zstd. Records that are few are that library's. Messages, of which there are many, are put
 * straight into the chunk, their index is written when the chunk is, and checksums are Node's: without an object, a
 * BigInt or a promise for any message, and without copies of a chunk.
 */
export class McapFile {
  readonly #writable: IWritable;
  readonly #records = new McapRecordBuilder();
  readonly #chunk = new Chunk();
  readonly #schemas: McapTypes.Schema[] = [];
  readonly #channels: McapTypes.Channel[] = [];
  readonly #saidSchemas = new Set<number>();
  readonly #saidChannels = new Set<number>();
  /** Messages of each channel, in the order in which channels were first written to. */
  readonly #messages = new Map<number, number>();
  readonly #chunks: McapTypes.ChunkIndex[] = [];
  readonly #metadata: McapTypes.MetadataIndex[] = [];
  #dataCrc = 0;
  #leastUs = Number.POSITIVE_INFINITY;
  #greatestUs = Number.NEGATIVE_INFINITY;

  constructor(writable: IWritable) {
    this.#writable = writable;
  }

  /** Begins the file. Whatever it and the others write is on its way in order when their promises resolve. */
  async start(library: string): Promise<void> {
    this.#records.writeMagic();
    this.#records.writeHeader({ profile: '', library });
    await this.#writeData(this.#taken());
  }

  /** @returns the id by which channels name it, from 1 */
  addSchema(schema: Omit<McapTypes.Schema, 'id'>): number {
    const id = this.#schemas.length + 1;
    this.#schemas.push({ ...schema, id });
    return id;
  }

  /** @returns the id by which messages name it, from 0 */
  addChannel(channel: Omit<McapTypes.Channel, 'id'>): number {
    const id = this.#channels.length;
    this.#channels.push({ ...channel, id });
    return id;
  }

  /**
   * Adds a message, of which a copy is kept.
   *
   * @param timeUs its log and publish time, microseconds since 1970
   * @returns when the next may be added; nothing to wait for, unless a chunk is full and goes to the file
   */
  addMessage(channelId: number, sequence: number, timeUs: number, data: Uint8Array): void | Promise<void> {
    if (!this.#saidChannels.has(channelId)) this.#introduce(channelId);
    this.#messages.set(channelId, (this.#messages.get(channelId) ?? 0) + 1);
    this.#chunk.message(channelId, sequence, timeUs, data);
    if (this.#chunk.length > CHUNK_BYTES) return this.#writeChunk();
  }

  async addMetadata(name: string, metadata: ReadonlyMap<string, string>): Promise<void> {
    const offset = this.#writable.position();
    const length = this.#records.writeMetadata({ name, metadata: new Map(metadata) });
    this.#metadata.push({ name, offset, length });
    await this.#writeData(this.#taken());
  }

  /** Nothing can be added behind it. */
  async end(): Promise<void> {
    if (this.#chunk.messages > 0) await this.#writeChunk();
    this.#records.writeDataEnd({ dataSectionCrc: this.#dataCrc });
    await this.#writable.write(this.#taken());
    await this.#writeSummary();
  }

  /** A channel and its schema stand in the chunk of its first message. */
  #introduce(channelId: number): void {
    const channel = this.#channels[channelId] as McapTypes.Channel;
    const schema = this.#schemas[channel.schemaId - 1];
    if (schema !== undefined && !this.#saidSchemas.has(schema.id)) {
      this.#records.writeSchema(schema);
      this.#saidSchemas.add(schema.id);
    }
    this.#records.writeChannel(channel);
    this.#saidChannels.add(channelId);
    this.#chunk.bytes(this.#taken());
  }

  async #writeChunk(): Promise<void> {
    const chunk = this.#chunk;
    const { leastUs, greatestUs } = chunk;
    this.#leastUs = Math.min(this.#leastUs, leastUs);
    this.#greatestUs = Math.max(this.#greatestUs, greatestUs);
    const content = chunk.content;
    const records = zstdCompressSync(content);
    const traits = {
      messageStartTime: nanoseconds(leastUs),
      messageEndTime: nanoseconds(greatestUs),
      uncompressedSize: BigInt(content.length),
      compression: 'zstd',
    };
    const chunkStartOffset = this.#writable.position();
    const chunkLength = this.#records.writeChunk({ ...traits, uncompressedCrc: crc32(content), records });
    await this.#writeData(this.#taken());
    const indexStart = this.#writable.position();
    const { index, places } = chunk.index();
    this.#chunks.push({
      ...traits,
      chunkStartOffset,
      chunkLength,
      messageIndexOffsets: new Map([...places].map(([channelId, at]) => [channelId, indexStart + BigInt(at)])),
      messageIndexLength: BigInt(index.length),
      compressedSize: BigInt(records.length),
    });
    chunk.clear();
    await this.#writeData(index);
  }

  async #writeSummary(): Promise<void> {
    const { Opcode } = McapConstants;
    const summaryStart = this.#writable.position();
    const groups: McapTypes.SummaryOffset[] = [];
    let summaryCrc = 0;
    const write = async (): Promise<void> => {
      const bytes = this.#taken();
      summaryCrc = crc32(bytes, summaryCrc);
      await this.#writable.write(bytes);
    };
    const group = async (groupOpcode: number, lengths: readonly bigint[]): Promise<void> => {
      const groupStart = this.#writable.position();
      const groupLength = lengths.reduce((sum, length) => sum + length, 0n);
      if (groupLength > 0n) groups.push({ groupOpcode, groupStart, groupLength });
      await write();
    };
    const records = this.#records;
    await group(
      Opcode.SCHEMA,
      this.#schemas.map((one) => records.writeSchema(one)),
    );
    await group(
      Opcode.CHANNEL,
      this.#channels.map((one) => records.writeChannel(one)),
    );
    await group(Opcode.STATISTICS, [records.writeStatistics(this.#statistics)]);
    await group(
      Opcode.METADATA_INDEX,
      this.#metadata.map((one) => records.writeMetadataIndex(one)),
    );
    await group(
      Opcode.CHUNK_INDEX,
      this.#chunks.map((one) => records.writeChunkIndex(one)),
    );
    const summaryOffsetStart = this.#writable.position();
    for (const one of groups) records.writeSummaryOffset(one);
    await write();
    // The footer's own checksum covers it up to that checksum.
    records.writeFooter({ summaryStart, summaryOffsetStart, summaryCrc: 0 });
    const footer = this.#taken();
    summaryCrc = crc32(footer.subarray(0, footer.length - 4), summaryCrc);
    records.writeFooter({ summaryStart, summaryOffsetStart, summaryCrc });
    records.writeMagic();
    await this.#writable.write(this.#taken());
  }

  get #statistics(): McapTypes.Statistics {
    const counts = [...this.#messages].map(([channelId, count]): [number, bigint] => [channelId, BigInt(count)]);
    const none = counts.length === 0;
    return {
      messageCount: counts.reduce((sum, [, count]) => sum + count, 0n),
      schemaCount: this.#schemas.length,
      channelCount: this.#channels.length,
      attachmentCount: 0,
      metadataCount: this.#metadata.length,
      chunkCount: this.#chunks.length,
      messageStartTime: none ? 0n : nanoseconds(this.#leastUs),
      messageEndTime: none ? 0n : nanoseconds(this.#greatestUs),
      channelMessageCounts: new Map(counts),
    };
  }

  #taken(): Uint8Array {
    const bytes = this.#records.buffer;
    this.#records.reset();
    return bytes;
  }

  async #writeData(bytes: Uint8Array): Promise<void> {
    this.#dataCrc = crc32(bytes, this.#dataCrc);
    await this.#writable.write(bytes);
  }
}

const nanoseconds = (us: number): bigint => BigInt.asUintN(64, BigInt(us) * 1000n);

/** Records of messages as they stand in a chunk, in one buffer that is used again. */
class Chunk {
  #bytes = new Uint8Array(CHUNK_BYTES + (CHUNK_BYTES >> 3));
  #view = new DataView(this.#bytes.buffer);
  /** Channel and place of each message. */
  #channels = new Uint16Array(1 << 14);
  #places = new Uint32Array(1 << 14);
  length = 0;
  messages = 0;
  leastUs = Number.POSITIVE_INFINITY;
  greatestUs = Number.NEGATIVE_INFINITY;

  /** Until the next is added. */
  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  message(channelId: number, sequence: number, timeUs: number, data: Uint8Array): void {
    this.#reserve(MESSAGE_HEAD_BYTES + data.length);
    if (this.messages === this.#places.length) this.#moreMessages();
    this.#channels[this.messages] = channelId;
    this.#places[this.messages++] = this.length;
    if (timeUs < this.leastUs) this.leastUs = timeUs;
    if (timeUs > this.greatestUs) this.greatestUs = timeUs;
    const view = this.#view;
    const at = this.length;
    view.setUint8(at, McapConstants.Opcode.MESSAGE);
    view.setUint32(at + 1, MESSAGE_HEAD_BYTES - 9 + data.length, true);
    view.setUint32(at + 5, 0, true);
    view.setUint16(at + 9, channelId, true);
    view.setUint32(at + 11, sequence, true);
    // 64 bits of nanoseconds in two halves. They are added up exactly: each product stays below 2^53.
    const high = Math.floor(timeUs / TWO_32);
    const low = (timeUs - high * TWO_32) * 1000;
    const carried = Math.floor(low / TWO_32);
    for (let time = at + LOG_TIME_AT; time < at + MESSAGE_HEAD_BYTES; time += 8) {
      view.setUint32(time, low - carried * TWO_32, true);
      view.setUint32(time + 4, high * 1000 + carried, true);
    }
    this.#bytes.set(data, at + MESSAGE_HEAD_BYTES);
    this.length = at + MESSAGE_HEAD_BYTES + data.length;
  }

  /** The message indexes of all channels in the order of their first messages, and where in them each begins. */
  index(): { readonly index: Uint8Array; readonly places: ReadonlyMap<number, number> } {
    const counts = new Map<number, number>();
    for (let k = 0; k < this.messages; k++) {
      const channelId = this.#channels[k] as number;
      counts.set(channelId, (counts.get(channelId) ?? 0) + 1);
    }
    const index = new Uint8Array(counts.size * INDEX_HEAD_BYTES + this.messages * INDEX_ENTRY_BYTES);
    const view = new DataView(index.buffer);
    const places = new Map<number, number>();
    const next: number[] = [];
    let at = 0;
    for (const [channelId, count] of counts) {
      places.set(channelId, at);
      view.setUint8(at, McapConstants.Opcode.MESSAGE_INDEX);
      view.setBigUint64(at + 1, BigInt(INDEX_HEAD_BYTES - 9 + count * INDEX_ENTRY_BYTES), true);
      view.setUint16(at + 9, channelId, true);
      view.setUint32(at + 11, count * INDEX_ENTRY_BYTES, true);
      next[channelId] = at + INDEX_HEAD_BYTES;
      at += INDEX_HEAD_BYTES + count * INDEX_ENTRY_BYTES;
    }
    for (let k = 0; k < this.messages; k++) {
      const channelId = this.#channels[k] as number;
      const place = this.#places[k] as number;
      const entry = next[channelId] as number;
      view.setUint32(entry, this.#view.getUint32(place + LOG_TIME_AT, true), true);
      view.setUint32(entry + 4, this.#view.getUint32(place + LOG_TIME_AT + 4, true), true);
      view.setUint32(entry + 8, place, true);
      next[channelId] = entry + INDEX_ENTRY_BYTES;
    }
    return { index, places };
  }

  clear(): void {
    this.length = 0;
    this.messages = 0;
    this.leastUs = Number.POSITIVE_INFINITY;
    this.greatestUs = Number.NEGATIVE_INFINITY;
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.content);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  #moreMessages(): void {
    const channels = new Uint16Array(this.messages * 2);
    const places = new Uint32Array(this.messages * 2);
    channels.set(this.#channels);
    places.set(this.#places);
    this.#channels = channels;
    this.#places = places;
  }
}
