import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { AlertLevel } from '@sigma/proto';
import { decodeSignal } from '@sigma/recorder';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { dueUs, keptUpkeep, Upkeep, type UpkeepTask } from './upkeep.ts';

const HOUR_US = 3_600_000_000;
const DAY_US = 24 * HOUR_US;
const MIDNIGHT_US = Date.UTC(2026, 3, 1) * 1000;

test('a task is due at its time of the day; one that was missed, soon; one that was never done waits', () => {
  const [two, noonUs] = [2 * 3600, MIDNIGHT_US + 12 * HOUR_US];
  assert.equal(dueUs(two, null, noonUs), MIDNIGHT_US + DAY_US + 2 * HOUR_US);
  assert.equal(dueUs(two, null, MIDNIGHT_US), MIDNIGHT_US + 2 * HOUR_US);
  assert.equal(dueUs(two, MIDNIGHT_US + 2 * HOUR_US, noonUs), MIDNIGHT_US + DAY_US + 2 * HOUR_US);
  assert.equal(dueUs(two, MIDNIGHT_US - DAY_US, noonUs), noonUs + 60e6);
});

/** A hub's upkeep from midnight on, with what it says. */
function started(tasks: readonly UpkeepTask[], done: Record<string, number> = {}) {
  const clock = new TurnedClock(MIDNIGHT_US);
  const [recorded, alerts]: [unknown[], [string, string | null][]] = [[], []];
  const levels: AlertLevel[] = [];
  let kept = done;
  const upkeep = new Upkeep({
    clock,
    tasks,
    memory: {
      read: () => kept,
      write: (now) => {
        kept = { ...now };
      },
    },
    record: {
      append: async ({ data, subject }) => {
        const { name, body } = decodeSignal(data);
        recorded.push([name, subject, body]);
      },
    },
    alerts: {
      say: (_, cause, trouble) => {
        alerts.push([cause, trouble?.text ?? null]);
        if (trouble !== null) levels.push(trouble.level);
      },
    },
  });
  const pass = async (us: number): Promise<void> => {
    clock.turn(us);
    for (let k = 0; k < 8; k++) await turn();
  };
  return { upkeep, pass, recorded, alerts, levels, kept: () => kept };
}

test('what was done is on record, and done again the next day', async () => {
  let times = 0;
  const archive = { name: 'archive', atS: 3600, run: async () => `${++times} files` };
  const { pass, recorded, alerts, kept } = started([archive]);
  await pass(HOUR_US - 1);
  assert.equal(times, 0);
  await pass(1);
  assert.deepEqual(recorded, [['hub.upkeep_done', 'archive', { task: 'archive', what: '1 files', seconds: 0 }]]);
  assert.deepEqual(alerts, [['upkeep:archive', null]]);
  assert.deepEqual(kept(), { archive: MIDNIGHT_US + HOUR_US });
  await pass(DAY_US);
  assert.equal(times, 2);
});

test('what fails is on record, an alert until it was done, and tried again within the hour', async () => {
  let full = true;
  const run = async () => {
    if (full) throw new Error('no room is left on the disk');
    return 'done';
  };
  const { pass, recorded, alerts, levels } = started([{ name: 'backup', atS: 3600, run }]);
  await pass(HOUR_US);
  assert.deepEqual(recorded, [['hub.upkeep_failed', 'backup', { task: 'backup', why: 'no room is left on the disk' }]]);
  assert.match(alerts[0]?.[1] ?? '', /the daily backup failed: no room is left on the disk/);
  assert.equal(levels[0], AlertLevel.WARNING, 'nobody is to find it out when he needs the backup');
  full = false;
  await pass(HOUR_US);
  assert.deepEqual(alerts.at(-1), ['upkeep:backup', null]);
});

test('tasks do not run beside each other, and a hub that ends stops the one under way', async () => {
  const under: string[] = [];
  const slow = (name: string): UpkeepTask => ({
    name,
    atS: 0,
    run: (signal) => {
      under.push(name);
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  });
  const missed = { archive: MIDNIGHT_US - DAY_US * 2, backup: MIDNIGHT_US - DAY_US * 2 };
  const { upkeep, pass, recorded } = started([slow('archive'), slow('backup')], missed);
  await pass(60e6);
  assert.deepEqual(under, ['archive']);
  await upkeep.close();
  assert.deepEqual([under, recorded], [['archive'], []], 'ending is no failure');
});

test('what was done is kept across starts, and a broken file is nothing done', () => {
  const home = mkdtempSync(join(tmpdir(), 'sigma-upkeep-'));
  const path = join(home, 'upkeep.json');
  try {
    assert.deepEqual(keptUpkeep(path).read(), {});
    keptUpkeep(path).write({ archive: 7 });
    assert.deepEqual(keptUpkeep(path).read(), { archive: 7 });
    writeFileSync(path, '{"arch');
    assert.deepEqual(keptUpkeep(path).read(), {});
  } finally {
    rmSync(home, { recursive: true });
  }
});
