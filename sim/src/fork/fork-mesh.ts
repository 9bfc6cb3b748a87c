import { agentKey, drawInt, encodeState, type MessageStimulus, type OutgoingMessage, purpose } from '@sigma/kernel';
import type { LivedWake } from '@sigma/recorder';

/** One-way delay between robots, as the simulated network has it; inclusive, microseconds. */
const LEAST_LATENCY_US = 2_000;
const MOST_LATENCY_US = 20_000;
const LATENCY = purpose('fork-mesh-latency');
const STEP_US = 10_000;

interface Coming {
  readonly from: number;
  readonly to: number;
  readonly atUs: number;
  readonly order: number;
  readonly stimulus: MessageStimulus;
  /** What was recorded in its place, if anything was. */
  readonly lived: MessageStimulus | null;
}

/**
 * Messages between robots of a fork. One that takes the place of a recorded one arrives when that did; another, after a
 * delay that follows from who speaks to whom, and when.
 */
export class ForkMesh {
  readonly #seed: number;
  readonly #inOneProgram: boolean;
  #coming: Coming[] = [];
  #order = 0;
  /** Recorded messages that were said in the fork too, in the same words or in others. */
  readonly #saidAgain = new Set<MessageStimulus>();

  /** @param inOneProgram robots hear each other without delay: those behind the speaker in the same instant, the others next */
  constructor(seed: number, inOneProgram: boolean) {
    this.#seed = seed;
    this.#inOneProgram = inOneProgram;
  }

  /**
   * A robot speaks to another that is in reach.
   *
   * @param ahead what the listener was given in the moments in which it could hear it
   * @returns when the listener hears something else than was recorded, or null when it hears the very same
   */
  say(
    from: { readonly index: number; readonly id: string },
    to: { readonly index: number; readonly id: string },
    { topic, body, promise }: OutgoingMessage,
    atUs: number,
    ahead: Iterable<LivedWake>,
  ): number | null {
    const stimulus: MessageStimulus = {
      kind: 'message',
      from: from.id,
      topic,
      body,
      ...(promise === undefined ? {} : { promise }),
    };
    const lived = this.#livedOf(stimulus, ahead);
    const arrivesUs = lived?.atUs ?? this.#arrivalOf(from, to, atUs);
    if (lived !== null) this.#saidAgain.add(lived.message);
    const ends = { from: from.index, to: to.index, atUs: arrivesUs, order: this.#order++ };
    this.#coming.push({ ...ends, stimulus, lived: lived?.message ?? null });
    return lived !== null && encodeState(lived.message) === encodeState(stimulus) ? null : arrivesUs;
  }

  #arrivalOf(
    from: { readonly index: number; readonly id: string },
    to: { readonly index: number; readonly id: string },
    atUs: number,
  ): number {
    if (this.#inOneProgram) return to.index > from.index ? atUs : atUs + STEP_US;
    const key = agentKey(`${from.id}>${to.id}`);
    const most = MOST_LATENCY_US - LEAST_LATENCY_US + 1;
    const delayUs = LEAST_LATENCY_US + drawInt(this.#seed, key, atUs / STEP_US, LATENCY, 0, most);
    return Math.ceil((atUs + delayUs) / STEP_US) * STEP_US;
  }

  #livedOf({ from, topic }: MessageStimulus, ahead: Iterable<LivedWake>) {
    for (const { atUs, inbox } of ahead) {
      for (const one of inbox) {
        if (one.kind !== 'message' || one.from !== from || one.topic !== topic || this.#saidAgain.has(one)) continue;
        return { atUs, message: one };
      }
    }
    return null;
  }

  wasSaidAgain(message: MessageStimulus): boolean {
    return this.#saidAgain.has(message);
  }

  /**
   * What robot `to` hears at `atUs`, and takes out: recorded messages of those who are not recomputed and are in reach, what takes the
   * place of recorded ones, in the recorded order, and then what is new.
   */
  heard(
    to: number,
    atUs: number,
    recorded: readonly MessageStimulus[],
    keeps: (message: MessageStimulus) => boolean,
  ): readonly MessageStimulus[] {
    const mine = this.#coming.filter((one) => one.to === to && one.atUs <= atUs);
    this.passBy(to, atUs);
    const heard: MessageStimulus[] = [];
    for (const message of recorded) {
      const instead = mine.find(({ lived }) => lived === message);
      if (instead !== undefined) heard.push(instead.stimulus);
      else if (keeps(message)) heard.push(message);
    }
    for (const { lived, stimulus } of mine.sort((a, b) => a.order - b.order)) {
      if (lived === null || !recorded.includes(lived)) heard.push(stimulus);
    }
    return heard;
  }

  /** What arrived at robot `to` by that moment, inclusive, was heard as it is on record. */
  passBy(to: number, atUs: number): void {
    if (this.#coming.length > 0) this.#coming = this.#coming.filter((one) => one.to !== to || one.atUs > atUs);
  }

  /** Forgets what was said again, where nothing is on its way any more. */
  settle(): void {
    if (this.#coming.length === 0) this.#saidAgain.clear();
  }
}
