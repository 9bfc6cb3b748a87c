// `npm run mutate` starts Stryker with this configuration once for each part of tools/mutate.ts: it changes the part's
// sources one expression at a time, and the part's tests must notice.
//
// Each test file runs as a plain `node file.test.ts`, so that type stripping applies and the hook of the tap runner,
// loaded with -r, sees the same process as the tests (`node --test` would move them to a child). Inside the sandbox a
// package's own files reach each other by relative paths, or by a self-reference, and meet the mutated sources; through
// the node_modules of other packages they would meet the originals, which is why only a package's own tests take part.

import { partOf } from './mutate-parts.ts';

const part = partOf(process.env.SIGMA_MUTATE_PART ?? 'kernel');

export default {
  mutate: [...part.sources, '!**/*.test.ts'],
  testRunner: 'tap',
  plugins: ['@stryker-mutator/tap-runner'],
  tap: {
    testFiles: part.tests,
    nodeArgs: ['--test-reporter=tap', '--disable-warning=ExperimentalWarning', '-r', '{{hookFile}}', '{{testFile}}'],
    forceBail: true,
  },
  // The runner knows coverage by test file: a mutant meets only the files whose tests reach it.
  coverageAnalysis: 'perTest',
  concurrency: Number(process.env.SIGMA_MUTATE_CONCURRENCY ?? 2),
  timeoutMS: 20_000,
  disableTypeChecks: false,
  checkers: [],
  // tsconfig.json stays out because Stryker would rewrite it with an API that TypeScript 7 no longer has.
  ignorePatterns: ['tsconfig.json', '.data', '.ci', 'docs', 'apps', 'bench', 'reports', 'sim'],
  tempDirName: '.stryker-tmp',
  incremental: false,
  reporters: ['clear-text', 'progress', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: `reports/mutation/${part.name}.html` },
  jsonReporter: { fileName: `reports/mutation/${part.name}.json` },
  thresholds: { high: 95, low: 85, break: 85 },
};
