/** Recordings in the words of others, and what others recorded as ours. Runs in Node; terrains come in as arguments. */
export { exportCloudEvents } from './cloud-events.ts';
export { importCloudEvents } from './import/import-cloud-events.ts';
export { importMcap, NotMcapError } from './import/import-mcap.ts';
export type { ImportOptions, ImportResult } from './import/timeline.ts';
export type { ImportedTopic } from './mcap/channels.ts';
export { exportMcap } from './mcap/export-mcap.ts';
export { importedTopic, keyOf, keysOf } from './mcap/imported-topics.ts';
export { exportSpans } from './otel/export-spans.ts';
export { exportParquet } from './parquet.ts';
export { exportProv } from './prov.ts';
export type { ExportOptions, ExportResult, WallSpan } from './run.ts';
export { type ToldEvent, tellSideBySide } from './side-by-side.ts';
export { describeStretch } from './sound-events.ts';
