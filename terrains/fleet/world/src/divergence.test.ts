import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseMovingAiMap, parseSiteFile } from '@sigma/fleet-model';
import type { Command } from '@sigma/kernel';
import { drive, hold } from '../testing/course.ts';
import { createWorld, divergence, type Frame, type World } from './index.ts';
import { resolve, resolveSensing } from './resolve.ts';

const read = (name: string): string => readFileSync(new URL(`../sites/${name}`, import.meta.url), 'utf8');
const site = parseSiteFile(read('warehouse.site.json'), parseMovingAiMap(read('warehouse.map'), 'warehouse'));

function fleet(): World {
  const robots = Array.from({ length: 12 }, (_, k) => ({
    id: `r${k}`,
    body: k % 3 === 0 ? ('humanoid' as const) : ('carrier' as const),
    cell: (site.docks[k] as { cell: number }).cell,
  }));
  return createWorld({ site, seed: 3, robots, people: 6 });
}

const said = (frames: readonly Frame[] | undefined): string =>
  JSON.stringify(frames?.map(({ channel, values }) => [channel, ...values]));

test('whoever senses otherwise in the other world may notice, and most who do not are known not to', () => {
  let [one, other] = [fleet(), fleet()];
  let [noticed, spared, silent] = [0, 0, 0];
  for (let tick = 0; tick < 600; tick++) {
    const { atUs, layout } = one;
    const commands = (turned: boolean): readonly (Command | null)[] =>
      layout.robots.map((_, k) => (tick % 20 === k ? (turned && k === 5 ? hold : drive(0.8, (k - 6) * 0.05)) : null));
    const first = resolve(one, { atUs, commands: commands(false), injections: [] });
    let apart: ReturnType<typeof divergence> | undefined;
    const second = resolveSensing(other, { atUs, commands: commands(true), injections: [] }, (_, moved) => {
      apart ??= divergence(layout, moved, first.world);
      return true;
    });
    const { frames } = second.outcomes;
    for (let robot = 0; robot < layout.robots.length; robot++) {
      const differs = said(frames[robot]) !== said(first.outcomes.frames[robot]);
      const may = apart?.mayNotice(robot) === true;
      assert.ok(may || !differs, `robot ${robot} senses otherwise at ${atUs} us and was to notice nothing`);
      if (differs && robot !== 5) noticed++;
      if (!may) spared++;
    }
    if (apart?.none === true) silent++;
    one = first.world;
    other = second.world;
  }
  assert.ok(noticed > 50, `others sensed otherwise ${noticed} times`);
  assert.ok(spared > 20, `${spared} of 7200 looks were spared`);
  assert.ok(silent > 0, 'before anything differed, nothing was said to');
});

test('a world that is sensed for some goes on as one that is sensed for all', () => {
  let [all, some] = [fleet(), fleet()];
  for (let tick = 0; tick < 200; tick++) {
    const commands = all.layout.robots.map((_, k) => (tick % 20 === k ? drive(0.8, 0.1) : null));
    const injections = tick === 20 ? [{ type: 'fault', robot: 'r4', fault: 'lidar_freeze' } as const] : [];
    const inputs = { atUs: all.atUs, commands, injections };
    const everybody = resolve(all, inputs);
    const one = resolveSensing(some, inputs, (robot) => robot === 4);
    assert.equal(said(one.outcomes.frames[4]), said(everybody.outcomes.frames[4]));
    assert.deepEqual(one.outcomes.frames[3], []);
    assert.deepEqual(one.world.robots, everybody.world.robots);
    assert.deepEqual(one.world.frozenScans, everybody.world.frozenScans);
    all = everybody.world;
    some = one.world;
  }
});
