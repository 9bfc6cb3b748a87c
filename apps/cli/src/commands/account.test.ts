import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deriveSite, fleetSupervisor, parseMovingAiMap } from '@sigma/fleet-model';
import { type Hub, type Supervisor, startHub } from '@sigma/hub';
import { layDatabase } from '@sigma/hub/testing';
import { signIn } from '../hub-access.ts';
import { runSigma } from '../testing/run-sigma.ts';

const MAP = ['type octile', 'height 4', 'width 6', 'map', ...Array.from({ length: 4 }, () => '.'.repeat(6)), ''];
const folder = mkdtempSync(join(tmpdir(), 'sigma-account-'));
let hub: Hub;
let token = '';

before(async () => {
  const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
  hub = await startHub({
    tenant: 'acme',
    dataDir: await layDatabase(join(folder, 'hub')),
    port: 0,
    site: { json: '{}', digest: site.digest },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
  });
  token = await signIn(hub.url, hub.operator.email, hub.operator.password ?? '');
});
after(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs `sigma` as the person whose session that is. */
const sigma = (session: string, ...args: readonly string[]) =>
  runSigma(args, { SIGMA_DATA: join(folder, 'data'), SIGMA_HUB: hub.url, SIGMA_TOKEN: session });

test('an account is made, listed, given another role and removed from the command line', async () => {
  const made = await sigma(token, 'account', 'create', 'ann@example.org', '--role', 'operator', '--json');
  assert.equal(made.code, 0, made.error);
  const { password } = JSON.parse(made.out) as { readonly password: string };
  const ann = await signIn(hub.url, 'ann@example.org', password);
  const refused = await sigma(ann, 'account', 'list');
  assert.equal(refused.code, 4, refused.out);
  assert.match(refused.error, /needs the role administrator/);
  const role = await sigma(token, 'account', 'role', 'ann@example.org', 'viewer');
  assert.match(role.out, /ann@example\.org is viewer from now on/);
  const [list, last, none, move] = await Promise.all([
    sigma(token, 'account', 'list'),
    sigma(token, 'account', 'role', 'operator@sigma.local', 'viewer'),
    sigma(token, 'mission', 'list', '--status', 'queued', '--status', 'active', '--json'),
    sigma(token, 'mission', 'priority', 'm-none', '5'),
  ]);
  assert.match(list.out, /operator@sigma\.local +administrator/);
  assert.match(list.out, /ann@example\.org +viewer/);
  assert.match(last.error, /last administrator/);
  assert.deepEqual(JSON.parse(none.out), { missions: [] });
  assert.match(move.error, /no mission 'm-none'/);
  const removed = await sigma(token, 'account', 'remove', 'ann@example.org');
  assert.equal(removed.code, 0, removed.error);
});
