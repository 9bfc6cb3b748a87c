import { benchPostgresAppend } from '@sigma/recorder/postgres/testing';
import { benchAppend, benchOneEvent, benchVerify } from '@sigma/recorder/testing';
import { type BenchLine, relative } from './line.ts';

/**
 * Durable append of 200-byte events next to bare inserts, batch by batch: on the thread that asks, which then is held
 * until the disk has synced, and by way of a thread of its own, where bare inserts cost a message there and back too.
 */
export async function benchRecorder(): Promise<readonly BenchLine[]> {
  const lines: BenchLine[] = [];
  for (const ownThread of [false, true]) {
    for (const longRun of [false, true]) {
      for (const batch of [1, 100, 1_000]) {
        const { ours, bare } = await benchAppend({ batch, longRun, ownThread });
        const name = `recorder.append${ownThread ? 'ByThread' : ''}${batch}${longRun ? 'InTheLongRun' : ''}`;
        const peer = ownThread ? 'bare node:sqlite, by a thread as well' : 'bare node:sqlite';
        lines.push(relative(name, ours, 'events/s', peer, bare, '>=', batch === 1_000 ? 0.5 : 0.7));
      }
    }
  }
  const { here, byThread, disk, diskByThread } = await benchOneEvent();
  const itself = 'the disk: the same bytes written and synced';
  lines.push(relative('recorder.oneEventUs', here, 'us, median', itself, disk, '<=', 1.3));
  const asked = `${itself}, by a thread that is asked to`;
  lines.push(relative('recorder.oneEventByThreadUs', byThread, 'us, median', asked, diskByThread, '<=', 1.3));
  const { ours, stored, bare } = await benchVerify();
  const peer = 'the bare hashes, a plain call of node:crypto for each, on one core as ours';
  lines.push(relative('recorder.chainAndTree', ours, 'events/s', peer, bare, '>=', 0.8));
  lines.push(relative('recorder.chainAndTreeFromDisk', stored, 'events/s', peer, bare, '>=', 0.8));
  for (const { batch, ours: rate, bareBlock } of await benchPostgresAppend()) {
    lines.push(
      relative(
        `recorder.postgresAppend${batch}`,
        rate,
        'events/s',
        'one bare row of the same bytes',
        bareBlock,
        '>=',
        0.6,
      ),
    );
  }
  return lines;
}
