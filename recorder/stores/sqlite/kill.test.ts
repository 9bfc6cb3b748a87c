import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { draw } from '@sigma/kernel';
import { decodeSignal, EVENT_TYPE, eventsOf, type Recording, verify } from '../../src/index.ts';
import { openSqliteStore, sha256 } from './sqlite-store.ts';

const SEED = 41;
const KILLS = 6;
const PROGRAM = fileURLToPath(new URL('../../testing/append-until-killed.ts', import.meta.url));

/** Runs the appender until it has acknowledged `acks` appends, then kills it. @returns the last sequence acknowledged, by source */
function killAfter(path: string, acks: number): Promise<Map<string, number>> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', PROGRAM, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    let lines = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      for (const unit of chunk) if (unit === 10) lines++;
      if (lines >= acks) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') return reject(new Error(`the appender ended by itself (code ${code})`));
      const acknowledged = new Map<string, number>();
      // The last line counts only if it is whole.
      for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n')) {
        const [source, sequence] = line.split(' ') as [string, string];
        acknowledged.set(source, Number(sequence));
      }
      resolve(acknowledged);
    });
  });
}

async function numbersOf(recording: Recording, source: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const event of eventsOf(recording, { tenant: 'acme', source, epoch: 0 })) {
    if (event.type === EVENT_TYPE.signal) numbers.push((decodeSignal(event.data).body as { n: number }).n);
  }
  return numbers;
}

test(`[R47] [L3] killed at ${KILLS} moments (seed ${SEED}), it opens by itself: nothing acknowledged is lost or doubled`, async () => {
  const home = mkdtempSync(join(tmpdir(), 'sigma-kill-'));
  const path = join(home, 'killed.db');
  let total = 0;
  try {
    for (let life = 0; life < KILLS; life++) {
      const acknowledged = await killAfter(path, 1 + (draw(SEED, 0, life, 0, 0) % 150));
      const store = openSqliteStore(path);
      const heads = new Map((await store.heads()).map(({ source, sequence }) => [source, sequence]));
      for (const [source, sequence] of acknowledged) {
        assert.ok((heads.get(source) ?? 0) >= sequence, `${source} was acknowledged to ${sequence}, life ${life}`);
        total++;
      }
      const report = await verify(store, { sha256, reexecutors: {} });
      assert.equal(report.firstFailure, null, `life ${life}`);
      for (const [source, sequence] of heads) {
        const expected = Array.from({ length: sequence - 1 }, (_, n) => n + 2);
        assert.deepEqual(await numbersOf(store, source), expected, `${source} in life ${life}`);
      }
      await store.close();
    }
    assert.ok(total >= KILLS, 'every life acknowledged something');
  } finally {
    rmSync(home, { recursive: true });
  }
});
