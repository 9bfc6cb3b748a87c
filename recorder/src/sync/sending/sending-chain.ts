import type { ChainId } from '../../event.ts';
import type { StoredBlock } from '../../store.ts';
import { isStub } from '../gap.ts';
import { HybridClock, type HybridTime } from '../hybrid-clock.ts';
import type { ChainEnd, SyncRefusal } from '../sync-words.ts';

/** A block that is about to be sent: its place, its bytes, and the hash stored beside them. */
export interface OutgoingBlock extends StoredBlock {
  readonly previousHash: Uint8Array;
  /** Events in it. */
  readonly count: number;
  /** Of its last event: agent time, and wall clock in microseconds since 1970. */
  readonly lastAtUs: number;
  readonly lastTimeUs: number;
}

/** A batch under way. */
export interface SentBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly hash: Uint8Array;
  readonly bytes: number;
  /** When it was due, and whether it was of a backlog. */
  readonly madeUs: number;
  readonly behind: boolean;
}

/** One chain as the sender knows it. */
export interface SendingChain {
  readonly id: ChainId;
  end: ChainEnd;
  acknowledged: ChainEnd;
  /** First event that was not sent on this link; null until the hub has said where it stands. */
  next: number | null;
  /** Safety events up to here. */
  urgentTo: number;
  /** Sent to its end on this link, or begun on it. */
  live: boolean;
  stopped: SyncRefusal | null;
  /** Batches under way, oldest first. */
  flying: SentBatch[];
  /** Where to begin again when nothing flies any more, and when at the earliest. */
  again: { readonly from: number; readonly notBeforeUs: number } | null;
  /** Times that the hub stood elsewhere at the same place. */
  astray: { readonly at: number; readonly times: number };
  /** Of stride scheduling: bytes sent over weight. */
  pass: number;
  readonly clock: HybridClock;
  /** What was heard of the hub when the chain ended before `from`: whatever stands from there on is after it. */
  heard: { readonly from: number; readonly time: HybridTime }[];
  /** What lies packed at `from` waits until the hub allows so many bytes. */
  waits: { readonly from: number; readonly bytes: number };
  /** When that of it which is not sent yet was to be found, or null. */
  dueUs: number | null;
}

const WEIGHTS = { urgent: 64, live: 8, backlog: 1 } as const;

/** Of stride scheduling (R125): what is urgent before what is live, and that before a backlog. */
export function weightOf(chain: SendingChain): number {
  if (isUrgent(chain)) return WEIGHTS.urgent;
  return chain.live ? WEIGHTS.live : WEIGHTS.backlog;
}

/** Whether a safety event stands in it that was not sent. */
export const isUrgent = ({ next, urgentTo }: SendingChain): boolean => next !== null && urgentTo >= next;
export const isBehind = (chain: SendingChain): boolean => weightOf(chain) === WEIGHTS.backlog;

const NO_WAIT = { from: 0, bytes: 0 };
const NOTHING: ChainEnd = { sequence: 0, hash: new Uint8Array() };

/** @param fresh it began on this link: the hub has nothing of it */
export function sendingChain(
  id: ChainId,
  end: ChainEnd,
  acknowledged: ChainEnd | undefined,
  fresh: boolean,
): SendingChain {
  return {
    id,
    end,
    acknowledged: acknowledged ?? NOTHING,
    next: fresh ? 1 : null,
    urgentTo: 0,
    live: fresh,
    stopped: null,
    flying: [],
    again: null,
    astray: { at: 0, times: 0 },
    pass: 0,
    clock: new HybridClock(),
    heard: [],
    waits: NO_WAIT,
    dueUs: null,
  };
}

/** The link is gone: nothing of it is under way, and the hub has to say anew where it stands. */
export function unlink(chain: SendingChain): void {
  chain.next = null;
  chain.live = false;
  chain.dueUs = null;
  chain.waits = NO_WAIT;
  chain.stopped = null;
  chain.flying = [];
  chain.again = null;
  chain.astray = { at: 0, times: 0 };
}

/** Events that were not sent on this link. */
export function unsent({ end, next }: SendingChain): number {
  return next === null ? 0 : Math.max(0, end.sequence - next + 1);
}

/**
 * As many blocks as fit. A stub never ends a batch: what stands behind it goes with it, or it waits.
 *
 * @param blocks from the next place on, in order
 * @param alone nothing is under way: then one goes whatever its size, and behind stubs the next block too
 * @returns none where there is nothing to send of them now
 */
export function fitting(blocks: readonly OutgoingBlock[], mostBytes: number, alone: boolean): readonly OutgoingBlock[] {
  let [count, bytes] = [0, 0];
  for (const block of blocks) {
    bytes += block.bytes.length;
    if (bytes > mostBytes) break;
    count++;
  }
  const ends = ({ bytes: content }: OutgoingBlock): boolean => !isStub(content);
  const last = blocks.slice(0, count).findLastIndex(ends);
  if (last >= 0 || !alone) return blocks.slice(0, last + 1);
  return blocks.slice(0, blocks.findIndex(ends) + 1);
}

/** The moment of a batch that ends with this block (R128). */
export function momentOf(
  chain: SendingChain,
  { firstSequence, count, lastTimeUs }: Pick<OutgoingBlock, 'firstSequence' | 'count' | 'lastTimeUs'>,
): HybridTime {
  const before = chain.heard.filter(({ from }) => from < firstSequence + count);
  chain.heard = chain.heard.slice(before.length);
  for (const { time } of before) chain.clock.hear(time, time.us);
  // What was heard may be later than the first events of the batch, if not than its last: with a count it is told as one
  // moment that stands behind all of that.
  if (before.length > 0) chain.clock.tick(lastTimeUs);
  return chain.clock.tick(lastTimeUs);
}
