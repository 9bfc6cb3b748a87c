// Seed after seed of everything a disk, a power line and a killer can do to a recording:
//
//   npm run soak -- recorder [--seconds 600] [--seed 1] [--rounds N]
//
// One JSON line for each seed, one line of sums, and last `lost 0 doubled 0 undetected 0`. A finding is printed with
// the command that repeats its seed, and the program ends with code 1.

import { parseArgs } from 'node:util';
import type { Finding } from './judge.ts';
import { NOTHING, soakRound, type Tally, together } from './round.ts';
import { straceMissing } from './strace.ts';

function readFlags(): { readonly seconds: number; readonly from: number; readonly rounds: number } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { seconds: text, seed: text, rounds: text } });
  const seconds = Number(values.seconds ?? 600);
  const from = Number(values.seed ?? 1);
  const rounds = values.rounds === undefined ? Number.POSITIVE_INFINITY : Number(values.rounds);
  if (seconds > 0 && Number.isSafeInteger(from) && from >= 0 && rounds > 0) return { seconds, from, rounds };
  throw new TypeError('--seconds and --rounds are above 0, --seed is a whole number from 0');
}

const counted = (findings: readonly Finding[], kind: Finding['kind']): number =>
  findings.filter((finding) => finding.kind === kind).length;

async function soak(): Promise<number> {
  const { seconds, from, rounds } = readFlags();
  if (straceMissing !== null) console.error(`Without power cuts and disk faults: ${straceMissing}`);
  const endMs = performance.now() + seconds * 1000;
  let all: Tally = NOTHING;
  let seed = from;
  for (; seed < from + rounds && performance.now() < endMs; seed++) {
    const tally = await soakRound(seed);
    const { findings, ...counts } = tally;
    console.log(JSON.stringify({ seed, ...counts, findings: findings.length }));
    for (const { kind, what } of findings.slice(0, 5)) console.error(`${kind}: ${what}`);
    if (findings.length > 0) console.error(`  npm run soak -- recorder --seed ${seed} --rounds 1`);
    all = together(all, tally);
  }
  const { findings, ...sums } = all;
  const told = Object.entries(sums).map(([name, count]) => `${name} ${count}`);
  console.log(`seeds ${from} to ${seed - 1}: ${told.join(' ')} unsound ${counted(findings, 'unsound')}`);
  const verdict = (['lost', 'doubled', 'undetected'] as const).map((kind) => `${kind} ${counted(findings, kind)}`);
  console.log(verdict.join(' '));
  return findings.length === 0 ? 0 : 1;
}

process.exitCode = await soak().catch((error: unknown) => {
  console.error(error instanceof TypeError ? error.message : error);
  return error instanceof TypeError ? 2 : 70;
});
