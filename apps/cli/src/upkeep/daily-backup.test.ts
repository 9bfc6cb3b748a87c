import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { deriveSite, fleetSupervisor, parseMovingAiMap } from '@sigma/fleet-model';
import { type Hub, type Supervisor, startHub, type UpkeepTask } from '@sigma/hub';
import { signIn } from '../hub-access.ts';
import { runSigma } from '../testing/run-sigma.ts';
import { readUpkeep } from './upkeep-file.ts';
import { upkeepTasks } from './upkeep-tasks.ts';

const MAP = ['type octile', 'height 4', 'width 6', 'map', ...Array.from({ length: 4 }, () => '.'.repeat(6)), ''];
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sigma-daily-'));
const dataDir = join(folder, 'data');
const hubDir = join(dataDir, 'hub');
let hub: Hub | null = null;
let tasks: readonly UpkeepTask[] = [];

after(async () => {
  await hub?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A hub on that data folder, whose plan of every day is this file. */
async function started(path: string): Promise<Hub> {
  const plan = await readUpkeep(path);
  const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
  return startHub({
    ...{ tenant: 'acme', dataDir: hubDir, port: 0, site: { json: '{}', digest: site.digest } },
    supervisor: fleetSupervisor(site) as unknown as Supervisor,
    upkeep: (own) => {
      tasks = upkeepTasks(plan, { root, dataDir, live: [own], closed: () => [] });
      return tasks;
    },
  });
}

/** An import that the hub has read, as it lies on its disk. */
function imported(id: string): void {
  const at = join(hubDir, 'imports', id);
  mkdirSync(at, { recursive: true });
  const stated = { import: { id, name: 'drive.mcap', state: 'done', createdTimeUs: String(Date.now() * 1000) } };
  for (const [name, text] of [
    ['import.json', JSON.stringify(stated)],
    ['recording.sqlite', 'recorded'],
    ['lanes', 'lanes'],
  ] as const)
    writeFileSync(join(at, name), text);
}

const everyDay = (name: string): Promise<string> => {
  const task = tasks.find((one) => one.name === name);
  assert.ok(task !== undefined, `nothing named ${name} is planned`);
  return task.run(new AbortController().signal);
};

test('[R176] [R177] [R178] what a hub backs up every day brings it back to a moment between two backups, after everything was destroyed', async (t) => {
  const timed = async <Result>(step: string, work: () => Promise<Result>): Promise<Result> => {
    const from = performance.now();
    const result = await work();
    t.diagnostic(`${step}: ${((performance.now() - from) / 1000).toFixed(2)} s`);
    return result;
  };
  // The server of the database is another user where this is run by root.
  mkdirSync(hubDir, { recursive: true, mode: 0o711 });
  const plan = join(folder, 'upkeep.json');
  writeFileSync(plan, JSON.stringify({ backup: { at: '03:30', to: 'backup' }, archive: { at: '02:30', to: 'cold' } }));
  hub = await timed('start the hub', () => started(plan));
  const { email, password } = hub.operator;
  const sigmaAt = async (running: Hub, token: string, ...args: readonly string[]) => {
    const ended = await runSigma(args, { SIGMA_DATA: dataDir, SIGMA_HUB: running.url, SIGMA_TOKEN: token });
    assert.equal(ended.code, 0, ended.error);
    return ended.out;
  };
  const token = await signIn(hub.url, email, password ?? '');
  const account = async (running: Hub, name: string): Promise<string> => {
    const made = await sigmaAt(running, token, 'account', 'create', name, '--role', 'viewer', '--json');
    return (JSON.parse(made) as { readonly password: string }).password;
  };
  await account(hub, 'first@example.org');
  assert.match(await timed('back up, for the first time', () => everyDay('backup')), /^base-0001 and \d+ segments/);
  const known = await account(hub, 'kept@example.org');
  imported('import-kept');
  // Of the computer that the database runs on, which is this one; a commit of that very millisecond is before it.
  const moment = await new Promise<string>((resolve) => setTimeout(() => resolve(new Date().toISOString()), 5));
  await account(hub, 'lost@example.org');
  imported('import-late');
  assert.match(await timed('back up, the next day', () => everyDay('backup')), /^base-0001 and [1-9]\d* segments/);
  assert.match(await timed('archive', () => everyDay('archive')), /^[1-9]\d* events of 1 recordings/);

  await timed('destroy it', async () => {
    await hub?.close();
    hub = null;
    rmSync(hubDir, { recursive: true });
  });
  assert.equal(existsSync(hubDir), false);
  const restore = ['backup', 'restore', '--from', join(folder, 'backup'), '--out', hubDir, '--at', moment, '--json'];
  const laid = await timed('lay the files out again', () => runSigma(restore, { SIGMA_DATA: dataDir }));
  assert.equal(laid.code, 0, laid.error);
  const back = await timed('start on it, running the log up to the moment', () => started(plan));
  hub = back;
  assert.equal(back.operator.password, null, 'it is not a new hub');
  const list = await timed('count', async () =>
    sigmaAt(back, await signIn(back.url, email, password ?? ''), 'account', 'list', '--json'),
  );
  const accounts = (JSON.parse(list) as { readonly accounts: readonly { readonly email: string }[] }).accounts;
  assert.deepEqual(accounts.map((one) => one.email).sort(), ['first@example.org', 'kept@example.org', email].sort());
  assert.deepEqual(readdirSync(join(hubDir, 'imports')), ['import-kept'], 'what was imported by then');
  await signIn(back.url, 'kept@example.org', known);
  await assert.rejects(signIn(back.url, 'lost@example.org', known), 'it came after the moment');
  const verified = await timed("verify the hub's own recording", () => runSigma(['verify', back.recordingPath], {}));
  assert.equal(verified.code, 0, verified.error);
});
