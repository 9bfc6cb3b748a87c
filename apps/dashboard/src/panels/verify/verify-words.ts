import type { StretchResult, VerifyReport } from '@sigma/recorder';

/** What the worker says to the page. */
export type VerifyNews =
  | { readonly type: 'progress'; readonly source: string; readonly sequence: number; readonly ofSequence: number }
  | { readonly type: 'report'; readonly summary: VerifySummary }
  | { readonly type: 'failed'; readonly message: string };

export interface VerifySummary {
  /** "ok", or the first failure in a sentence. */
  readonly result: string;
  readonly ok: boolean;
  readonly head: string;
  readonly events: number;
  readonly wakes: number;
  readonly chains: readonly ChainSummary[];
  readonly firstFailure: { readonly recorded: string | null; readonly expected: string | null } | null;
}

export interface ChainSummary {
  readonly name: string;
  readonly model: string;
  readonly events: number;
  readonly reexecuted: number;
  /** "1–812 re-executed, 813–900 chain-only". */
  readonly stretches: string;
  /** The same as numbers, first and last event of each. */
  readonly parts: readonly { readonly from: number; readonly to: number; readonly result: StretchResult }[];
  readonly note: string;
  readonly failures: number;
}

/** The report as the page shows it: small enough to cross to it, in words. */
export function summariseReport(report: VerifyReport): VerifySummary {
  const { firstFailure } = report;
  return {
    ok: report.ok,
    result: report.ok ? 'ok' : (firstFailure?.message ?? 'failed'),
    head: report.head,
    events: report.events,
    wakes: report.wakes,
    firstFailure: firstFailure === null ? null : { recorded: firstFailure.recorded, expected: firstFailure.expected },
    chains: report.chains.map((chain) => ({
      name: chain.epoch === 0 ? chain.source : `${chain.source} epoch ${chain.epoch}`,
      model: chain.model,
      events: chain.events,
      reexecuted: chain.reexecuted,
      stretches: chain.stretches
        .map(({ fromSequence: from, toSequence: to, result }) => `${from === to ? from : `${from}–${to}`} ${result}`)
        .join(', '),
      parts: chain.stretches.map(({ fromSequence, toSequence, result }) => ({
        from: fromSequence,
        to: toSequence,
        result,
      })),
      note: chain.failures[0]?.message ?? chain.chainOnlyBecause ?? '',
      failures: chain.failures.length,
    })),
  };
}
