/** Recordings in the words of others, and what others recorded as ours. Runs in Node; terrains come in as arguments. */
export { type ExportOptions, type ExportResult, exportMcap } from './mcap.ts';
export { type BadStretch, describeStretch } from './sound-events.ts';
