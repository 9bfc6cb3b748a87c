import { hash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { ChainWriter, openingEvent } from '../../../src/index.ts';
import { note, testOpening } from '../../../testing/chains.ts';
import { openPostgres } from '../postgres-store.ts';

/**
 * A process to be killed: `node append-until-killed.ts URL`. Continues the chains `r01` to `r03` of tenant acme (or begins
 * them) and appends without end. Prints `source sequence` for each acknowledgement, by a write that has reached the
 * kernel before the next append begins.
 */
const url = process.argv[2];
if (url === undefined) throw new Error('Usage: node append-until-killed.ts URL');

const recording = (await openPostgres(url)).recording('acme');
const heads = await recording.heads();

async function write(source: string, size: number): Promise<never> {
  const opening = testOpening(source);
  const head = heads.find((known) => known.source === source);
  const chain = new ChainWriter(opening, (bytes) => hash('sha256', bytes, 'buffer'), head);
  if (head === undefined) await recording.append([chain.seal([openingEvent(opening)])]);
  for (;;) {
    const first = chain.head.sequence + 1;
    await recording.append([
      chain.seal(Array.from({ length: size }, (_, n) => note(first + n, (first + n) * 1000, 100))),
    ]);
    writeSync(1, `${source} ${chain.head.sequence}\n`);
  }
}

await Promise.all([write('r01', 1), write('r02', 7), write('r03', 60)]);
