import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readEnvironment } from './environment.ts';
import { buildProgram } from './program.ts';
import type { Shell } from './shell.ts';
import { type Ended, runSigma, startSigma } from './testing/run-sigma.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const COMMANDS = [
  ...[
    'up',
    'sim',
    'verify',
    'replay',
    'whatif',
    'fork',
    'compare',
    'export',
    'prove',
    'import',
    'ingest',
    'login',
    'doctor',
    'bench',
    'soak',
    'hub',
    'edge',
  ].map((one) => [one]),
  ...['create', 'list', 'priority', 'cancel'].map((one) => ['mission', one]),
  ...['list', 'create', 'role', 'remove'].map((one) => ['account', one]),
  ...['list', 'show', 'stop', 'reset', 'ack'].map((one) => ['robot', one]),
  ['record', 'ls'],
];

let folder = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-cli-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs `sigma` in a data folder of its own, within this process: for what does not depend on a process of its own. */
const sigma = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  runSigma(args, { SIGMA_DATA: join(folder, 'data'), ...env });

/** The same as a program of its own. */
const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}, events?: number): Promise<Ended> =>
  startSigma(args, { SIGMA_DATA: join(folder, 'data'), ...env }, events === undefined ? {} : { events });

/** A failure that a person can act on: the culprit is named, and no stack is shown. */
function tells({ error }: Ended, ...words: readonly (string | RegExp)[]): void {
  for (const word of words)
    assert.match(error, word instanceof RegExp ? word : new RegExp(word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
  assert.doesNotMatch(error, /\n\s+at |defect/, error);
}

/** The help of a command, as commander would print it. */
async function helpOf(words: readonly string[]): Promise<string> {
  const shell: Shell = {
    environment: readEnvironment({}),
    interrupted: new AbortController().signal,
    nowMs: () => 0,
    terminal: () => assert.fail('no command runs here'),
    begins: () => assert.fail('no command runs here'),
    listenForReaders: () => assert.fail('no command runs here'),
    ends: () => assert.fail('no command runs here'),
  };
  let one = await buildProgram(shell, words);
  for (const word of words) {
    const next = one.commands.find((known) => known.name() === word);
    assert.ok(next !== undefined, `there is no command ${words.join(' ')}`);
    one = next;
  }
  let text = '';
  one.configureOutput({ writeOut: (part) => (text += part) });
  one.outputHelp();
  return text;
}

test('every command explains itself with an example, and the exit codes stand in the help', async () => {
  for (const words of COMMANDS) {
    const name = words.join(' ');
    const help = await helpOf(words);
    assert.match(help, new RegExp(`Examples:\\n {2}\\$ .*sigma ${name}`), name);
    assert.match(help, /--json/, name);
  }
  const { code, out } = await start(['--help']);
  assert.equal(code, 0);
  for (const meaning of ['wrong usage', 'cannot be reached', 'refused']) assert.ok(out.includes(meaning), meaning);
});

test('a reader that has seen enough ends the command without complaint', async () => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, '--help'], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let error = '';
  child.stderr.on('data', (text: Buffer) => (error += text.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(error, '');
  assert.equal(code, 0);
});

test('wrong usage ends with 2 and names the option', async () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['sim', '--robots', 'many'], '--robots'],
    [['sim', '--minutes', '0'], '--minutes'],
    [['sim', '--fault', 'earthquake:r01@3'], 'earthquake'],
    [['sim', '--site', 'x.json'], '--map'],
    [['sim', '--robots', '1000', '--map', smallMap()], 'room for'],
    [['edge', '--spool', 'much'], 'megabytes above 0'],
    [['edge', '--name', 'North Yard'], 'north-1'],
    [['edge', '--first', '0'], '--first'],
    [['edge', '--spool', '0'], '`none`'],
    [['hub', '--data-port', '70000'], '65535'],
    [['hub', '--data-url', 'ftp://hub'], 'https://hub.example.org'],
    [['hub', '--public-url', 'hub.example.org'], 'https://hub.example.org'],
    [['hub', '--trusted-proxy', 'proxy'], '10.0.0.0/24'],
    [['hub', '--trusted-proxy', '10.0.0.5', '--trusted-proxy', '10.0.0.0/33'], '10.0.0.0/24'],
    [['hub', '--port', '8080', '--data-port', '8080'], '--data-port'],
    [['fly'], 'fly'],
    [['replay', 'x.sqlite'], '--at'],
    [['replay', '--at', 'noon', 'x.sqlite'], '--at'],
    [['mission', 'create', 'deliver', '--to', 'b'], '--from'],
    [['mission', 'create', 'dance'], 'dance'],
    [['robot', 'stop'], '--all'],
    [['robot', 'list', '--hub', 'nonsense'], 'nonsense'],
    [['ingest', MAIN], '.csv'],
  ];
  const ended = await Promise.all(cases.map(([args]) => (args[0] === 'fly' ? start : sigma)(args)));
  for (const [i, result] of ended.entries()) {
    const [args, culprit] = cases[i] as (typeof cases)[number];
    assert.equal(result.code, 2, `${args.join(' ')}: ${result.error}`);
    tells(result, culprit);
  }
  const broken = await start(['sim'], { SIGMA_EVENTS_FD: 'seven' });
  assert.equal(broken.code, 2);
  tells(broken, 'SIGMA_EVENTS_FD', 'seven');
});

test('a question that is none, or cannot be asked, leaves nothing of the process that was begun to answer it', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'sigma-begun-'));
  for (const [words, code] of [
    [['query', '--rows', 'none'], 2],
    [['query', 'SELECT 1'], 2],
    [['query', 'SELECT 1', '--over', '/nowhere.parquet'], 5],
    [['query', 'SELEC 1', '--over', scratch], 2],
  ] as const) {
    const ended = await start(words, { TMPDIR: scratch });
    assert.equal(ended.code, code, `${words.join(' ')}: ${ended.error}`);
    tells(ended);
    assert.deepEqual(readdirSync(scratch), [], words.join(' '));
  }
  // Nobody says where it may write: the command tells of it, and not as of a defect of its start.
  const homeless = await start(['query', '--rows', 'none'], { TMPDIR: '/nowhere' });
  assert.equal(homeless.code, 2, homeless.error);
  rmSync(scratch, { recursive: true });
});

function smallMap(): string {
  const path = join(folder, 'small.map');
  writeFileSync(path, `type octile\nheight 6\nwidth 6\nmap\n${'......\n'.repeat(6)}`);
  return path;
}

test('a hub that is not there ends with 3, and says how to start one', async () => {
  const dead = await deadAddress();
  for (const args of [
    ['robot', 'list'],
    ['mission', 'list'],
    ['robot', 'stop', '--all'],
  ]) {
    const result = await (args[0] === 'mission' ? start : sigma)([...args, '--hub', dead]);
    assert.equal(result.code, 3, result.error);
    tells(result, dead, 'sigma up');
  }
});

test('a hub that refuses ends with 4, and says how to sign in', async () => {
  const server = createServer((_, response) => {
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ code: 'unauthenticated', message: 'sign in first' }));
  });
  const url = await addressOf(server);
  const result = await start(['robot', 'list', '--hub', url]);
  server.close();
  assert.equal(result.code, 4, result.error);
  tells(result, 'sign in first', 'sigma login');
});

async function deadAddress(): Promise<string> {
  const server = createServer();
  const url = await addressOf(server);
  await new Promise((closed) => server.close(closed));
  return url;
}

const addressOf = (server: ReturnType<typeof createServer>): Promise<string> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });

test('files that are missing, broken or in the way end with 5', async () => {
  const taken = join(folder, 'taken.sqlite');
  writeFileSync(taken, 'not a recording');
  const noMap = join(folder, 'no.map');
  writeFileSync(noMap, 'this is no map\n');
  const cases: readonly (readonly [readonly string[], string])[] = [
    [['verify', join(folder, 'nowhere.sqlite')], 'nowhere.sqlite'],
    [['record', 'ls', taken], 'taken.sqlite'],
    [['sim', '--out', taken], 'taken.sqlite'],
    [['sim', '--map', join(folder, 'gone.map')], 'gone.map'],
    [['sim', '--map', noMap], 'no.map'],
    [['ingest', join(folder, 'gone.csv')], 'gone.csv'],
  ];
  const ended = await Promise.all(cases.map(([args]) => (args[0] === 'verify' ? start : sigma)(args)));
  for (const [i, result] of ended.entries()) {
    const [args, culprit] = cases[i] as (typeof cases)[number];
    assert.equal(result.code, 5, `${args.join(' ')}: ${result.error}`);
    tells(result, culprit);
  }
});

describe('a recorded simulation', () => {
  let recording = '';

  before(async () => {
    recording = join(folder, 'run.sqlite');
    const events = join(folder, 'events.jsonl');
    const descriptor = openSync(events, 'w');
    const args = [
      'sim',
      '--seed',
      '5',
      '--minutes',
      '0.1',
      '--robots',
      '4',
      '--people',
      '2',
      '--json',
      '--out',
      recording,
    ];
    const { code, out, error } = await start(args, {}, descriptor);
    closeSync(descriptor);
    assert.equal(code, 0, error);
    const lines = out.trim().split('\n');
    assert.equal(lines.length, 1, 'one JSON line and nothing else');
    const result = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    for (const field of [
      'robots',
      'missionsCompleted',
      'decisions',
      'violations',
      'failsafe',
      'decisionMs',
      'recording',
      'head',
      'verify',
    ]) {
      assert.ok(field in result, field);
    }
    assert.equal(result['verify'], 'ok');
    const told = readFileSync(events, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly type: string });
    assert.ok(told.some(({ type }) => type === 'sigma.sim.progress'));
    const types = told.map(({ type }) => type);
    assert.equal(types[0], 'sigma.command.started');
    assert.deepEqual(types.slice(-2), ['sigma.sim.result', 'sigma.command.ended']);
  });

  test('a chain is exported as a signed log, and a source that is not there is named', async () => {
    const out = join(folder, 'proof');
    const { code, out: said, error } = await sigma(['export', '--out', out, '--source', 'r01', '--json', recording]);
    assert.equal(code, 0, error);
    const { logs } = JSON.parse(said) as {
      readonly logs: readonly { readonly folder: string; readonly events: number }[];
    };
    assert.equal(logs.length, 1);
    const checkpoint = readFileSync(join(logs[0]?.folder ?? '', 'checkpoint'), 'utf8').split('\n');
    assert.equal(checkpoint[0], 'sigma/solo/r01/0');
    assert.equal(Number(checkpoint[1]), logs[0]?.events);
    const nobody = await sigma(['export', '--out', out, '--source', 'r99', recording]);
    assert.equal(nobody.code, 2);
    tells(nobody, 'r99');
  });

  test('verifies, with the head that the run printed', async () => {
    const [verified, listed] = await Promise.all([
      sigma(['verify', '--json', recording]),
      sigma(['record', 'ls', '--json', recording]),
    ]);
    assert.equal(verified.code, 0, verified.error);
    const report = JSON.parse(verified.out) as {
      readonly verify: string;
      readonly head: string;
      readonly chains: readonly unknown[];
    };
    assert.equal(report.verify, 'ok');
    assert.equal(report.chains.length, 6, 'four robots, the hub and the world');
    assert.equal((JSON.parse(listed.out) as { readonly head: string }).head, report.head);
  });

  test('is replayed at any moment, for one agent or for all', async () => {
    const [all, one, later, nobody] = await Promise.all([
      sigma(['replay', '--at', '3.5', recording]),
      sigma(['replay', '--at', '3.5', '--agent', 'r02', '--json', recording]),
      sigma(['replay', '--at', '0:05', '--agent', 'r02', '--json', recording]),
      sigma(['replay', '--at', '3', '--agent', 'r99', recording]),
    ]);
    assert.equal(all.code, 0, all.error);
    assert.match(all.out, /r04 +recomputed +3\.50 s/);
    const at = (text: string) =>
      JSON.parse(text) as { readonly sources: readonly { readonly wokeUs: number; readonly exact: boolean }[] };
    assert.equal(at(one.out).sources[0]?.wokeUs, 3_500_000);
    assert.equal(at(later.out).sources[0]?.wokeUs, 5_000_000);
    assert.ok(at(one.out).sources.every(({ exact }) => exact));
    assert.equal(nobody.code, 2);
    tells(nobody, 'r99', 'r01');
  });

  test('is replayed from one moment to another, forwards or backwards, and to the moment of an event', async () => {
    const [back, event, none, half] = await Promise.all([
      sigma([
        'replay',
        '--from',
        '4',
        '--to',
        '3',
        '--step',
        '0.5',
        '--speed',
        '100',
        '--agent',
        'r02',
        '--json',
        recording,
      ]),
      sigma(['replay', '--at', 'r02#3', '--agent', 'r02', '--json', recording]),
      sigma(['replay', '--at', 'r02#999999', recording]),
      sigma(['replay', '--from', '3', recording]),
    ]);
    const lines = back.out.trim().split('\n');
    const moments = lines.map((line) => JSON.parse(line) as { atUs: number; sources: { wokeUs: number }[] });
    assert.deepEqual(
      moments.map(({ atUs, sources }) => [atUs, sources[0]?.wokeUs]),
      [4_000_000, 3_500_000, 3_000_000].map((atUs) => [atUs, atUs]),
    );
    assert.equal(event.code, 0, event.error);
    assert.equal(none.code, 2);
    tells(none, 'has no event 999999', 'Its events are 1 to');
    assert.equal(half.code, 2);
    tells(half, '--from and --to', '--help');
  });

  test('[L4] one changed byte is found, and the report names chain and event', async () => {
    const altered = join(folder, 'altered.sqlite');
    writeFileSync(altered, readFileSync(recording));
    const file = new DatabaseSync(altered);
    const query = `SELECT b.rowid AS row, b.bytes AS bytes, b.first_sequence AS first FROM blocks b JOIN chains c ON c.chain = b.chain
                   WHERE c.source = 'r02' ORDER BY b.first_sequence LIMIT 1 OFFSET 4`;
    const block = file.prepare(query).get() as { row: number; bytes: Uint8Array; first: number };
    const bytes = Uint8Array.from(block.bytes);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    file.prepare('UPDATE blocks SET bytes = ? WHERE rowid = ?').run(bytes, block.row);
    file.close();
    const result = await start(['verify', altered]);
    assert.equal(result.code, 1, result.error);
    tells(result, 'altered.sqlite', 'r02', String(block.first));
  });

  test('its file is kept for its owner, and a second run does not overwrite it', async () => {
    const size = statSync(recording).size;
    const again = await sigma(['sim', '--minutes', '0.1', '--robots', '1', '--out', recording]);
    assert.equal(again.code, 5);
    tells(again, 'run.sqlite', '--out');
    assert.equal(statSync(recording).size, size);
  });
});

test('the doctor names what is wrong and what to do about it', async () => {
  const server = createServer();
  const url = await addressOf(server);
  const port = new URL(url).port;
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const [busy, barred] = await Promise.all([
    sigma(['doctor', '--json', '--port', port]),
    sigma(['doctor', '--json', '--port', '0'], { SIGMA_DATA: join(file, 'data') }),
  ]);
  server.close();
  const failed = ({ out }: Ended) =>
    (
      JSON.parse(out) as {
        readonly findings: readonly { readonly name: string; readonly ok: boolean; readonly wayOut: string }[];
      }
    ).findings.filter(({ ok }) => !ok);
  assert.equal(busy.code, 1);
  assert.match(failed(busy).find(({ name }) => name === 'port')?.wayOut ?? '', /--port 0/);
  assert.equal(barred.code, 1);
  assert.match(failed(barred).find(({ name }) => name === 'data folder')?.wayOut ?? '', /SIGMA_DATA/);
});
