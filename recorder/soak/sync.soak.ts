// Seed after seed of everything that can go wrong between edges and their hub:
//
//   npm run soak -- sync [--seconds 600] [--seed 1] [--rounds N]
//
// Partitions, kills of edge and hub before and after a commit, a hub that is put back to a backup, words that arrive
// twice, late and out of order, clocks that jump, and an edge with the identity of another. One JSON line for each seed,
// and last `lost 0 doubled 0 reordered 0`.

import { soakSeeds } from './seeds.ts';
import { NO_SYNC, syncRound } from './sync-round.ts';

await soakSeeds({ name: 'sync', round: syncRound, nothing: NO_SYNC, verdict: ['lost', 'doubled', 'reordered'] });
