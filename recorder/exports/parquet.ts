import { ParquetRows } from '../archive/parquet-rows.ts';
import { eventRow } from '../archive/schema.ts';
import { type ByteSink, type ExportOptions, type ExportResult, ExportRun, eachEvent } from './run.ts';

export interface ParquetOptions extends ExportOptions {
  readonly sink: ByteSink;
}

/**
 * Writes a recording as one Parquet file, a row for each event by time, with the columns that archive and queries have
 * (`EVENT_COLUMNS`) and the payload behind them.
 *
 * @throws StoreError, what `sink` throws, the signal's reason
 */
export async function exportParquet(options: ParquetOptions): Promise<ExportResult> {
  const run = new ExportRun(options);
  const rows = new ParquetRows({ write: (bytes) => options.sink.write(bytes), withData: true, compressed: true });
  await eachEvent(run, ({ chain: { head }, event }) => rows.add(eventRow(head, event), event.data));
  await rows.finish();
  return run.result;
}
