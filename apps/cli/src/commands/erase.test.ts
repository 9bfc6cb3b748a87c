import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { layDatabase } from '@sigma/hub/testing';
import { readCredentials, signIn } from '../hub-access.ts';
import { runSigma } from '../testing/run-sigma.ts';

const SIGMA = fileURLToPath(new URL('../../bin/sigma.mjs', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'sigma-erase-'));
const file = join(home, 'hub', 'hub.sqlite');
const ANN = 'ann@example.org';
/** Formats that hold what is recorded, none of them packed where that can be chosen. */
const EXPORTS: Readonly<Record<string, readonly string[]>> = {
  cloudevents: [],
  mcap: [],
  parquet: [],
  otel: [],
  prov: [],
};
let site: ChildProcess | null = null;
after(() => {
  site?.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

const sigma = (args: readonly string[], token = '') =>
  runSigma(args, { SIGMA_DATA: home, ...(token !== '' && { SIGMA_TOKEN: token }) });

/** A whole site, as `sigma up` runs it, until `use` has returned. */
async function whileUp(use: (url: string) => Promise<void>): Promise<void> {
  await layDatabase(join(home, 'hub'));
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

/** What Ann writes, each a sentence that stands nowhere else. */
const WRITTEN = {
  fence: 'where Jo fell on 3 May',
  note: 'Jo is still in hospital',
  later: 'her brother called',
  mission: 'look for the ring of Jo',
  cancelled: 'found it in my own pocket',
  silenced: 'it woke me twice tonight',
  rationale: 'my daughter is watching',
  fork: 'had I been there with Jo',
} as const;

/** Calls a method of the hub as the page does. */
async function call(url: string, token: string, method: string, body: object): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/sigma.v1.${method}`, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = await response.json();
  assert.equal(response.status, 200, `${method}: ${JSON.stringify(answer)}`);
  return answer as Record<string, unknown>;
}

/** Everything that Ann can write, done once. @returns the moment before which all of it was recorded */
async function writeAll(url: string, token: string): Promise<void> {
  const ask = (method: string, body: object) => call(url, token, method, body);
  const { agents } = (await ask('FleetService/ListAgents', {})) as { agents: { status: { agentId: string } }[] };
  const agentId = agents[0]?.status.agentId ?? '';
  const points = [2, 40].flatMap((xM) => (xM === 2 ? [2, 30] : [30, 2]).map((yM) => ({ xM, yM })));
  const drawn = { name: WRITTEN.fence, kind: 'slow', speedMps: 0.5, polygon: { points }, note: WRITTEN.note };
  const { fence } = (await ask('SiteService/PutFence', drawn)) as { fence: { id: string; name: string } };
  assert.equal(fence.name, WRITTEN.fence, 'whoever may read it reads it');
  const note = `${WRITTEN.note}\n${WRITTEN.later}`;
  const revised = await ask('SiteService/ReviseFence', { fenceId: fence.id, version: 1, note });
  assert.equal((revised['fence'] as { note: string }).note, note);
  const goal = { patrol: { points: [{ xM: 20, yM: 20 }], rounds: 1 } };
  const { mission } = (await ask('MissionService/CreateMission', { name: WRITTEN.mission, goal })) as {
    mission: { id: string };
  };
  await ask('MissionService/CancelMission', { missionId: mission.id, reason: WRITTEN.cancelled });
  await ask('AlertService/SilenceAlerts', { cause: 'link', seconds: 600, reason: WRITTEN.silenced });
  await ask('FleetService/TakeLease', { agentId, seconds: 60 });
  const command = { name: 'hold', setPoint: { durationUs: '100000' } };
  await ask('FleetService/CommandAgent', { agentId, command, rationale: WRITTEN.rationale });
  const { chains } = (await ask('RecordService/LocateMoment', { timeUs: String(Date.now() * 1000) })) as {
    chains: { source: string; epochTimeUs: string }[];
  };
  assert.ok(chains.length > 0);
  const atTimeUs = String((Date.now() - 1_000) * 1000);
  await ask('ForkService/MakeFork', { name: WRITTEN.fork, atTimeUs, seconds: 1 });
}

/** What the hub tells whoever may read everything. */
async function toldBy(url: string, token: string): Promise<string> {
  const asked: readonly (readonly [string, object])[] = [
    ['SiteService/ListFences', {}],
    ['MissionService/ListMissions', {}],
    ['AlertService/ListSilences', {}],
    ['AccountService/ListActs', { limit: 1000 }],
    ['RecordService/ListMarks', { limit: 1000 }],
    ['ForkService/ListForks', {}],
  ];
  const answers = await Promise.all(asked.map(([method, body]) => call(url, token, method, body)));
  return JSON.stringify(answers);
}

/** Which of Ann's texts SQL finds, asked of the hub. */
async function foundInSql(url: string, token: string): Promise<readonly string[]> {
  const asked = await sigma(['query', SAID, '--hub', url, '--json'], token);
  assert.equal(asked.code, 0, asked.error);
  const said = (JSON.parse(asked.out) as { rows: readonly (readonly [string])[] }).rows.map(([text]) => text);
  return Object.keys(WRITTEN).filter((what) => said.some((text) => text.includes(WRITTEN[what as never])));
}

const SAID = 'SELECT DISTINCT text FROM events WHERE text IS NOT NULL';

/** Which of Ann's texts a file holds, of every file below the folder. */
function holding(folder: string): readonly string[] {
  const found: string[] = [];
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) continue;
    const bytes = readFileSync(path);
    for (const [what, text] of Object.entries(WRITTEN)) if (bytes.includes(text)) found.push(`${name}: ${what}`);
  }
  return found;
}

test('[R174][R179][R190] a person is erased from a whole site with what they wrote, and every proof stays valid', async () => {
  let boss = '';
  await whileUp(async (url) => {
    boss = readCredentials(home)?.session ?? '';
    const made = await sigma(['account', 'create', ANN, '--role', 'engineer', '--json']);
    assert.equal(made.code, 0, made.error);
    const ann = await signIn(url, ANN, JSON.parse(made.out).password);
    const stopped = await sigma(['robot', 'stop', '--all', '--kind', 'protective'], ann);
    assert.equal(stopped.code, 0, stopped.error);
    await writeAll(url, ann);
    const told = await toldBy(url, ann);
    assert.deepEqual(
      Object.values(WRITTEN).filter((text) => !told.includes(text)),
      [],
      'the door says what she wrote',
    );
    assert.deepEqual(await foundInSql(url, ann), Object.keys(WRITTEN), 'SQL finds what she wrote, asked of the hub');
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
  const archive = join(home, 'archive');
  mkdirSync(join(home, 'exports'));
  for (const recording of [live, file]) {
    const archived = await sigma(['archive', recording, '--to', archive]);
    assert.equal(archived.code, 0, archived.error);
    for (const [format, extra] of Object.entries(EXPORTS)) {
      const out = join(home, 'exports', `${recording === file ? 'hub' : 'robot'}.${format}`);
      const exported = await sigma(['export', recording, '--format', format, '--out', out, ...extra]);
      assert.equal(exported.code, 0, `${format}: ${exported.out}${exported.error}`);
      // An MCAP file is packed; what comes back from it is not.
      if (format === 'mcap') assert.equal((await sigma(['import', out, '--out', `${out}.sqlite`])).code, 0);
    }
  }

  const erased = await sigma(['erase', file, '--person', ANN, '--by', 'dpo', '--why', 'request', '--json']);
  assert.equal(erased.code, 0, erased.error);
  assert.equal(JSON.parse(erased.out).erased.subject, alias);
  assert.deepEqual(naming(), []);
  // Parquet is packed: what is in it is read as rows.
  const inRows: string[] = [];
  for (const over of [archive, file, live]) {
    const asked = await sigma(['query', 'SELECT * FROM events', '--over', over, '--rows', '1000000', '--json']);
    assert.equal(asked.code, 0, asked.error);
    const rows = asked.out;
    for (const [what, text] of Object.entries(WRITTEN)) if (rows.includes(text)) inRows.push(`${over}: ${what}`);
  }
  assert.deepEqual([...holding(home), ...inRows], [], 'nothing of what she wrote is in any file');
  assert.deepEqual(await heads(live), before);
  for (const recording of [live, file]) {
    const verified = await sigma(['verify', recording, '--json']);
    assert.equal(verified.code, 0, verified.out + verified.error);
  }
  const archivedToo = await sigma(['archive', '--check', archive]);
  assert.equal(archivedToo.code, 0, archivedToo.out + archivedToo.error);
  await whileUp(async (url) => {
    const told = await toldBy(url, boss);
    for (const text of Object.values(WRITTEN)) assert.ok(!told.includes(text), text);
    const { fences } = (await call(url, boss, 'SiteService/ListFences', {})) as { fences: Record<string, string>[] };
    const [erasedText, acts] = ['text of an erased person', told.match(/"act":"[A-Za-z]+"/g) ?? []];
    assert.deepEqual([fences[0]?.['name'], fences[0]?.['note']], [erasedText, `${erasedText}\n${erasedText}`]);
    assert.ok(told.includes(`sent mission '${erasedText}'`), 'that she did it stays');
    assert.deepEqual(await foundInSql(url, boss), []);
    const inSql = await sigma(['query', SAID, '--hub', url, '--json'], boss);
    assert.deepEqual(
      JSON.parse(inSql.out)
        .rows.flat()
        .join('\n')
        .split('\n')
        .filter((line: string) => line !== erasedText),
      [],
    );
    assert.ok(acts.length >= 8);
  });
  const sealed = "SELECT count(*) AS n FROM events WHERE type = 'sigma.sealed.v1'";
  assert.ok(JSON.parse((await sigma(['query', sealed, '--over', file, '--json'])).out).rows[0][0] >= 2);
});
