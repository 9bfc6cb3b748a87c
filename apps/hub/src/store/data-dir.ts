import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** The hub's directory is in use, cannot be written, or cannot be reached. The message says which, and the way out. */
export class DataDirError extends Error {
  readonly directory: string;

  constructor(directory: string, what: string) {
    super(what);
    this.name = 'DataDirError';
    this.directory = directory;
  }
}

/**
 * Makes the directory and takes it for this process. @returns how to give it back.
 * @throws DataDirError when another living hub has it or it cannot be written
 */
export function takeDataDir(directory: string): () => void {
  const lock = join(directory, 'hub.pid');
  try {
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o711);
  } catch (cause) {
    throw new DataDirError(
      directory,
      `cannot make the data directory ${directory} (${reason(cause)}); name another with --data`,
    );
  }
  const holder = existsSync(lock) ? readFileSync(lock, 'utf8').trim() : '';
  if (holder !== '' && isAlive(holder)) {
    const pid = holder.split(' ')[0];
    throw new DataDirError(
      directory,
      `the data directory ${directory} is in use by process ${pid}; stop that hub or name another directory with --data`,
    );
  }
  try {
    writeFileSync(lock, `${process.pid} ${startedAt(process.pid)}\n`);
  } catch (cause) {
    throw new DataDirError(
      directory,
      `cannot write to the data directory ${directory} (${reason(cause)}); name another with --data`,
    );
  }
  return () => rmSync(lock, { force: true });
}

const reason = (cause: unknown): string => (cause as NodeJS.ErrnoException).code ?? String(cause);

/** Whether the process written as `<pid> <start time>` still lives; a reused pid has another start time. */
function isAlive(written: string): boolean {
  const [pid, started] = written.split(' ') as [string, string | undefined];
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = startedAt(Number(pid));
  return started === undefined || now === '' || now === started;
}

/** Clock ticks since boot at which a process began (proc(5), field 22); empty where the system does not tell. */
function startedAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** A secret of `bytes` random bytes, made at the first call and kept in a file that only the owner reads. Base64url. */
export function keptSecret(directory: string, name: string, bytes: number): string {
  const path = join(directory, 'keys', name);
  mkdirSync(join(directory, 'keys'), { recursive: true, mode: 0o700 });
  if (!existsSync(path)) writeFileSync(path, randomBytes(bytes).toString('base64url'), { mode: 0o600, flag: 'wx' });
  return readFileSync(path, 'utf8').trim();
}

/** Makes a file that only its owner reads, or takes the others' rights away from one that is there. */
export function forOwnerOnly(path: string): void {
  try {
    if (existsSync(path)) chmodSync(path, statSync(path).mode & 0o700);
    else closeSync(openSync(path, 'a', 0o600));
  } catch {
    // Not ours to change or to make: whoever opens it next says what is wrong with it.
  }
}
