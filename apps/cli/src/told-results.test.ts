import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runSigma, startSigma } from './testing/run-sigma.ts';

let folder = '';
let recording = '';

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-told-'));
  recording = join(folder, 'site.sqlite');
  const made = await runSigma(
    ['sim', '--seed', '3', '--minutes', '0.1', '--robots', '4', '--no-verify', '--out', recording],
    { SIGMA_DATA: folder },
  );
  assert.equal(made.code, 0, made.error);
});
after(() => rmSync(folder, { recursive: true }));

/** Runs a command with a file on descriptor 3. @returns also what stands in it */
async function heard(args: readonly string[]) {
  const path = join(folder, 'heard.jsonl');
  const events = openSync(path, 'w');
  const ended = await startSigma(args, { SIGMA_DATA: folder }, { events }).finally(() => closeSync(events));
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return { ended, told: lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>) };
}

test('[R189] every command that comes to a result tells it to the event stream last, as --json does', async () => {
  const archive = join(folder, 'archive');
  const lines: readonly (readonly string[])[] = [
    ['archive', recording, '--to', archive],
    ['archive', '--check', archive],
    ['restore', archive, '--out', join(folder, 'restored.sqlite')],
    ['verify', recording],
    ['record', 'ls', recording],
    ['compare', recording, recording],
    ['replay', '--at', '1', '--agent', 'r01', recording],
    ['query', 'SELECT count(*) FROM events', '--over', recording],
    ['export', '--format', 'prov', '--out', join(folder, 'told.prov.json'), recording],
  ];
  for (const line of lines) {
    const { ended, told } = await heard([...line, '--json']);
    assert.equal(ended.code, 0, `${line.join(' ')}: ${ended.error}`);
    const [, last] = [told.pop(), told.pop()];
    const { type, ...result } = last ?? {};
    const words = line[0] === 'record' ? line.slice(0, 2) : line.slice(0, 1);
    assert.equal(type, `sigma.${words.join('.')}.result`);
    assert.deepEqual(result, JSON.parse(ended.out), line.join(' '));
    assert.ok(!told.some((one) => String(one['type']).endsWith('.result')), `${line.join(' ')}: once`);
  }
});

test('[R189] of a query as CSV the event stream is told how many rows were printed', async () => {
  const sql = 'SELECT DISTINCT source FROM events ORDER BY 1 LIMIT 3';
  const { ended, told } = await heard(['query', sql, '--over', recording, '--format', 'csv']);
  assert.equal(ended.out.split('\n').length, 5, ended.out);
  assert.deepEqual([told.at(-2)?.['type'], told.at(-2)?.['printed']], ['sigma.query.result', 3]);
  assert.equal(told.filter(({ type }) => type === 'sigma.query.result').length, 1);
});
