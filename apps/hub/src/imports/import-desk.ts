import { createHash, type Hash } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { create } from '@bufbuild/protobuf';
import { type GetImportResponse, GetImportResponseSchema, type Import, ImportSchema } from '@sigma/proto';
import type { Clock } from '../clock.ts';
import { type HubRecord, signal } from '../roles/arbitration/hub-record.ts';
import { formatOf } from './convert.ts';
import { ImportFolder } from './import-folder.ts';
import {
  type Converted,
  type CountedLane,
  type CountJob,
  type FindJob,
  type FoundEvent,
  IMPORT_BOUNDS,
  type ImportBounds,
  type Moment,
  type MomentJob,
} from './import-jobs.ts';
import { ImportProgram, NoAnswerError } from './import-program.ts';

export interface ImportDeskOptions {
  /** Imports lie here. */
  readonly folder: string;
  readonly tenant: string;
  readonly clock: Pick<Clock, 'nowUs'>;
  readonly record: HubRecord;
  readonly newId: () => string;
  /** Days after which an import is deleted, from when it was brought; null: never. */
  readonly keptDays?: number | null | undefined;
  readonly bounds?: Partial<ImportBounds>;
}

/** What cannot be imported, or asked of an import, as it was asked for; the words say what would do. */
export class ImportRefusal extends Error {
  readonly kind: 'missing' | 'invalid' | 'busy' | 'not yet' | 'damaged';

  constructor(kind: ImportRefusal['kind'], words: string) {
    super(words);
    this.name = 'ImportRefusal';
    this.kind = kind;
  }
}

/** A file of which not all has come. */
interface Receiving {
  readonly hash: Hash;
  /** Ends when the pieces before are on disk. */
  busy: Promise<unknown>;
  heardUs: number;
}

const DAY_US = 86_400_000_000;

/** A question about one import, without what its folder knows. */
type Ask<Job> = Omit<Job, 'type' | 'recording' | 'lanes' | 'decodedBytes'>;

/**
 * What others recorded, as timelines that are looked at beside the hub's own record. A file is received piece by piece
 * and read in a process apart; so are questions about it answered.
 */
export class ImportDesk {
  readonly bounds: ImportBounds;
  readonly #options: ImportDeskOptions;
  readonly #folder: ImportFolder;
  readonly #converter: ImportProgram;
  readonly #reader: ImportProgram;
  readonly #imports = new Map<string, GetImportResponse>();
  readonly #receiving = new Map<string, Receiving>();

  /** @throws Error when the folder cannot be made or read */
  constructor(options: ImportDeskOptions) {
    this.#options = options;
    this.bounds = { ...IMPORT_BOUNDS, ...options.bounds };
    this.#folder = new ImportFolder(options.folder);
    this.#converter = new ImportProgram(null);
    this.#reader = new ImportProgram(options.folder);
    for (const known of this.#folder.read()) {
      const { id, state } = known.import as Import;
      this.#imports.set(id, known);
      if (state === 'done' || state === 'failed') continue;
      this.#fail(id, 'the hub ended before it had been read; bring the file again');
    }
  }

  /** Newest first. */
  all(): readonly Import[] {
    this.#giveUpIdle();
    return [...this.#imports.values()]
      .map((known) => known.import as Import)
      .sort((a, b) => Number(b.createdTimeUs - a.createdTimeUs));
  }

  /** @throws ImportRefusal */
  get(id: string): GetImportResponse {
    const known = this.#imports.get(id);
    if (known !== undefined) return known;
    throw new ImportRefusal('missing', `there is no import '${id.slice(0, 63)}'; the list of imports has the names`);
  }

  /** Deletes what has been here for longer than imports are kept (recorder/SPEC.md R170). @returns how many */
  async removeAged(): Promise<number> {
    const { keptDays = null, clock } = this.#options;
    if (keptDays === null) return 0;
    const untilUs = clock.nowUs() - keptDays * DAY_US;
    // Of one that cannot be read nobody knows how old it is.
    const isAged = ({ createdTimeUs: us }: Import): boolean => us > 0n && Number(us) < untilUs;
    const aged = this.all().filter(isAged);
    for (const { id } of aged) await this.#remove(id, { keptDays });
    return aged.length;
  }

  /** @param by who brings the file. @throws ImportRefusal */
  begin(name: string, bytes: number, by: string): Import {
    const { fileBytes, imports, receiving, keptBytes } = this.bounds;
    this.#giveUpIdle();
    if (!(bytes > 0)) throw new ImportRefusal('invalid', 'the file is empty');
    if (bytes > fileBytes)
      throw new ImportRefusal('invalid', `the file has ${bytes} bytes; ${fileBytes} are the most. Give a part of it`);
    if (this.#imports.size >= imports)
      throw new ImportRefusal('busy', `${imports} imports are kept here; delete some that nobody needs`);
    if (this.#receiving.size >= receiving)
      throw new ImportRefusal('busy', `${receiving} files are being received already; ask again when one has come`);
    if (this.#folder.bytes() + bytes > keptBytes)
      throw new ImportRefusal('busy', `imports take up ${keptBytes} bytes already; delete some that nobody needs`);
    const id = `import-${this.#options.newId()}`;
    const nowUs = this.#options.clock.nowUs();
    this.#receiving.set(id, { hash: createHash('sha256'), busy: Promise.resolve(), heardUs: nowUs });
    this.#imports.set(id, create(GetImportResponseSchema, { import: { id } }));
    return this.#change(id, { name, by, state: 'receiving', bytes: BigInt(bytes), createdTimeUs: BigInt(nowUs) });
  }

  /** @throws ImportRefusal */
  async piece(id: string, offset: number, data: Uint8Array): Promise<Import> {
    const known = this.get(id).import as Import;
    const { reason, state, receivedBytes } = known;
    const receiving = this.#receiving.get(id);
    // The last piece, whose answer was lost.
    if (receiving === undefined && state !== 'failed' && offset + data.length <= Number(receivedBytes)) return known;
    if (receiving === undefined)
      throw new ImportRefusal('not yet', `no more of it is taken${reason === '' ? '' : `: ${reason}`}`);
    const done = receiving.busy.then(() => this.#take(id, receiving, offset, data));
    receiving.busy = done.catch(() => undefined);
    return done;
  }

  /** Ends it, wherever it is, and deletes all of it. @throws ImportRefusal */
  async remove(id: string): Promise<void> {
    this.get(id);
    await this.#remove(id, {});
  }

  async #remove(id: string, because: { readonly keptDays?: number }): Promise<void> {
    const receiving = this.#receiving.get(id);
    this.#receiving.delete(id);
    this.#imports.delete(id);
    const recording = this.#folder.recordingOf(id);
    this.#converter.drop(recording);
    this.#reader.drop(recording);
    await receiving?.busy;
    this.#folder.remove(id);
    this.#put('hub.import_removed', id, because);
  }

  /** @throws ImportRefusal */
  async count(id: string, ask: Ask<CountJob>): Promise<readonly CountedLane[]> {
    return (await this.#ask({ ...ask, type: 'count', ...this.#filesOf(id) })) as readonly CountedLane[];
  }

  /** @throws ImportRefusal */
  async moment(id: string, ask: Ask<MomentJob>): Promise<Moment> {
    const { decodedBytes } = this.bounds;
    return (await this.#ask({ ...ask, type: 'moment', decodedBytes, ...this.#filesOf(id) })) as Moment;
  }

  /** @throws ImportRefusal */
  async find(id: string, ask: Ask<FindJob>): Promise<FoundEvent | null> {
    return (await this.#ask({ ...ask, type: 'find', ...this.#filesOf(id) })) as FoundEvent | null;
  }

  close(): void {
    this.#converter.close();
    this.#reader.close();
  }

  #filesOf(id: string) {
    const { state, reason } = this.get(id).import as Import;
    if (state !== 'done') throw new ImportRefusal('not yet', `it cannot be looked at: ${reason || `it is ${state}`}`);
    return { recording: this.#folder.recordingOf(id), lanes: this.#folder.lanesOf(id) };
  }

  async #ask(job: CountJob | MomentJob | FindJob) {
    try {
      return await this.#reader.ask(job, this.bounds.answerMs);
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      // Paths of this machine are nobody's business.
      const words = error.message.replaceAll(this.#folder.path, '');
      throw new ImportRefusal('damaged', `the import gives no answer: ${words.slice(0, 200)}`);
    }
  }

  async #take(id: string, receiving: Receiving, offset: number, data: Uint8Array): Promise<Import> {
    const { bytes, receivedBytes } = this.get(id).import as Import;
    const [size, received] = [Number(bytes), Number(receivedBytes)];
    if (data.length === 0 || data.length > this.bounds.pieceBytes)
      throw new ImportRefusal('invalid', `a piece has 1 to ${this.bounds.pieceBytes} bytes`);
    // One that came before, and whose answer was lost.
    if (offset + data.length <= received) return this.get(id).import as Import;
    if (offset !== received) throw new ImportRefusal('invalid', `the next piece begins at byte ${received}`);
    if (received + data.length > size)
      throw new ImportRefusal('invalid', `the file was said to have ${size} bytes, and this goes past them`);
    const format = offset === 0 ? formatOf(data) : undefined;
    if (format === null) {
      const words = 'it is neither MCAP nor CloudEvents in JSON lines';
      this.#fail(id, words);
      throw new ImportRefusal('invalid', words);
    }
    try {
      await appendFile(this.#folder.uploadOf(id), data, { mode: 0o600 });
    } catch (error) {
      const words = `the hub cannot keep it: ${(error as NodeJS.ErrnoException).code ?? 'the disk fails'}`;
      this.#fail(id, words);
      throw new ImportRefusal('busy', words);
    }
    receiving.hash.update(data);
    receiving.heardUs = this.#options.clock.nowUs();
    if (!this.#imports.has(id)) throw new ImportRefusal('missing', 'somebody ended it');
    const now = { receivedBytes: BigInt(received + data.length), ...(format !== undefined && { format }) };
    if (received + data.length < size) return this.#show(id, now);
    this.#receiving.delete(id);
    const fileSha256 = receiving.hash.digest('hex');
    const whole = this.#change(id, { ...now, fileSha256, state: 'waiting' });
    void this.#convert(id);
    return whole;
  }

  async #convert(id: string): Promise<void> {
    const { tenant, clock } = this.#options;
    const { name, createdTimeUs } = this.get(id).import as Import;
    try {
      const answer = await this.#converter.ask(
        {
          ...{ type: 'convert', tenant, source: id, file: name, bounds: this.bounds },
          ...{ upload: this.#folder.uploadOf(id), recording: this.#folder.recordingOf(id) },
          ...{ lanes: this.#folder.lanesOf(id), importedUs: Number(createdTimeUs) || clock.nowUs() },
        },
        this.bounds.convertMs,
        (events) => this.#imports.has(id) && this.#show(id, { state: 'reading', events: BigInt(events) }),
      );
      if (this.#imports.has(id)) this.#done(id, answer as Converted);
    } catch (error) {
      const words = (error as Error).message.replaceAll(this.#folder.path, '');
      if (this.#imports.has(id)) this.#fail(id, words.slice(0, 500));
    }
  }

  #done(id: string, { lanes, leftOut, events, untimed, fromUs, toUs, head, format }: Converted): void {
    const known = this.get(id);
    this.#imports.set(id, {
      ...known,
      lanes: create(GetImportResponseSchema, {
        lanes: lanes.map((lane, k) => ({
          ...{ lane: k, topic: lane.topic, kind: lane.kind, encoding: lane.encoding, unread: lane.unread },
          ...{ events: BigInt(lane.events), fromTimeUs: BigInt(lane.fromUs), toTimeUs: BigInt(lane.toUs) },
        })),
      }).lanes,
      leftOut: create(GetImportResponseSchema, { leftOut: [...leftOut] }).leftOut,
    });
    this.#folder.dropUpload(id);
    const { fileSha256 } = this.#change(id, {
      ...{ format, head, state: 'done', events: BigInt(events), untimedEvents: BigInt(untimed) },
      ...{ fromTimeUs: BigInt(fromUs), toTimeUs: BigInt(toUs) },
      ...{ laneCount: lanes.length, leftOutCount: leftOut.length },
    });
    this.#put('hub.imported', id, { format, events, fileSha256, head, leftOut: leftOut.length });
  }

  #fail(id: string, reason: string): void {
    this.#receiving.delete(id);
    this.#folder.dropUpload(id);
    this.#folder.dropMade(id);
    this.#change(id, { state: 'failed', reason });
    this.#put('hub.import_failed', id, { reason });
  }

  /** Changes what is kept. */
  #change(id: string, change: Partial<Omit<Import, '$typeName' | '$unknown' | 'id'>>): Import {
    const changed = this.#show(id, change);
    this.#folder.keep(id, this.get(id));
    return changed;
  }

  #show(id: string, change: Partial<Omit<Import, '$typeName' | '$unknown' | 'id'>>): Import {
    const known = this.get(id);
    const changed = create(ImportSchema, { ...(known.import as Import), ...change });
    this.#imports.set(id, { ...known, import: changed });
    return changed;
  }

  #put(name: `hub.${string}`, id: string, body: Parameters<typeof signal>[2]): void {
    void this.#options.record.append(signal(name, id, body)).catch(() => undefined);
  }

  /** Whoever brought a file and went away does not hold the place for others. */
  #giveUpIdle(): void {
    const untilUs = this.#options.clock.nowUs() - this.bounds.idleUs;
    for (const [id, { heardUs }] of this.#receiving)
      if (heardUs < untilUs) this.#fail(id, 'its sender went away before all of it had come');
  }
}
