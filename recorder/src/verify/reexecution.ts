import { EVENT_TYPE, type EventDraft, type RecordedEvent, type Sha256, sameBytes } from '../event.ts';
import { isRunnerSignal, signalName } from '../payload/agent-events.ts';
import type { Opening } from '../payload/opening.ts';
import { readablePayload, readPayload } from '../payload/readable.ts';
import { decodeSnapshot } from '../payload/snapshot.ts';
import { decodeSegment } from '../payload/stimulus-segment.ts';
import type { Execution, Reexecutor } from '../reexecutor.ts';
import type { FailureKind, Sides } from './report.ts';

/** How the record and its re-execution differ at one event. */
export interface Disagreement extends Sides {
  readonly kind: FailureKind;
  readonly what: string;
}

/**
 * Runs one chain's inputs again beside its record and compares, event by event. After a disagreement its own state
 * is worth nothing: it rests until the next snapshot, and goes on from there.
 */
export class Reexecution {
  readonly #opening: Opening;
  readonly #reexecutor: Reexecutor;
  readonly #sha256: Sha256;
  #execution: Execution | null;
  /** Said by re-execution of the last segment; those before `#met` were met on record. */
  #due: EventDraft[] = [];
  #met = 0;
  #inputSequence = 0;
  #wakeUs: number;
  #wakes = 0;
  #agreed = 0;
  #behindSegment = false;

  /** @throws CannotReexecuteError */
  constructor(opening: Opening, reexecutor: Reexecutor, sha256: Sha256) {
    this.#opening = opening;
    this.#reexecutor = reexecutor;
    this.#sha256 = sha256;
    this.#wakeUs = opening.atUs;
    const beginning = reexecutor.open(opening);
    // A fork begins with a state of its parent (SPEC R111): until that has come there is nothing to go on from.
    this.#execution = opening.lineage === undefined ? beginning : null;
  }

  /** False while it rests. */
  get running(): boolean {
    return this.#execution !== null;
  }

  /** Wakes run again. */
  get wakes(): number {
    return this.#wakes;
  }

  /** Events on record that it said too. */
  get agreed(): number {
    return this.#agreed;
  }

  /** Stops trusting its own state: events are missing or damaged. */
  rest(): void {
    this.#execution = null;
    this.#due = [];
    this.#met = 0;
  }

  /**
   * @returns null when record and re-execution agree, or while it rests
   * @throws MalformedBytesError when the payload cannot be read
   */
  follow(event: RecordedEvent): Disagreement | null {
    const found = this.#stateless(event) ?? this.#follow(event);
    this.#behindSegment = event.type === EVENT_TYPE.stimulusSegment;
    if (found !== null) this.rest();
    return found;
  }

  #stateless({ sequence, type }: RecordedEvent): Disagreement | null {
    if (this.#opening.lineage === undefined || sequence !== 2 || type === EVENT_TYPE.snapshot) return null;
    const sides = { recorded: type, expected: EVENT_TYPE.snapshot };
    return { kind: 'opening', what: "a fork does not begin with its parent's state", ...sides };
  }

  #follow(event: RecordedEvent): Disagreement | null {
    switch (event.type) {
      case EVENT_TYPE.stimulusSegment:
        return this.#run(event);
      case EVENT_TYPE.snapshot:
        return this.#judgeSnapshot(event);
      case EVENT_TYPE.signal:
        return isRunnerSignal(signalName(event.data)) ? this.#read(event) : this.#compare(event);
      case EVENT_TYPE.decision:
      case EVENT_TYPE.message:
        return this.#compare(event);
      default:
        return this.#read(event);
    }
  }

  #read(event: RecordedEvent): null {
    readPayload(event);
    return null;
  }

  /** What is still owed at the end of the chain. A last segment with nothing behind it owes nothing yet: see `endsOpen`. */
  end(): Disagreement | null {
    return this.#execution === null || this.endsOpen ? null : this.#owed('the end of the chain');
  }

  /**
   * True when the last event was a segment and nothing of what its wakes said is on record: that stands in a block of its
   * own (SPEC R32), which is not here.
   */
  get endsOpen(): boolean {
    return this.#execution !== null && this.#behindSegment && this.#due.length > 0;
  }

  #owed(before: string): Disagreement | null {
    const owed = this.#due[this.#met];
    if (owed === undefined) return null;
    const what = `${owed.type} at ${owed.atUs} us is not on record before ${before}`;
    return { kind: 'cut_short', what, recorded: null, expected: sideOf(owed) };
  }

  #run(event: RecordedEvent): Disagreement | null {
    const { firstInput, wakes } = decodeSegment(event.data);
    const execution = this.#execution;
    if (execution === null) return null;
    const owed = this.#owed('this segment');
    if (owed !== null) return owed;
    if (firstInput !== this.#inputSequence + 1) {
      const sides = { recorded: `first input ${firstInput}`, expected: `first input ${this.#inputSequence + 1}` };
      return { kind: 'missing', what: 'inputs before this segment are missing or doubled', ...sides };
    }
    this.#due.length = 0;
    this.#met = 0;
    for (const { atUs, inbox } of wakes) {
      if (atUs < this.#wakeUs) {
        const sides = { recorded: `wake at ${atUs} us`, expected: `not before ${this.#wakeUs} us` };
        return { kind: 'order', what: 'its wakes run backwards', ...sides };
      }
      this.#wakeUs = atUs;
      this.#inputSequence += inbox.length;
      try {
        for (const said of execution.wake(atUs, inbox)) this.#due.push(said);
      } catch (error) {
        const what = `the inputs of the wake at ${atUs} us cannot be run again: ${(error as Error).message}`;
        return { kind: 're-execution', what, recorded: null, expected: null };
      }
    }
    this.#wakes += wakes.length;
    return null;
  }

  #compare(event: RecordedEvent): Disagreement | null {
    if (this.#execution === null) return this.#read(event);
    const due = this.#due[this.#met++];
    if (due !== undefined && sameEvent(due, event)) {
      this.#agreed++;
      return null;
    }
    return {
      kind: 're-execution',
      what: due === undefined ? 're-execution says nothing more here' : 're-execution says otherwise',
      recorded: sideOf(event),
      expected: due === undefined ? null : sideOf(due),
    };
  }

  #judgeSnapshot(event: RecordedEvent): Disagreement | null {
    const snapshot = decodeSnapshot(event);
    if (!sameBytes(this.#sha256(snapshot.state), snapshot.stateHash)) {
      return { kind: 'snapshot', what: 'its state does not have the hash it names', recorded: null, expected: null };
    }
    const execution = this.#execution;
    if (execution === null) {
      this.#execution = this.#reexecutor.open(this.#opening, snapshot);
      this.#inputSequence = snapshot.inputSequence;
      this.#wakeUs = snapshot.atUs;
      return null;
    }
    const owed = this.#owed('this snapshot');
    if (owed !== null) return owed;
    if (snapshot.inputSequence !== this.#inputSequence) {
      const sides = { recorded: `after input ${snapshot.inputSequence}`, expected: `after ${this.#inputSequence}` };
      return { kind: 'snapshot', what: 'it counts other inputs than came before it', ...sides };
    }
    const state = execution.state();
    if (sameBytes(state, snapshot.state)) {
      this.#agreed++;
      return null;
    }
    const what = 'the inputs before it lead to another state';
    return { kind: 'snapshot', what, ...firstDifference(snapshot.state, state) };
  }
}

const sameEvent = (a: EventDraft, b: EventDraft): boolean =>
  a.type === b.type && a.atUs === b.atUs && a.subject === b.subject && sameBytes(a.data, b.data);

function sideOf(event: EventDraft): string {
  try {
    return `${event.type} at ${event.atUs} us: ${readablePayload(event)}`;
  } catch (error) {
    return `${event.type} at ${event.atUs} us: ${(error as Error).message}`;
  }
}

/** The two texts from a little before the first byte in which they differ. */
function firstDifference(recorded: Uint8Array, expected: Uint8Array): Sides {
  let at = 0;
  while (at < recorded.length && recorded[at] === expected[at]) at++;
  const utf8 = new TextDecoder();
  const cut = (bytes: Uint8Array): string => utf8.decode(bytes.subarray(Math.max(0, at - 80), at + 120));
  return { recorded: cut(recorded), expected: cut(expected) };
}
