import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type AheadEvent, Departures } from '@sigma/recorder';
import { openSyncMemory } from './sync-memory.ts';

const folder = mkdtempSync(join(tmpdir(), 'sigma-sync-memory-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const CHAIN = { source: 'r1', epoch: 3 };
const event = (sequence: number, grade: 1 | 2 | 3 = 3, bytes = 1): AheadEvent => ({
  sequence,
  grade,
  envelope: new Uint8Array(bytes).fill(sequence % 251),
});
const sequences = (events: readonly AheadEvent[]): readonly number[] => events.map(({ sequence }) => sequence);

test('[R193] [L3] safety events are kept over a restart of the edge until their blocks have arrived, and once', () => {
  const first = openSyncMemory(join(folder, 'restart'));
  first.ahead.keep({ ...CHAIN, openedUs: 7, sequence: 20 }, [event(11), event(14)]);
  first.ahead.keep({ ...CHAIN, openedUs: 7, sequence: 30 }, [event(14), event(25)]);
  first.ahead.keep({ source: 'r2', epoch: 0, openedUs: 8, sequence: 5 }, []);
  first.close();
  const { ahead, close } = openSyncMemory(join(folder, 'restart'));
  assert.deepEqual(
    ahead.looked().map(({ source, sequence, openedUs }) => [source, sequence, openedUs]),
    [
      ['r1', 30, 7],
      ['r2', 5, 8],
    ],
  );
  assert.deepEqual(sequences(ahead.after(CHAIN, 0, 10)), [11, 14, 25]);
  assert.deepEqual(sequences(ahead.after(CHAIN, 11, 1)), [14]);
  assert.deepEqual([...(ahead.after(CHAIN, 0, 1)[0]?.envelope ?? [])], [11]);
  assert.deepEqual(
    ahead.chains().map(({ source }) => source),
    ['r1'],
  );
  ahead.arrived(CHAIN, 14);
  assert.deepEqual(sequences(ahead.after(CHAIN, 0, 10)), [25]);
  ahead.arrived(CHAIN, 99);
  assert.deepEqual(ahead.chains(), []);
  close();
});

test('[R193] [L8] where there is no room violations go first, then what safety decided, of each the oldest, and it is counted', () => {
  const { ahead, close } = openSyncMemory(join(folder, 'bounded'));
  const violations = Array.from({ length: 990 }, (_, n) => event(n + 1, 1));
  ahead.keep({ ...CHAIN, openedUs: 7, sequence: 990 }, violations);
  ahead.keep({ ...CHAIN, openedUs: 7, sequence: 1_100 }, [event(1_000, 3), event(1_001, 2)]);
  assert.equal(ahead.chains()[0]?.leftOut, 0);
  const storm = Array.from({ length: 30 }, (_, n) => event(2_000 + n, n === 0 ? 3 : 1, n === 1 ? 20_000 : 1));
  ahead.keep({ ...CHAIN, openedUs: 7, sequence: 2_100 }, storm);
  const kept = sequences(ahead.after(CHAIN, 0, 5_000));
  assert.equal(kept.length, 1_000);
  assert.ok([1_000, 1_001, 2_000, 2_029].every((one) => kept.includes(one)) && !kept.includes(2_001));
  assert.equal(kept[0], 22, 'the oldest violations made room');
  assert.equal(ahead.chains()[0]?.leftOut, 22);
  const failsafes = Array.from({ length: 1_200 }, (_, n) => event(3_000 + n, 3));
  ahead.keep({ ...CHAIN, openedUs: 7, sequence: 5_000 }, failsafes);
  const left = sequences(ahead.after(CHAIN, 0, 5_000));
  assert.deepEqual([left.length, left[0], left.at(-1)], [1_000, 3_200, 4_199]);
  ahead.arrived(CHAIN, 5_000);
  assert.deepEqual(ahead.chains(), []);
  close();
});

test('[R127] [L3] which hub acknowledged last, and how far, is known after a restart', () => {
  const first = openSyncMemory(join(folder, 'hubs'));
  assert.equal(first.lastHub(), null);
  const hash = new Uint8Array(32).fill(7);
  first.acknowledge('a', [{ ...CHAIN, sequence: 9, hash }]);
  first.acknowledge('b', [{ ...CHAIN, sequence: 4, hash }]);
  first.close();
  const { lastHub, acknowledged, close } = openSyncMemory(join(folder, 'hubs'));
  assert.equal(lastHub(), 'b');
  assert.deepEqual(
    acknowledged('b').map(({ source, sequence }) => [source, sequence]),
    [['r1', 4]],
  );
  close();
});

test('[R127] [L3] of which chains nothing has left is known after a restart; of what an earlier life may have sent, and of what nobody remembers, it is not said', () => {
  const first = openSyncMemory(join(folder, 'departures'));
  const hash = new Uint8Array(32).fill(7);
  first.acknowledge('a', [{ source: 'r1', epoch: 1, sequence: 9, hash }]);
  first.ahead.keep({ source: 'r1', epoch: 2, openedUs: 7, sequence: 20 }, []);
  for (const epoch of [1, 2, 3, 4]) first.departures.begins({ source: 'r1', epoch });
  first.departures.leaves({ source: 'r1', epoch: 3 });
  first.close();
  const { departures, close } = openSyncMemory(join(folder, 'departures'));
  for (const epoch of [3, 4, 5]) departures.begins({ source: 'r1', epoch });
  const known = new Departures(departures, [{ source: 'r1', epoch: 6 }]);
  known.leaves({ source: 'r1', epoch: 6 });
  known.left({ source: 'r1', epoch: 6 }, 12);
  known.left({ source: 'r1', epoch: 6 }, 11);
  known.left({ source: 'r1', epoch: 3 }, 11);
  const far = Number.POSITIVE_INFINITY;
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6].map((epoch) => known.furthest({ source: 'r1', epoch })),
    [far, far, far, far, 0, 0, 12],
  );
  close();
});
