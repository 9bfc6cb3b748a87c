import { open, rm } from 'node:fs/promises';
import { decodeBlock, decodeEnvelope, isStub } from '../../src/index.ts';
import { ParquetRows } from '../parquet-rows.ts';
import { eventRow } from '../schema.ts';
import type { Bounds } from './bounds.ts';
import type { HotStretch } from './hot-rows.ts';

/**
 * Writes hot events as one Parquet file, with the columns of archived ones.
 *
 * @returns how many there are; no file is left for none
 */
export async function writeHotRows(
  path: string,
  stretches: readonly HotStretch[],
  { fromUs, toUs }: Pick<Bounds, 'fromUs' | 'toUs'>,
): Promise<number> {
  const file = await open(path, 'wx', 0o600);
  try {
    const rows = new ParquetRows({ write: (bytes) => file.appendFile(bytes), withData: false, compressed: false });
    for (const { recording, head, fromSequence, toSequence } of stretches) {
      for await (const { bytes } of recording.blocks(head, fromSequence, toSequence)) {
        // Of dropped blocks there is a row for the event that says so.
        if (isStub(bytes)) continue;
        for (const envelope of decodeBlock(bytes).events) {
          const event = decodeEnvelope(envelope);
          const { sequence, timeUs } = event;
          if (sequence < fromSequence || sequence > toSequence) continue;
          if (timeUs < (fromUs ?? timeUs) || timeUs > (toUs ?? timeUs)) continue;
          const full = rows.add(eventRow(head, event), null);
          if (full !== undefined) await full;
        }
      }
    }
    if (rows.rows > 0) await rows.finish();
    else await rm(path);
    return rows.rows;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
