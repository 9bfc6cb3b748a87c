import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a process did to files, in the order in which it took effect. A sync takes effect when it returns. */
export type FileCall =
  | { readonly kind: 'open'; readonly path: string; readonly fd: number; readonly truncates: boolean }
  | { readonly kind: 'close'; readonly fd: number }
  /** `offset` is null for a write at the file's own position, such as one to a pipe. */
  | { readonly kind: 'write'; readonly fd: number; readonly offset: number | null; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly fd: number; readonly size: number }
  /** A sync covers what was written before it began. */
  | { readonly kind: 'sync-begins'; readonly fd: number; readonly sync: number }
  | { readonly kind: 'sync-ends'; readonly fd: number; readonly sync: number; readonly ok: boolean }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  /** A call that a fault made fail. What it failed to do did not happen. */
  | { readonly kind: 'fault'; readonly name: string; readonly fd: number };

/** Why there is no tracing on this machine, or null. */
export const straceMissing: string | null = findStrace();

function findStrace(): string | null {
  if (process.platform !== 'linux') return 'needs Linux: system calls are traced with strace';
  const { error, status } = spawnSync('strace', ['-qq', '-e', 'trace=none', 'true']);
  if (error !== undefined) return 'needs strace: apt-get install strace';
  return status === 0 ? null : 'needs the right to trace processes: run with CAP_SYS_PTRACE';
}

export interface TracedRun {
  readonly calls: readonly FileCall[];
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

const TRACED =
  'open,openat,creat,close,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,fsync,fdatasync,' +
  'sync_file_range,unlink,unlinkat,rename,renameat,renameat2,link,linkat,copy_file_range,sendfile';

/**
 * Runs a Node program to its end under strace.
 *
 * @param faults in the words of `strace -e inject=…`, such as `fsync:error=EIO:when=3`
 * @throws Error when what it did cannot be modelled
 */
export async function traceNode(args: readonly string[], faults: readonly string[] = []): Promise<TracedRun> {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-trace-'));
  try {
    const log = join(folder, 'calls');
    const inject = faults.flatMap((fault) => ['-e', `inject=${fault}`]);
    // Halted at the calls that are traced, and at no others.
    const strace = ['--seccomp-bpf', '-f', '-qq', '-xx', '-s', '4000000', '-o', log, '-e', `trace=${TRACED}`];
    const child = spawn('strace', [...strace, ...inject, process.execPath, '--no-warnings', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // What Node compiled would be kept in files of its own, between the calls that are looked at.
      env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('latin1')));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('latin1')));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    return { calls: parseTrace(readFileSync(log, 'latin1')), stdout, stderr, code };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A call that began on one line of the trace and may end on a later one. */
interface Begun {
  readonly text: string;
  /** Where it stands in the order of effects. */
  readonly place: number;
}

/** Reads the text that strace wrote with `-f -xx`. */
export function parseTrace(text: string): FileCall[] {
  const effects: FileCall[][] = [];
  const begun = new Map<string, Begun>();
  let syncs = 0;
  const begin = (call: string): Begun => {
    const place = effects.push([]) - 1;
    if (isSync(call)) effects[place]?.push({ kind: 'sync-begins', fd: firstNumber(call), sync: ++syncs });
    return { text: call, place };
  };
  for (const line of text.split('\n')) {
    const [, thread, rest] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (thread === undefined || rest === undefined || rest.startsWith('+++') || rest.startsWith('---')) continue;
    if (rest.endsWith('<unfinished ...>')) {
      begun.set(thread, begin(rest.slice(0, -'<unfinished ...>'.length).trimEnd()));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const first = resumed === null ? begin(rest) : begun.get(thread);
    if (first === undefined) continue;
    begun.delete(thread);
    const whole = resumed === null ? rest : first.text + (resumed[1] ?? '');
    const began = effects[first.place]?.[0];
    const effect = effectOf(whole, began?.kind === 'sync-begins' ? began.sync : 0);
    if (/ = -1 .*\(INJECTED\)$/.test(whole))
      effects.push([{ kind: 'fault', name: nameOf(whole), fd: firstNumber(whole) }]);
    if (effect === null) continue;
    // What writes takes effect as it begins; what syncs or opens, when it returns.
    if (effect.kind === 'sync-ends' || effect.kind === 'open') effects.push([effect]);
    else effects[first.place]?.push(effect);
  }
  return effects.flat();
}

const nameOf = (call: string): string => /^\w+/.exec(call)?.[0] ?? '';
const isSync = (call: string): boolean => /^f(data)?sync\(/.test(call);
const firstNumber = (call: string): number => Number(/\((\d+)/.exec(call)?.[1]);

function effectOf(call: string, sync: number): FileCall | null {
  const [, name, args, returned] = /^(\w+)\((.*)\) += (-?\d+)/.exec(call) ?? [];
  if (name === undefined || args === undefined) return null;
  const result = Number(returned);
  if (isSync(call)) return { kind: 'sync-ends', fd: firstNumber(call), sync, ok: result === 0 };
  if (result < 0) return null;
  const texts = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)];
  const path = (n: number): string => Buffer.from(bytesOf(texts[n]?.[1] ?? '')).toString('utf8');
  const last = Number(/(-?\d+)$/.exec(args)?.[1]);
  switch (name) {
    case 'open':
    case 'openat':
    case 'creat':
      return { kind: 'open', path: path(0), fd: result, truncates: name === 'creat' || args.includes('O_TRUNC') };
    case 'close':
      return { kind: 'close', fd: Number(args) };
    case 'write':
    case 'pwrite64': {
      if (texts[0]?.[2] !== undefined) throw new Error('The trace leaves out what was written');
      const bytes = bytesOf(texts[0]?.[1] ?? '').subarray(0, result);
      return { kind: 'write', fd: firstNumber(call), offset: name === 'write' ? null : last, bytes };
    }
    case 'ftruncate':
      return { kind: 'truncate', fd: firstNumber(call), size: last };
    case 'unlink':
    case 'unlinkat':
      return { kind: 'unlink', path: path(0) };
    case 'rename':
    case 'renameat':
    case 'renameat2':
      return { kind: 'rename', from: path(0), to: path(1) };
    case 'writev':
      // Node's own pipes.
      return null;
    default:
      throw new Error(`The model of a disk does not know ${name}`);
  }
}

function bytesOf(escaped: string): Uint8Array {
  return new Uint8Array(Buffer.from(escaped.replaceAll('\\x', ''), 'hex'));
}
