import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { draw } from '@sigma/kernel';
import { DiskModel, type Image, STYLES } from './disk-model.ts';
import { type Finding, judgeRecovery, promisesIn } from './judge.ts';
import type { FileCall } from './strace.ts';

export interface CrashImages {
  /** Images recovered from. */
  readonly images: number;
  /** Moments of the power cut. */
  readonly cuts: number;
  /** Moments at which every legal image was tried. */
  readonly exhausted: number;
  readonly findings: readonly Finding[];
}

export interface CrashPlan {
  /** Calls of one process after another, on the same disk. */
  readonly lives: readonly (readonly FileCall[])[];
  /** Folder that the recording stood in, and its name there. */
  readonly folder: string;
  readonly name: string;
  /** Where images are put to be recovered from; a memory file system makes it quick. */
  readonly scratch: string;
  readonly seed: number;
  /** One call in so many is followed by a power cut, by chance; of twice as many in a row, one always is. */
  readonly cutEvery: number;
  readonly imagesPerCut: number;
  /** A moment with at most so many legal images is tried with all of them. */
  readonly exhaustUpTo: number;
  /** Stops early, behind an image, once it has found enough. */
  readonly enough?: (findings: readonly Finding[]) => boolean;
}

/** Cuts the power at seeded moments of what processes did, and recovers from what the disk may hold then. */
export async function crashImages(plan: CrashPlan): Promise<CrashImages> {
  // Shared memory is rebuilt by whoever opens the recording next; after a power cut there is none.
  const disk = new DiskModel(plan.folder, (name) => name.endsWith('-shm'));
  const promised = new Map<string, number>();
  const findings: Finding[] = [];
  let [images, cuts, exhausted, moment, uncut] = [0, 0, 0, 0, 0];
  const path = join(plan.scratch, plan.name);
  /** @returns whether that was enough */
  const recover = async (image: Image, readFirst: boolean, how: string): Promise<boolean> => {
    rmSync(plan.scratch, { recursive: true, force: true });
    mkdirSync(plan.scratch, { recursive: true });
    for (const [name, content] of image) writeFileSync(join(plan.scratch, name), content);
    images++;
    for (const { kind, what } of await judgeRecovery(path, promised, readFirst)) {
      findings.push({ kind, what: `power cut after call ${moment}, ${how}: ${what}` });
    }
    return plan.enough?.(findings) === true;
  };
  const found = (): CrashImages => ({ images, cuts, exhausted, findings });
  for (const calls of plan.lives) {
    for (const call of calls) {
      moment++;
      // A promise made while something is open is as good a moment as a write: it may have been made too early.
      const promises = call.kind === 'write' && call.fd === 1;
      if (promises) promisesIn(new TextDecoder('latin1').decode(call.bytes), promised);
      const changed = promises ? disk.open > 0 : disk.apply(call);
      if (!changed) continue;
      // What threads do comes in another order each time, and so does what chance makes of it.
      if (draw(plan.seed, 1, moment, 11, 0) % plan.cutEvery !== 0 && ++uncut < 2 * plan.cutEvery) continue;
      uncut = 0;
      cuts++;
      const all = disk.everyImage(plan.exhaustUpTo);
      if (all !== null) {
        exhausted++;
        for (const [n, image] of all.entries())
          if (await recover(image, n % 3 === 0, `image ${n} of all ${all.length}`)) return found();
        continue;
      }
      for (let n = 0; n < plan.imagesPerCut; n++) {
        const style = STYLES[draw(plan.seed, 2, moment, 11, n) % STYLES.length] ?? 'all';
        const image = disk.image(style, draw(plan.seed, 3, moment, 11, n));
        if (await recover(image, n % 3 === 0, `seed ${plan.seed}, image ${n} (${style})`)) return found();
      }
    }
    disk.processEnded();
  }
  return found();
}
