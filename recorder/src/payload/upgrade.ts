import type { Opening } from './opening.ts';

/** What a writer is made of; whatever else an opening says is about whom it writes for. */
type Makings = Pick<Opening, 'software' | 'model' | 'modelVersion' | 'flags' | 'policyHash'>;

/** What changed between two lives of one writer, each thing with what it was and what it is. */
export type Upgrade = Readonly<
  Partial<Record<keyof Makings, { readonly from: string | number; readonly to: string | number }>>
>;

const PARTS = ['software', 'model', 'modelVersion', 'flags', 'policyHash'] as const;

/**
 * Says what a writer was upgraded in (R15). A way back is an upgrade too.
 *
 * @returns null when it is made of the same as in the life before
 */
export function upgradeBetween(before: Makings, after: Makings): Upgrade | null {
  const changed: { -readonly [Part in keyof Upgrade]: Upgrade[Part] } = {};
  for (const part of PARTS) {
    const from = textOf(before[part]);
    const to = textOf(after[part]);
    if (from !== to) changed[part] = { from, to };
  }
  return Object.keys(changed).length === 0 ? null : changed;
}

/** Flags are a set: their order means nothing. */
const textOf = (value: string | number | readonly number[]): string | number =>
  typeof value === 'object' ? [...value].sort((a, b) => a - b).join(',') : value;
