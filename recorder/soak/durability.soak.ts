// Seed after seed of everything a disk, a power line and a killer can do to a recording:
//
//   npm run soak -- recorder [--seconds 600] [--seed 1] [--rounds N]
//
// One JSON line for each seed, one line of sums, and last `lost 0 doubled 0 undetected 0`.

import { NOTHING, soakRound } from './round.ts';
import { soakSeeds } from './seeds.ts';
import { straceMissing } from './strace.ts';

if (straceMissing !== null) console.error(`Without power cuts and disk faults: ${straceMissing}`);
await soakSeeds({ name: 'recorder', round: soakRound, nothing: NOTHING, verdict: ['lost', 'doubled', 'undetected'] });
