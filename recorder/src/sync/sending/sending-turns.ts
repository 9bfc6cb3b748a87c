import type { ChainId } from '../../event.ts';
import { isBehind, isUrgent, type SendingChain, unsent } from './sending-chain.ts';
import type { SendingRoom } from './sending-room.ts';

/** Read that much, and hand it to `take`, or to `takePack`. */
export interface ReadStep {
  readonly type: 'read';
  readonly chain: ChainId;
  readonly fromSequence: number;
  readonly mostBytes: number;
}

/** What is to be done next. */
export type SyncStep =
  | ReadStep
  /** Nothing before so many microseconds have passed, or something happens. */
  | { readonly type: 'wait'; readonly us: number }
  /** Nothing until something happens. */
  | { readonly type: 'rest' };

/** Whose turn it is (R125): stride scheduling over chains (C. Waldspurger, W. Weihl, 1995), what is urgent ahead of all. */
export class SendingTurns {
  /** Virtual time of the schedule: the pass of the chain served last. */
  #pass = 0;

  /** A chain has something to send again: it makes up for no time in which it had nothing. */
  joins(chain: SendingChain): void {
    chain.pass = Math.max(chain.pass, this.#pass);
  }

  /** A chain begins on this link. */
  begins(chain: SendingChain): void {
    chain.pass = this.#pass;
  }

  /** @param weight of the chain as it was before */
  served(chain: SendingChain, bytes: number, weight: number): void {
    this.#pass = Math.max(this.#pass, chain.pass);
    chain.pass += bytes / weight;
  }

  /** @param nowUs monotonic */
  next(chains: ReadonlyMap<string, SendingChain>, room: SendingRoom, nowUs: number): SyncStep {
    let soonestUs = Number.POSITIVE_INFINITY;
    let chosen: SendingChain | null = null;
    let live: SendingChain | null = null;
    let urgent: SendingChain | null = null;
    for (const chain of chains.values()) {
      if (chain.again !== null) {
        if (chain.flying.length > 0) continue;
        if (chain.again.notBeforeUs > nowUs) {
          soonestUs = Math.min(soonestUs, chain.again.notBeforeUs - nowUs);
          continue;
        }
        chain.next = chain.again.from;
        chain.again = null;
      }
      // Most have nothing: they are looked at no further.
      if (unsent(chain) === 0 || chain.stopped !== null) continue;
      if (isUrgent(chain) && (urgent === null || chain.pass < urgent.pass)) urgent = chain;
      if (!room.admits(chain)) continue;
      if (chosen === null || chain.pass < chosen.pass) chosen = chain;
      if (!isBehind(chain) && (live === null || chain.pass < live.pass)) live = chain;
    }
    // No other backlog takes the room that a pack waits for.
    if (chosen !== null && isBehind(chosen) && room.keepsBack(chosen)) chosen = live;
    if (urgent !== null && (chosen === null || urgent.pass <= chosen.pass)) chosen = urgent;
    if (chosen === null || !room.mayGrow) {
      return soonestUs === Number.POSITIVE_INFINITY ? { type: 'rest' } : { type: 'wait', us: soonestUs };
    }
    const waitUs = room.waitUs(nowUs);
    if (waitUs > 0) {
      if (urgent === null || room.urgentWaitUs(nowUs) > 0) return { type: 'wait', us: Math.min(waitUs, soonestUs) };
      chosen = urgent;
    }
    const mostBytes = Math.max(1, Math.min(room.batchBytes(chosen), room.allowedBytes));
    return { type: 'read', chain: chosen.id, fromSequence: chosen.next as number, mostBytes };
  }
}
