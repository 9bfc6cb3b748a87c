import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EventOutlets } from './event-stream.ts';

const MODULE = fileURLToPath(new URL('./event-stream.ts', import.meta.url));
const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-stream-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** A program that tells more than a pipe holds, says on stdout that it is done, and then lets readers take the rest. */
const TELLER = `
  import { EventOutlets } from ${JSON.stringify(MODULE)};
  const events = new EventOutlets(3, { memoryBytes: 65536, spoolBytes: Number(process.argv[1]) });
  for (let n = 0; n < 50000; n++) events.emit({ type: 'test', n, padding: 'x'.repeat(40) });
  process.stdout.write('done\\n');
  const left = await events.end(Number(process.argv[2]));
  process.stdout.write('left ' + left + '\\n');
`;

interface Told {
  readonly type: string;
  readonly n?: number;
  readonly dropped?: number;
  readonly missed?: number;
}

/** Runs the teller, and reads what it tells only when it has told all. */
async function listen(spoolBytes: number): Promise<{ readonly told: readonly Told[]; readonly out: string }> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', TELLER, String(spoolBytes), '20000'],
    { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] },
  );
  const events = child.stdio[3] as Readable;
  events.pause();
  let out = '';
  let text = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    out += bytes.toString();
    if (out.includes('done')) events.resume();
  });
  events.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await new Promise((closed) => child.once('close', closed));
  return {
    told: text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Told),
    out,
  };
}

test('[L8] [R189] a program whose reader has stopped goes on to its end, and the reader then finds every line', async () => {
  const { told, out } = await listen(64 * 1024 * 1024);
  assert.equal(told.length, 50_000);
  assert.ok(told.every(({ type, n }, k) => type === 'test' && n === k));
  assert.match(out, /left 0/);
});

test('[L8] a spool that is too small drops lines and says how many', async () => {
  const { told } = await listen(256 * 1024);
  const gaps = told.filter(({ type }) => type === 'sigma.events.gap');
  const kept = told.filter(({ type }) => type === 'test');
  assert.ok(gaps.length > 0);
  assert.equal(kept.length + gaps.reduce((sum, { dropped = 0 }) => sum + dropped, 0), 50_000);
});

test('a descriptor that nobody handed over is left alone', async () => {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', TELLER, '1000', '1'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let out = '';
  child.stdout?.on('data', (bytes: Buffer) => (out += bytes.toString()));
  const code = await new Promise((closed) => child.once('close', closed));
  assert.equal(code, 0);
  assert.match(out, /left 0/);
});

test('a descriptor that was named and not handed over is an error, and nothing is run', async () => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'doctor'], {
    env: { PATH: process.env['PATH'] ?? '', SIGMA_DATA: join(folder, 'data'), SIGMA_EVENTS_FD: '77' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, error] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (error += bytes.toString()));
  const code = await new Promise((closed) => child.once('close', closed));
  assert.deepEqual([code, out], [2, '']);
  assert.match(error, /SIGMA_EVENTS_FD: descriptor 77/);
});

/** Connects, and reads whole lines as they come. */
async function readerOf(path: string): Promise<{ readonly socket: Socket; next(): Promise<Told> }> {
  const socket = connect(path);
  await new Promise((connected, failed) => socket.once('connect', connected).once('error', failed));
  const lines = socket.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>;
  let text = '';
  return {
    socket,
    next: async () => {
      while (!text.includes('\n')) {
        const { value, done } = await lines.next();
        assert.ok(done !== true, 'the stream ended');
        text += value;
      }
      const [line = ''] = text.split('\n', 1);
      text = text.slice(line.length + 1);
      return JSON.parse(line) as Told;
    },
  };
}

test('[R189] everybody who connects to the socket is given what was told last and all that follows; one who reads nothing holds up nobody', async () => {
  const path = join(folder, 'events.sock');
  const events = new EventOutlets(-1);
  await events.listen(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const [first, idle] = [await readerOf(path), connect(path)];
  assert.equal((await first.next()).type, 'sigma.events.hello');
  await new Promise((connected) => idle.once('connect', connected));
  idle.pause();
  for (let n = 0; n < 20_000; n++) events.emit({ type: 'test', n });
  for (let n = 0; n < 20_000; n++) assert.equal((await first.next()).n, n);
  const second = await readerOf(path);
  const { type, missed = 0 } = await second.next();
  assert.equal(type, 'sigma.events.hello');
  assert.ok(missed > 10_000, 'it is told how much it missed');
  for (let n = missed; n < 20_000; n++) assert.equal((await second.next()).n, n);
  events.emit({ type: 'test', n: -1 });
  assert.equal((await second.next()).n, -1);
  first.socket.destroy();
  second.socket.destroy();
  assert.ok((await events.end(50)) > 0, 'the one who read nothing left something');
  idle.destroy();
  assert.throws(() => statSync(path), 'the socket is gone from its folder');
});

test('a socket left behind is replaced; one that is in use, and a file, are not', async () => {
  const path = join(folder, 'left.sock');
  const killed = `import { createServer } from 'node:net';
    createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', killed]);
  await new Promise((closed) => child.once('close', closed));
  assert.ok(statSync(path).isSocket());
  const events = new EventOutlets(-1);
  await events.listen(path);
  await assert.rejects(new EventOutlets(-1).listen(path), /another program listens there/);
  await events.end();
  const file = join(folder, 'file.sock');
  writeFileSync(file, 'mine');
  await assert.rejects(new EventOutlets(-1).listen(file), /a file of that name exists/);
  await assert.rejects(new EventOutlets(-1).listen(join(folder, 'x'.repeat(120))), /at most 107 bytes/);
});

test('any command gives its events to a socket that it is told to open', async () => {
  const path = join(folder, 'command.sock');
  const args = ['sim', '--minutes', '0.1', '--robots', '2', '--people', '0', '--no-verify', '--events-socket', path];
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', MAIN, ...args, '--out', join(folder, 'sim.sqlite')],
    { env: { PATH: process.env['PATH'] ?? '', SIGMA_DATA: join(folder, 'data') }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let error = '';
  child.stderr?.on('data', (bytes: Buffer) => (error += bytes.toString()));
  const ended = new Promise((closed) => child.once('close', closed));
  const reader = await untilThere(path);
  assert.equal((await reader.next()).type, 'sigma.events.hello');
  const began = await reader.next();
  assert.equal(began.type, 'sigma.command.started');
  let last: Told = { type: '' };
  while (last.type !== 'sigma.command.ended') last = await reader.next();
  reader.socket.destroy();
  assert.equal(await ended, 0, error);
});

async function untilThere(path: string): ReturnType<typeof readerOf> {
  for (;;) {
    try {
      return await readerOf(path);
    } catch {
      await new Promise((next) => setImmediate(next));
    }
  }
}
