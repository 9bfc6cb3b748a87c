/**
 * Changes of the kernel's behaviour after a release, by number (after Temporal's SDK flags). An agent carries the
 * flags it was created with, and its recording names them: a kernel that knows a flag replays both behaviours for
 * ever; one that does not refuses the recording rather than replay it wrongly. Numbers are never used again.
 */
export interface KernelFlag {
  readonly number: number;
  readonly meaning: string;
}

export const KERNEL_FLAGS: readonly KernelFlag[] = [];

export class UnknownFlagError extends Error {
  readonly flag: number;

  constructor(flag: number) {
    super(`Behaviour flag ${flag} is unknown here: the recording comes from a newer version; update to replay it`);
    this.name = 'UnknownFlagError';
    this.flag = flag;
  }
}

/** @throws UnknownFlagError for the smallest flag that `known` lacks */
export function checkFlags(flags: readonly number[], known: readonly KernelFlag[] = KERNEL_FLAGS): readonly number[] {
  const sorted = [...new Set(flags)].sort((a, b) => a - b);
  for (const flag of sorted) if (!known.some(({ number }) => number === flag)) throw new UnknownFlagError(flag);
  return sorted;
}
