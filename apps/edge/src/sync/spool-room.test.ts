import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { spoolRoom } from './spool-room.ts';

test('[R127] where nobody names a bound a recording has 300 MB for each body, and never more than the disk can give', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-room-'));
  const path = join(folder, 'edge.sqlite');
  const free = (): number => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  };
  assert.equal(spoolRoom(path, 1), Math.min(300e6, Math.floor(0.8 * free())));
  const fleet = 1e6;
  const room = spoolRoom(path, fleet);
  assert.ok(room < free() && room > 0.7 * free(), `${room} of ${free()}`);
  // What the recording takes already is its own: a file of a terabyte that holds nothing.
  writeFileSync(path, '');
  truncateSync(path, 1e12);
  assert.ok(spoolRoom(path, fleet) > 0.8e12);
  rmSync(folder, { recursive: true });
});
