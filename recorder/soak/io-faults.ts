import { crashImages } from './crash-images.ts';
import { type Finding, judgeRecovery, promisesIn } from './judge.ts';
import { type FileCall, type TracedRun, traceNode } from './strace.ts';

/** A fault of the disk, and where in the run it strikes. */
export interface IoFault {
  readonly call: 'fsync' | 'fdatasync' | 'pwrite64' | 'ftruncate';
  readonly error: 'EIO' | 'ENOSPC';
  /** It strikes at the n-th such call of a thread, from 1. */
  readonly at: number;
  /**
   * - `once`: one bad moment.
   * - `forever`: the disk is gone.
   * - `fatal`: the process does not survive it, and leaves its log as it is.
   */
  readonly lasts: 'once' | 'forever' | 'fatal';
}

export interface FaultyRun {
  /** False when the run ended before the fault could strike. */
  readonly struck: boolean;
  /** Images of the disk after a power cut that were recovered from. */
  readonly images: number;
  readonly findings: readonly Finding[];
}

const faultText = ({ call, error, at, lasts }: IoFault): string =>
  `${call}:error=${error}${lasts === 'fatal' ? ':signal=KILL' : ''}:when=${at}${lasts === 'forever' ? '+' : ''}`;

export interface FaultPlan {
  /** Program that appends, the recording's path and what else it is told. */
  readonly appender: readonly string[];
  readonly folder: string;
  readonly name: string;
  readonly scratch: string;
  readonly seed: number;
  /** One call in so many is followed by a power cut. */
  readonly cutEvery: number;
}

/**
 * Lets a real writer meet a fault, opens what it left, lets a second life go on from there, and cuts the power at
 * moments of both. The error reaches whoever waits, the store takes no more (R48), what was acknowledged in either life
 * is there, and what was in doubt is there whole or not at all.
 */
export async function meetFault(plan: FaultPlan, fault: IoFault): Promise<FaultyRun> {
  const { appender, folder, name, scratch, seed, cutEvery } = plan;
  const first = await traceNode([...appender], [faultText(fault)]);
  // A process that dies of its fault leaves no trace of how the call ended.
  const killed = fault.lasts === 'fatal' && first.code === null;
  const struck = killed || first.calls.some(({ kind }) => kind === 'fault');
  const second = await traceNode([...appender]);
  const findings = [...conduct(first, folder, killed), ...conduct(second, folder, false)];
  const promised = promisesIn(second.stdout, promisesIn(first.stdout));
  findings.push(...(await judgeRecovery(`${folder}/${name}`, promised, false)));
  const lives = [first.calls, second.calls];
  const cuts = await crashImages({ lives, folder, name, scratch, seed, cutEvery, imagesPerCut: 4, exhaustUpTo: 16 });
  findings.push(...cuts.findings);
  const where = `${faultText(fault)}, seed ${seed}`;
  return {
    struck,
    images: cuts.images,
    findings: findings.map(({ kind, what }) => ({ kind, what: `${where}: ${what}` })),
  };
}

/** How the writer behaved, told by its calls in order and what it printed. */
function conduct({ calls, stdout, stderr, code }: TracedRun, folder: string, killed: boolean): Finding[] {
  const findings: Finding[] = [];
  const unsound = (what: string): void => void findings.push({ kind: 'unsound', what });
  if (stdout.includes('no StoreError')) unsound(`an error without a type: ${lineOf(stdout, 'failed')}`);
  if (stdout.includes('taken')) unsound('it took more after it had failed');
  if (!(killed && code === null) && ![0, 3, 4].includes(code ?? -1)) {
    unsound(`it ended with code ${code}: ${stderr.slice(0, 300)}`);
  }
  const struck = calls.findIndex((call, n) => call.kind === 'fault' && !isFolder(calls.slice(0, n), call.fd, folder));
  const closing = calls.findIndex((call) => said(call).includes('closing'));
  if (struck >= 0 && code === 0 && (closing < 0 || struck < closing)) {
    unsound('an error of the disk was swallowed: it went on to an orderly end');
  }
  return findings;
}

/** SQLite passes over a folder's failed sync; whether that cost anything, the images of the disk tell. */
function isFolder(before: readonly FileCall[], fd: number, folder: string): boolean {
  const opened = before.findLast((call) => call.kind === 'open' && call.fd === fd);
  return opened?.kind === 'open' && opened.path === folder;
}

const said = (call: FileCall): string =>
  call.kind === 'write' && call.fd === 1 ? new TextDecoder('latin1').decode(call.bytes) : '';

const lineOf = (text: string, word: string): string => text.split('\n').find((line) => line.startsWith(word)) ?? '';
