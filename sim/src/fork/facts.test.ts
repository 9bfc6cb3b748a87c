import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { FleetBelief } from '@sigma/fleet-model';
import {
  type ChainTrial,
  FactsDisagreeError,
  gatherFacts,
  type KeptStretch,
  openingOf,
  type Recording,
  tryPolicy,
} from '@sigma/recorder';
import { FactsFile } from '@sigma/recorder/facts';
import { openSqliteRecording } from '@sigma/recorder/sqlite';
import { warehouse } from '../../testing/warehouse.ts';
import { modelsOf } from '../recording.ts';
import { runSim } from '../run-sim.ts';
import { FACT_NAMES, FleetTrials } from './fleet-trial.ts';
import { parsePolicyFile } from './policy-file.ts';
import { whatIf } from './what-if.ts';

const rule = (when: string, atMost: Record<string, number>, forbid: readonly string[] = []): string =>
  JSON.stringify({
    ...{ id: 'tried', rate: 'situation', when, rationale: 'a test' },
    effect: { type: 'restrict', restriction: { atMost, forbid } },
  });
const failsafe = JSON.stringify({
  ...{ id: 'tried', rate: 'situation', when: 'robot.speed_mps > 1.1', rationale: 'a test' },
  effect: { type: 'failsafe', action: 'hold' },
});

/** Rules that speak often, seldom, on words and on numbers, that bound speed, turn and both, and some that arithmetic cannot weigh. */
const RULES = {
  often: rule('robot.speed_mps > 0.2', { speedMps: 0.4 }),
  always: rule('true', { speedMps: 0.8, turnRadps: 0.3 }),
  turns: rule('robot.turn_radps > 0.1', { turnRadps: 0.05 }),
  word: rule("task.kind == 'deliver' && robot.speed_mps > 0.5", { speedMps: 0.1, cruiseMps: 0.2 }),
  near: rule('person.distance_m < 6.0', { speedMps: 0.2 }),
  zones: rule('size(zone.ids) > 0', { speedMps: 0.3 }),
  barred: rule('robot.speed_mps > 0.9', { speedMps: 0.3 }, ['zone:aisle-1', 'name:load']),
  error: rule('1.0 / (robot.speed_mps - robot.speed_mps) > 0.0 || person.count > 0.5', { speedMps: 0.2 }),
  never: rule('robot.speed_mps > 50.0', { speedMps: 0 }),
  seldom: rule('person.distance_m < 3.0 && robot.speed_mps > 0.5', { speedMps: 0.5 }),
  warm: rule('path.free_m < 3.0 && robot.motor_c > 20.0 && robot.battery < 0.999', { speedMps: 0.3 }),
  failsafe,
  two: `[${rule('robot.speed_mps > 0.2', { speedMps: 0.5 })}, ${rule('zone.work', { speedMps: 0.2 }).replace('tried', 'also')}]`,
};

let folder = '';
let path = '';
let recording: Recording;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-facts-'));
  path = join(folder, 'lived.sqlite');
  const lived = { site: warehouse(), seed: 11, robots: 6, people: 6, minutes: 0.7 };
  await runSim({ ...lived, recordingPath: path, verify: false, nowMs: () => performance.now() });
  recording = openSqliteRecording(path);
});
after(async () => {
  await recording.close();
  rmSync(folder, { recursive: true });
});

async function tried(text: string, file: FactsFile | 'none yet' | null): Promise<readonly ChainTrial[]> {
  const trials = new FleetTrials(await modelsOf(recording), parsePolicyFile('test.json', text));
  const found: ChainTrial[] = [];
  for (const head of await recording.heads()) {
    const trial = await tryPolicy<FleetBelief>(recording, head, {
      trialOf: (opening) => trials.of(opening),
      ...(file === null
        ? {}
        : {
            factsOf: async (opening) =>
              file === 'none yet' ? null : ((await file.load(recording, head, opening))?.stretches() ?? null),
          }),
    });
    if (trial.leftOutBecause === null) found.push(trial);
  }
  return found;
}

const said = ({ flips, differing, withoutEffect, firstUs }: ChainTrial) => ({
  flips,
  differing,
  withoutEffect,
  firstUs,
});

for (const [name, text] of Object.entries(RULES)) {
  test(`[R117] what facts say of a rule is what running everything again says of it: ${name}`, async () => {
    const file = new FactsFile(path, FACT_NAMES);
    const all = await tried(text, null);
    const some = await tried(text, file);
    assert.deepEqual(some.map(said), all.map(said));
    const glanced = await tried(text, 'none yet');
    assert.deepEqual(glanced.map(said), all.map(said));
    const sum = (trials: readonly ChainTrial[]): number => trials.reduce((wakes, trial) => wakes + trial.wakes, 0);
    if (['often', 'word', 'never', 'two'].includes(name))
      assert.ok(sum(some) < 0.4 * sum(all), `${sum(some)} of ${sum(all)} cycles were run again`);
    if (name === 'never')
      assert.ok(
        glanced.every(({ followed, wakes }) => followed > 4 * wakes),
        'beliefs were followed',
      );
    if (['often', 'always', 'turns', 'two'].includes(name)) assert.ok(all.some(({ flips }) => flips.length > 0));
  });
}

test('[R117] facts that came together while a life was lived are those that are gathered from its record', async () => {
  const file = new FactsFile(path, FACT_NAMES);
  const trials = new FleetTrials(await modelsOf(recording), parsePolicyFile('test.json', RULES.often));
  let stretches = 0;
  for (const head of await recording.heads()) {
    const opening = await openingOf(recording, head);
    const trial = trials.of(opening);
    if (typeof trial === 'string') continue;
    const lived: KeptStretch[] = [];
    for await (const one of (await file.load(recording, head, opening))?.stretches() ?? []) lived.push(one);
    const again: KeptStretch[] = [];
    for await (const one of gatherFacts(recording, head, opening, trial.lived, trial.facts)) again.push(one);
    assert.deepEqual(lived, again, head.source);
    stretches += lived.length;
  }
  assert.ok(stretches > 30, `${stretches} stretches`);
});

test('[R117] facts of another recording, and such as were altered, are thrown away and gathered anew', async () => {
  const honest = await tried(RULES.often, null);
  const ask = async (): Promise<readonly ChainTrial[]> => {
    const options = { policy: parsePolicyFile('test.json', RULES.often), recordings: [path], tenant: null, agents: [] };
    const { chains } = await whatIf({
      ...options,
      fromUs: null,
      untilUs: null,
      threads: 1,
      hubDir: folder,
      facts: true,
    });
    return chains.filter(({ leftOutBecause }) => leftOutBecause === null);
  };
  assert.deepEqual((await ask()).map(said), honest.map(said));
  const altered = new DatabaseSync(`${path}.facts`);
  // The stretches of each robot change places, all but their bounds.
  altered.exec('UPDATE stretches SET columns = (SELECT columns FROM stretches AS other WHERE other.stretch = 1)');
  altered.close();
  await assert.rejects(tried(RULES.often, new FactsFile(path, FACT_NAMES)), FactsDisagreeError);
  assert.deepEqual((await ask()).map(said), honest.map(said));
  const foreign = new DatabaseSync(`${path}.facts`);
  foreign.exec(
    "UPDATE stretches SET block_hash = zeroblob(32), from_hash = CASE snapshot WHEN 0 THEN x'' ELSE zeroblob(32) END",
  );
  foreign.close();
  assert.deepEqual((await ask()).map(said), honest.map(said));
  rmSync(`${path}.facts`);
  assert.deepEqual((await ask()).map(said), honest.map(said));
  assert.ok(existsSync(`${path}.facts`), 'they are there for the next time');
  const [next] = await tried(RULES.never, new FactsFile(path, FACT_NAMES));
  assert.ok((next?.wakes ?? 0) < 600, `${next?.wakes} cycles were run again`);
});

test('[R117] who is interrupted keeps the facts that were gathered so far, and gathers only the others the next time', async () => {
  rmSync(`${path}.facts`, { force: true });
  const ask = { policy: parsePolicyFile('test.json', RULES.always), recordings: [path], tenant: null, agents: [] };
  const whole = { ...ask, fromUs: null, untilUs: null, threads: 1, hubDir: folder, facts: true };
  const stop = new AbortController();
  const interrupted = whatIf({ ...whole, signal: stop.signal, onProgress: (done) => done >= 2 && stop.abort() });
  await assert.rejects(interrupted, { name: 'AbortError' });
  const tell = async () => {
    const { chains, flips } = await whatIf(whole);
    return { flips, gathered: chains.map((chain) => chain.gathered).sort((a, b) => a - b) };
  };
  const next = await tell();
  const robots = next.gathered.filter((wakes) => wakes > 0).length;
  assert.ok(robots >= 1 && robots <= 4, `of ${robots} of six robots there was something left to gather`);
  const last = await tell();
  assert.deepEqual(last, { flips: next.flips, gathered: last.gathered.map(() => 0) });
});
