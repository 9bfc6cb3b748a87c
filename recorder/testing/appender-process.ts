import { writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { draw } from '@sigma/kernel';
import { ChainWriter, type EventDraft, openingEvent, StoreError } from '../src/index.ts';
import { openSqliteRecorder, sha256 } from '../stores/sqlite/sqlite-store.ts';
import { note, testOpening } from './chains.ts';

/**
 * A process to be killed, starved and lied to: `node appender-process.ts FILE [SEED [APPENDS [BYTES [LOG_PAGES [LANDED]]]]]`.
 *
 * Continues the chains `r01` to `r03` of the recording (or begins them) and appends, several appends in flight: without
 * end, or APPENDS times in each chain, blocks of up to BYTES, the log copied every LOG_PAGES,
 * LANDED blocks carried into the database together. Every event bears its own sequence. The wall clock jumps
 * by up to a day either way, and now and then the agent's clock goes back.
 *
 * Prints, each line by a write that has reached the kernel before the next begins: `source sequence` for each
 * acknowledgement; `failed NAME: message` when the recording could not be opened or took no more, then `final` when
 * it refused what came after as well, or `taken` when it did not; `closing` and `closed` at an orderly end.
 */
const [path, seedText = '1', appendsText = 'Infinity', bytesText = '6000', logText = '1000', landedText = '128'] =
  process.argv.slice(2);
if (path === undefined)
  throw new Error('Usage: node appender-process.ts FILE [SEED [APPENDS [BYTES [LOG_PAGES [LANDED]]]]]');
const [seed, appends, mostBytes] = [Number(seedText), Number(appendsText), Number(bytesText)];
const DAY_US = 86_400_000_000;

/** A pipe that is full refuses (EAGAIN) until its reader has caught up. */
function print(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'EAGAIN') throw error;
    }
  }
}

const told = (error: unknown): string =>
  error instanceof StoreError ? `${error.name}: ${error.message}` : `no StoreError: ${error}`;

function event(source: number, sequence: number, padding: number): EventDraft {
  const jump = draw(seed, source, sequence, 5, 0) % 16 === 0 ? (draw(seed, source, sequence, 5, 1) % 3) - 1 : 0;
  const back = draw(seed, source, sequence, 5, 2) % 23 === 0 ? 500_000 : 0;
  const plain = note(sequence, Math.max(0, sequence * 1000 - back), padding);
  return { ...plain, timeUs: plain.timeUs + jump * DAY_US };
}

const options = { logPages: Number(logText), mostLanded: Number(landedText) };
const recorder = await openSqliteRecorder(path, options).catch((error: unknown) => {
  print(`failed ${told(error)}`);
  return null;
});
if (recorder === null) process.exit(3);
const heads = await recorder.heads();

async function write(number: number, most: number): Promise<void> {
  const source = `r0${number}`;
  const head = heads.find((known) => known.source === source);
  const opening = testOpening(source);
  const chain = new ChainWriter(opening, sha256, head);
  if (head === undefined) await recorder?.append([chain.seal([openingEvent(opening)])]);
  for (let n = 0; n < appends; n++) {
    const first = chain.head.sequence + 1;
    const count = 1 + (draw(seed, number, first, 6, 0) % most);
    const padding = Math.floor((draw(seed, number, first, 6, 1) % mostBytes) / count);
    const events = Array.from({ length: count }, (_, i) => event(number, first + i, padding));
    await recorder?.append([chain.seal(events)]);
    print(`${source} ${chain.head.sequence}`);
    // Now and then the others run ahead, so that commits of one block and of several come in turn.
    if (draw(seed, number, first, 6, 2) % 5 === 0) await pause(1);
  }
}

try {
  await Promise.all([write(1, 1), write(2, 7), write(3, 40)]);
  print('closing');
  await recorder.close();
  print('closed');
} catch (error) {
  print(`failed ${told(error)}`);
  const late = testOpening('r99');
  await recorder.append([new ChainWriter(late, sha256).seal([openingEvent(late)])]).then(
    () => print('taken'),
    () => print('final'),
  );
  await recorder.close();
  process.exitCode = 4;
}
