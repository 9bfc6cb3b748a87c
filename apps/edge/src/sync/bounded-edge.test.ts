import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { agentReexecutor, isStub, type Recording, verify } from '@sigma/recorder';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { cart } from '../../testing/cart.ts';
import { LiveCart } from '../../testing/live-cart.ts';
import { until } from '../../testing/until.ts';
import type { Edge, EdgeOptions } from '../edge-words.ts';

const CHAIN = { tenant: 'acme', source: 'cart-1', epoch: 0 };
/** Written from the page alone: it shares no code with ours. */
const SCRIPT = fileURLToPath(new URL('../../../../tools/verify-recording.py', import.meta.url));

/** A cart without a hub, whose edges end with the test. */
function cartOf(t: TestContext) {
  const live = new LiveCart();
  const edges: Edge[] = [];
  t.after(async () => {
    for (const edge of edges) await edge.close();
    live.remove();
  });
  const start = async (options: Partial<EdgeOptions>): Promise<Edge> => {
    const edge = await live.start(null, options);
    edges.push(edge);
    return edge;
  };
  return { live, start };
}

/** How often something was dropped out of the first life of the cart. */
async function stubs(recording: Recording): Promise<number> {
  let found = 0;
  for await (const { bytes } of recording.blocks(CHAIN, 1, Number.MAX_SAFE_INTEGER)) if (isStub(bytes)) found++;
  return found;
}

test('[R102] [R127] [L8] a living edge whose disk has little room drops stimuli, says so on record, and its recording verifies', async (t) => {
  const { live, start } = cartOf(t);
  // Time runs fast, so that there are snapshots before which something may go.
  const pace = { wallUs: Date.now() * 1000, siteUs: Date.now() * 1000, rate: 20 };
  const edge = await start({ recordingMostBytes: 120_000, pace });
  const recording = openSqliteRecording(live.recordingPath);
  await until('blocks are dropped', async () => (await stubs(recording)) >= 2);
  await edge.close();
  assert.equal(edge.stats().recorderFailure, null);
  const report = await verify(recording, { sha256, reexecutors: { cart: () => agentReexecutor(cart) } });
  await recording.close();
  const other = spawnSync('python3', [SCRIPT, live.recordingPath], { encoding: 'utf8' });
  assert.equal(report.firstFailure, null);
  if (other.error === undefined) assert.match(other.stdout, /^ok: /m, `${other.stdout}${other.stderr}`);
  const results = new Set(
    report.chains.find(({ source }) => source === 'cart-1')?.stretches.map(({ result }) => result),
  );
  assert.deepEqual([...results].sort(), ['chain-only', 'dropped', 're-executed']);
});

test('[R102] [R127] a living edge makes room of what its earlier life recorded, and says so in the chain of today', async (t) => {
  const { live, start } = cartOf(t);
  const pace = { wallUs: Date.now() * 1000, siteUs: Date.now() * 1000, rate: 20 };
  const first = await start({ pace });
  const recording = openSqliteRecording(live.recordingPath);
  await until('two states are recorded', async () => {
    const last = await recording.snapshotBefore(CHAIN, Number.MAX_SAFE_INTEGER);
    return last !== null && (await recording.snapshotBefore(CHAIN, last.atUs - 1)) !== null;
  });
  await first.close();
  assert.equal(await stubs(recording), 0);
  const second = await start({ recordingMostBytes: 1, pace });
  await until('blocks of the first life are dropped', async () => (await stubs(recording)) > 0);
  await second.close();
  const report = await verify(recording, { sha256, reexecutors: { cart: () => agentReexecutor(cart) } });
  await recording.close();
  const other = spawnSync('python3', [SCRIPT, live.recordingPath], { encoding: 'utf8' });
  assert.equal(report.firstFailure, null);
  if (other.error === undefined) assert.match(other.stdout, /^ok: /m, `${other.stdout}${other.stderr}`);
  const [firstLife] = report.chains.filter(({ source }) => source === 'cart-1');
  assert.ok(firstLife?.stretches.some(({ result }) => result === 'dropped'));
});
