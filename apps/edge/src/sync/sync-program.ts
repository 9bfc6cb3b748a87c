import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import type { MailboxWriter } from '@sigma/bus/mailbox';
import { AheadSource, Departures, encodeSent, giveBack, SyncSource } from '@sigma/recorder';
import { zstandard } from '@sigma/recorder/packing';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import type { FromThread, ToThread } from '../live/back-thread.ts';
import { AgentClock } from '../live/clock.ts';
import { DataConnection } from './data-connection.ts';
import { SpoolWatch } from './spool-watch.ts';
import { spooledBytes } from './spooled-bytes.ts';
import { openSyncMemory } from './sync-memory.ts';
import type { FromSync, SyncThreadData, ToSync } from './sync-worker.ts';

/** How often the recording is looked at, and where it stands is told. */
const LOOK_MS = 100;
const TELL_EVERY = 10;

/** Pages of a recording that are kept, for each chain of it and at most. */
const CACHE_BYTES = 1024 * 1024;
const MOST_CACHE_BYTES = 32 * CACHE_BYTES;

const NO_PACK = { bytes: new Uint8Array(), unpackedBytes: 0 };

/** What the thread of sync does, from its first message to its last. */
export function runSync(data: SyncThreadData, port: MessagePort, told: MailboxWriter<FromThread<FromSync>>): void {
  const { tenant, folder, recordingPath, sources, growing, bytesPerS, recordingMostBytes, epochTimeUs, hubUrl } = data;
  const site = new AgentClock(data.clock);
  const tell = (message: FromThread<FromSync>): void => told.post(message);
  const memory = openSyncMemory(folder);
  memory.addRecording(recordingPath);
  // What a simulated world records is no body's, and nobody could put a gap into it.
  const bodies = new Set(sources.filter((source) => !source.startsWith('world-')));
  // Chains of one recording are read in turn: what lies between two blocks of one is of the others, and wanted soon.
  const cacheBytes = Math.min(MOST_CACHE_BYTES, (1 + sources.length) * CACHE_BYTES);
  const gone: string[] = [];
  const recordings = [recordingPath, ...memory.recordings().filter((path) => path !== recordingPath)].flatMap(
    (path) => {
      if (existsSync(path)) return [{ path, recording: openSqliteRecording(path, { cacheBytes }) }];
      gone.push(path);
      return [];
    },
  );
  let link = 0;
  let linked = false;
  let timer: NodeJS.Timeout | undefined;
  const watch = Number.isFinite(recordingMostBytes) ? openWatch() : null;
  const wallUs = (): number => epochTimeUs + site.nowUs();
  const ahead = new AheadSource({
    tenant,
    openedUs: epochTimeUs,
    memory: memory.ahead,
    say: (events) => tell({ type: 'ahead', link, events }),
    now: () => ({ us: wallUs(), count: 0 }),
    refused: ({ source, epoch, refusal, lastSequence: sequence, message }) =>
      tell({ type: 'note', name: 'edge.blocks_refused', body: { source, epoch, refusal, sequence, message } }),
  });
  const departures = new Departures(memory.departures, growing);
  const apart =
    hubUrl === undefined
      ? null
      : new DataConnection({
          hubUrl,
          failed: (url, message) => tell({ type: 'note', name: 'edge.data_connection_failed', body: { url, message } }),
          nowMs: () => performance.now(),
        });
  const sync: SyncSource = new SyncSource({
    tenant,
    ahead,
    sources: new Set(sources),
    growing,
    recordings,
    memory,
    departures,
    bytesPerS,
    packing: zstandard,
    say: (word) => {
      if (word.type === 'shown') return tell({ type: 'shown', link, word });
      const { packed, ...batch } = word.batch;
      const { bytes, unpackedBytes } = packed ?? NO_PACK;
      const number = packed === undefined ? null : (apart?.send(bytes) ?? null);
      const outOfBand = { connection: '', number: number ?? 0, bytes: bytes.length, unpackedBytes };
      const sent = encodeSent(number === null ? word.batch : { ...batch, outOfBand });
      tell({ type: 'sent', link, sent });
      // Nobody looks at it any more: left to the garbage collector, a pack is memory for long.
      if (number === null) giveBack(bytes.buffer);
    },
    note: (name, body) => tell({ type: 'note', name, body }),
    gapFound: (source, gap) => watch?.gapFound(source, gap),
    nowUs: () => Math.floor(performance.now() * 1000),
    wallUs,
    breathe: () => setImmediate(),
    after: (us, run) => {
      clearTimeout(timer);
      timer = setTimeout(run, us / 1000);
    },
  });
  function openWatch(): SpoolWatch {
    let told = false;
    return new SpoolWatch({
      tenant,
      growing: growing.filter(({ source }) => bodies.has(source)),
      recording: recordings[0]?.recording ?? openSqliteRecording(recordingPath),
      mostBytes: recordingMostBytes,
      usedBytes: () => spooledBytes(recordingPath),
      acknowledged: ({ source, epoch }) =>
        sync.standings().find((one) => one.source === source && one.epoch === epoch)?.acknowledged ?? 0,
      furthest: (chain) => (linked ? Number.POSITIVE_INFINITY : departures.furthest(chain)),
      tell: (source, gap) => tell({ type: 'gap', source, gap }),
      drop: (stubs) => tell({ type: 'drop', stubs }),
      full: (used) => {
        if (!told) tell({ type: 'note', name: 'edge.recording_full', body: { used, most: recordingMostBytes } });
        told = true;
      },
    });
  }
  for (const path of gone) {
    tell({ type: 'note', name: 'edge.sync_recording_gone', body: { path } });
    memory.removeRecording(path);
  }
  const opened = sync.open();
  let looks = 0;
  let dueMs = performance.now() + LOOK_MS;
  const look = setInterval(() => {
    const lateUs = Math.max(0, performance.now() - dueMs) * 1000;
    dueMs = performance.now() + LOOK_MS;
    void opened.then(() => sync.look(lateUs));
    if (++looks % TELL_EVERY !== 0) return;
    tell({ type: 'standings', standings: sync.standings() });
    for (const path of sync.finished()) memory.removeRecording(path);
    void watch?.look().catch((error: Error) => {
      tell({ type: 'note', name: 'edge.sync_failed', body: { message: error.message } });
    });
  }, LOOK_MS);
  const end = async (): Promise<void> => {
    clearInterval(look);
    await opened;
    await sync.look();
    await sync.whenSettled();
    apart?.lost();
    sync.lost();
    clearTimeout(timer);
    for (const { recording } of recordings) await recording.close();
    memory.close();
    tell({ type: 'ended' });
    await told.sent();
    port.close();
  };
  const hear = (message: ToThread<ToSync>): void => {
    switch (message.type) {
      case 'linked':
        link++;
        linked = true;
        sync.linked(message.orderKey);
        break;
      case 'lost':
        apart?.lost();
        sync.lost();
        linked = false;
        break;
      case 'offered':
        apart?.offered(message.offer);
        break;
      case 'word':
        if (message.word.type === 'answered' && message.word.answer.missedPack > 0)
          apart?.missed(message.word.answer.missedPack, message.word.answer.message);
        sync.hear(message.word);
        break;
      case 'ahead':
        sync.hearAhead(message.answer);
        break;
      case 'left':
        sync.left();
        break;
      case 'end':
        void end();
    }
  };
  // In the order in which they came, from when it is known what there is.
  port.on('message', (message: ToThread<ToSync>) => void opened.then(() => hear(message)));
}
