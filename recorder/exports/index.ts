/** Recordings in the words of others, and what others recorded as ours. Runs in Node; terrains come in as arguments. */
export { exportCloudEvents } from './cloud-events.ts';
export { exportMcap } from './mcap/export-mcap.ts';
export { exportSpans } from './otel/export-spans.ts';
export { exportParquet } from './parquet.ts';
export { exportProv } from './prov.ts';
export type { ExportOptions, ExportResult } from './run.ts';
export { type BadStretch, describeStretch } from './sound-events.ts';
