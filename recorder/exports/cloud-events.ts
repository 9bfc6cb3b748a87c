import { type ChainId, EVENT_TYPE, MalformedBytesError, type RecordedEvent, readablePayload } from '../src/index.ts';
import { type ByteSink, type ExportOptions, type ExportResult, ExportRun, eachEvent, LineSink } from './run.ts';

export interface CloudEventsOptions extends ExportOptions {
  readonly sink: ByteSink;
  /** Every payload as the bytes that were recorded, so that nothing of it is lost; otherwise as JSON where it reads well. */
  readonly exact: boolean;
}

/**
 * Writes a recording as CloudEvents 1.0 in the JSON format (cloudevents.io, json-format.md), one event a line, by time.
 * `source` is `sigma://<tenant>/<source>`, `id` is `<epoch>-<sequence>`. Extensions: `epoch`; `sequence`, 16 digits so
 * that texts order as numbers do; `atus`, agent time in microseconds; `traceparent` of the distributed tracing extension.
 *
 * @throws StoreError, what `sink` throws, the signal's reason
 */
export async function exportCloudEvents(options: CloudEventsOptions): Promise<ExportResult> {
  const run = new ExportRun(options);
  const lines = new LineSink(options.sink);
  await eachEvent(run, ({ chain: { head }, event }) => {
    const data = dataOf(event, options.exact);
    return lines.line(`{${JSON.stringify(attributesOf(head, event, data)).slice(1, -1)},${data.member}}`);
  });
  await lines.end();
  return run.result;
}

interface Data {
  readonly contentType: string;
  /** Member of the event's JSON that holds it. */
  readonly member: string;
}

/** Types whose payload is columns or a whole state: far longer as JSON, and no reading. */
const AS_BYTES: ReadonlySet<string> = new Set([EVENT_TYPE.stimulusSegment, EVENT_TYPE.snapshot]);
const KNOWN: ReadonlySet<string> = new Set(Object.values(EVENT_TYPE));

function dataOf(event: RecordedEvent, exact: boolean): Data {
  if (!exact && KNOWN.has(event.type) && !AS_BYTES.has(event.type) && event.dataschema === undefined) {
    try {
      return { contentType: 'application/json', member: `"data":${readablePayload(event)}` };
    } catch (error) {
      // What does not say what its type says is handed on as the bytes it is.
      if (!(error instanceof MalformedBytesError)) throw error;
    }
  }
  const text = Buffer.from(event.data.buffer, event.data.byteOffset, event.data.byteLength).toString('base64');
  return { contentType: 'application/protobuf', member: `"data_base64":"${text}"` };
}

function attributesOf({ tenant, source, epoch }: ChainId, event: RecordedEvent, { contentType }: Data): object {
  const { sequence, type, subject, atUs, timeUs, traceparent, dataschema } = event;
  return {
    specversion: '1.0',
    id: `${epoch}-${sequence}`,
    source: sourceUri(tenant, source),
    type,
    ...(subject === '' ? {} : { subject }),
    time: rfc3339(timeUs),
    datacontenttype: contentType,
    ...(dataschema === undefined ? {} : { dataschema }),
    epoch,
    sequence: String(sequence).padStart(16, '0'),
    atus: String(atUs),
    ...(traceparent === '' ? {} : { traceparent }),
  };
}

const sourceUri = (tenant: string, source: string): string =>
  `sigma://${encodeURIComponent(tenant)}/${encodeURIComponent(source)}`;

/** Microseconds since 1970 as RFC 3339 in UTC, six digits of a second. */
export function rfc3339(timeUs: number): string {
  const milliseconds = Math.floor(timeUs / 1000);
  const rest = timeUs - milliseconds * 1000;
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}
