import { existsSync } from 'node:fs';
import {
  ChainWriter,
  decodeSignal,
  EVENT_TYPE,
  eventsOf,
  openingEvent,
  type Recording,
  StoreError,
  verify,
} from '../src/index.ts';
import { openSqliteRecording, openSqliteStore, sha256 } from '../stores/sqlite/sqlite-store.ts';
import { note, testOpening } from '../testing/chains.ts';

/** Last sequence that was acknowledged, by source. */
export type Promised = ReadonlyMap<string, number>;

/**
 * - `lost`: something acknowledged is not there, or the recording does not open, or is not whole.
 * - `doubled`: an event stands twice, or in another's place.
 * - `undetected`: the recording was altered and nothing says so.
 * - `unsound`: the store did not behave as its rules say.
 */
export interface Finding {
  readonly kind: 'lost' | 'doubled' | 'undetected' | 'unsound';
  readonly what: string;
}

/** Reads what the appender printed: `source sequence` lines, only whole ones. */
export function promisesIn(printed: string, into = new Map<string, number>()): Map<string, number> {
  for (const line of printed.slice(0, printed.lastIndexOf('\n') + 1).split('\n')) {
    const [, source, sequence] = /^(r\d\d) (\d+)$/.exec(line) ?? [];
    if (source !== undefined) into.set(source, Math.max(into.get(source) ?? 0, Number(sequence)));
  }
  return into;
}

/**
 * Holds a recording after a crash against what was promised: everything acknowledged is there, once, in its place; the
 * chain verifies; and recording goes on. Opens it as the next life of the writer would. Pure but for the file.
 *
 * @param readFirst look with a reader before the writer's recovery has run, as `sigma verify` may
 */
export async function judgeRecovery(path: string, promised: Promised, readFirst: boolean): Promise<Finding[]> {
  const findings: Finding[] = [];
  const nothing = [...promised.values()].every((sequence) => sequence === 0);
  try {
    if (readFirst && existsSync(path)) await readEarly(path, promised, nothing, findings);
    const store = openSqliteStore(path);
    try {
      await compare(store, promised, findings, 'after recovery');
      const goneOn = new Map<string, number>();
      for (const source of ['r01', 'r02', 'r03']) {
        const head = (await store.heads()).find((known) => known.source === source);
        const opening = testOpening(source);
        const chain = new ChainWriter(opening, sha256, head);
        const next = head === undefined ? openingEvent(opening) : note(head.sequence + 1);
        await store.append([chain.seal([next])]);
        goneOn.set(source, chain.head.sequence);
      }
      await compare(store, goneOn, findings, 'going on');
    } finally {
      await store.close();
    }
  } catch (error) {
    findings.push({ kind: 'lost', what: `it cannot be opened: ${(error as Error).message}` });
  }
  return findings;
}

async function readEarly(path: string, promised: Promised, nothing: boolean, findings: Finding[]): Promise<void> {
  try {
    const reader = openSqliteRecording(path);
    await compare(reader, promised, findings, 'read before recovery').finally(() => reader.close());
  } catch (error) {
    // A crash while the recording was made leaves a file that is none yet; nothing was promised of it.
    if (nothing && error instanceof StoreError) return;
    findings.push({ kind: 'lost', what: `it cannot be read before recovery: ${(error as Error).message}` });
  }
}

/** Everything promised is there once and in order, and the chain verifies. */
async function compare(recording: Recording, promised: Promised, findings: Finding[], when: string): Promise<void> {
  const heads = await recording.heads();
  for (const [source, sequence] of promised) {
    const reached = heads.find((head) => head.source === source)?.sequence ?? 0;
    if (reached >= sequence) continue;
    findings.push({ kind: 'lost', what: `${when}: ${source} was acknowledged to ${sequence} and ends at ${reached}` });
  }
  for (const head of heads) {
    const wrong = await firstWrongNumber(recording, head.source, head.sequence);
    if (wrong !== null) findings.push({ kind: 'doubled', what: `${when}: ${head.source}: ${wrong}` });
  }
  const report = await verify(recording, { sha256, reexecutors: {} });
  if (!report.ok)
    findings.push({ kind: 'lost', what: `${when}: ${report.firstFailure?.message ?? 'does not verify'}` });
}

async function firstWrongNumber(recording: Recording, source: string, last: number): Promise<string | null> {
  let expected = 1;
  for await (const event of eventsOf(recording, { tenant: 'acme', source, epoch: 0 })) {
    const number = event.type === EVENT_TYPE.signal ? (decodeSignal(event.data).body as { n: number }).n : 1;
    if (number !== expected || event.sequence !== expected) {
      return `event ${expected} is ${number}, filed under ${event.sequence}`;
    }
    expected++;
  }
  return expected === last + 1 ? null : `the head says ${last}, events go to ${expected - 1}`;
}
