import { writeSync } from 'node:fs';
import { ChainWriter, openingEvent } from '../src/index.ts';
import { openSqliteRecorder, sha256 } from '../stores/sqlite/sqlite-store.ts';
import { note, testOpening } from './chains.ts';

/**
 * A process to be killed: `node append-until-killed.ts FILE`. Continues the chains `r01` to `r03` of the recording (or
 * begins them) and appends without end, several appends in flight. Prints `source sequence` for each acknowledgement,
 * by a write that has reached the kernel before the next one begins.
 */
const path = process.argv[2];
if (path === undefined) throw new Error('Usage: node append-until-killed.ts FILE');

const recorder = await openSqliteRecorder(path);
const heads = await recorder.heads();

async function writer(source: string, size: number): Promise<never> {
  const head = heads.find((known) => known.source === source);
  const opening = testOpening(source);
  const chain = new ChainWriter(opening, sha256, head);
  if (head === undefined) await recorder.append([chain.seal([openingEvent(opening)])]);
  for (;;) {
    const first = chain.head.sequence + 1;
    const events = Array.from({ length: size }, (_, n) => note(first + n, (first + n) * 1000, 100));
    const block = chain.seal(events);
    await recorder.append([block]);
    writeSync(1, `${source} ${chain.head.sequence}\n`);
  }
}

await Promise.all([writer('r01', 1), writer('r02', 7), writer('r03', 60)]);
