import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { agentReexecutor, isStub, verify } from '@sigma/recorder';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { cart } from '../../testing/cart.ts';
import { LiveCart } from '../../testing/live-cart.ts';
import { until } from '../../testing/until.ts';

const CHAIN = { tenant: 'acme', source: 'cart-1', epoch: 0 };
/** Written from the page alone: it shares no code with ours. */
const SCRIPT = fileURLToPath(new URL('../../../../tools/verify-recording.py', import.meta.url));

test('[R102] [R127] [L8] a living edge whose disk has little room drops stimuli, says so on record, and its recording verifies', async () => {
  const live = new LiveCart();
  // Time runs fast, so that there are snapshots before which something may go.
  const pace = { wallUs: Date.now() * 1000, siteUs: Date.now() * 1000, rate: 20 };
  const edge = await live.start(null, { recordingMostBytes: 120_000, pace });
  const recording = openSqliteRecording(live.recordingPath);
  const stubs = async (): Promise<number> => {
    let found = 0;
    for await (const { bytes } of recording.blocks(CHAIN, 1, Number.MAX_SAFE_INTEGER)) if (isStub(bytes)) found++;
    return found;
  };
  await until('blocks are dropped', async () => (await stubs()) >= 2);
  await edge.close();
  assert.equal(edge.stats().recorderFailure, null);
  const report = await verify(recording, { sha256, reexecutors: { cart: () => agentReexecutor(cart) } });
  await recording.close();
  const other = spawnSync('python3', [SCRIPT, live.recordingPath], { encoding: 'utf8' });
  live.remove();
  assert.equal(report.firstFailure, null);
  if (other.error === undefined) assert.match(other.stdout, /^ok: /m, `${other.stdout}${other.stderr}`);
  const results = new Set(
    report.chains.find(({ source }) => source === 'cart-1')?.stretches.map(({ result }) => result),
  );
  assert.deepEqual([...results].sort(), ['chain-only', 'dropped', 're-executed']);
});
