import { BrokenRuleError, BrokenSiteRecordError, type RecordedModels } from '@sigma/fleet-model';
import { createAgent, TimeRunsBackwardsError } from '@sigma/kernel';
import {
  changedModel,
  decodeEnvelope,
  decodeOpening,
  decodeSnapshot,
  EVENT_TYPE,
  MalformedBytesError,
  NewerFormatError,
  type Opening,
  type RecordedEvent,
} from '@sigma/recorder';
import type { FilmPiece, PastScan } from '../film/film-piece.ts';
import type { ProblemKind } from '../past-words.ts';
import type { CachedBlock } from './block-cache.ts';
import { type RobotModel, scanOf } from './robot-words.ts';
import { robotIn, StretchRun, stillPiece } from './stretch-run.ts';

/** Why a chain cannot be computed again here. */
export interface ChainProblem {
  readonly kind: ProblemKind;
  /** What was found, for a person: versions, places. */
  readonly words: string;
}

/** What a recording that is damaged, or not what it says, makes of reading and running it. Anything else is the line's fault. */
const UNREADABLE = [
  MalformedBytesError,
  BrokenSiteRecordError,
  BrokenRuleError,
  TimeRunsBackwardsError,
  SyntaxError,
  RangeError,
  TypeError,
] as const;

interface Wanted {
  readonly fromSequence: number;
  readonly toSequence: number;
  /** The hub's time; what lies after it can wait. */
  readonly untilUs: number;
  readonly onward: boolean;
  readonly signal: AbortSignal;
}

export type ReadBlocks = (fromSequence: number, toSequence: number) => AsyncIterable<CachedBlock>;

interface ChainPorts {
  readonly source: string;
  readonly epoch: number;
  /** The hub's time at which the chain's own time was 0. */
  readonly epochTimeUs: number;
  readonly models: RecordedModels;
  readonly read: ReadBlocks;
  readonly film: (piece: FilmPiece) => void;
  readonly problem: (problem: ChainProblem) => void;
}

/** One chain of the recording: reads stretches of it and runs its robot's kernel over them, each piece once. */
export class ChainFilm {
  readonly #ports: ChainPorts;
  readonly #runs: StretchRun[] = [];
  #opening: Opening | undefined;
  #model: RobotModel | null = null;
  /** Sequences whose snapshots were shown as they are, for a model that is not here. */
  readonly #stills = new Set<number>();
  #busy: Promise<void> = Promise.resolve();

  constructor(ports: ChainPorts) {
    this.#ports = ports;
  }

  /**
   * Films from the stretch that begins in block `fromSequence` to `toSequence`, or until `untilUs` is on film. With
   * `onward`, what lies between the film so far and `fromSequence` too, so that the film has no hole. One call after
   * another.
   *
   * @returns the hub's time from which the film has no hole up to `untilUs`
   */
  extend({ fromSequence, toSequence, untilUs, onward, signal }: Wanted): Promise<number> {
    const work = this.#busy.then(() => this.#extend({ fromSequence, toSequence, untilUs, onward, signal }));
    this.#busy = work.then(
      () => undefined,
      () => undefined,
    );
    return work;
  }

  async #extend({ fromSequence, toSequence, untilUs, onward, signal }: Wanted): Promise<number> {
    await this.open();
    const place = this.#placeOf({ fromSequence, toSequence, untilUs, onward });
    const { start } = place;
    let current = place.run;
    if (start !== null) {
      try {
        for await (const block of this.#ports.read(start, toSequence)) {
          current = this.#runBlock(block, current);
          signal.throwIfAborted();
          if (current !== undefined && current.untilUs >= untilUs) break;
        }
      } catch (error) {
        this.#judge(error);
      } finally {
        for (const run of this.#runs) this.#tell(run);
      }
    }
    return this.#withoutHoleFrom(current);
  }

  /** First sequence that must be read for it; null when all of it is on film. */
  readingFrom(wanted: Omit<Wanted, 'signal'>): number | null {
    return this.#placeOf(wanted).start;
  }

  /** The run to go on with, and where reading begins for it. */
  #placeOf({ fromSequence, toSequence, untilUs, onward }: Omit<Wanted, 'signal'>) {
    const before = this.#lastBefore(fromSequence);
    let run = before !== undefined && (onward || before.ranTo + 1 >= fromSequence) ? before : undefined;
    let start = fromSequence;
    // What follows it without a hole is on film already.
    while (run !== undefined) {
      start = run.next ?? run.ranTo + 1;
      if (run.next === null || start > toSequence || run.untilUs >= untilUs) break;
      run = this.#runs.find(({ id }) => id.sequence === start);
    }
    return { run, start: start > toSequence || (run?.untilUs ?? 0) >= untilUs ? null : start };
  }

  #lastBefore(sequence: number): StretchRun | undefined {
    return this.#runs.findLast((run) => run.blockSequence <= sequence);
  }

  #withoutHoleFrom(run: StretchRun | undefined): number {
    if (run === undefined) return Number.NEGATIVE_INFINITY;
    let first = run;
    for (;;) {
      const before = this.#runs.find((one) => one.next === first.id.sequence);
      if (before === undefined) return first.fromUs;
      first = before;
    }
  }

  /** Whether who wrote the chain was read. */
  get isOpen(): boolean {
    return this.#opening !== undefined;
  }

  /** Reads who wrote the chain and with what, once. */
  async open(): Promise<void> {
    if (this.#opening !== undefined) return;
    try {
      for await (const { events } of this.#ports.read(1, 1)) return this.#adopt(decodeOpening(firstEvent(events)));
    } catch (error) {
      this.#judge(error);
    }
  }

  /** @throws BrokenSiteRecordError, BrokenRuleError, SyntaxError */
  #adopt(opening: Opening): void {
    this.#opening = opening;
    const { models, problem } = this.#ports;
    models.learn(opening.config);
    const model = models.modelOf(opening);
    if (typeof model === 'string') problem({ kind: 'unknown_site', words: model });
    else if (model.version !== opening.modelVersion) {
      const kind = opening.modelVersion > model.version ? 'newer' : 'older';
      const by = opening.software || 'an unnamed program';
      const recorded = `recorded with version ${opening.modelVersion} of the ${opening.model} model by ${by}`;
      problem({ kind, words: `${recorded}; this page computes version ${model.version}` });
    } else this.#model = opening.lineage === undefined ? model : changedModel(model, opening.lineage.change);
  }

  /** @returns the stretch that goes on after the block */
  #runBlock(block: CachedBlock, started: StretchRun | undefined): StretchRun | undefined {
    let current = started;
    for (const envelope of block.events) {
      const event = decodeEnvelope(envelope);
      if (current !== undefined && event.sequence <= current.ranTo) continue;
      if (event.type === EVENT_TYPE.snapshot || event.type === EVENT_TYPE.opening) {
        if (current !== undefined) {
          current.end(event.sequence);
          this.#tell(current);
        }
        current = this.#begin(event, block.firstSequence);
      } else if (event.type === EVENT_TYPE.gap) {
        // Inputs are missing: what follows cannot be computed until the next snapshot says where the robot was.
        current = undefined;
      } else if (current !== undefined && event.type === EVENT_TYPE.stimulusSegment) current.run(event.data);
      if (current !== undefined) current.ranTo = Math.max(current.ranTo, event.sequence);
    }
    return current;
  }

  #begin(event: RecordedEvent, blockSequence: number): StretchRun | undefined {
    const known = this.#runs.find((run) => run.id.sequence === event.sequence);
    if (known !== undefined) return known;
    const { source, epoch, epochTimeUs } = this.#ports;
    const id = { source, epoch, sequence: event.sequence };
    if (this.#model === null) {
      if (event.type === EVENT_TYPE.snapshot && !this.#stills.has(event.sequence)) {
        this.#stills.add(event.sequence);
        const piece = stillPiece(id, decodeSnapshot(event).state, epochTimeUs);
        if (piece !== null) this.#ports.film(piece);
      }
      return undefined;
    }
    const run = new StretchRun(id, blockSequence, this.#robotOf(event), this.#model, epochTimeUs);
    this.#runs.push(run);
    this.#runs.sort((a, b) => a.id.sequence - b.id.sequence);
    return run;
  }

  #robotOf(event: RecordedEvent) {
    if (event.type === EVENT_TYPE.snapshot) return robotIn(decodeSnapshot(event).state);
    const { source, tenant, role, seed, epoch, flags, config, atUs } = this.#opening as Opening;
    return createAgent(this.#model as RobotModel, { id: source, tenant, role, seed, epoch, flags, config, atUs });
  }

  #tell(run: StretchRun): void {
    const piece = run.take();
    if (piece !== null) this.#ports.film(piece);
  }

  #judge(error: unknown): void {
    if (error instanceof NewerFormatError) this.#ports.problem({ kind: 'newer', words: error.message });
    else if (UNREADABLE.some((kind) => error instanceof kind))
      this.#ports.problem({ kind: 'unreadable', words: (error as Error).message });
    else throw error;
  }

  /** The robot's lidar scan at a moment that is on film: its stretch is run once more up to there. */
  async scanAt(timeUs: number): Promise<PastScan | null> {
    const on = this.#runs.findLast((run) => run.fromUs <= timeUs);
    const model = this.#model;
    if (on === undefined || model === null) return null;
    let again: StretchRun | undefined;
    for await (const { events } of this.#ports.read(on.blockSequence, on.ranTo)) {
      for (const envelope of events) {
        const event = decodeEnvelope(envelope);
        if (event.sequence === on.id.sequence)
          again = new StretchRun(on.id, on.blockSequence, this.#robotOf(event), model, this.#ports.epochTimeUs);
        else if (event.type === EVENT_TYPE.stimulusSegment) again?.run(event.data, timeUs);
      }
      if (again !== undefined && this.#ports.epochTimeUs + again.robot.wokeUs >= timeUs) break;
    }
    return again === undefined ? null : scanOf(again.robot, again.untilUs);
  }

  /** Runs the robot over blocks that were read, from the first state in them on, and keeps nothing: only for practice. */
  rehearse(blocks: Iterable<CachedBlock>): void {
    const model = this.#model;
    const { source, epoch, epochTimeUs } = this.#ports;
    if (model === null) return;
    let run: StretchRun | undefined;
    for (const { firstSequence, events } of blocks) {
      for (const envelope of events) {
        const event = decodeEnvelope(envelope);
        if (event.type === EVENT_TYPE.snapshot || event.type === EVENT_TYPE.opening) {
          const id = { source, epoch, sequence: event.sequence };
          run = new StretchRun(id, firstSequence, this.#robotOf(event), model, epochTimeUs);
        } else if (event.type === EVENT_TYPE.gap) run = undefined;
        else if (event.type === EVENT_TYPE.stimulusSegment) run?.run(event.data);
      }
    }
  }

  /** The page let the stretch go: it is filmed anew when it is wanted again. */
  forget(sequence: number): void {
    const at = this.#runs.findIndex((run) => run.id.sequence === sequence);
    if (at >= 0) this.#runs.splice(at, 1);
    this.#stills.delete(sequence);
  }
}

function firstEvent([envelope]: readonly Uint8Array[]): RecordedEvent {
  if (envelope === undefined) throw new MalformedBytesError('a block without events');
  return decodeEnvelope(envelope);
}
