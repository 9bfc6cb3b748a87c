import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { AgentStatusSchema, MissionSchema, WatchSiteResponseSchema } from '@sigma/proto';
import { LiveSite } from '../../live/live-site.ts';
import { FleetRows } from './fleet-rows.ts';

const ROBOTS = 5_000;
const ids = Array.from({ length: ROBOTS }, (_, k) => `r${k}`);
const column = (value: number) => ids.map(() => value);

function site(): LiveSite {
  const live = new LiveSite((run) => run());
  const statuses = ids.map((agentId) =>
    create(AgentStatusSchema, { agentId, stop: 'none', chain: 'primary', taskId: 'm-1.1' }),
  );
  const columns = { xM: column(1), yM: column(1), headingRad: column(0), speedMps: column(0), ageMs: column(40) };
  live.fold(
    create(WatchSiteResponseSchema, { agentIds: ids, roster: 1, ...columns, battery: column(0.8), statuses }),
    0,
  );
  live.putMission(create(MissionSchema, { id: 'm-1', name: 'Cover west yard', tasks: [{ id: 'm-1.1' }] }));
  return live;
}

test('a row is made anew only for a robot of which something shown has changed', () => {
  const live = site();
  const rows = new FleetRows();
  const before = rows.read(live, 1);
  assert.equal(before.length, ROBOTS);
  assert.deepEqual([before[7]?.task, before[7]?.state.word, before[7]?.battery], ['Cover west yard', 'working', 0.8]);
  assert.ok(
    rows.read(live, 1).every((row, k) => row === before[k]),
    'nothing changed, nothing is made',
  );
  const battery = column(0.8);
  battery[7] = 0.12;
  live.fold(
    create(WatchSiteResponseSchema, { roster: 1, xM: column(1), yM: column(1), ageMs: column(40), battery }),
    100,
  );
  const after = rows.read(live, 1);
  assert.deepEqual(
    after.flatMap((row, k) => (row === before[k] ? [] : [row.id])),
    ['r7'],
  );
  assert.equal(after[7]?.battery, 0.12);
});

test('a robot that falls silent says so in its row, and the filter finds it by that', () => {
  const live = site();
  const rows = new FleetRows();
  const ageMs = column(40);
  ageMs[3] = 61_000;
  live.fold(
    create(WatchSiteResponseSchema, { roster: 1, xM: column(1), yM: column(1), battery: column(0.8), ageMs }),
    100,
  );
  const silent = rows.read(live, 1).filter(({ text }) => text.includes('no contact'));
  assert.deepEqual(
    silent.map(({ id, staleMs }) => [id, staleMs]),
    [['r3', 61_000]],
  );
});

test('five thousand quiet robots cost a fraction of what five thousand new ones cost', () => {
  const live = site();
  const rows = new FleetRows();
  const spent = (work: () => void): number => {
    const from = process.cpuUsage();
    work();
    return process.cpuUsage(from).user;
  };
  rows.read(live, 0);
  const anew = spent(() => {
    for (let n = 1; n <= 20; n++) rows.read(live, n);
  });
  const quiet = spent(() => {
    for (let n = 0; n < 20; n++) rows.read(live, 20);
  });
  assert.ok(quiet < anew * 0.7, `${quiet} µs beside ${anew} µs`);
});
