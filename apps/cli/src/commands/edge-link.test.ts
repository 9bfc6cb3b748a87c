import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { layDatabase } from '@sigma/hub/testing';
import { readEnvironment } from '../environment.ts';
import { EXIT } from '../outcome.ts';
import { loadSite } from '../site-input.ts';
import { startSoloHub } from '../solo/solo-hub.ts';
import { isRefused, ToldLink } from '../solo/told-link.ts';
import { runSigma } from '../testing/run-sigma.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-edge-link-'));
after(() => rmSync(home, { recursive: true, force: true }));

test('an edge says that it is linked, and to whom a hub says no it says why, what to look at, and that nothing is lost', async () => {
  const { root } = readEnvironment({});
  const dataDir = await layDatabase(join(home, 'hub'));
  const site = loadSite({}, root);
  const where = { dataDir, root, port: 0, host: '127.0.0.1', databaseUrl: undefined, s3: null, pages: false };
  const hub = await startSoloHub({ tenant: 'solo', site, ...where, simulated: true });
  try {
    const edge = (name: string, token: string, ...more: readonly string[]) => {
      const small = ['--robots', '1', '--people', '0', '--seconds', '5', '--data', join(home, name)];
      const session = { SIGMA_TOKEN: 'a session of somebody' };
      const variables = { SIGMA_DATA: join(home, 'none'), SIGMA_JOIN_TOKEN: token, ...session };
      return runSigma(['edge', '--hub', hub.url, ...small, ...more], variables);
    };
    const [stranger, guest, known] = await Promise.all([
      edge('stranger', 'no token of this hub'),
      edge('guest', hub.joinToken, '--tenant', 'other'),
      edge('known', hub.joinToken),
    ]);
    assert.equal(stranger.code, 4, stranger.error);
    assert.match(stranger.out, /no link to http:\S+: \[unauthenticated\]/);
    assert.match(
      stranger.error,
      /never took this edge in: .*\n.*--tenant, --name, --first and SIGMA_JOIN_TOKEN.*recorded is in \S+edge\.sqlite/,
    );
    assert.equal(guest.code, 4, guest.error);
    assert.match(guest.error, /tenant 'other' is not served here/);
    assert.equal(known.code, 0, known.error);
    assert.match(known.out, new RegExp(`linked to ${hub.url}\n`));
  } finally {
    await hub.close();
  }
});

test('a second edge takes a name and robots of its own to the same hub', async () => {
  const { root } = readEnvironment({});
  const dataDir = await layDatabase(join(home, 'both'));
  const site = loadSite({}, root);
  const where = { dataDir, root, port: 0, host: '127.0.0.1', databaseUrl: undefined, s3: null, pages: false };
  const hub = await startSoloHub({ tenant: 'solo', site, ...where, simulated: true });
  try {
    const edge = (data: string, ...more: readonly string[]) => {
      const small = ['--robots', '2', '--people', '0', '--seconds', '5', '--data', join(home, data)];
      return runSigma(['edge', '--hub', hub.url, ...small, ...more], { SIGMA_DATA: dataDir });
    };
    const ended = await Promise.all([edge('one'), edge('north', '--name', 'north', '--first', '3')]);
    for (const { code, out, error } of ended) {
      assert.equal(code, 0, error);
      assert.doesNotMatch(out, /no link/);
    }
    const { code, out, error } = await runSigma(['record', 'ls', '--json', hub.recordingPath], {});
    assert.equal(code, 0, error);
    const { chains } = JSON.parse(out) as { readonly chains: readonly { readonly source: string }[] };
    const sources = chains.map(({ source }) => source).sort();
    assert.deepEqual(sources, ['hub', 'r01', 'r02', 'r03', 'r04', 'world-edge-1', 'world-north']);
  } finally {
    await hub.close();
  }
});

test('more robots than the site has room for are refused with how many it takes, before anything is recorded', async () => {
  const map = join(home, 'small.map');
  writeFileSync(map, 'type octile\nheight 3\nwidth 3\nmap\n...\n...\n...\n');
  const words = ['edge', '--hub', 'http://127.0.0.1:9', '--map', map, '--robots', '8', '--data', join(home, 'crowd')];
  const { code, out, error } = await runSigma(words, { SIGMA_DATA: join(home, 'none'), SIGMA_JOIN_TOKEN: 'any' });
  assert.deepEqual([code, out], [EXIT.usage, '']);
  assert.match(error, /Site 'small' has room for 4 robots, not for 8; ask for fewer or give a larger map/);
  assert.deepEqual(readdirSync(join(home, 'crowd', 'recordings')), []);
});

test('a session and a join token are told apart; a script that gives only the one name is understood as before', () => {
  const told = (env: Readonly<Record<string, string>>) => {
    const { token, joinToken } = readEnvironment(env);
    return { token, joinToken };
  };
  assert.deepEqual(told({}), { token: null, joinToken: null });
  assert.deepEqual(told({ SIGMA_TOKEN: 'a', SIGMA_JOIN_TOKEN: 'b' }), { token: 'a', joinToken: 'b' });
  assert.deepEqual(told({ SIGMA_JOIN_TOKEN: 'b' }), { token: null, joinToken: 'b' });
  assert.deepEqual(told({ SIGMA_TOKEN: 'a' }), { token: 'a', joinToken: 'a' });
});

test('what is said of a link is said once, until it is something else', () => {
  const told = new ToldLink('http://hub');
  const never = { connected: false, connections: 0, lastError: '' };
  const away = { ...never, lastError: '[unavailable] connect ECONNREFUSED' };
  const here = { connected: true, connections: 1, lastError: away.lastError };
  assert.equal(told.news(never), null);
  assert.match(
    told.news(away) ?? '',
    /^no link to http:\/\/hub: \[unavailable\] connect ECONNREFUSED; it is tried again/,
  );
  assert.equal(told.news(away), null);
  assert.equal(told.news(here), 'linked to http://hub');
  assert.match(told.news({ ...here, connected: false }) ?? '', /^no link/);
  const replaced = { ...here, connected: false, lastError: 'a newer link of the same edge took its place' };
  assert.match(
    told.news(replaced) ?? '',
    /goes there later\. If another edge runs beside this one, give one .* --name/,
  );
  assert.equal(isRefused(away), false, 'a hub that is away has refused nobody');
  assert.equal(isRefused({ ...never, lastError: 'the hub refuses this edge: two of that name' }), true);
  assert.equal(
    isRefused({ ...here, connected: false, lastError: '[unauthenticated] no' }),
    false,
    'it was taken in once',
  );
});
