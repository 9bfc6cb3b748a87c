import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { warehouse } from '../../testing/warehouse.ts';
import { runSim } from '../run-sim.ts';
import type { ForkRequest } from './fork-request.ts';
import { type ForkResult, makeFork } from './make-fork.ts';
import { openWithParents } from './parents.ts';
import { type PolicyFile, parsePolicyFile } from './policy-file.ts';
import { eachOnce, type TriedPiece, triedPieces } from './tried-pieces.ts';
import { type WhatIfReport, whatIf } from './what-if.ts';

const slow = (id: string, speedMps: number): PolicyFile =>
  parsePolicyFile(
    `${id}.json`,
    JSON.stringify({
      ...{ id, rate: 'situation', when: `robot.speed_mps > ${speedMps}`, rationale: id },
      effect: { type: 'restrict', restriction: { atMost: { speedMps }, forbid: [] } },
    }),
  );
const SLOW = slow('slow', 0.8);
const SLOWER = slow('slower', 0.5);
const WITHOUT_SLOW = parsePolicyFile('faster.json', JSON.stringify({ without: ['slow'] }));
const AT_US = 8_000_000;
/** A cycle from the last one in one recording to the first one in the next. */
const SEAM_US = 100_000;
let folder = '';
let parent = '';
let some: ForkResult;
let all: ForkResult;

async function fork(name: string, more: Partial<ForkRequest>): Promise<ForkResult> {
  const request: ForkRequest = {
    ...{ agents: ['r01'], policy: SLOW, parameters: {}, without: [], orders: [], faults: [], what: 'slower' },
    ...{ atUs: AT_US, forUs: 5_000_000 },
    ...more,
  };
  const { timeline, close } = await openWithParents(parent, folder);
  try {
    return await makeFork(timeline, request, join(folder, name));
  } finally {
    await close();
  }
}

const tried = (policy: PolicyFile, recordings: readonly string[], parents: readonly string[] = []) =>
  whatIf({
    ...{ policy, recordings, parents, tenant: null, agents: [], fromUs: null, untilUs: null },
    ...{ threads: 2, hubDir: folder, facts: true },
  });

/** By whom, from when to when a decision flips; one that goes on in another recording is the same one. */
function flipping({ flips }: WhatIfReport): readonly (readonly [source: string, fromUs: number, untilUs: number])[] {
  const spans: [string, number, number][] = [];
  for (const { source, atUs, untilUs } of [...flips].sort(
    (a, b) => a.source.localeCompare(b.source) || a.atUs - b.atUs,
  )) {
    const last = spans.at(-1);
    if (last !== undefined && last[0] === source && atUs - last[2] <= SEAM_US) last[2] = untilUs;
    else spans.push([source, atUs, untilUs]);
  }
  return spans;
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-tried-pieces-'));
  parent = join(folder, 'root.sqlite');
  const run = { site: warehouse(), seed: 5, robots: 4, people: 4, minutes: 0.25, recordingPath: parent, verify: false };
  await runSim({ ...run, nowMs: () => performance.now() });
  some = await fork('some.sqlite', {});
  all = await fork('all.sqlite', { everybody: true });
});
after(() => rmSync(folder, { recursive: true }));

test('[R115] [R116] on a fork a rule is tried on whom it reused as well as on whom it recomputed, and on what it shares', async () => {
  assert.ok(some.touched.length < all.touched.length, `${some.touched.length} of ${all.touched.length} recomputed`);
  const reused = await tried(SLOWER, [some.recording]);
  const spans = flipping(reused);
  assert.deepEqual(spans, flipping(await tried(SLOWER, [all.recording])));
  const recomputed = new Set(some.touched.map(({ id }) => id));
  assert.ok(
    spans.some(([source, , untilUs]) => !recomputed.has(source) && untilUs > AT_US),
    'who was reused flips',
  );
  assert.ok(
    spans.some(([source, fromUs]) => recomputed.has(source) && fromUs < AT_US),
    'what is shared flips',
  );
  assert.ok(
    spans.every(([, , untilUs]) => untilUs <= some.endUs),
    'nobody is tried behind the end of the fork',
  );
  assert.deepEqual(new Set(reused.flips.map(({ named }) => named)), new Set([some.recording]));
});

test('[R116] what several recordings hold is tried once, and a parent that was named itself to its end', async () => {
  const own = (await triedPieces(parent, { hubDir: folder })).pieces;
  const forked = (await triedPieces(some.recording, { hubDir: folder })).pieces;
  const told = (pieces: readonly TriedPiece[]) =>
    pieces.map(({ recording, head, untilUs }) => JSON.stringify([recording, head.source, untilUs])).sort();
  assert.ok(forked.filter(({ recording }) => recording === parent).every(({ untilUs }) => untilUs !== null));
  const expected = told([...own, ...forked.filter(({ recording }) => recording === some.recording)]);
  assert.deepEqual(told(eachOnce([...own, ...forked])), expected);
  assert.deepEqual(told(eachOnce([...forked, ...own])), expected);
});

test('[R116] where only some lived under the rule that is to go it is tried on these, and where nobody did it is refused', async () => {
  const { chains, flips } = await tried(WITHOUT_SLOW, [some.recording]);
  const fits = chains.filter(({ leftOutBecause }) => leftOutBecause === null);
  assert.deepEqual(
    fits.map(({ source, recording }) => [source, recording]),
    [['r01', some.recording]],
  );
  assert.ok(flips.length > 0);
  const unfit = chains.filter((chain) => chain.unfit);
  assert.ok(unfit.some(({ source, recording }) => source === 'r01' && recording !== some.recording));
  for (const { leftOutBecause } of unfit) assert.match(leftOutBecause ?? '', /there is no rule 'slow' to leave out/);
  await assert.rejects(tried(WITHOUT_SLOW, [parent]), { name: 'PolicyFileError', message: /no rule 'slow'/ });
});

test('[R112] [R116] without its parent a fork is tried as far as it goes, and what was not is named', async () => {
  const away = join(folder, 'away');
  renameSync(parent, away);
  try {
    const { unreached, flips } = await tried(SLOWER, [some.recording]);
    assert.deepEqual(
      unreached.map(({ recording }) => recording),
      [some.recording],
    );
    assert.match(unreached[0]?.why ?? '', /root\.sqlite: that recording is not there/);
    assert.ok(flips.length > 0 && flips.every(({ recording }) => recording === some.recording));
  } finally {
    renameSync(away, parent);
  }
  const elsewhere = await tried(SLOWER, [some.recording], [parent]);
  assert.deepEqual(elsewhere.unreached, []);
});
