import { rm } from 'node:fs/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { decodeBlock, decodeEnvelope, isStub } from '../../src/index.ts';
import { CLOSED_SITE, quoted } from '../parquet-desk.ts';
import { RowTable } from '../row-table.ts';
import { EVENT_COLUMNS, eventRow } from '../schema.ts';
import type { Bounds } from './bounds.ts';
import type { HotStretch } from './hot-rows.ts';

/**
 * Writes hot events as one Parquet file, with the columns of archived ones.
 *
 * @returns how many there are; no file is written for none
 */
export async function writeHotRows(
  path: string,
  stretches: readonly HotStretch[],
  { fromUs, toUs }: Pick<Bounds, 'fromUs' | 'toUs'>,
): Promise<number> {
  const instance = await DuckDBInstance.create(':memory:', CLOSED_SITE);
  const connection = await instance.connect();
  try {
    const table = await RowTable.make(connection, 'hot', EVENT_COLUMNS);
    for (const { recording, head, fromSequence, toSequence } of stretches) {
      for await (const { bytes } of recording.blocks(head, fromSequence, toSequence)) {
        // Of dropped blocks there is a row for the event that says so.
        if (isStub(bytes)) continue;
        for (const envelope of decodeBlock(bytes).events) {
          const event = decodeEnvelope(envelope);
          const { sequence, timeUs } = event;
          if (sequence < fromSequence || sequence > toSequence) continue;
          if (timeUs < (fromUs ?? timeUs) || timeUs > (toUs ?? timeUs)) continue;
          table.add(eventRow(head, event));
        }
      }
    }
    table.close();
    if (table.rows > 0)
      await connection.run(`COPY hot TO '${quoted(path)}' (FORMAT parquet, COMPRESSION uncompressed)`);
    return table.rows;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
