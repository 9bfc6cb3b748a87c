// Seed after seed of everything that can go wrong between edges and their hub:
//
//   npm run soak -- sync [--seconds 600] [--seed 1] [--rounds N]
//
// Partitions, kills of edge and hub before and after a commit, a hub that is put back to a backup, words that arrive
// twice, late and out of order, clocks that jump, and an edge with the identity of another. One JSON line for each seed,
// and last `lost 0 doubled 0 reordered 0`. A finding is printed with the command that repeats its seed.

import { parseArgs } from 'node:util';
import { NO_SYNC, type SyncFault, syncRound, together } from './sync-round.ts';

function readFlags(): { readonly seconds: number; readonly from: number; readonly rounds: number } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { seconds: text, seed: text, rounds: text } });
  const seconds = Number(values.seconds ?? 600);
  const from = Number(values.seed ?? 1);
  const rounds = values.rounds === undefined ? Number.POSITIVE_INFINITY : Number(values.rounds);
  if (seconds > 0 && Number.isSafeInteger(from) && from >= 0 && rounds > 0) return { seconds, from, rounds };
  throw new TypeError('--seconds and --rounds are above 0, --seed is a whole number from 0');
}

async function soak(): Promise<number> {
  const { seconds, from, rounds } = readFlags();
  const endMs = performance.now() + seconds * 1000;
  let all = NO_SYNC;
  let seed = from;
  for (; seed < from + rounds && performance.now() < endMs; seed++) {
    const tally = await syncRound(seed);
    const { findings, ...counts } = tally;
    console.log(JSON.stringify({ seed, ...counts, findings: findings.length }));
    for (const { kind, what } of findings.slice(0, 5)) console.error(`${kind}: ${what}`);
    if (findings.length > 0) console.error(`  npm run soak -- sync --seed ${seed} --rounds 1`);
    all = together(all, tally);
  }
  const { findings, ...sums } = all;
  const counted = (kind: SyncFault['kind']): number => findings.filter((finding) => finding.kind === kind).length;
  const told = Object.entries(sums).map(([name, count]) => `${name} ${count}`);
  console.log(`seeds ${from} to ${seed - 1}: ${told.join(' ')} unsound ${counted('unsound')}`);
  console.log((['lost', 'doubled', 'reordered'] as const).map((kind) => `${kind} ${counted(kind)}`).join(' '));
  return findings.length === 0 ? 0 : 1;
}

process.exitCode = await soak().catch((error: unknown) => {
  console.error(error instanceof TypeError ? error.message : error);
  return error instanceof TypeError ? 2 : 70;
});
