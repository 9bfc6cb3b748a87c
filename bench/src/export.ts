import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type IWritable, McapIndexedReader, type McapTypes, McapWriter } from '@mcap/core';
import { FleetScene, type Site } from '@sigma/fleet-model';
import {
  ChainWriter,
  EVENT_TYPE,
  type EventDraft,
  eventsOf,
  openingEvent,
  openingOf,
  type Recording,
} from '@sigma/recorder';
import { exportMcap, exportParquet } from '@sigma/recorder/exports';
import { openSqliteRecording, openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { runSim } from '@sigma/sim';
import { absolute, type BenchLine, beside, relative } from './line.ts';

const ROUNDS = 3;
/** Length of the recording of decisions, and events in one of its blocks. */
const DECISIONS = 200_000;
const BLOCK = 100;
const SPACING_US = 1_000;

const PEER = 'bare @mcap/core writing the same messages with the same compression';

/**
 * Export to MCAP, next to the bare writer of the same format given the same bytes. By processor time of this process, its
 * own threads included; medians of the rounds. `drive` is a fleet at work, of which every sensed frame, decision and
 * message is an event in the file; `decisions` is a recording of decisions alone, each of them an event of the recording.
 */
export async function benchExport(site: Site): Promise<readonly BenchLine[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-bench-'));
  try {
    const drive = join(folder, 'drive.sqlite');
    const nowMs = (): number => performance.now();
    await runSim({ site, seed: 7, robots: 20, people: 8, minutes: 0.5, recordingPath: drive, nowMs, verify: false });
    const decisions = join(folder, 'decisions.sqlite');
    await recordDecisions(drive, decisions);
    const driven = await rates(drive, join(folder, 'drive.mcap'), false);
    const believed = await rates(drive, join(folder, 'believed.mcap'), true);
    const decided = await rates(decisions, join(folder, 'decisions.mcap'), false);
    const table = await parquetRate(decisions, join(folder, 'decisions.parquet'));
    return [
      beside(absolute('export.mcapDrive', driven.messages, 'events/s', '>=', 100_000), PEER, driven.bareMessages),
      beside(absolute('export.mcapDecisions', decided.events, 'events/s', '>=', 100_000), PEER, decided.bareEvents),
      relative('export.mcapReexecuted', believed.messages, 'events/s', PEER, believed.bareMessages, '>=', 0.2),
      absolute('export.parquetDecisions', table, 'events/s', '>=', 30_000),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Rates {
  /** Messages in the file, and events of the recording, for each second of processor time. */
  readonly messages: number;
  readonly events: number;
  /** Both again, as the bare writer would do them. */
  readonly bareMessages: number;
  readonly bareEvents: number;
}

async function rates(path: string, out: string, reexecute: boolean): Promise<Rates> {
  const recording = openSqliteRecording(path);
  try {
    const chains = await recording.heads();
    const rounds: Rates[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      let result = { messages: 0, events: 0 };
      const ours = await processorS(out, async (writable) => {
        result = await exportMcap({
          recording,
          chains,
          span: { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER },
          sha256,
          writable,
          name: 'bench',
          terrain: new FleetScene({ reexecute }),
          places: reexecute ? 're-executed' : 'measured',
        });
      });
      const file = await messagesIn(out);
      const bare = await processorS(`${out}.bare`, (writable) => writeBare(file, writable));
      rounds.push({
        messages: result.messages / ours,
        events: result.events / ours,
        bareMessages: result.messages / bare,
        bareEvents: result.events / bare,
      });
    }
    return {
      messages: median(rounds.map(({ messages }) => messages)),
      events: median(rounds.map(({ events }) => events)),
      bareMessages: median(rounds.map(({ bareMessages }) => bareMessages)),
      bareEvents: median(rounds.map(({ bareEvents }) => bareEvents)),
    };
  } finally {
    await recording.close();
  }
}

/** Events of a recording for each second of processor time, as rows of a Parquet file with every column. */
async function parquetRate(path: string, out: string): Promise<number> {
  const recording = openSqliteRecording(path);
  try {
    const chains = await recording.heads();
    const span = { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER };
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      let events = 0;
      const seconds = await processorS(out, async (writable) => {
        events = (
          await exportParquet({
            recording,
            chains,
            span,
            sha256,
            sink: { write: async (bytes) => void (await writable.write(bytes)) },
          })
        ).events;
      });
      rounds.push(events / seconds);
    }
    return median(rounds);
  } finally {
    await recording.close();
  }
}

async function processorS(path: string, write: (writable: IWritable) => Promise<unknown>): Promise<number> {
  const descriptor = openSync(path, 'w');
  let at = 0n;
  const writable: IWritable = {
    write: async (bytes) => {
      writeSync(descriptor, bytes);
      at += BigInt(bytes.length);
    },
    position: () => at,
  };
  const before = process.cpuUsage();
  await write(writable);
  const { user, system } = process.cpuUsage(before);
  closeSync(descriptor);
  return (user + system) / 1e6;
}

interface ReadFile {
  readonly schemas: readonly McapTypes.Schema[];
  readonly channels: readonly McapTypes.Channel[];
  readonly messages: readonly McapTypes.Message[];
}

async function messagesIn(path: string): Promise<ReadFile> {
  const handle = await open(path);
  try {
    const readable = {
      size: async () => BigInt((await handle.stat()).size),
      read: async (offset: bigint, size: bigint) =>
        (await handle.read(new Uint8Array(Number(size)), 0, Number(size), Number(offset))).buffer,
    };
    const decompressHandlers = { zstd: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)) };
    const reader = await McapIndexedReader.Initialize({ readable, decompressHandlers });
    const messages: McapTypes.Message[] = [];
    for await (const { type: _, ...message } of reader.readMessages()) {
      messages.push({ ...message, data: message.data.slice() });
    }
    return { schemas: [...reader.schemasById.values()], channels: [...reader.channelsById.values()], messages };
  } finally {
    await handle.close();
  }
}

async function writeBare({ schemas, channels, messages }: ReadFile, writable: IWritable): Promise<void> {
  const writer = new McapWriter({
    writable,
    chunkSize: 4 * 1024 * 1024,
    compressChunk: (chunk) => ({ compression: 'zstd', compressedData: zstdCompressSync(chunk) }),
  });
  await writer.start({ profile: '', library: 'bare' });
  const schemaIds = new Map<number, number>();
  for (const { id, ...schema } of schemas) schemaIds.set(id, await writer.registerSchema(schema));
  const channelIds = new Map<number, number>();
  for (const { id, ...channel } of channels) {
    const schemaId = schemaIds.get(channel.schemaId) as number;
    channelIds.set(id, await writer.registerChannel({ ...channel, schemaId }));
  }
  for (const message of messages) {
    await writer.addMessage({ ...message, channelId: channelIds.get(message.channelId) as number });
  }
  await writer.end();
}

/** The decisions of a drive, told again until they are many. */
async function recordDecisions(from: string, to: string): Promise<void> {
  const drive = openSqliteRecording(from);
  const store = openSqliteStore(to);
  try {
    const { decided, opening } = await decisionsOf(drive);
    const writer = new ChainWriter(opening, sha256);
    await store.append([writer.seal([openingEvent(opening)])]);
    for (let n = 0; n < DECISIONS; ) {
      const events: EventDraft[] = [];
      for (let k = 0; k < BLOCK; k++, n++) {
        const event = decided[n % decided.length] as EventDraft;
        events.push({ ...event, atUs: opening.atUs + n * SPACING_US });
      }
      await store.append([writer.seal(events)]);
    }
  } finally {
    await drive.close();
    await store.close();
  }
}

async function decisionsOf(drive: Recording) {
  const decided: EventDraft[] = [];
  let opening = null;
  for (const head of await drive.heads()) {
    if (!head.source.startsWith('r')) continue;
    opening ??= await openingOf(drive, head);
    for await (const event of eventsOf(drive, head)) if (event.type === EVENT_TYPE.decision) decided.push(event);
  }
  if (opening === null || decided.length === 0) throw new Error('Nobody decided anything in the drive');
  return { decided, opening };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
