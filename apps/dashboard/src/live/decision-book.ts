import type { AgentDecision } from '@sigma/proto';

/** Decisions kept of one agent at most; older ones are read from the hub. */
const KEPT_OF_ONE = 500;
/** So many of all agents together, in equal shares, fill up with what is only heard on the way. */
const SHARED = 10_000;
/** An agent's share is never less; and so many at once were asked for by somebody. */
const LEAST_OF_ONE = 10;
/** Decisions kept of the whole site. */
const KEPT_OF_ALL = 5_000;

const NONE: readonly AgentDecision[] = [];

/**
 * What agents decided, newest first, each decision once, within bounds. What comes in order costs a copy of the list;
 * what comes late or at once (a page of history, a robot that is followed from now on) costs a sort, and much at once is
 * kept beyond an agent's share: somebody asked for it.
 */
export class DecisionBook {
  readonly #ofOne = new Map<string, readonly AgentDecision[]>();
  #ofAll: readonly AgentDecision[] = NONE;
  /** Not yet sorted into the whole site's list: it is made when somebody reads it. */
  #late: AgentDecision[] = [];

  /** Adds decisions of one agent in any order. Returns whether any of them is new. */
  put(agentId: string, decisions: readonly AgentDecision[]): boolean {
    const known = this.#ofOne.get(agentId) ?? NONE;
    const first = known[0];
    const only = decisions[0];
    if (decisions.length === 1 && only !== undefined && (first === undefined || newestFirst(only, first) < 0)) {
      this.#ofOne.set(agentId, [only, ...known.slice(0, Math.max(this.#share, known.length) - 1)]);
      this.#addLate(only);
      return true;
    }
    const byKey = new Map(known.map((one) => [decisionKey(one), one]));
    let added = false;
    for (const decision of decisions) {
      const key = decisionKey(decision);
      if (byKey.has(key)) continue;
      byKey.set(key, decision);
      this.#addLate(decision);
      added = true;
    }
    const most = decisions.length >= LEAST_OF_ONE ? KEPT_OF_ONE : Math.max(this.#share, known.length);
    if (added) this.#ofOne.set(agentId, [...byKey.values()].sort(newestFirst).slice(0, most));
    return added;
  }

  get #share(): number {
    return Math.min(KEPT_OF_ONE, Math.max(LEAST_OF_ONE, Math.floor(SHARED / Math.max(1, this.#ofOne.size))));
  }

  of(agentId: string): readonly AgentDecision[] {
    return this.#ofOne.get(agentId) ?? NONE;
  }

  all(): readonly AgentDecision[] {
    if (this.#late.length === 0) return this.#ofAll;
    const merged = [...this.#late, ...this.#ofAll].sort(latestFirst);
    this.#ofAll = merged.slice(0, KEPT_OF_ALL);
    this.#late = [];
    return this.#ofAll;
  }

  #addLate(decision: AgentDecision): void {
    this.#late.push(decision);
    if (this.#late.length >= KEPT_OF_ALL) this.all();
  }
}

/** One decision of one agent: the epoch of its life and the place in it. */
export const decisionKey = (one: AgentDecision): string =>
  `${one.decision?.context?.epoch ?? 0}:${one.decision?.sequence ?? 0n}`;

function newestFirst(a: AgentDecision, b: AgentDecision): number {
  const epochs = (b.decision?.context?.epoch ?? 0) - (a.decision?.context?.epoch ?? 0);
  if (epochs !== 0) return epochs;
  return compare(b.decision?.sequence ?? 0n, a.decision?.sequence ?? 0n);
}

const latestFirst = (a: AgentDecision, b: AgentDecision): number =>
  compare(b.timeUs, a.timeUs) || (a.agentId < b.agentId ? -1 : a.agentId > b.agentId ? 1 : newestFirst(a, b));

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
