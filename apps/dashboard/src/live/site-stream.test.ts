import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type WatchSiteResponse, WatchSiteResponseSchema } from '@sigma/proto';
import { LiveSite } from './live-site.ts';
import { backoffMs, type Connection, SiteStream, STALL_MS, type StreamPorts } from './site-stream.ts';

const hello = create(WatchSiteResponseSchema, { roster: 1, agentIds: ['r1'], xM: [1], yM: [1], ageMs: [5] });
const SIGNED_OUT = new Error('signed out');

type Script = (follow: readonly string[], signal: AbortSignal) => AsyncIterable<WatchSiteResponse>;

/** Everything that can happen without time passing has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A stream over a script of connections; waits end when the test lets them. */
function stage(scripts: Script[]) {
  const waits: { ms: number; end: () => void; signal: AbortSignal }[] = [];
  const opened: (readonly string[])[] = [];
  const resumed: string[] = [];
  const states: Connection[] = [];
  let nowMs = 0;
  const ports: StreamPorts = {
    watch: (follow, resume, signal) => {
      opened.push(follow);
      resumed.push(resume);
      const script = scripts.shift();
      if (script === undefined) throw SIGNED_OUT;
      return script(follow, signal);
    },
    nowMs: () => nowMs,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        waits.push({ ms, end: resolve, signal });
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
    chance: () => 1,
    reason: (error) => (error as Error).message,
    refused: (error) => error === SIGNED_OUT,
  };
  const stream = new SiteStream(new LiveSite(() => undefined), ports);
  stream.subscribe(() => states.push(stream.connection));
  /** The open wait of that length, once it has begun. */
  const waiting = async (ms: number) => {
    for (let turn = 0; turn < 20; turn++) {
      const found = waits.find((one) => one.ms === ms && !one.signal.aborted);
      if (found !== undefined) {
        waits.splice(waits.indexOf(found), 1);
        return found;
      }
      await settled();
    }
    throw new Error(`nobody waits ${ms} ms`);
  };
  return { stream, states, opened, resumed, waiting, later: (ms: number) => (nowMs += ms) };
}

async function* once(): AsyncGenerator<WatchSiteResponse> {
  yield hello;
}

async function* untilAborted(follow: readonly string[], signal: AbortSignal): AsyncGenerator<WatchSiteResponse> {
  yield hello;
  yield* silence(follow, signal);
}

async function* silence(_follow: readonly string[], signal: AbortSignal): AsyncGenerator<WatchSiteResponse> {
  await new Promise((_, reject) => {
    if (signal.aborted) reject(new Error('aborted'));
    signal.addEventListener('abort', () => reject(new Error('aborted')));
  });
}

test('waits double from a quarter second to eight and are spread over their upper half', () => {
  assert.deepEqual(
    [1, 2, 3, 6, 60].map((attempt) => backoffMs(attempt, 1)),
    [250, 500, 1_000, 8_000, 8_000],
  );
  assert.equal(backoffMs(1, 0), 125);
});

test('a stream that ends is opened again after the wait, and a heard message makes it live and the next wait short', async () => {
  const { stream, states, waiting } = stage([once, once]);
  const run = stream.run();
  (await waiting(250)).end();
  (await waiting(250)).end();
  await run;
  assert.deepEqual(
    states.map((one) => one.state),
    ['live', 'reconnecting', 'live', 'reconnecting', 'signed_out'],
  );
});

test('a stream that falls silent is cut and said to be silent', async () => {
  const { stream, states, waiting, later } = stage([untilAborted]);
  const run = stream.run();
  await settled();
  const watchdog = await waiting(STALL_MS);
  later(STALL_MS);
  watchdog.end();
  (await waiting(250)).end();
  await run;
  assert.deepEqual(states[1], { state: 'reconnecting', attempt: 1, reason: 'the stream fell silent' });
});

test('following another robot opens a new stream at once and stays live', async () => {
  const { stream, states, opened, waiting } = stage([untilAborted, untilAborted]);
  const run = stream.run();
  await waiting(STALL_MS);
  stream.follow(['r1']);
  stream.follow(['r1']);
  await settled();
  assert.deepEqual(opened, [[], ['r1']]);
  assert.deepEqual(
    states.map((one) => one.state),
    ['live'],
  );
  stream.stop();
  await run;
});

test('a stream says how far the page has heard, so that the hub goes on from there; after a stranger it begins anew', async () => {
  const telling = (said: MessageInitShape<typeof WatchSiteResponseSchema>): Script =>
    async function* (follow, signal) {
      yield create(WatchSiteResponseSchema, { ...said, xM: [1] });
      yield* silence(follow, signal);
    };
  const { stream, resumed, waiting } = stage([
    telling({ roster: 1, agentIds: ['r1'], resume: 'place 1' }),
    telling({ roster: 1, resume: 'place 2' }),
    telling({ roster: 9, resume: 'place 3' }),
    once,
  ]);
  const run = stream.run();
  await waiting(STALL_MS);
  stream.follow(['r1']);
  await waiting(STALL_MS);
  stream.follow(['r2']);
  (await waiting(250)).end();
  (await waiting(250)).end();
  await run;
  assert.deepEqual(resumed, ['', 'place 1', 'place 2', '', '']);
});

test('columns without a known roster make it start anew', async () => {
  const stranger = create(WatchSiteResponseSchema, { roster: 9, xM: [1] });
  const { stream, states, waiting } = stage([
    async function* () {
      yield stranger;
    },
  ]);
  const run = stream.run();
  (await waiting(250)).end();
  await run;
  assert.match((states[0] as { reason: string }).reason, /robots it had not named/);
});
