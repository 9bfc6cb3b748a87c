// `npm run check`: everything that can be said about the code without running the product. Every step runs, whatever
// the others find; the summary names each with its time, and one failed step fails the command.
//
//   npm run check               all steps
//   npm run check -- tsc knip   only these

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Outcome {
  readonly passed: boolean;
  readonly output: string;
}

interface Step {
  readonly name: string;
  readonly says: string;
  readonly run: () => Outcome;
}

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const proto = join(root, 'proto');
const BASELINE = 'baseline.binpb';

const failed = (output: string): Outcome => ({ passed: false, output });

/** Runs a command of node_modules/.bin; its output is shown only when it fails. */
function tool(name: string, args: readonly string[], cwd = root): Outcome {
  const path = join(root, 'node_modules/.bin', name);
  const result = spawnSync(path, args, { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (result.error !== undefined) return failed(`cannot start ${name}: ${result.error.message}`);
  return { passed: result.status === 0, output: `${result.stdout}${result.stderr}` };
}

/** Relative path to content of every file under a folder. */
function contentOf(folder: string): Map<string, string> {
  if (!existsSync(folder)) return new Map();
  return new Map(
    readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(folder, path), readFileSync(path, 'utf8')]),
  );
}

/** Generates into a scratch folder and compares it with what is committed. */
function generatedIsCurrent(): Outcome {
  const scratch = mkdtempSync(join(tmpdir(), 'sigma-generate-'));
  try {
    const made = tool('buf', ['generate', '--output', scratch], proto);
    if (!made.passed) return made;
    const fresh = contentOf(join(scratch, 'src/gen'));
    const committed = contentOf(join(proto, 'src/gen'));
    if (fresh.size === 0) return failed('buf generate made nothing under src/gen; look at proto/buf.gen.yaml');
    const paths = [...new Set([...fresh.keys(), ...committed.keys()])].sort();
    const stale = paths.filter((path) => fresh.get(path) !== committed.get(path));
    if (stale.length === 0) return { passed: true, output: '' };
    return failed(`out of date: ${stale.map((path) => `proto/src/gen/${path}`).join(', ')}\nRun: npm run generate`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Wire compatibility with the released contracts, kept as an image of the .proto files. */
function contractsCompatible(): Outcome {
  if (!existsSync(join(proto, BASELINE))) {
    return failed(`proto/${BASELINE} does not exist. Make it with: cd proto && npx buf build -o ${BASELINE}`);
  }
  return tool('buf', ['breaking', '--against', BASELINE], proto);
}

/** The walls are tests; without stack traces their failures read as the list of findings that they are. */
function wallsStand(): Outcome {
  const { passed, output } = tool('node', ['--test', '--test-reporter=dot', 'tools/tidy.test.ts']);
  return {
    passed,
    output: output.replace(/^ +(at |generatedMessage|code:|actual:|expected:|operator:|diff:).*\n/gm, ''),
  };
}

const STEPS: readonly Step[] = [
  { name: 'tsc', says: 'types hold', run: () => tool('tsc', ['--noEmit', '--pretty', 'false', '-p', '.']) },
  {
    name: 'biome',
    says: 'format and lint',
    run: () => tool('biome', ['check', '--diagnostic-level=warn', '--error-on-warnings', '--max-diagnostics=50']),
  },
  {
    name: 'knip',
    says: 'no dead exports or dependencies',
    run: () => tool('knip', ['--no-progress', '--no-config-hints']),
  },
  {
    name: 'tidy',
    says: 'the walls of the house',
    run: wallsStand,
  },
  { name: 'buf-lint', says: 'contracts are well formed', run: () => tool('buf', ['lint'], proto) },
  { name: 'buf-breaking', says: 'contracts stay compatible', run: contractsCompatible },
  { name: 'generated', says: 'proto/src/gen is up to date', run: generatedIsCurrent },
];

function main(wanted: readonly string[]): number {
  const unknown = wanted.find((name) => !STEPS.some((step) => step.name === name));
  if (unknown !== undefined) {
    console.error(`There is no step ${unknown}; the steps are ${STEPS.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const summary: string[] = [];
  let broken = 0;
  for (const { name, says, run } of STEPS) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const startedMs = performance.now();
    const { passed, output } = run();
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    if (!passed) {
      broken++;
      console.log(`── ${name}\n${output.trim()}\n`);
    }
    summary.push(`${passed ? 'ok  ' : 'FAIL'}  ${name.padEnd(12)}  ${seconds.padStart(5)} s  ${says}`);
  }
  console.log(summary.join('\n'));
  console.log(
    broken === 0 ? `check: all ${summary.length} steps passed` : `check: ${broken} of ${summary.length} steps failed`,
  );
  return broken === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
