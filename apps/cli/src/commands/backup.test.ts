import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startEmbedded } from '@sigma/hub';
import { BackupMomentError, backupDrill, backupSpan, restoreBackup, takeBackup } from '@sigma/recorder/backup';

const home = mkdtempSync(join(tmpdir(), 'sigma-backup-'));
after(() => rmSync(home, { recursive: true, force: true }));

describe('a hub is backed up', () => {
  test('[R178] the drill: made, backed up, destroyed, restored to a moment in the middle, and verified', async () => {
    const report = await backupDrill({
      home: join(home),
      startServer: startEmbedded,
      events: 1_000,
      nowMs: () => performance.now(),
    });
    assert.deepEqual(report.faults, []);
    // The opening and a thousand events, of each of two tenants, and none of the thousand behind the moment.
    assert.equal(report.events, 2 * 1_001);
    assert.equal(report.steps.length, 11);
    assert.ok(report.steps.every(({ ms }) => ms >= 0));
  });
});

describe('a backup', () => {
  const hubDir = join(home, 'second', 'hub');
  const to = join(home, 'second', 'backup');
  let server: Awaited<ReturnType<typeof startEmbedded>>;
  before(async () => {
    mkdirSync(hubDir, { recursive: true, mode: 0o711 });
    server = await startEmbedded(hubDir);
    writeFileSync(join(hubDir, 'notes.json'), '{}');
    writeFileSync(join(hubDir, 'site.sqlite.people'), 'secret of a person');
    await takeBackup({ hubDir, ownerUrl: server.url, to });
  });
  after(() => server.stop());

  const restoreTo = (name: string, toUs?: number) =>
    restoreBackup({ from: to, hubDir: join(home, 'second', name), ...(toUs === undefined ? {} : { toUs }) });

  test('[R176] goes on from its base, holds what stands beside the database, and no secret of a person', async () => {
    const again = await takeBackup({ hubDir, ownerUrl: server.url, to });
    assert.deepEqual([again.isNew, again.base], [false, 'base-0001']);
    const kept = readdirSync(join(to, 'base-0001'));
    assert.ok(kept.includes('notes.json') && kept.includes('keys'));
    assert.equal(
      kept.some((name) => name.includes('people')),
      false,
    );
    await assert.rejects(takeBackup({ hubDir: home, ownerUrl: server.url, to }), /is not the server that runs on/);
  });

  test('[R177] is not restored over anything, nor to a moment that it does not cover', async () => {
    const span = backupSpan(to);
    assert.ok(span !== null && span.fromUs < span.throughUs);
    await assert.rejects(restoreTo('early', span.fromUs - 1), BackupMomentError);
    await assert.rejects(restoreTo('late', span.throughUs + 1), /reaches from .* to /);
    await assert.rejects(restoreTo('hub'), /exists/);
    await assert.rejects(restoreBackup({ from: home, hubDir: join(home, 'nothing') }), /holds no base backup/);
  });

  test('[R177][L4] with a missing or altered file is refused by name, and leaves no half of a hub behind', async () => {
    const version = join(to, 'base-0001', 'pg', 'PG_VERSION');
    renameSync(version, `${version}.away`);
    await assert.rejects(restoreTo('gone'), /PG_VERSION: is missing/);
    renameSync(`${version}.away`, version);
    const [segment] = readdirSync(join(to, 'wal')).sort();
    appendFileSync(join(to, 'wal', segment ?? ''), 'x');
    await assert.rejects(restoreTo('altered'), new RegExp(`${segment}: is not as it was written`));
    assert.equal(existsSync(join(home, 'second', 'altered')) || existsSync(join(home, 'second', 'gone')), false);
  });

  test('[R176] a base that was cut short, without its list, is none; the next run makes a whole one', async () => {
    renameSync(join(to, 'base-0001.json'), join(to, 'base-0001.cut'));
    assert.equal(backupSpan(to), null);
    const anew = await takeBackup({ hubDir, ownerUrl: server.url, to });
    assert.equal(anew.isNew, true);
    assert.ok((backupSpan(to)?.throughUs ?? 0) > 0);
  });
});
