import { statSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { byChain, siteHead } from '@sigma/recorder';
import {
  type ImportOptions,
  type ImportResult,
  importCloudEvents,
  importMcap,
  NotMcapError,
} from '@sigma/recorder/exports';
import { openSqliteRecording, openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { type Converted, type ConvertJob, type ImportBounds, RefusedFileError } from './import-jobs.ts';
import { encodeLanes, lanesOf, summaryOf } from './lanes.ts';
import { boundMcap } from './mcap-bounds.ts';

/** First bytes of every MCAP file, as far as they are no version (mcap.dev/spec, "Magic"). */
const MCAP_MAGIC = Buffer.from([0x89, 0x4d, 0x43, 0x41, 0x50]);
const HEAD_BYTES = 64;

/** By what stands in the file: its name may say anything. Null for what is neither. */
export function formatOf(head: Uint8Array): Converted['format'] | null {
  const bytes = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, HEAD_BYTES));
  if (bytes.subarray(0, MCAP_MAGIC.length).equals(MCAP_MAGIC)) return 'mcap';
  return bytes
    .toString()
    .replace(/^\uFEFF/, '')
    .trimStart()
    .startsWith('{')
    ? 'cloudevents'
    : null;
}

/**
 * Makes a recording of a file that was received, and writes down its lanes. What cannot be taken is named, and the rest
 * stands; so it is with what lies past a bound.
 *
 * @throws RefusedFileError when nothing of it can be taken; StoreError
 */
export async function convert(job: ConvertJob, onProgress: (events: number) => void): Promise<Converted> {
  const { upload, recording, bounds } = job;
  const format = formatOf(await headOf(upload));
  if (format === null) throw new RefusedFileError('it is neither MCAP nor CloudEvents in JSON lines');
  if (format === 'mcap') await boundMcap(upload, bounds);
  const { bad } = await filled(job, format, onProgress);
  const made = openSqliteRecording(recording);
  try {
    const { lanes, untimed, omitted } = await lanesOf(made, bounds.lanes);
    if (lanes.lanes.length === 0) {
      const [why] = bad;
      throw new RefusedFileError(
        `nothing in it could be taken${why === undefined ? '' : `: ${why.where}, ${why.why}`}`,
      );
    }
    await writeFile(job.lanes, encodeLanes(lanes));
    const summaries = lanes.lanes.map((lane) => summaryOf(lane, lanes));
    const heads = [...(await made.heads())].sort(byChain);
    return {
      format,
      untimed,
      events: summaries.reduce((sum, { events }) => sum + events, 0),
      fromUs: summaries.reduce((least, { fromUs }) => Math.min(least, fromUs), Number.POSITIVE_INFINITY),
      toUs: summaries.reduce((most, { toUs }) => Math.max(most, toUs), 0),
      head: siteHead(heads, sha256),
      lanes: summaries,
      leftOut: [...bad, ...omitted],
    };
  } finally {
    await made.close();
  }
}

async function headOf(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const head = new Uint8Array(HEAD_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

class PastBoundError extends Error {}

async function filled(
  job: ConvertJob,
  format: Converted['format'],
  onProgress: (events: number) => void,
): Promise<Pick<ImportResult, 'bad'>> {
  const { upload, recording, tenant, source, file, importedUs, bounds } = job;
  const enough = new AbortController();
  const store = openSqliteStore(recording);
  const options: ImportOptions = {
    ...{ store, tenant, file, importedUs, sha256, signal: enough.signal },
    onProgress: ({ events }) => {
      onProgress(events);
      const words = pastBound(events, recording, bounds);
      if (words !== null) enough.abort(new PastBoundError(words));
    },
  };
  try {
    return format === 'mcap' ? await importMcap(upload, source, options) : await importCloudEvents(upload, options);
  } catch (error) {
    if (error instanceof NotMcapError) throw new RefusedFileError('it begins as an MCAP file and goes on as none');
    if (!(error instanceof PastBoundError)) throw error;
    return { bad: [{ where: 'the rest of the file', why: error.message }] };
  } finally {
    await store.close();
  }
}

function pastBound(events: number, recording: string, bounds: ImportBounds): string | null {
  if (events >= bounds.events) return `more than ${bounds.events} events are not taken; give it in parts`;
  if (statSync(recording).size < bounds.recordingBytes) return null;
  return `what was made of it so far has ${bounds.recordingBytes} bytes; give it in parts`;
}
