import { diff3Merge } from 'node-diff3';
import { compareHybrid, type HybridTime } from './hybrid-clock.ts';

/** What a register holds: who set it to what, when (R129). */
export interface Register<Value> {
  readonly value: Value;
  readonly time: HybridTime;
  /** Tells writes of one moment apart. */
  readonly source: string;
}

/**
 * Of two writes to one register the one that holds: the later by (hybrid time, source). The same whichever comes first,
 * and however often. One source never writes twice at one moment.
 */
export function laterWrite<Value>(a: Register<Value>, b: Register<Value>): Register<Value> {
  const order = compareHybrid(a.time, b.time);
  if (order !== 0) return order > 0 ? a : b;
  return a.source >= b.source ? a : b;
}

/** A command that was given while the hub could not be heard, and what it took to be so. */
export interface ConditionalCommand {
  readonly id: string;
  /** What it changes: a mission, a fence, a robot. */
  readonly target: string;
  /** The version of the target that it was meant for; 0: that there is none yet. */
  readonly expects: number;
}

/** What is put on record of it. */
export type CommandOutcome =
  | { readonly type: 'accepted'; readonly id: string; readonly target: string; readonly version: number }
  | { readonly type: 'rejected'; readonly id: string; readonly target: string; readonly reason: string };

/**
 * Judges a command in the order in which commands are committed: that order is on record, so that whoever folds the
 * record comes to the same outcome. Nothing that was decided is decided again.
 *
 * @param versions of the targets in force; a target that is not there has version 0
 */
export function judgeCommand(versions: ReadonlyMap<string, number>, command: ConditionalCommand): CommandOutcome {
  const { id, target, expects } = command;
  const version = versions.get(target) ?? 0;
  if (version === expects) return { type: 'accepted', id, target, version: version + 1 };
  const reason = `it was meant for version ${expects} of ${target}; version ${version} is in force`;
  return { type: 'rejected', id, target, reason };
}

/** Of lines that both sides changed: what stood there, and what either made of it. */
export interface TextConflict {
  readonly base: readonly string[];
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

export type TextMerge =
  | { readonly type: 'merged'; readonly text: string }
  /** For a person, who is shown all three. */
  | { readonly type: 'conflict'; readonly conflicts: readonly TextConflict[] };

/**
 * Merges two changes of one text by lines (S. Khanna, K. Kunal, B. Pierce, "A Formal Investigation of Diff3", 2007, as
 * `node-diff3` does it). The same change on both sides is no conflict.
 */
export function mergeTexts(base: string, ours: string, theirs: string): TextMerge {
  // What only one side touched needs no lines to be compared.
  if (ours === theirs || theirs === base) return { type: 'merged', text: ours };
  if (ours === base) return { type: 'merged', text: theirs };
  const lines: string[] = [];
  const conflicts: TextConflict[] = [];
  const [a, o, b] = [ours, base, theirs].map((text) => text.split('\n')) as [string[], string[], string[]];
  for (const { ok, conflict } of diff3Merge(a, o, b, { excludeFalseConflicts: true })) {
    if (ok !== undefined) lines.push(...ok);
    else if (conflict !== undefined) conflicts.push({ base: conflict.o, ours: conflict.a, theirs: conflict.b });
  }
  return conflicts.length === 0 ? { type: 'merged', text: lines.join('\n') } : { type: 'conflict', conflicts };
}
