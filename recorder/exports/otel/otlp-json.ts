import { createHash } from 'node:crypto';
import type { Attributes, AttributeValue } from './conventions.ts';

/** A span as OTLP has it (opentelemetry.proto.trace.v1.Span), times in microseconds since 1970. */
export interface Span {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Empty of a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly startUs: number;
  readonly endUs: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  /** Failed, and why. */
  readonly error: string | null;
}

export interface SpanEvent {
  readonly timeUs: number;
  readonly name: string;
  readonly attributes: Attributes;
}

/** Spans of one speaker. */
export interface ResourceSpans {
  readonly resource: Attributes;
  readonly spans: readonly Span[];
}

const SCOPE = { name: 'sigma.recorder' };
const KIND_INTERNAL = 1;
const STATUS_UNSET = 0;
const STATUS_ERROR = 2;

/**
 * One ExportTraceServiceRequest in the JSON encoding of OTLP 1 (opentelemetry.io/docs/specs/otlp, "JSON Protobuf
 * Encoding"): ids in hex, 64-bit numbers as texts, enumerations as numbers.
 */
export const requestJson = (speakers: readonly ResourceSpans[]): string =>
  JSON.stringify({
    resourceSpans: speakers.map(({ resource, spans }) => ({
      resource: { attributes: keyValues(resource) },
      scopeSpans: [{ scope: SCOPE, spans: spans.map(spanJson) }],
    })),
  });

function spanJson(span: Span): object {
  const { traceId, spanId, parentSpanId, name, startUs, endUs, attributes, events, error } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === '' ? {} : { parentSpanId }),
    name,
    kind: KIND_INTERNAL,
    startTimeUnixNano: nanos(startUs),
    endTimeUnixNano: nanos(endUs),
    attributes: keyValues(attributes),
    events: events.map(({ timeUs, name, attributes }) => ({
      timeUnixNano: nanos(timeUs),
      name,
      attributes: keyValues(attributes),
    })),
    status: error === null ? { code: STATUS_UNSET } : { code: STATUS_ERROR, message: error },
  };
}

const nanos = (timeUs: number): string => (BigInt(timeUs) * 1000n).toString();

const keyValues = (attributes: Attributes): object[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

function anyValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value !== 'number') return { arrayValue: { values: value.map(anyValue) } };
  if (Number.isSafeInteger(value)) return { intValue: String(value) };
  return { doubleValue: Number.isFinite(value) ? value : String(value) };
}

/** An id that is the same in every export of the same thing: the first bytes of a hash. */
export const derivedId = (bytes: 8 | 16, ...of: readonly (string | number)[]): string =>
  createHash('sha256')
    .update(of.join('\0'))
    .digest('hex')
    .slice(0, bytes * 2);

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** Trace and span of a W3C traceparent, or null. */
export function readTraceparent(text: string): { readonly traceId: string; readonly spanId: string } | null {
  const found = TRACEPARENT.exec(text);
  if (found === null || /^0*$/.test(found[1] as string) || /^0*$/.test(found[2] as string)) return null;
  return { traceId: found[1] as string, spanId: found[2] as string };
}
