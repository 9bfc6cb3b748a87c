import { zstdCompressSync } from 'node:zlib';
import { type IWritable, McapWriter } from '@mcap/core';
import {
  type ChainHead,
  decodeOpening,
  eventsOf,
  MalformedBytesError,
  type Opening,
  type RecordedEvent,
  type Recording,
  type Sha256,
  siteHead,
} from '../src/index.ts';
import { floorGrid, floorScene } from './foxglove/floor.ts';
import { McapChannels } from './mcap-channels.ts';
import { ChainTranslation, SITE_FRAME, type TimedMessage, type TimeSpan, type Unshown } from './mcap-translation.ts';
import type { SceneFloor, TerrainScene } from './scene.ts';
import { type BadStretch, describeStretch, soundEvents } from './sound-events.ts';

export interface ExportProgress {
  /** Events read, of those that there may be. */
  readonly events: number;
  readonly ofEvents: number;
}

/** What every export is told and asked. */
export interface ExportOptions {
  readonly recording: Recording;
  /** The chains that are wanted; those of one recording. */
  readonly chains: readonly ChainHead[];
  /** Agent time, microseconds, both ends inclusive. */
  readonly span: TimeSpan;
  readonly sha256: Sha256;
  readonly onProgress?: (progress: ExportProgress) => void;
  readonly signal?: AbortSignal;
}

export interface McapExportOptions extends ExportOptions {
  readonly writable: IWritable;
  /** Knows how a terrain's recordings look; absent, events and logs are written and no scene. */
  readonly terrain?: TerrainScene;
  /** How places were come by, as it stands in the file: measured, or believed by re-execution. */
  readonly places: 'measured' | 're-executed';
  /** Name of the recording, for the file's own description. */
  readonly name: string;
}

export interface ExportResult {
  /** Events of the recording that were read. */
  readonly events: number;
  /** Stretches that were damaged and are left out. */
  readonly bad: readonly BadStretch[];
}

export interface McapExport extends ExportResult {
  readonly messages: number;
  readonly topics: readonly string[];
  /** Inputs and events that have no place in the file, by what they are. */
  readonly unshown: Unshown;
}

/** Between two chunks of the file, bytes before compression: a player reads whole chunks. */
const CHUNK_BYTES = 4 * 1024 * 1024;
const PROGRESS_EVERY = 1_000;

/**
 * Writes a recording as MCAP (mcap.dev/spec): indexed, chunks compressed with zstd, all messages in order of time, every
 * payload in protobuf with its schema. Decisions, signals, messages, orders and changes stand in it byte for byte as they
 * were recorded; what agents sensed is put into Foxglove's messages by the terrain. Times are the wall clock of each
 * chain's opening, run on by agent time: the clock of a machine that was set meanwhile moves nothing.
 *
 * @throws StoreError, what `writable` throws, the signal's reason
 */
export async function exportMcap(options: McapExportOptions): Promise<McapExport> {
  const { recording, chains, span, writable, terrain, places, name } = options;
  const writer = new McapWriter({ writable, chunkSize: CHUNK_BYTES, compressChunk });
  await writer.start({ profile: '', library: 'sigma' });
  const channels = new McapChannels(writer);
  const unshown: Unshown = new Map();
  const tally = new Tally(options);
  const { openings, floor } = await openingsOf(recording, chains, terrain, tally);
  const feeds = openings.map(([head, opening]) => {
    const scene = terrain?.chainOf(opening) ?? null;
    return new ChainFeed(options, head, new ChainTranslation(opening, scene, channels, span, unshown), tally);
  });
  for (const feed of feeds) await feed.fill();
  const sink = new Sink(writer, channels);
  const firstUs = Math.min(...feeds.map(({ nextUs }) => nextUs));
  if (floor !== null && Number.isFinite(firstUs)) {
    for (const message of floorMessages(channels, floor, firstUs)) await sink.put(message);
  }
  await merge(feeds, sink);
  const head = siteHead(await recording.heads(), options.sha256);
  await writer.addMetadata({
    name: 'sigma.export',
    metadata: new Map([
      ['recording', name],
      ['site_head', head],
      ['places', places],
      ['sources', [...new Set(chains.map(({ source }) => source))].join(' ')],
      ...tally.bad.map((one, k): [string, string] => [`left_out_${k + 1}`, describeStretch(one)]),
    ]),
  });
  await writer.end();
  return { events: tally.events, messages: sink.messages, topics: channels.topics, bad: tally.bad, unshown };
}

const compressChunk = (chunk: Uint8Array): { compression: string; compressedData: Uint8Array } => ({
  compression: 'zstd',
  compressedData: zstdCompressSync(chunk),
});

/** Counts what is read, and stops when it is told to. */
class Tally {
  readonly bad: BadStretch[] = [];
  readonly #ofEvents: number;
  readonly #options: ExportOptions;
  #toldAt = 0;
  events = 0;

  constructor(options: ExportOptions) {
    this.#options = options;
    this.#ofEvents = options.chains.reduce((sum, { sequence }) => sum + sequence, 0);
  }

  add(events: number): void {
    this.events += events;
    this.#options.signal?.throwIfAborted();
    if (this.events - this.#toldAt < PROGRESS_EVERY) return;
    this.#toldAt = this.events;
    this.#options.onProgress?.({ events: this.events, ofEvents: this.#ofEvents });
  }
}

/** Who wrote each chain, and the floor that one of them describes. A chain without a readable opening is left out. */
async function openingsOf(
  recording: Recording,
  chains: readonly ChainHead[],
  terrain: TerrainScene | undefined,
  tally: Tally,
): Promise<{ readonly openings: readonly (readonly [ChainHead, Opening])[]; readonly floor: SceneFloor | null }> {
  const openings: [ChainHead, Opening][] = [];
  for (const head of chains) {
    const opening = await openingIn(recording, head);
    if (typeof opening !== 'string') openings.push([head, opening]);
    else {
      const { tenant, source, epoch } = head;
      tally.bad.push({ tenant, source, epoch, fromSequence: 1, toSequence: head.sequence, why: opening });
    }
  }
  const known = new Set(chains.map(({ source }) => source));
  let floor: SceneFloor | null = null;
  // The floor often stands in the chain of somebody who is not asked for.
  const others = (await recording.heads()).filter(({ source }) => !known.has(source));
  const configs = openings.map(([, { config }]) => config);
  for (const head of others) {
    const opening = await openingIn(recording, head);
    if (typeof opening !== 'string') configs.push(opening.config);
  }
  for (const config of configs) floor = terrain?.floorOf(config) ?? floor;
  return { openings, floor };
}

async function openingIn(recording: Recording, head: ChainHead): Promise<Opening | string> {
  try {
    for await (const event of eventsOf(recording, head, 1, 1)) return decodeOpening(event);
    return 'the opening is missing';
  } catch (error) {
    if (error instanceof MalformedBytesError) return `the opening cannot be read: ${error.message}`;
    throw error;
  }
}

function floorMessages(channels: McapChannels, floor: SceneFloor, timeUs: number): readonly TimedMessage[] {
  return [
    {
      timeUs,
      channel: channels.foxglove('/site/map', 'Grid'),
      data: floorGrid(floor, SITE_FRAME, timeUs),
    },
    {
      timeUs,
      channel: channels.foxglove('/site/scene', 'SceneUpdate'),
      data: floorScene(floor, SITE_FRAME, timeUs),
    },
  ];
}

/** The messages of one chain in order of time, a block's worth at a time. */
class ChainFeed {
  readonly #blocks: AsyncIterator<readonly RecordedEvent[]>;
  readonly #translation: ChainTranslation;
  readonly #options: McapExportOptions;
  readonly #head: ChainHead;
  readonly #tally: Tally;
  #messages: readonly TimedMessage[] = [];
  #at = 0;
  #begun = false;

  constructor(options: McapExportOptions, head: ChainHead, translation: ChainTranslation, tally: Tally) {
    this.#options = options;
    this.#head = head;
    this.#translation = translation;
    this.#tally = tally;
    this.#blocks = this.#read()[Symbol.asyncIterator]();
  }

  /** Time of the next message; Infinity at the end. Call `fill` before. */
  get nextUs(): number {
    return this.#messages[this.#at]?.timeUs ?? Number.POSITIVE_INFINITY;
  }

  /** True while a message stands ready. */
  get ready(): boolean {
    return this.#at < this.#messages.length;
  }

  /** @throws when none is ready */
  take(): TimedMessage {
    return this.#messages[this.#at++] as TimedMessage;
  }

  /** Reads on until a message is ready or the chain has ended. */
  async fill(): Promise<void> {
    const { span } = this.#options;
    while (!this.ready) {
      const { value: events, done } = await this.#blocks.next();
      if (done === true) return;
      this.#tally.add(events.length);
      const { tenant, source, epoch } = this.#head;
      const messages = this.#translation.messagesOf(events, ({ sequence }, why) =>
        this.#tally.bad.push({ tenant, source, epoch, fromSequence: sequence, toSequence: sequence, why }),
      );
      this.#messages = this.#begun ? messages : [...this.#beginning(messages), ...messages];
      this.#at = 0;
      if ((events[0] as RecordedEvent).atUs > span.toUs) {
        await this.#blocks.return?.();
        return;
      }
    }
  }

  /** The body stands at the agent's first moment in the file, so that whoever opens it there sees it. */
  #beginning(messages: readonly TimedMessage[]): readonly TimedMessage[] {
    const [first] = messages;
    if (first === undefined) return [];
    this.#begun = true;
    return this.#translation.body(first.timeUs - this.#translation.timeUs(0));
  }

  async *#read(): AsyncIterable<readonly RecordedEvent[]> {
    const { recording, sha256, span } = this.#options;
    const onBad = (stretch: BadStretch) => this.#tally.bad.push(stretch);
    // Believed places need every wake from the beginning; what was measured can be read from the middle.
    const place = this.#options.places === 'measured' ? await recording.snapshotBefore(this.#head, span.fromUs) : null;
    yield* soundEvents(recording, this.#head, { sha256, onBad, fromSequence: place?.sequence ?? 1 });
  }
}

/** Puts messages of all chains into the file by time; the chain that stands first is read on as long as it does. */
async function merge(feeds: readonly ChainFeed[], sink: Sink): Promise<void> {
  const waiting = feeds.filter(({ ready }) => ready).sort((a, b) => a.nextUs - b.nextUs);
  for (let feed = waiting.shift(); feed !== undefined; feed = waiting.shift()) {
    const untilUs = waiting[0]?.nextUs ?? Number.POSITIVE_INFINITY;
    while (feed.ready && feed.nextUs <= untilUs) {
      await sink.put(feed.take());
      if (!feed.ready) await feed.fill();
    }
    if (!feed.ready) continue;
    let place = 0;
    while (place < waiting.length && (waiting[place] as ChainFeed).nextUs < feed.nextUs) place++;
    waiting.splice(place, 0, feed);
  }
}

class Sink {
  readonly #writer: McapWriter;
  readonly #channels: McapChannels;
  readonly #sequences: number[] = [];
  messages = 0;

  constructor(writer: McapWriter, channels: McapChannels) {
    this.#writer = writer;
    this.#channels = channels;
  }

  async put({ timeUs, channel, data }: TimedMessage): Promise<void> {
    const channelId = channel.id ?? (await this.#channels.open(channel));
    const sequence = this.#sequences[channelId] ?? 0;
    this.#sequences[channelId] = sequence + 1;
    const logTime = BigInt(timeUs) * 1000n;
    await this.#writer.addMessage({ channelId, sequence, logTime, publishTime: logTime, data });
    this.messages++;
  }
}
