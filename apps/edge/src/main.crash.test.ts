import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  agentReexecutor,
  decodeBlock,
  decodeEnvelope,
  decodeOpening,
  EVENT_TYPE,
  type Recording,
  sameBytes,
  verify,
} from '@sigma/recorder';
import { openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import { cart } from '../testing/cart.ts';
import { LiveCart } from '../testing/live-cart.ts';

const CHILD = fileURLToPath(new URL('../testing/cart-child.ts', import.meta.url));

/** Lets a child run until that many events are on disk by its own word, and kills it. @returns its last word */
async function runAndKill(live: LiveCart, events: number): Promise<number> {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child: ChildProcess = spawn(process.execPath, [CHILD, live.recordingPath, live.logPath], { stdio: [...stdio] });
  let said = 0;
  if (child.stdout === null) throw new Error('no pipe');
  for await (const line of createInterface({ input: child.stdout })) {
    said = Math.max(said, Number(line));
    if (said >= events && !child.killed) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return said;
}

async function openings(
  recording: Recording,
): Promise<readonly { epoch: number; previous: Uint8Array; end: Uint8Array }[]> {
  const found = [];
  for (const head of await recording.heads()) {
    for await (const { bytes } of recording.blocks(head, 1, 1)) {
      const event = decodeEnvelope(decodeBlock(bytes).events[0] as Uint8Array);
      assert.equal(event.type, EVENT_TYPE.opening);
      const { epoch, previousEpochHash } = decodeOpening(event);
      found.push({ epoch, previous: previousEpochHash, end: head.hash });
    }
  }
  return found;
}

test('an edge that is killed loses nothing it called durable, and its next life goes on from there [L3] [L4]', async () => {
  const live = new LiveCart();
  const said = [await runAndKill(live, 6), await runAndKill(live, 6)];
  const recording = openSqliteRecording(live.recordingPath);
  const heads = await recording.heads();
  assert.deepEqual(
    heads.map(({ epoch }) => epoch),
    [0, 1],
  );
  heads.forEach(({ sequence }, life) => {
    assert.ok(sequence >= (said[life] as number), `life ${life}: ${sequence} on disk, ${said[life]} acknowledged`);
  });
  const [first, second] = await openings(recording);
  assert.equal(first?.previous.length, 0);
  assert.ok(sameBytes(second?.previous ?? new Uint8Array(), first?.end ?? new Uint8Array()), 'the lives are linked');
  const report = await verify(recording, { sha256, reexecutors: { cart: () => agentReexecutor(cart) } });
  assert.equal(report.firstFailure, null);
  await recording.close();
  live.remove();
});
