// Runs the test files of the whole house under node:test, one for each core and one more, the longest first; those of a
// folder whose sources start nothing in one process.
//
//   npm test                     every *.test.ts
//   npm test -- kernel edge      files whose path contains one of the words
//   npm test -- --name "L1"      tests whose title matches the pattern
//
// Ends with the ten slowest files and how long all took, the runner's closing lines (`# tests 12`, `# pass 12`, ...) and
// one line a person reads: `12 passed, 0 failed, 0 skipped`. With SIGMA_NO_SKIP=1 a skipped or todo test fails the run: continuous integration
// has every program a test may ask for, so a skip there would be a test that silently stopped testing.

import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Transform } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { findTestFiles, processesOf, type TestProcess } from './test-files.ts';
import { closingLines, openTally, record, type TestEvent, verdict } from './test-tally.ts';

/** Loaded by every file before its own sources: a third of the time to load them is saved by it, of the hub's two thirds. */
const LOADED_FIRST = ['./quick-harness.ts', '../apps/hub/src/store/quick-drizzle.ts', './quick-modules.ts'].map(
  (file) => import.meta.resolve(file),
);
/** A test may run this long before it fails by name. */
const TEST_TIMEOUT_MS = 4 * 60_000;
/** A file whose process still lives after this long, a forgotten timer or server for instance, ends the whole run. */
const FILE_TIMEOUT_MS = 5 * 60_000;
/** Beside one for each core: a file that waits for a disk, a robot or a page leaves its core to this one. */
const FILES_BESIDE = 1;
const SLOWEST_SHOWN = 10;

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: { name: { type: 'string' } } });
  } catch (error) {
    console.error(`${(error as Error).message}\nUsage: npm test -- [PATH-PART ...] [--name PATTERN]`);
    process.exit(2);
  }
}

/** Watches the files that are running, and aborts the run with the name of one that does not end. */
function watchFiles(abort: AbortController, names: ReadonlyMap<string, string>): (event: TestEvent) => void {
  const startedMs = new Map<string, number>();
  const timer = setInterval(() => {
    for (const [file, sinceMs] of startedMs) {
      if (performance.now() - sinceMs < FILE_TIMEOUT_MS || abort.signal.aborted) continue;
      console.error(
        `${names.get(file) ?? file} does not end: a test hangs, or left a timer, server or process behind. Stopping the run.`,
      );
      abort.abort();
    }
  }, 1_000);
  timer.unref();
  return ({ type, data }) => {
    if (data.name === undefined || data.name !== data.file) return;
    if (type === 'test:dequeue') startedMs.set(data.name, performance.now());
    if (type === 'test:complete') startedMs.delete(data.name);
  };
}

/** What the runner starts for it: the file itself, or one in that folder which loads all of them. */
function entryOf({ name, files }: TestProcess, folder: string): string {
  if (files.length === 1) return join(root, name);
  const entry = join(folder, `${name.replaceAll('/', ' ').trim().replaceAll(' ', '-')}.mjs`);
  const loads = files.map((file) => {
    const [url, title] = [pathToFileURL(join(root, file)).href, `${file} cannot be loaded`].map((text) =>
      JSON.stringify(text),
    );
    // One that is broken takes none of the others with it.
    return `await import(${url}).catch((error) => test(${title}, () => { throw error; }));\n`;
  });
  writeFileSync(entry, `import { test } from 'node:test';\n${loads.join('')}`);
  return entry;
}

async function main(): Promise<number> {
  const { values, positionals } = readArguments();
  const files = findTestFiles(root, positionals);
  if (files.length === 0) {
    const sought = positionals.length > 0 ? ` whose path contains ${positionals.join(' or ')}` : '';
    console.error(`No test file${sought}. Test files end in .test.ts and lie outside node_modules and dist.`);
    return 1;
  }
  // Every file is a process that loads hundreds of sources, which all of them share.
  process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/compiled');
  const processes = processesOf(files);
  const entries = mkdtempSync(join(tmpdir(), 'sigma-tests-'));
  // Where they lay what several of them need and one makes; servers that run as somebody else pass through it.
  chmodSync(entries, 0o711);
  process.env.SIGMA_TEST_RUN = entries;
  const names = new Map(processes.map((one) => [entryOf(one, entries), one.name]));
  const tally = openTally(root, names);
  const abort = new AbortController();
  const watch = watchFiles(abort, names);
  const events = run({
    cwd: root,
    files: [...names.keys()],
    concurrency: availableParallelism() + FILES_BESIDE,
    timeout: TEST_TIMEOUT_MS,
    signal: abort.signal,
    execArgv: ['--disable-warning=ExperimentalWarning', ...LOADED_FIRST.map((url) => `--import=${url}`)],
    ...(values.name === undefined ? {} : { testNamePatterns: values.name }),
  });
  // The runner's own totals are taken out of the stream here and printed once, last, as `# tests 12`.
  const counter = new Transform({
    objectMode: true,
    transform(event: TestEvent, _encoding, done) {
      watch(event);
      done(null, record(tally, event) ? event : undefined);
    },
  });
  const report = events.compose(counter).compose(spec);
  report.pipe(process.stdout, { end: false });
  await once(report, 'end');
  rmSync(entries, { recursive: true });

  const outcome = verdict(tally, process.env.SIGMA_NO_SKIP === '1');
  console.log(closingLines(tally, outcome, SLOWEST_SHOWN).join('\n'));
  return outcome.passed ? 0 : 1;
}

process.exitCode = await main();
