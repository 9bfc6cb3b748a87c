import { InvalidArgumentError } from 'commander';

/** What a command takes that reads a recording, as its help says it. */
export const A_RECORDING = 'recording or fork: a file, an archive (folder or s3://…), or postgres://…?tenant=…';

/** A whole number within bounds, both inclusive. Commander prints the option and this message. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
  };
}

/** A number within bounds; `above` itself is not allowed. */
export function numberAbove(above: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value > above && value <= most) return value;
    throw new InvalidArgumentError(`Give a number above ${above}, at most ${most}.`);
  };
}

/** A share from 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('Give a number from 0 to 1.');
}

/** Collects a repeatable option. */
export const each = (text: string, before: readonly string[]): readonly string[] => [...before, text];
