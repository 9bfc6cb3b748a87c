import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type ChannelSchema,
  ChannelSchemaSchema,
  type IngestBatchResponse,
  IngestService,
  TelemetryFrameSchema,
} from '@sigma/proto';
import type { Command } from 'commander';
import { readCsv } from '../feeds/csv.ts';
import { type FeedPiece, idOf } from '../feeds/feed.ts';
import { readMcap } from '../feeds/mcap.ts';
import { type HubAccess, type HubFlags, openHub } from '../hub-access.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { hubCommand, type Shell } from '../shell.ts';
import type { Terminal } from '../terminal.ts';

interface IngestFlags extends HubFlags {
  readonly agent?: string;
  readonly time?: string;
  readonly json?: boolean;
}

/** Frames in one call. */
const BATCH = 2_000;

/** `sigma ingest FILE`: recorded telemetry through the same door and analyzer as a live robot's. */
export function ingestCommand(shell: Shell): Command {
  return hubCommand('ingest', 'Send recorded telemetry through the hub: CSV with a time column, or a ROS 2 MCAP file', [
    'sigma ingest machine_temperature.csv',
    'sigma ingest --agent arm-1 --time t_ns readings.csv',
    'sigma ingest drive.mcap --json',
  ])
    .argument('<file>', 'recording')
    .option('--agent <id>', 'whose telemetry it is (default: the name of the file)')
    .option('--time <column>', 'time column of a CSV file')
    .action(async (file: string, flags: IngestFlags) => {
      const terminal = shell.terminal(flags.json === true);
      if (!existsSync(file)) throw new CommandError(EXIT.machine, `${file} does not exist`, 'Check the path');
      const hub = openHub(flags, shell.environment);
      const agentId = idOf(flags.agent ?? basename(file).replace(/\.\w+$/, ''));
      const sender = new Sender(hub, agentId, terminal);
      for await (const piece of piecesOf(file, flags)) {
        shell.interrupted.throwIfAborted();
        await sender.take(piece);
      }
      const result = await sender.finish();
      if (result.frames === 0) {
        const why = Object.keys(result.skipped)[0] ?? 'it is empty';
        throw new CommandError(EXIT.failed, `${file} holds no telemetry: ${why}`, 'Give a file with numbers in it');
      }
      terminal.result({ file, agent: agentId, ...result }, describe(file, agentId, result));
    });
}

function piecesOf(file: string, { time }: IngestFlags): AsyncIterable<FeedPiece> {
  if (/\.mcap$/i.test(file)) return readMcap(file);
  if (/\.csv$/i.test(file)) return readCsv(file, time ?? null);
  throw new CommandError(EXIT.usage, `${file} is neither .csv nor .mcap`, 'Those are the kinds that can be sent');
}

interface IngestResult {
  readonly channels: number;
  readonly frames: number;
  readonly accepted: number;
  readonly refused: number;
  readonly reasons: Readonly<Record<string, { readonly count: number; readonly first: string }>>;
  readonly alerts: number;
  /** Messages that are no telemetry, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** Gathers frames into calls, and what the hub says of them into one result. */
class Sender {
  readonly #hub: HubAccess;
  readonly #agentId: string;
  readonly #terminal: Terminal;
  readonly #schemas = new Map<string, ChannelSchema>();
  readonly #sequences = new Map<string, bigint>();
  readonly #reasons = new Map<string, { count: number; readonly first: string }>();
  readonly #skipped = new Map<string, number>();
  #frames: MessageInitShape<typeof TelemetryFrameSchema>[] = [];
  #count = 0;
  #accepted = 0;
  #refused = 0;
  #alerts = 0;
  #firstUs: number | null = null;

  constructor(hub: HubAccess, agentId: string, terminal: Terminal) {
    this.#hub = hub;
    this.#agentId = agentId;
    this.#terminal = terminal;
  }

  async take(piece: FeedPiece): Promise<void> {
    if (piece.type === 'skipped') {
      this.#skipped.set(piece.reason, (this.#skipped.get(piece.reason) ?? 0) + 1);
    } else if (piece.type === 'channel') {
      const { channel, fields } = piece.channel;
      this.#schemas.set(
        channel,
        create(ChannelSchemaSchema, { channel, fields: fields.map((name) => ({ name, unit: '', learn: true })) }),
      );
    } else {
      const { channel, timeUs, values } = piece.frame;
      this.#firstUs ??= timeUs;
      const sequence = (this.#sequences.get(channel) ?? 0n) + 1n;
      this.#sequences.set(channel, sequence);
      const atUs = BigInt(Math.max(0, timeUs - this.#firstUs));
      this.#frames.push({
        agentId: this.#agentId,
        channel,
        sequence,
        atUs,
        timeUs: BigInt(timeUs),
        values: [...values],
      });
      if (this.#frames.length >= BATCH) await this.#send();
    }
  }

  async finish(): Promise<IngestResult> {
    if (this.#frames.length > 0) await this.#send();
    return {
      channels: this.#schemas.size,
      frames: this.#count,
      accepted: this.#accepted,
      refused: this.#refused,
      reasons: Object.fromEntries(this.#reasons),
      alerts: this.#alerts,
      skipped: Object.fromEntries(this.#skipped),
    };
  }

  async #send(): Promise<void> {
    const frames = this.#frames.map((frame) => create(TelemetryFrameSchema, frame));
    this.#frames = [];
    const answer = await this.#hub.attempt(() =>
      this.#hub.client(IngestService, 'feed').ingestBatch({ frames, schemas: [...this.#schemas.values()] }),
    );
    this.#count += frames.length;
    this.#add(answer);
    this.#terminal.progress(`${this.#count} frames sent, ${this.#refused} refused`);
  }

  #add({ accepted, refused, reasons, alerts }: IngestBatchResponse): void {
    this.#accepted += Number(accepted);
    this.#refused += Number(refused);
    this.#alerts += Number(alerts);
    for (const { reason, count, first } of reasons) {
      const so = this.#reasons.get(reason);
      if (so === undefined) this.#reasons.set(reason, { count: Number(count), first });
      else so.count += Number(count);
    }
  }
}

function describe(file: string, agentId: string, result: IngestResult): string {
  const { channels, frames, accepted, refused, alerts } = result;
  const reasons = Object.entries(result.reasons).map(([reason, { count, first }]) => `  ${count} ${reason}: ${first}`);
  const skipped = Object.entries(result.skipped).map(([reason, count]) => `  ${count} left out: ${reason}`);
  return [
    `${file}: ${frames} frames in ${channels} channels, sent as ${agentId}`,
    `${accepted} accepted, ${refused} refused, ${alerts} alerts`,
    ...reasons,
    ...skipped,
  ].join('\n');
}
