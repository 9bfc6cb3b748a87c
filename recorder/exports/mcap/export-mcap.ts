import type { IWritable } from '@mcap/core';
import { siteHead } from '../../src/index.ts';
import { mergeByTime } from '../merge.ts';
import { type ExportOptions, type ExportResult, ExportRun, type OpenedChain, openingIn } from '../run.ts';
import { describeStretch } from '../sound-events.ts';
import { McapChannels } from './channels.ts';
import { floorGrid, floorScene } from './foxglove/floor.ts';
import { McapFile } from './mcap-file.ts';
import type { SceneFloor, TerrainScene } from './scene.ts';
import { ChainTranslation, SITE_FRAME, type TimedMessage, type Unshown } from './translation.ts';

export interface McapExportOptions extends ExportOptions {
  readonly writable: IWritable;
  /** Knows how a terrain's recordings look; absent, events and logs are written and no scene. */
  readonly terrain?: TerrainScene;
  /** How places were come by, as it stands in the file: measured, or believed by re-execution. */
  readonly places: 'measured' | 're-executed';
  /** Name of the recording, for the file's own description. */
  readonly name: string;
}

export interface McapExport extends ExportResult {
  readonly messages: number;
  readonly topics: readonly string[];
  /** Inputs and events that have no place in the file, by what they are. */
  readonly unshown: Unshown;
}

/**
 * Writes a recording as MCAP (mcap.dev/spec): indexed, chunks compressed with zstd, all messages in order of time, every
 * payload in protobuf with its schema. Decisions, signals, messages, orders and changes stand in it byte for byte as they
 * were recorded; what agents sensed is put into Foxglove's messages by the terrain. Times are the wall clock of each
 * chain's opening, run on by agent time: the clock of a machine that was set meanwhile moves nothing.
 *
 * @throws StoreError, what `writable` throws, the signal's reason
 */
export async function exportMcap(options: McapExportOptions): Promise<McapExport> {
  const { recording, chains, writable, terrain, places, name } = options;
  const head = siteHead(await recording.heads(), options.sha256);
  const file = new McapFile(writable);
  await file.start('sigma');
  const channels = new McapChannels(file);
  const sink = new Sink(file, channels);
  const unshown: Unshown = new Map();
  const run = new ExportRun(options);
  const opened = await run.openings();
  const floor = await floorOf(options, opened);
  const feeds = opened.map((chain) => {
    const scene = terrain?.chainOf(chain.opening) ?? null;
    return translated(run, chain, new ChainTranslation(chain.opening, scene, channels, run.spanOf(chain), unshown));
  });
  await mergeByTime(
    feeds,
    (message) => sink.put(message),
    async (firstUs) => {
      if (floor !== null) for (const message of floorMessages(channels, floor, firstUs)) await sink.put(message);
    },
  );
  await file.addMetadata(
    'sigma.export',
    new Map([
      ['recording', name],
      ['site_head', head],
      ['places', places],
      ['sources', [...new Set(chains.map(({ source }) => source))].join(' ')],
      ...run.bad.map((one, k): [string, string] => [`left_out_${k + 1}`, describeStretch(one)]),
    ]),
  );
  await file.end();
  return { ...run.result, messages: sink.messages, topics: channels.topics, unshown };
}

/** The floor that one of the openings describes: often that of somebody who is not asked for. */
async function floorOf(
  { recording, terrain }: McapExportOptions,
  opened: readonly OpenedChain[],
): Promise<SceneFloor | null> {
  if (terrain === undefined) return null;
  const configs = opened.map(({ opening }) => opening.config);
  const asked = new Set(opened.map(({ opening }) => opening.source));
  for (const head of await recording.heads()) {
    const opening = asked.has(head.source) ? '' : await openingIn(recording, head);
    if (typeof opening !== 'string') configs.push(opening.config);
  }
  let floor: SceneFloor | null = null;
  for (const config of configs) floor = terrain.floorOf(config) ?? floor;
  return floor;
}

const floorMessages = (channels: McapChannels, floor: SceneFloor, timeUs: number): readonly TimedMessage[] => [
  { timeUs, channel: channels.foxglove('/site/map', 'Grid'), data: floorGrid(floor, SITE_FRAME, timeUs) },
  { timeUs, channel: channels.foxglove('/site/scene', 'SceneUpdate'), data: floorScene(floor, SITE_FRAME, timeUs) },
];

/** The messages of one chain, with the agent's body at its first moment in the file. */
async function* translated(
  run: ExportRun,
  chain: OpenedChain,
  translation: ChainTranslation,
): AsyncGenerator<readonly TimedMessage[]> {
  let begun = false;
  for await (const events of run.batches(chain)) {
    const messages = translation.messagesOf(events, (event, why) => run.leaveOut(chain.head, event, why));
    const [first] = messages;
    if (first !== undefined && !begun) {
      begun = true;
      yield translation.body(first.timeUs);
    }
    yield messages;
  }
}

class Sink {
  readonly #file: McapFile;
  readonly #channels: McapChannels;
  readonly #sequences: number[] = [];
  messages = 0;

  constructor(file: McapFile, channels: McapChannels) {
    this.#file = file;
    this.#channels = channels;
  }

  /** @returns when the next may come; at once, unless a chunk is full and goes to the file */
  put({ channel, timeUs, data }: TimedMessage): void | Promise<void> {
    const id = channel.id ?? this.#channels.open(channel);
    const sequence = this.#sequences[id] ?? 0;
    this.#sequences[id] = sequence + 1;
    this.messages++;
    return this.#file.addMessage(id, sequence, timeUs, data);
  }
}
