import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import type { Recording } from '../../src/index.ts';
import { openSqliteRecording, sha256 } from '../../stores/sqlite/sqlite-store.ts';
import { decided, missionChanged, recorded, STORY_US, taskIs } from '../testing/story.ts';
import { agentAttributes, decisionAttributes, missionAttributes, taskAttributes } from './conventions.ts';
import { exportSpans } from './export-spans.ts';
import { requestJson, type Span } from './otlp-json.ts';

const GOLDEN = fileURLToPath(new URL('../../../sim/golden/fleet-2.sqlite', import.meta.url));

interface ReadSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code: number };
}

interface Request {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly ReadSpan[] }[] }[];
}

async function spansOf(recording: Recording): Promise<readonly ReadSpan[]> {
  const requests: Request[] = [];
  const { spans } = await exportSpans({
    recording,
    chains: await recording.heads(),
    span: { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER },
    sha256,
    send: (request) => void requests.push(JSON.parse(request) as Request),
  });
  const read = requests.flatMap((one) => one.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans[0]?.spans ?? []));
  assert.equal(read.length, spans);
  return read;
}

test('[R186] a mission is the trace it was when it was ordered; its task, and each decision while in force, stand in it', async () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const store = await recorded(sha256, {
    hub: [
      missionChanged(0, { name: 'dig', status: 'queued' }, `00-${trace}-b7ad6b7169203331-01`),
      missionChanged(9_000, { status: 'done' }, '', 2),
    ],
    r1: [
      decided(500, 'hold', null),
      taskIs(1_000, 'active'),
      decided(2_000, 'dig', 'm1.1'),
      decided(5_000, 'heap', 'm1.1'),
      taskIs(8_000, 'failed'),
      decided(8_500, 'rest', null),
    ],
  });
  const spans = await spansOf(store);
  const told = spans.map(({ name, startTimeUnixNano, endTimeUnixNano }) => {
    const us = (nanos: string) => Number(BigInt(nanos) / 1000n) - STORY_US;
    return `${name} ${us(startTimeUnixNano)}-${us(endTimeUnixNano)}`;
  });
  assert.deepEqual(told.sort(), [
    'agent hub 0-9000',
    'agent r1 0-8500',
    'decide dig 2000-5000',
    'decide heap 5000-8000',
    'decide hold 500-2000',
    'decide rest 8500-8500',
    'mission m1 0-9000',
    'task m1.1 1000-8000',
  ]);
  const named = (name: string): ReadSpan => {
    const span = spans.find((one) => one.name === name);
    assert.ok(span !== undefined, name);
    return span;
  };
  const [mission, task, dig] = [named('mission m1'), named('task m1.1'), named('decide dig')];
  assert.deepEqual([mission.traceId, mission.spanId], [trace, 'b7ad6b7169203331']);
  assert.deepEqual([task.traceId, task.parentSpanId], [trace, mission.spanId]);
  assert.deepEqual([dig.traceId, dig.parentSpanId], [trace, task.spanId]);
  assert.equal(task.status.code, 2, 'a task that failed is an error');
  assert.equal(named('decide hold').parentSpanId, named('agent r1').spanId);
});

test('spans of a drive have parents in their own trace, ids of their own, and are the same each time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-spans-'));
  copyFileSync(GOLDEN, join(folder, 'fleet.sqlite'));
  const golden = openSqliteRecording(join(folder, 'fleet.sqlite'));
  try {
    const spans = await spansOf(golden);
    const ids = new Set(spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`));
    assert.equal(ids.size, spans.length);
    for (const { traceId, parentSpanId, startTimeUnixNano, endTimeUnixNano, name } of spans) {
      assert.ok(parentSpanId === undefined || ids.has(`${traceId} ${parentSpanId}`), name);
      assert.ok(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano), name);
    }
    assert.ok(spans.some(({ name }) => name.startsWith('task ')));
    assert.deepEqual(await spansOf(golden), spans);
  } finally {
    await golden.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a request has the members and kinds of value that the exporter of OpenTelemetry itself would send', () => {
  const attributes = { text: 'a', whole: 3, part: 0.5, yes: true, list: ['x', 'y'] };
  const span: Span = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: '00f067aa0ba902b7',
    name: 'decide dig',
    startUs: STORY_US,
    endUs: STORY_US + 1_500,
    attributes,
    events: [{ timeUs: STORY_US + 1, name: 'failsafe', attributes: { of: 'r1' } }],
    error: 'failed',
  };
  const ours = JSON.parse(requestJson([{ resource: { 'service.name': 'sigma' }, spans: [span] }]));
  const seconds = STORY_US / 1e6;
  const theirs = JsonTraceSerializer.serializeRequest([
    {
      name: span.name,
      kind: 0,
      spanContext: () => ({ traceId: span.traceId, spanId: span.spanId, traceFlags: 1 }),
      parentSpanContext: { traceId: span.traceId, spanId: span.parentSpanId, traceFlags: 1 },
      startTime: [seconds, 0],
      endTime: [seconds, 1_500_000],
      status: { code: 2, message: 'failed' },
      attributes: attributes as never,
      links: [],
      events: [{ time: [seconds, 1_000], name: 'failsafe', attributes: { of: 'r1' } }],
      duration: [0, 1_500_000],
      ended: true,
      resource: {
        attributes: { 'service.name': 'sigma' },
        merge: () => assert.fail(),
        getRawAttributes: () => [['service.name', 'sigma']],
      },
      instrumentationScope: { name: 'sigma.recorder' },
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    } as never,
  ]);
  assert.ok(theirs !== undefined);
  contains(JSON.parse(new TextDecoder().decode(theirs)), ours, 'request');
});

/** A message of OpenTelemetry's published protobuf definitions, as protobufjs made code of them. */
interface OfficialMessage {
  fromObject(plain: object): object;
  verify(message: object): string | null;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): Record<string, unknown>;
}

/** JSON of OTLP has ids in hex, where protobuf's own has base64 (OTLP 1, "JSON Protobuf Encoding"). */
const idsAs = (value: unknown, change: (id: unknown) => unknown): unknown => {
  if (Array.isArray(value)) return value.map((one) => idsAs(one, change));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const named = Object.entries(value).map(([name, one]) => [
    name,
    /^(trace|span|parentSpan)Id$/.test(name) ? change(one) : idsAs(one, change),
  ]);
  return Object.fromEntries(named);
};

test('[R186] every request of a drive is one of the published protobuf definitions, and nothing of it is a stranger to them', async () => {
  const require = createRequire(import.meta.url);
  const { opentelemetry } = require('@opentelemetry/otlp-proto-exporter-base/build/src/generated/root.js');
  const official = opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest as OfficialMessage;
  const folder = mkdtempSync(join(tmpdir(), 'sigma-spans-'));
  copyFileSync(GOLDEN, join(folder, 'fleet.sqlite'));
  const golden = openSqliteRecording(join(folder, 'fleet.sqlite'));
  const requests: Request[] = [];
  try {
    const span = { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER };
    const send = (request: string): void => void requests.push(JSON.parse(request) as Request);
    await exportSpans({ recording: golden, chains: await golden.heads(), span, sha256, send });
  } finally {
    await golden.close();
    rmSync(folder, { recursive: true, force: true });
  }
  assert.ok(requests.length > 0);
  for (const request of requests) {
    const plain = idsAs(request, (hex) => new Uint8Array(Buffer.from(String(hex), 'hex'))) as object;
    const message = official.fromObject(plain);
    assert.equal(official.verify(message), null);
    const read = official.decode(official.encode(message).finish());
    const told = official.toObject(read, { longs: String, enums: Number, defaults: true });
    contains(
      idsAs(told, (id) => Buffer.from(id as Uint8Array).toString('hex')),
      request,
      'request',
    );
  }
  const forged = official.fromObject({ resourceSpans: [{ scopeSpans: [{ spans: [{ nmae: 'x' }] }] }] });
  assert.throws(() =>
    contains(official.toObject(forged, {}), { resourceSpans: [{ scopeSpans: [{ spans: [{ nmae: 'x' }] }] }] }, ''),
  );
});

/** Everything that `part` says, `all` says too. */
function contains(all: unknown, part: unknown, path: string): void {
  if (typeof part !== 'object' || part === null) {
    // A 64-bit number is a text or a number in protobuf's JSON; the specification of OTLP wants the text.
    assert.equal(path.endsWith('.intValue') ? String(all) : all, part, path);
    return;
  }
  assert.ok(typeof all === 'object' && all !== null, path);
  if (Array.isArray(part)) assert.equal((all as unknown[]).length, part.length, path);
  for (const [key, value] of Object.entries(part))
    contains((all as Record<string, unknown>)[key], value, `${path}.${key}`);
}

test('every name of the conventions for generative AI is one that OpenTelemetry publishes', () => {
  const published = new Set<unknown>(Object.values(conventions));
  const decision = { command: { kind: 'action', name: 'buy', id: '1' }, rejected: [], context: {} } as never;
  const names = [
    missionAttributes('m', 'n', 'b'),
    taskAttributes('a', 't', 'm', 's'),
    agentAttributes('a'),
    decisionAttributes('a', decision),
  ].flatMap(Object.keys);
  const foreign = names.filter((name) => name.startsWith('gen_ai.'));
  assert.ok(foreign.length > 5);
  for (const name of foreign) assert.ok(published.has(name), name);
});
