import { accessSync, constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

/** Something that a seed found, and of what kind. */
interface Found {
  readonly kind: string;
  readonly what: string;
}

/** What one seed tried, counted, and what it found. */
type SeedTally<Finding extends Found> = { readonly findings: readonly Finding[] };

/** The sum of two tallies; what the second leaves out counts nothing. */
export function together<Tally extends SeedTally<Found>>(a: Tally, b: Partial<Tally>): Tally {
  const sums = Object.entries(a).map(([name, count]) => {
    const more = (b as Record<string, unknown>)[name];
    return [name, typeof count === 'number' ? count + Number(more ?? 0) : [...count, ...((more as []) ?? [])]];
  });
  return Object.fromEntries(sums) as Tally;
}

/** Folder that forgets quickly and whose syncs cost nothing. */
export function scratchRoot(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}

export interface Soak<Finding extends Found, Tally extends SeedTally<Finding>> {
  /** As `npm run soak -- NAME` calls it. */
  readonly name: string;
  readonly round: (seed: number) => Promise<Tally>;
  readonly nothing: Tally;
  /** Kinds of findings that the last line counts. */
  readonly verdict: readonly Finding['kind'][];
}

/**
 * A program that tries seed after seed: `[--seconds 600] [--seed 1] [--rounds N]`. One JSON line for each seed, one line
 * of sums, and last the verdict. A finding is printed with the command that repeats its seed, and the exit code is 1.
 */
export async function soakSeeds<Finding extends Found, Tally extends SeedTally<Finding>>(
  soak: Soak<Finding, Tally>,
): Promise<void> {
  process.exitCode = await trySeeds(soak).catch((error: unknown) => {
    console.error(error instanceof TypeError ? error.message : error);
    return error instanceof TypeError ? 2 : 70;
  });
}

async function trySeeds<Finding extends Found, Tally extends SeedTally<Finding>>(
  soak: Soak<Finding, Tally>,
): Promise<number> {
  const { seconds, from, rounds } = readFlags();
  const endMs = performance.now() + seconds * 1000;
  let all = soak.nothing;
  let seed = from;
  for (; seed < from + rounds && performance.now() < endMs; seed++) {
    const tally = await soak.round(seed);
    const { findings, ...counts } = tally;
    console.log(JSON.stringify({ seed, ...counts, findings: findings.length }));
    for (const { kind, what } of findings.slice(0, 5)) console.error(`${kind}: ${what}`);
    if (findings.length > 0) console.error(`  npm run soak -- ${soak.name} --seed ${seed} --rounds 1`);
    all = together(all, tally);
  }
  const { findings, ...sums } = all;
  const counted = (kind: string): number => findings.filter((finding) => finding.kind === kind).length;
  const told = Object.entries(sums).map(([name, count]) => `${name} ${count}`);
  console.log(`seeds ${from} to ${seed - 1}: ${told.join(' ')} unsound ${counted('unsound')}`);
  console.log(soak.verdict.map((kind) => `${kind} ${counted(kind)}`).join(' '));
  return findings.length === 0 ? 0 : 1;
}

function readFlags(): { readonly seconds: number; readonly from: number; readonly rounds: number } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { seconds: text, seed: text, rounds: text } });
  const seconds = Number(values.seconds ?? 600);
  const from = Number(values.seed ?? 1);
  const rounds = values.rounds === undefined ? Number.POSITIVE_INFINITY : Number(values.rounds);
  if (seconds > 0 && Number.isSafeInteger(from) && from >= 0 && rounds > 0) return { seconds, from, rounds };
  throw new TypeError('--seconds and --rounds are above 0, --seed is a whole number from 0');
}
