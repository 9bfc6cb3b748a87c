import { createHash } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import { type ConnectRequest, PlanAskedSchema, SystemSignalSchema } from '@sigma/proto';
import { SequenceSet } from './sequence-set.ts';

export type ArrivedFrame = Extract<ConnectRequest['frame'], { case: 'decision' | 'answer' | 'event' | 'ask' }>;

/** Far more than an edge sends again: what it had on its way when its stream broke. */
const KEYS_KEPT = 4_096;
/** Issuers that an edge may name before the count begins anew: they are the hub's own, and few. */
const ISSUERS_KEPT = 256;

/** The newest keys of one kind, the oldest forgotten first. */
class RecentKeys {
  readonly #keys = new Set<string>();

  /** @returns false when it had come before */
  add(key: string): boolean {
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    if (this.#keys.size > KEYS_KEPT) this.#keys.delete(this.#keys.values().next().value as string);
    return true;
  }
}

/** What has come from one agent in its present epoch. */
class AgentArrivals {
  readonly epoch: number;
  readonly decisions = new SequenceSet();
  readonly answers = new Map<string, SequenceSet>();
  readonly events = new RecentKeys();
  readonly asks = new RecentKeys();

  constructor(epoch: number) {
    this.epoch = epoch;
  }
}

/**
 * Links deliver at least once: after a broken stream an edge sends again what it had no word of. Here the second coming
 * ends, so that everything has its effect once (L3). What tells frames apart is in them: a decision's epoch and sequence,
 * an answer's issuer and sequence, an event's time and body, an ask's task, reason and basis.
 */
export class Arrivals {
  /** Frames that came again and were dropped. */
  again = 0;
  readonly #agents = new Map<string, AgentArrivals>();

  /** @param epoch the one that the agent's hello named; another one begins anew */
  isNew(frame: ArrivedFrame, epoch: number): boolean {
    let arrivals = this.#agents.get(frame.value.agentId);
    if (arrivals === undefined || arrivals.epoch !== epoch) {
      arrivals = new AgentArrivals(epoch);
      this.#agents.set(frame.value.agentId, arrivals);
    }
    const fresh = add(arrivals, frame);
    if (!fresh) this.again++;
    return fresh;
  }
}

function add(arrivals: AgentArrivals, frame: ArrivedFrame): boolean {
  switch (frame.case) {
    case 'decision': {
      const { decision } = frame.value;
      // A decision of an epoch that has ended is history; only the recording brings it now.
      if (decision === undefined || (decision.context?.epoch ?? arrivals.epoch) !== arrivals.epoch) return false;
      return arrivals.decisions.add(decision.sequence);
    }
    case 'answer': {
      const { issuer, sequence } = frame.value;
      let sequences = arrivals.answers.get(issuer);
      if (sequences === undefined) {
        if (arrivals.answers.size >= ISSUERS_KEPT) arrivals.answers.clear();
        sequences = new SequenceSet();
        arrivals.answers.set(issuer, sequences);
      }
      return sequences.add(sequence);
    }
    case 'event': {
      const { atUs, signal } = frame.value;
      const body = signal === undefined ? new Uint8Array() : toBinary(SystemSignalSchema, signal);
      return arrivals.events.add(`${atUs} ${digest(body)}`);
    }
    case 'ask':
      // Without a basis nothing tells a repetition from a second question.
      return frame.value.basis === undefined || arrivals.asks.add(digest(toBinary(PlanAskedSchema, frame.value)));
  }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');
