import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readCredentials, signIn } from '../hub-access.ts';
import { runSigma } from '../testing/run-sigma.ts';

const SIGMA = fileURLToPath(new URL('../../bin/sigma.mjs', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'sigma-erase-'));
const file = join(home, 'hub', 'hub.sqlite');
const ANN = 'ann@example.org';
let site: ChildProcess | null = null;
after(() => {
  site?.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

const sigma = (args: readonly string[], token = '') =>
  runSigma(args, { SIGMA_DATA: home, ...(token !== '' && { SIGMA_TOKEN: token }) });

/** A whole site, as `sigma up` runs it, until `use` has returned. */
async function whileUp(use: (url: string) => Promise<void>): Promise<void> {
  const words = ['up', '--headless', '--robots', '2', '--people', '1', '--no-work', '--data', home];
  site = spawn(process.execPath, [SIGMA, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  const child = site;
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    if (line.includes('sign in as')) break;
  }
  child.stdout?.resume();
  await use(readCredentials(home)?.url ?? '');
  child.kill('SIGINT');
  await once(child, 'close');
  site = null;
}

/** Files of recordings that hold the address in clear. */
const naming = (): readonly string[] =>
  readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.sqlite(-wal|-landing|\.people|\.proofs)?$/.test(name))
    .filter((name) => readFileSync(join(home, name)).includes(ANN));

test('[R174][R179] a person is erased from the recordings of a whole site, and every proof stays valid', async () => {
  await whileUp(async (url) => {
    const made = await sigma(['account', 'create', ANN, '--role', 'operator', '--json']);
    assert.equal(made.code, 0, made.error);
    const ann = await signIn(url, ANN, JSON.parse(made.out).password);
    const stopped = await sigma(['robot', 'stop', '--all', '--kind', 'protective'], ann);
    assert.equal(stopped.code, 0, stopped.error);
    const busy = await sigma(['erase', file, '--person', ANN, '--by', 'dpo', '--why', 'request']);
    assert.equal(busy.code, 5, 'a hub that runs would go on knowing who it was');
  });
  const listed = JSON.parse((await sigma(['erase', file, '--json'])).out) as { people: Record<string, string>[] };
  const alias = listed.people.find(({ name }) => name === ANN)?.['subject'] ?? '';
  assert.match(alias, /^[0-9a-f]{32}$/);
  assert.deepEqual(naming(), [join('hub', 'hub.sqlite.people')], 'no recording names anybody');
  const robots = readdirSync(join(home, 'recordings')).filter((name) => name.endsWith('.sqlite'));
  const live = join(home, 'recordings', robots[0] ?? '');
  const orders = `SELECT count(*) AS n FROM events WHERE body LIKE '%operator:${alias}%'`;
  for (const recording of [live, file]) {
    const asked = await sigma(['query', orders, '--over', recording, '--json']);
    assert.ok(JSON.parse(asked.out).rows[0][0] > 0, `what they did stands in ${recording} under an alias`);
  }
  const heads = async (recording: string) => JSON.parse((await sigma(['record', 'ls', recording, '--json'])).out);
  const before = await heads(live);

  const erased = await sigma(['erase', file, '--person', ANN, '--by', 'dpo', '--why', 'request', '--json']);
  assert.equal(erased.code, 0, erased.error);
  assert.equal(JSON.parse(erased.out).erased.subject, alias);
  assert.deepEqual(naming(), []);
  assert.deepEqual(await heads(live), before);
  for (const recording of [live, file]) {
    const verified = await sigma(['verify', recording, '--json']);
    assert.equal(verified.code, 0, verified.out + verified.error);
  }
  const sealed = "SELECT count(*) AS n FROM events WHERE type = 'sigma.sealed.v1'";
  assert.ok(JSON.parse((await sigma(['query', sealed, '--over', file, '--json'])).out).rows[0][0] >= 2);
});
