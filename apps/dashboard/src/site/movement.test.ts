import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { WatchSiteResponse } from '@sigma/proto';
import { WatchSiteResponseSchema } from '@sigma/proto';
import { LiveSite } from '../live/live-site.ts';
import { Movement } from './movement.ts';
import { plannedPath } from './planned-path.ts';

const grid = { width: 10, height: 10, metresPerCell: 1 };

function driven() {
  const live = new LiveSite(() => undefined);
  const movement = new Movement(grid);
  const at = (seconds: number, ...xs: number[]) => {
    const more: Partial<WatchSiteResponse> = {
      roster: 1,
      agentIds: live.ids.length === 0 ? xs.map((_, k) => `r${k + 1}`) : [],
      timeUs: BigInt(Math.round(seconds * 1e6)),
      xM: xs,
      yM: xs.map(() => 4.5),
      speedMps: xs.map(() => 0.5),
    };
    live.fold(create(WatchSiteResponseSchema, more as object), seconds * 1000);
    return movement.observe(live, 'r1');
  };
  const trail = (row: number) => {
    const pieces: number[] = [];
    movement.trail(row, (ax, _ay, bx) => pieces.push(ax, bx));
    return pieces;
  };
  return { live, movement, at, trail };
}

test('a trail grows by half seconds of the shown time, the oldest first', () => {
  const { at, trail } = driven();
  at(1, 1.5, 8.5);
  assert.equal(at(1.2, 1.6, 8.5), false);
  at(1.5, 2, 8.5);
  at(2, 2.5, 8.5);
  assert.deepEqual(trail(0), [1.5, 2, 2, 2.5]);
});

test('a cell remembers how long somebody stood in it and which way they went, and forgets half in five minutes', () => {
  const { at, movement } = driven();
  at(0, 1.5, 8.5);
  for (let k = 1; k <= 8; k++) at(k / 2, 1.5 + k / 2, 8.5);
  const cell = 5 * 10 + 8;
  assert.ok(Math.abs((movement.dwellS[cell] as number) - 4) < 0.05);
  assert.equal(movement.eastM[cell], 0);
  const driving = 5 * 10 + 3;
  assert.ok((movement.eastM[driving] as number) > 0.9);
  assert.equal(movement.northM[driving], 0);
  const before = movement.dwellS[cell] as number;
  for (let k = 9; k <= 608; k++) at(k / 2, 5.5, 1.5);
  assert.ok(Math.abs((movement.dwellS[cell] as number) - before / 2) < 0.05);
});

test('another moment is not movement: a jump back or far ahead begins anew, and rest adds nothing', () => {
  const { at, trail, movement } = driven();
  at(100, 1.5, 8.5);
  at(100.5, 2, 8.5);
  assert.equal(at(100.5, 2, 8.5), false);
  at(20, 6.5, 8.5);
  assert.deepEqual(trail(0), []);
  assert.ok(movement.dwellS.every((seconds) => seconds === 0));
  at(4_000, 1.5, 8.5);
  assert.deepEqual(trail(0), []);
});

test('a planned path says when the robot will be where: at its speed, or at its usual one while it stands', () => {
  const { live, at } = driven();
  at(1, 1.5);
  const path = (speedMps: number) => {
    live.fold(
      create(WatchSiteResponseSchema, {
        roster: 1,
        xM: [1.5],
        yM: [4.5],
        paths: [{ agentId: 'r1', pointsM: [3.5, 4.5, 3.5, 8.5, 8.5, 8.5] }],
      }),
      2_000,
    );
    return plannedPath(live, 'r1', 1.5, 4.5, speedMps);
  };
  assert.deepEqual(
    path(0.5)?.points.map(({ inS }) => inS),
    [0, 4, 12, 22],
  );
  assert.deepEqual(
    path(0.5)?.ticks.map(({ inS }) => inS),
    [5, 10, 15, 22],
  );
  const tick = path(0.5)?.ticks[0];
  assert.ok(Math.abs((tick?.xM ?? 0) - 3.5) < 1e-9 && Math.abs((tick?.yM ?? 0) - 5) < 1e-9);
  assert.ok((path(0)?.speedMps ?? 0) > 1, 'a robot that stands is expected to go on');
  assert.equal(plannedPath(live, 'r9', 1, 1, 1), null);
});
