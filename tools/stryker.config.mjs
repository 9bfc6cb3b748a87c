// `npm run mutate`: Stryker changes the deciding half of the kernel one expression at a time and the kernel's tests must
// notice. `npm run mutate -- --mutate "kernel/src/arbiter.ts"` looks at one file.
//
// Each test file runs as a plain `node file.test.ts`, so that type stripping applies and the hook of the tap runner,
// loaded with -r, sees the same process as the tests (`node --test` would move them to a child). Inside the sandbox
// `@sigma/kernel` in the kernel's own files is a self-reference and meets the mutated sources; through the node_modules
// of other packages it would meet the originals, which is why only the kernel's tests take part.

export default {
  mutate: [
    'kernel/src/arbiter*.ts',
    'kernel/src/failsafe*.ts',
    'kernel/src/expectation*.ts',
    'kernel/src/{arbiter,failsafe,expectation}*/**/*.ts',
    '!**/*.test.ts',
  ],
  testRunner: 'tap',
  plugins: ['@stryker-mutator/tap-runner'],
  tap: {
    // The elementary functions have tests of their own, minutes long, and reach nothing that is mutated.
    testFiles: ['kernel/{src,testing}/**/!(elementary|engines).test.ts'],
    nodeArgs: ['--test-reporter=tap', '--disable-warning=ExperimentalWarning', '-r', '{{hookFile}}', '{{testFile}}'],
    forceBail: true,
  },
  // The runner knows coverage by test file: a mutant meets only the files whose tests reach it.
  coverageAnalysis: 'perTest',
  concurrency: 2,
  timeoutMS: 20_000,
  disableTypeChecks: false,
  checkers: [],
  // tsconfig.json stays out because Stryker would rewrite it with an API that TypeScript 7 no longer has.
  ignorePatterns: ['tsconfig.json', '.data', '.ci', 'docs', 'apps', 'bench', 'reports', 'sim'],
  tempDirName: '.stryker-tmp',
  incremental: false,
  reporters: ['clear-text', 'progress', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: 'reports/mutation/mutation.html' },
  jsonReporter: { fileName: 'reports/mutation/mutation.json' },
  thresholds: { high: 95, low: 85, break: 85 },
};
