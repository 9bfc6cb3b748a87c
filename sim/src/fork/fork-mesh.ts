import { agentKey, drawInt, encodeState, type MessageStimulus, type OutgoingMessage, purpose } from '@sigma/kernel';
import type { LivedWake } from '@sigma/recorder';

/** One-way delay between robots, as the simulated network has it; inclusive, microseconds. */
const LEAST_LATENCY_US = 2_000;
const MOST_LATENCY_US = 20_000;
const LATENCY = purpose('fork-mesh-latency');

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
  #coming: Coming[] = [];
  #order = 0;
  /** Recorded messages that were said in the fork too, in the same words or in others. */
  readonly #saidAgain = new Set<MessageStimulus>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /**
   * A robot speaks to another that is in reach.
   *
   * @param ahead what the listener was given right after `atUs`
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
    const key = agentKey(`${from.id}>${to.id}`);
    const delayUs =
      LEAST_LATENCY_US + drawInt(this.#seed, key, atUs / 10_000, LATENCY, 0, MOST_LATENCY_US - LEAST_LATENCY_US + 1);
    const arrivesUs = lived?.atUs ?? Math.ceil((atUs + delayUs) / 10_000) * 10_000;
    if (lived !== null) this.#saidAgain.add(lived.message);
    const ends = { from: from.index, to: to.index, atUs: arrivesUs, order: this.#order++ };
    this.#coming.push({ ...ends, stimulus, lived: lived?.message ?? null });
    return lived !== null && encodeState(lived.message) === encodeState(stimulus) ? null : arrivesUs;
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
   * What robot `to` hears at `atUs`: recorded messages of those who are not recomputed and are in reach, what takes the
   * place of recorded ones, in the recorded order, and then what is new.
   */
  heard(
    to: number,
    atUs: number,
    recorded: readonly MessageStimulus[],
    keeps: (message: MessageStimulus) => boolean,
  ): readonly MessageStimulus[] {
    const mine = this.#coming.filter((one) => one.to === to && one.atUs === atUs);
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

  /** Forgets what arrived by a moment, inclusive. */
  passed(atUs: number): void {
    this.#coming = this.#coming.filter((one) => one.atUs > atUs);
    if (this.#coming.length === 0) this.#saidAgain.clear();
  }
}
