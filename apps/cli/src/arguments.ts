import { isIP } from 'node:net';
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

/** An address, or a network as RFC 4632 writes it, behind those that were given before. */
export function networks(text: string, before: readonly string[] = []): readonly string[] {
  const [, address = '', length = '0'] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (Number(length) <= longest) return [...before, text];
  throw new InvalidArgumentError('Give an address like 10.0.0.5, or a network like 10.0.0.0/24.');
}

/** A share from 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('Give a number from 0 to 1.');
}

/** Collects a repeatable option. */
export const each = (text: string, before: readonly string[]): readonly string[] => [...before, text];
