import { MalformedBytesError } from '../../src/index.ts';
import { type ExportOptions, type ExportResult, ExportRun, eachEvent, type OpenedChain } from '../run.ts';
import { resourceOf } from './conventions.ts';
import { requestJson, type Span } from './otlp-json.ts';
import { SpanMaker } from './spans.ts';

export interface SpansOptions extends ExportOptions {
  /** Takes one ExportTraceServiceRequest in OTLP's JSON encoding: a line of a file, or a request to a collector. */
  readonly send: (request: string) => void | Promise<void>;
}

export interface SpansExport extends ExportResult {
  readonly spans: number;
}

/** Spans in one request: what collectors take by default, and little to hold. */
const BATCH = 512;

/**
 * Writes missions, tasks and decisions of a recording as OpenTelemetry spans (OTLP 1), batch by batch.
 *
 * @throws StoreError, what `send` throws, the signal's reason
 */
export async function exportSpans(options: SpansOptions): Promise<SpansExport> {
  const run = new ExportRun(options);
  let spans = 0;
  let waiting = new Map<OpenedChain, Span[]>();
  let held = 0;
  const maker = new SpanMaker((chain, span) => {
    const own = waiting.get(chain);
    if (own === undefined) waiting.set(chain, [span]);
    else own.push(span);
    spans++;
    held++;
  });
  const flush = async (): Promise<void> => {
    if (held === 0) return;
    const speakers = [...waiting].map(([{ opening }, own]) => ({
      resource: resourceOf(opening, opening.software),
      spans: own,
    }));
    waiting = new Map();
    held = 0;
    await options.send(requestJson(speakers));
  };
  await eachEvent(run, (event) => {
    try {
      maker.take(event);
    } catch (error) {
      if (!(error instanceof MalformedBytesError || error instanceof SyntaxError)) throw error;
      run.leaveOut(event.chain.head, event.event, error.message);
    }
    if (held >= BATCH) return flush();
  });
  maker.end();
  await flush();
  return { ...run.result, spans };
}
