import { readFile } from 'node:fs/promises';
import { decodeBlock, decodeEnvelope, NoSuchEventError, type RecordedEvent, type Recording } from '@sigma/recorder';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import type { CountedLane, FoundEvent, FoundPlace, LaneValue, Moment, MomentJob, ReadJob } from './import-jobs.ts';
import { chosen, countBefore, countLanes, decodeLanes, findEvent, type Lane, type Lanes } from './lanes.ts';
import { Frames, PLACED_KINDS, placesIn, TRANSFORM_KINDS } from './places.ts';
import { readerOf, textOf, type ValueReader } from './values.ts';

/** Imports that are kept open, and blocks of one that are kept at hand. */
const MOST_OPEN = 3;
const MOST_BLOCKS = 32;
const MOST_VALUES = 100;
/** What was said of a place longer ago than this is not where the thing is now. */
const PLACE_HOLDS_US = 10_000_000;
const MOST_PLACED_LANES = 200;
/** Transforms that are looked back through; each may be of another frame. */
const MOST_TRANSFORMS = 300;

/** Answers questions about imports, and keeps those open that were asked about last. */
export class ImportReading {
  readonly #open = new Map<string, Promise<OpenImport>>();

  /** @throws StoreError, an error of the files */
  async answer(job: ReadJob): Promise<readonly CountedLane[] | Moment | FoundEvent | null> {
    const opened = await this.#opened(job);
    const { lanes } = opened;
    if (job.type === 'count') return countLanes(lanes, job.only, job.fromUs, job.toUs, job.stretches);
    if (job.type === 'find') return findEvent(lanes, job.only, job.timeUs, job.onward);
    return opened.moment(job);
  }

  #opened({ recording, lanes }: ReadJob): Promise<OpenImport> {
    let known = this.#open.get(recording);
    this.#open.delete(recording);
    known ??= OpenImport.open(recording, lanes);
    known.catch(() => this.#open.delete(recording));
    this.#open.set(recording, known);
    const [oldest] = this.#open;
    if (this.#open.size > MOST_OPEN && oldest !== undefined) {
      this.#open.delete(oldest[0]);
      void oldest[1].then((one) => one.close()).catch(() => undefined);
    }
    return known;
  }
}

interface ReadBlock {
  readonly firstSequence: number;
  readonly events: readonly Uint8Array[];
}

/** Of a thing that several topics speak of, one place: the one that says the most. */
function each(places: readonly FoundPlace[]): readonly FoundPlace[] {
  const known = new Map<string, FoundPlace>();
  for (const place of places) {
    const key = JSON.stringify([place.name, place.frame]);
    const before = known.get(key);
    if (before === undefined || before.pointsM.length <= place.pointsM.length) known.set(key, place);
  }
  return [...known.values()];
}

class OpenImport {
  readonly lanes: Lanes;
  readonly #recording: Recording;
  readonly #readers = new Map<number, ValueReader>();
  readonly #blocks = new Map<string, ReadBlock>();

  private constructor(recording: Recording, lanes: Lanes) {
    this.#recording = recording;
    this.lanes = lanes;
  }

  static async open(recording: string, lanes: string): Promise<OpenImport> {
    const known = decodeLanes(await readFile(lanes));
    return new OpenImport(openSqliteRecording(recording), known);
  }

  close(): Promise<void> {
    return this.#recording.close();
  }

  /** What lanes said last, and where things were then. */
  async moment({ only, timeUs, characters, decodedBytes }: MomentJob): Promise<Moment> {
    const values: LaneValue[] = [];
    for (const lane of chosen(this.lanes, only).slice(0, MOST_VALUES)) {
      const number = countBefore(this.#lane(lane).timesUs, timeUs, true);
      if (number === 0) continue;
      const at = this.#lane(lane).timesUs[number - 1] as number;
      const { value, unread, bytes } = await this.#value(lane, number - 1, decodedBytes);
      const told = unread === '' ? textOf(value, characters) : { text: `${bytes} bytes`, cut: false };
      values.push({ lane, number, timeUs: at, unread, ...told });
    }
    return { values, places: await this.#places(timeUs, decodedBytes) };
  }

  async #places(timeUs: number, decodedBytes: number): Promise<readonly FoundPlace[]> {
    const numbered = this.lanes.lanes.map((lane, k) => ({ k, ...lane }));
    const frames = new Frames();
    for (const { k, kind, timesUs } of numbered.filter((lane) => TRANSFORM_KINDS.has(lane.kind))) {
      const to = countBefore(timesUs, timeUs, true);
      for (let at = Math.max(0, to - MOST_TRANSFORMS); at < to; at++)
        frames.learn(kind, (await this.#value(k, at, decodedBytes)).value);
    }
    const places: FoundPlace[] = [];
    const placed = numbered.filter(({ kind }) => PLACED_KINDS.has(kind)).slice(0, MOST_PLACED_LANES);
    for (const { k, kind, topic, timesUs } of placed) {
      const last = countBefore(timesUs, timeUs, true) - 1;
      const saidUs = timesUs[last] ?? Number.NEGATIVE_INFINITY;
      if (saidUs < timeUs - PLACE_HOLDS_US) continue;
      const { value } = await this.#value(k, last, decodedBytes);
      places.push(...placesIn(kind, value, { lane: k, timeUs: saidUs, topic }, frames));
    }
    return each(places);
  }

  async #value(lane: number, at: number, decodedBytes: number) {
    const event = await this.#event(this.#lane(lane), at);
    const bytes = event.data.length;
    if (bytes > decodedBytes) return { value: null, bytes, unread: `it is longer than ${decodedBytes} bytes` };
    try {
      return { value: this.#reader(lane).read(event), bytes, unread: '' };
    } catch (error) {
      return { value: null, bytes, unread: (error as Error).message.slice(0, 200) };
    }
  }

  #lane(k: number): Lane {
    return this.lanes.lanes[k] as Lane;
  }

  #reader(k: number): ValueReader {
    let reader = this.#readers.get(k);
    if (reader === undefined) {
      reader = readerOf(this.#lane(k), this.lanes.topics[this.#lane(k).described] ?? null);
      this.#readers.set(k, reader);
    }
    return reader;
  }

  async #event({ chains, sequences }: Lane, at: number): Promise<RecordedEvent> {
    const chain = this.lanes.chains[chains[at] as number] as Lanes['chains'][number];
    const sequence = sequences[at] as number;
    for (const [key, block] of this.#blocks) {
      const envelope = key.startsWith(`${chains[at]} `) ? block.events[sequence - block.firstSequence] : undefined;
      if (envelope !== undefined) return decodeEnvelope(envelope);
    }
    for await (const { bytes } of this.#recording.blocks(chain, sequence, sequence)) {
      const block = decodeBlock(bytes);
      const envelope = block.events[sequence - block.firstSequence];
      if (envelope === undefined) continue;
      this.#keep(`${chains[at]} ${block.firstSequence}`, block);
      return decodeEnvelope(envelope);
    }
    throw new NoSuchEventError(chain, sequence);
  }

  #keep(key: string, block: ReadBlock): void {
    this.#blocks.set(key, block);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > MOST_BLOCKS && oldest !== undefined) this.#blocks.delete(oldest);
  }
}
