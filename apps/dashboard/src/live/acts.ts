import type { OrderReceipt } from '@sigma/proto';

/** What an operator did, and what became of it: never what was asked alone. */
export interface Act {
  readonly id: number;
  /** "Stop r17", as a person would say it. */
  readonly title: string;
  /** Whom it concerns; empty: the whole site. */
  readonly agentIds: readonly string[];
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly kind: 'pending' }
  | { readonly kind: 'done'; readonly detail: string }
  /** Accepted by some and not by others: `detail` names them. */
  | { readonly kind: 'partly'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string };

const ACTS_KEPT = 50;

/** The acts of this page, newest first. */
export class Acts {
  #acts: readonly Act[] = [];
  #next = 1;
  #listeners = new Set<() => void>();
  readonly #explain: (error: unknown) => string;

  constructor(explain: (error: unknown) => string) {
    this.#explain = explain;
  }

  /** Runs the act and keeps what came of it. Never throws: a failure is an outcome that the screen shows. */
  async run<T>(
    title: string,
    agentIds: readonly string[],
    act: () => Promise<T>,
    judge: (answer: T) => Outcome,
  ): Promise<T | undefined> {
    const id = this.#next++;
    this.#put({ id, title, agentIds, outcome: { kind: 'pending' } });
    try {
      const answer = await act();
      this.#put({ id, title, agentIds, outcome: judge(answer) });
      return answer;
    } catch (error) {
      this.#put({ id, title, agentIds, outcome: { kind: 'failed', detail: this.#explain(error) } });
      return undefined;
    }
  }

  get all(): readonly Act[] {
    return this.#acts;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #put(act: Act): void {
    const rest = this.#acts.filter((one) => one.id !== act.id);
    this.#acts = [act, ...rest].sort((a, b) => b.id - a.id).slice(0, ACTS_KEPT);
    for (const listener of [...this.#listeners]) listener();
  }
}

const MEANING: Readonly<Record<string, string>> = {
  accepted: 'accepted by the robot',
  refused: 'refused by the robot',
  unreachable: 'robot not reachable',
  sent: 'sent, no answer yet',
};

/** Sums up receipts: one is told in full, many are counted with the exceptions named. */
export function judgeReceipts(receipts: readonly (OrderReceipt | undefined)[]): Outcome {
  const given = receipts.filter((receipt) => receipt !== undefined);
  const only = given[0];
  if (only === undefined) return { kind: 'failed', detail: 'the hub gave no receipt' };
  if (given.length === 1) {
    const detail = `${MEANING[only.outcome] ?? only.outcome}${only.reason === '' ? '' : `: ${only.reason}`}`;
    return only.outcome === 'accepted'
      ? { kind: 'done', detail }
      : { kind: only.outcome === 'sent' ? 'partly' : 'failed', detail };
  }
  const accepted = given.filter((receipt) => receipt.outcome === 'accepted').length;
  if (accepted === given.length) return { kind: 'done', detail: `accepted by all ${accepted}` };
  const others = given.filter((receipt) => receipt.outcome !== 'accepted');
  const named = others.slice(0, 5).map((receipt) => `${receipt.agentId} ${receipt.outcome}`);
  const more = others.length > 5 ? ` and ${others.length - 5} more` : '';
  return {
    kind: accepted === 0 ? 'failed' : 'partly',
    detail: `accepted by ${accepted} of ${given.length}; ${named.join(', ')}${more}`,
  };
}
