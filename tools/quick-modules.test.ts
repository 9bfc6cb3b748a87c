import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const QUICK = import.meta.resolve('./quick-modules.ts');

/** Every file that is loaded for the modules, in order, with what Node takes it for. */
function loadedFor(modules: readonly string[], flags: readonly string[]): readonly string[] {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => {
      if (!url.startsWith('node:') && !url.startsWith('data:')) loaded.push(context.format + ' ' + url);
      return next(url, context);
    } });
    for (const name of ${JSON.stringify(modules)}) await import(name);
    console.log(JSON.stringify(loaded));
    process.exit();`;
  const args = ['--disable-warning=ExperimentalWarning', ...flags, '--input-type=module', '--eval', program];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }));
}

test('the same files are loaded as the same kinds, in the same order, as where Node looks for each itself', () => {
  const modules = ['./sim/src/index.ts', './recorder/archive/index.ts'];
  const looked = loadedFor(modules, []);
  assert.ok(
    looked.length > 500 && looked.some((one) => one.startsWith('module-typescript ')),
    `${looked.length} files`,
  );
  assert.deepEqual(loadedFor(modules, [`--import=${QUICK}`]), looked);
});
