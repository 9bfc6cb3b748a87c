import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { APPENDER } from './appender.ts';
import { type CrashImages, type CrashPlan, crashImages } from './crash-images.ts';
import { type IoFault, meetFault } from './io-faults.ts';
import type { Finding } from './judge.ts';
import { killLives } from './kills.ts';
import { leaveLanding, type RotResult, rotAndLook, takeDown } from './rot.ts';
import { scratchRoot } from './seeds.ts';
import { type FileCall, straceMissing, traceNode } from './strace.ts';

const SEED = 41;
/** More than these lives fill, and few to lay out: a trace holds every byte. */
const LOG_PAGES = '60';
const skip = straceMissing ?? false;
const home = mkdtempSync(join(tmpdir(), 'sigma-durability-'));
const images = mkdtempSync(join(scratchRoot(), 'sigma-durability-'));
const scratch = join(images, 'disk');
after(() => {
  rmSync(home, { recursive: true });
  rmSync(images, { recursive: true });
});

const told = (findings: readonly Finding[]): string[] => findings.map(({ kind, what }) => `${kind}: ${what}`);

/** A folder of its own for a recording, and the command line that appends to it. */
function appenderIn(name: string): { readonly folder: string; readonly appender: readonly string[] } {
  const folder = mkdtempSync(join(home, `${name}-`));
  return { folder, appender: [APPENDER, join(folder, 'recording.db')] };
}

function cutPower(
  folder: string,
  lives: readonly (readonly FileCall[])[],
  cutEvery: number,
  enough: CrashPlan['enough'] = () => false,
): Promise<CrashImages> {
  const name = 'recording.db';
  return crashImages({ lives, folder, name, scratch, seed: SEED, cutEvery, imagesPerCut: 6, exhaustUpTo: 32, enough });
}

test('[R130] [L3] the power goes at any moment of two lives: in every image that the disk may hold, everything acknowledged is there, once, and recording goes on', {
  skip,
}, async () => {
  const { folder, appender } = appenderIn('power');
  // Few blocks that land together and few pages of log, so that copies of both into the database are among the moments.
  const size = ['11', '3000', '30', '7'];
  const lives = [await traceNode([...appender, '5', ...size]), await traceNode([...appender, '6', ...size])];
  assert.deepEqual(
    lives.map(({ code }) => code),
    [0, 0],
  );
  const result = await cutPower(
    folder,
    lives.map(({ calls }) => calls),
    5,
  );
  assert.deepEqual(told(result.findings), []);
  assert.ok(result.images > 250 && result.cuts > 40 && result.exhausted > 0, JSON.stringify(result));
});

test('[L3] the exam itself: a writer that does not sync, and one that acknowledges too early, lose something in some image', {
  skip,
}, async () => {
  const { folder, appender } = appenderIn('liar');
  const { calls } = await traceNode([...appender, '5', '4', '600', LOG_PAGES]);
  const loses = (findings: readonly Finding[]): boolean => findings.some(({ kind }) => kind === 'lost');
  // The first image in which something is lost tells of a liar what all of them would.
  const lost = async (liar: readonly FileCall[]): Promise<boolean> =>
    loses((await cutPower(folder, [liar], 2, loses)).findings);
  assert.equal(await lost(calls), false, 'honest');
  const careless = calls.filter(({ kind }) => kind !== 'sync-ends');
  assert.equal(await lost(careless), true, 'nothing synced');
  const hasty = [...calls];
  for (let n = 1; n < hasty.length; n++) {
    const call = hasty[n] as FileCall;
    if (call.kind !== 'write' || call.fd !== 1) continue;
    const before = hasty.findLastIndex((other, at) => at < n && other.kind === 'sync-begins');
    hasty.splice(n, 1);
    hasty.splice(before, 0, call);
  }
  assert.equal(await lost(hasty), true, 'acknowledged before the sync');
});

const FAULTS: readonly IoFault[] = [
  { call: 'fsync', error: 'EIO', at: 3, lasts: 'once' },
  { call: 'fsync', error: 'EIO', at: 11, lasts: 'once' },
  { call: 'fsync', error: 'EIO', at: 12, lasts: 'fatal' },
  { call: 'fsync', error: 'EIO', at: 14, lasts: 'forever' },
  { call: 'fdatasync', error: 'EIO', at: 4, lasts: 'once' },
  { call: 'fdatasync', error: 'EIO', at: 7, lasts: 'fatal' },
  { call: 'pwrite64', error: 'ENOSPC', at: 40, lasts: 'forever' },
  { call: 'pwrite64', error: 'EIO', at: 55, lasts: 'once' },
];

for (const fault of FAULTS) {
  test(`[R48] [R131] [L3] ${fault.call} fails with ${fault.error} (call ${fault.at}, ${fault.lasts}): the error is final, and no power cut in this life or the next loses what was acknowledged`, {
    skip,
  }, async () => {
    const { folder, appender } = appenderIn('fault');
    const plan = { folder, name: 'recording.db', scratch, seed: SEED, cutEvery: 7 };
    const met = await meetFault({ ...plan, appender: [...appender, '5', '4', '2000', LOG_PAGES, '5'] }, fault);
    assert.deepEqual(told(met.findings), []);
    assert.equal(met.struck, true);
    // A fault of the first syncs ends the life early: how many calls it had made by then is up to its threads.
    assert.ok(met.images >= 4, `${met.images} images`);
  });
}

test(`[R132] [L3] a sync of the database fails while the log is copied into it: nobody is told that all is well`, {
  skip,
}, async () => {
  const { folder, appender } = appenderIn('copy');
  const faithful = await traceNode([...appender, '5', '12', '2000', '20', '5']);
  const database = join(folder, 'recording.db');
  const inOrder = syncedPaths(faithful.calls);
  const copies = inOrder.flatMap((path, n) => (path === database ? [n + 1] : []));
  // The first is the header of the new file, the last the copy that closing makes.
  const at = copies[1] ?? 0;
  assert.ok(copies.length > 2, `synced ${inOrder.join(' ')}`);
  rmSync(folder, { recursive: true });
  const again = appenderIn('copy-fails');
  const plan = { folder: again.folder, name: 'recording.db', scratch, seed: SEED, cutEvery: 20 };
  const met = await meetFault(
    { ...plan, appender: [...again.appender, '5', '12', '2000', '20', '5'] },
    { call: 'fsync', error: 'EIO', at, lasts: 'once' },
  );
  assert.deepEqual([met.struck, told(met.findings)], [true, []]);
});

/** Paths of synced files, in order of the syncs. */
function syncedPaths(calls: readonly FileCall[]): string[] {
  const paths = new Map<number, string>();
  return calls.flatMap((call) => {
    if (call.kind === 'open') paths.set(call.fd, call.path);
    return call.kind === 'sync-begins' ? [paths.get(call.fd) ?? ''] : [];
  });
}

test('[R47] [L3] a slow disk: many blocks gather for one sync, and nothing is acknowledged before it', {
  skip,
}, async () => {
  const { folder, appender } = appenderIn('slow');
  const slow = await traceNode([...appender, '5', '12', '600', LOG_PAGES], ['fsync:delay_enter=20000']);
  assert.equal(slow.code, 0);
  const first = slow.calls.findIndex((call) => call.kind === 'write' && call.fd === 1);
  const syncs = slow.calls.filter(({ kind }, n) => n > first && kind === 'sync-begins').length;
  const acknowledged = slow.stdout.split('\n').filter((line) => line.startsWith('r0')).length;
  assert.equal(acknowledged, 36);
  assert.ok(syncs < acknowledged, `${syncs} syncs for ${acknowledged} acknowledgements`);
  assert.deepEqual(told((await cutPower(folder, [slow.calls], 9)).findings), []);
});

test(`[R47] [L3] killed at 4 moments (seed ${SEED}), it opens by itself: nothing acknowledged is lost or doubled`, async () => {
  const { appender } = appenderIn('killed');
  const [program = '', path = ''] = appender;
  const { acknowledgements, findings } = await killLives([program], path, SEED, 4);
  assert.deepEqual(told(findings), []);
  assert.ok(acknowledgements > 100, `${acknowledgements} acknowledgements make a poor exam`);
});

test(`[R134] [L4] rot anywhere in the file (seeds from ${SEED}): found, and located wherever the store can still say what it holds`, async () => {
  const { appender } = appenderIn('rotten');
  const [program = '', path = ''] = appender;
  await killLives([program], path, SEED, 1);
  const honest = await takeDown(path);
  const outcomes = new Map<RotResult['outcome'], number>();
  for (let n = 0; n < 150; n++) {
    const { outcome, findings } = await rotAndLook(honest, join(images, 'rotten.db'), SEED * 1000 + n);
    assert.deepEqual(told(findings), []);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  assert.ok((outcomes.get('located') ?? 0) > 75, JSON.stringify([...outcomes]));
  assert.ok((outcomes.get('harmless') ?? 0) < 60, JSON.stringify([...outcomes]));
});

test(`[R138] [L4] rot anywhere in what has landed (seeds from ${SEED}): found, and located, by whoever knows how far the record went`, async () => {
  const outcomes = new Map<RotResult['outcome'], number>();
  for (let life = 0; life < 6; life++) {
    const left = await takeDown(await leaveLanding(join(home, 'landing'), SEED + life));
    for (let n = 0; n < 25; n++) {
      const { outcome, findings } = await rotAndLook(left, join(images, 'rotten.db'), SEED * 1000 + life * 25 + n);
      assert.deepEqual(told(findings), []);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  }
  assert.ok((outcomes.get('located') ?? 0) > 100, JSON.stringify([...outcomes]));
});
