import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CommandError, EXIT } from './outcome.ts';
import { runSigma } from './testing/run-sigma.ts';

const GOLDEN = fileURLToPath(new URL('../../../sim/golden/', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'sigma-breathing-'));
after(() => rmSync(home, { recursive: true }));
const golden = readdirSync(GOLDEN).filter((name) => name.endsWith('.sqlite'));
const [one, other] = ['one.sqlite', 'other.sqlite'].map((name) => join(home, name)) as [string, string];
copyFileSync(join(GOLDEN, golden.at(-1) as string), one);
copyFileSync(join(GOLDEN, golden.at(-1) as string), other);

/** Ctrl-C as soon as the program can hear anything. */
async function interruptedAtOnce(
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly out: string }> {
  const control = new AbortController();
  setTimeout(() => control.abort(new CommandError(EXIT.interrupted, 'stopped by SIGINT', '')), 20);
  return runSigma(args, { SIGMA_DATA: home }, control.signal);
}

const stretch = ['--from', '0', '--to', '20', '--step', '0.01'];

for (const words of [
  ['verify', '--threads', '1', one],
  ['compare', one, other],
  ['replay', ...stretch, one],
] as const) {
  test(`sigma ${words[0]} hears Ctrl-C while it reads and computes without waiting for anything`, async () => {
    const { code, out } = await interruptedAtOnce(...words);
    assert.equal(code, EXIT.interrupted, out);
  });
}

test('[R73] of a stretch of one agent nobody else is computed, and it is told as when all are', async () => {
  const moments = ['replay', '--from', '1', '--to', '3', '--step', '0.5', one];
  const all = await runSigma(moments, { SIGMA_DATA: home });
  const alone = await runSigma([...moments, '--agent', 'r02'], { SIGMA_DATA: home });
  const told = (out: string) =>
    out
      .split('\n')
      .filter((line) => / r02 /.test(line))
      .map((line) => line.replace(/ +/g, ' '));
  assert.equal(alone.code, EXIT.ok, alone.error);
  assert.deepEqual(told(alone.out), told(all.out));
  assert.equal(told(alone.out).length, 5);
  assert.doesNotMatch(alone.out, / (r01|world) /);
  const stranger = await runSigma([...moments, '--agent', 'r99'], { SIGMA_DATA: home });
  assert.deepEqual(
    [stranger.code, /nothing is recorded of 'r99'\n {2}It holds .*r02/.test(stranger.error)],
    [EXIT.usage, true],
  );
});
