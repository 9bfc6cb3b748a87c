import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { draw } from '@sigma/kernel';
import { APPENDER } from './appender.ts';
import { crashImages } from './crash-images.ts';
import { type IoFault, meetFault } from './io-faults.ts';
import type { Finding } from './judge.ts';
import { killLives } from './kills.ts';
import { leaveLanding, rotAndLook, takeDown } from './rot.ts';
import { scratchRoot, together } from './seeds.ts';
import { straceMissing, traceNode } from './strace.ts';

/** What one seed tried, and what it found. */
export interface Tally {
  /** Moments at which the power was cut, and disk images recovered from. */
  readonly cuts: number;
  readonly images: number;
  /** Faults of the disk that struck a running writer. */
  readonly faults: number;
  /** Processes killed, and acknowledgements they had given. */
  readonly kills: number;
  readonly acknowledgements: number;
  /** Files damaged at rest, and in how many of them events were altered or the file refused. */
  readonly rotten: number;
  readonly detected: number;
  readonly findings: readonly Finding[];
}

export const NOTHING: Tally = {
  cuts: 0,
  images: 0,
  faults: 0,
  kills: 0,
  acknowledgements: 0,
  rotten: 0,
  detected: 0,
  findings: [],
};

/** One seed: power cuts, a fault of the disk, kills, and rot, each on recordings that a real writer made. */
export async function soakRound(seed: number): Promise<Tally> {
  const chance = (k: number, of: number): number => draw(seed, 1, 0, 41, k) % of;
  const home = mkdtempSync(join(tmpdir(), 'sigma-soak-'));
  const scratch = join(mkdtempSync(join(scratchRoot(), 'sigma-images-')), 'disk');
  /** Appends, bytes of a block, pages of the log, blocks that land together: few, or many with copies in between. */
  const size = [
    String(2 + chance(0, 12)),
    String([300, 3000, 20_000][chance(1, 3)]),
    String([20, 60, 200][chance(2, 3)]),
    String([1, 4, 16, 128][chance(3, 4)]),
  ];
  let tally = NOTHING;
  try {
    if (straceMissing === null) {
      tally = together(tally, await powerCuts(join(home, 'cut'), scratch, seed, size));
      tally = together(tally, await fault(join(home, 'fault'), scratch, seed, size, faultOf(seed)));
    }
    const killed = join(home, 'killed.db');
    const lives = 2;
    tally = together(tally, { kills: lives, ...(await killLives([APPENDER], killed, seed, lives)) });
    const honest = await takeDown(killed);
    for (let n = 0; n < 40; n++) {
      const { outcome, findings } = await rotAndLook(honest, `${scratch}-rotten.db`, seed * 1000 + n);
      tally = together(tally, {
        rotten: 1,
        detected: outcome === 'located' || outcome === 'refused' ? 1 : 0,
        findings,
      });
    }
    const left = await takeDown(await leaveLanding(join(home, 'landing'), seed));
    for (let n = 0; n < 20; n++) {
      const { outcome, findings } = await rotAndLook(left, `${scratch}-rotten.db`, seed * 1000 + 500 + n);
      tally = together(tally, {
        rotten: 1,
        detected: outcome === 'located' || outcome === 'refused' ? 1 : 0,
        findings,
      });
    }
    return tally;
  } finally {
    rmSync(home, { recursive: true, force: true });
    rmSync(join(scratch, '..'), { recursive: true, force: true });
  }
}

/** A fault by seed: any call, at any place of a run. */
function faultOf(seed: number): IoFault {
  const chance = (k: number, of: number): number => draw(seed, 1, 0, 42, k) % of;
  const call =
    (['fsync', 'fdatasync', 'fdatasync', 'pwrite64', 'pwrite64', 'ftruncate'] as const)[chance(0, 6)] ?? 'fsync';
  const error = call === 'pwrite64' && chance(1, 2) === 0 ? 'ENOSPC' : 'EIO';
  const at = 1 + chance(2, call === 'fsync' || call === 'fdatasync' ? 24 : call === 'ftruncate' ? 2 : 90);
  return { call, error, at, lasts: (['once', 'forever', 'fatal'] as const)[chance(3, 3)] ?? 'once' };
}

async function powerCuts(
  folder: string,
  scratch: string,
  seed: number,
  size: readonly string[],
): Promise<Partial<Tally>> {
  const appender = appenderIn(folder);
  const first = await traceNode([...appender, String(seed), ...size]);
  const second = await traceNode([...appender, String(seed + 1), ...size]);
  return crashImages({
    lives: [first.calls, second.calls],
    folder,
    name: 'recording.db',
    scratch,
    seed,
    cutEvery: 7,
    imagesPerCut: 6,
    exhaustUpTo: 64,
  });
}

async function fault(
  folder: string,
  scratch: string,
  seed: number,
  size: readonly string[],
  what: IoFault,
): Promise<Partial<Tally>> {
  const appender = [...appenderIn(folder), String(seed), ...size];
  const met = await meetFault({ appender, folder, name: 'recording.db', scratch, seed, cutEvery: 12 }, what);
  return { images: met.images, faults: met.struck ? 1 : 0, findings: met.findings };
}

function appenderIn(folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true });
  return [APPENDER, join(folder, 'recording.db')];
}
