import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';

const LOCK = {
  lockfileVersion: 3,
  packages: { '': {}, 'node_modules/left': { version: '1.0.0', integrity: 'sha512-a' } },
};

/**
 * A checkout with the real setup.mjs, a lock, this Node as the project's Node, and an npm that writes down how it was
 * called and then "installs" the tree it is told to.
 */
function checkout(t: TestContext, installs: unknown) {
  const root = mkdtempSync(join(tmpdir(), 'sigma-setup-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  mkdirSync(join(root, 'tools'));
  copyFileSync(join(import.meta.dirname, 'setup.mjs'), join(root, 'tools/setup.mjs'));
  put('package.json', '{"type":"module"}');
  put('package-lock.json', JSON.stringify(LOCK));
  put(
    'npm.cjs',
    `const fs = require('fs');
     fs.appendFileSync('npm.log', process.argv.slice(2).join(' ') + '\\n');
     fs.mkdirSync('node_modules/.bin', { recursive: true });
     fs.rmSync('node_modules/.bin/node', { force: true });
     fs.symlinkSync(${JSON.stringify(process.execPath)}, 'node_modules/.bin/node');
     const tree = ${JSON.stringify(JSON.stringify(installs ?? null))};
     if (tree === 'null') process.exit(7);
     fs.writeFileSync('node_modules/.package-lock.json', tree);`,
  );
  put('say.mjs', 'console.log(JSON.stringify([process.argv.slice(2), process.version]));\nprocess.exitCode = 5;');
  const env = { ...process.env, npm_execpath: join(root, 'npm.cjs') };
  const setup = (...args: string[]) =>
    spawnSync(process.execPath, ['tools/setup.mjs', ...args], { cwd: root, env, encoding: 'utf8' });
  const npmCalls = () =>
    existsSync(join(root, 'npm.log')) ? readFileSync(join(root, 'npm.log'), 'utf8').trim().split('\n') : [];
  return { root, put, setup, env, npmCalls };
}

test('a fresh checkout installs once, then hands over arguments and exit code', (t) => {
  const { setup, npmCalls } = checkout(t, LOCK);
  const first = setup('--run', 'say.mjs', '--headless', 'a b');
  assert.deepEqual(JSON.parse(first.stdout), [['--headless', 'a b'], process.version]);
  assert.equal(first.status, 5);
  assert.match(first.stderr, /fresh checkout/);
  const second = setup('--run', 'say.mjs');
  assert.equal(second.status, 5);
  assert.equal(second.stderr, '');
  assert.equal(npmCalls().length, 1);
  assert.match(npmCalls()[0] ?? '', /^install --no-save/);
});

test('threads and programs of a script know where compiled code is kept; whoever named another place is heeded', (t) => {
  const { setup, put, root, env } = checkout(t, LOCK);
  put(
    'kept.mjs',
    `import { spawnSync } from 'node:child_process';
     import { getCompileCacheDir } from 'node:module';
     import { isMainThread, Worker } from 'node:worker_threads';
     console.log(getCompileCacheDir());
     if (isMainThread && process.argv[2] === 'all') {
       new Worker(new URL(import.meta.url));
       console.log(spawnSync(process.execPath, ['kept.mjs'], { encoding: 'utf8' }).stdout.trim());
     }`,
  );
  const kept = (): readonly string[] => {
    const { stdout } = setup('--run', 'kept.mjs', 'all');
    return stdout.trim().split('\n').map(dirname);
  };
  delete (env as Record<string, unknown>)['NODE_COMPILE_CACHE'];
  assert.deepEqual(kept(), Array(3).fill(join(root, 'node_modules/.cache/compiled')));
  Object.assign(env, { NODE_COMPILE_CACHE: join(root, 'elsewhere') });
  assert.deepEqual(kept(), Array(3).fill(join(root, 'elsewhere')));
});

test('a changed lock installs again and names what differed', (t) => {
  const { setup, put, npmCalls } = checkout(t, LOCK);
  setup();
  put('node_modules/.sigma-lock', 'an older lock');
  put('node_modules/.package-lock.json', JSON.stringify({ packages: { 'node_modules/left': { version: '0.9.0' } } }));
  assert.match(setup().stderr, /node_modules\/left differs from package-lock\.json/);
  assert.equal(npmCalls().length, 2);
});

test('a lock that the installed tree already matches needs no install', (t) => {
  const { setup, put, npmCalls, root } = checkout(t, LOCK);
  put('node_modules/.package-lock.json', JSON.stringify(LOCK));
  mkdirSync(join(root, 'node_modules/.bin'));
  symlinkSync(process.execPath, join(root, 'node_modules/.bin/node'));
  assert.equal(setup('--run', 'say.mjs').status, 5);
  assert.deepEqual(npmCalls(), []);
});

test('a failed install and a tree that still differs stop with what to do', (t) => {
  const broken = checkout(t, undefined).setup('--run', 'say.mjs');
  assert.equal(broken.status, 1);
  assert.match(broken.stderr, /npm install ended with code 7[\s\S]*npm ping/);
  const other = checkout(t, { packages: {} }).setup('--run', 'say.mjs');
  assert.equal(other.status, 1);
  assert.match(other.stderr, /node_modules\/left still differs[\s\S]*commit package-lock\.json/);
  assert.equal(other.stdout, '');
});

test('a lock left behind by a killed setup is taken over', (t) => {
  const { setup, put } = checkout(t, LOCK);
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  put('.data/setup.lock', String(dead));
  assert.equal(setup('--run', 'say.mjs').status, 5);
});

test('an unknown argument and a missing script are named', (t) => {
  const { setup } = checkout(t, LOCK);
  assert.match(setup('--fast').stderr, /unknown argument --fast/);
  assert.match(setup('--run', 'gone.ts').stderr, /gone\.ts does not exist/);
});

for (const descriptor of [3, 5]) {
  test(`the event stream on descriptor ${descriptor} and signals reach the script`, async (t) => {
    const { root, put, env } = checkout(t, LOCK);
    put(
      'stay.mjs',
      `import { writeSync } from 'node:fs';
     process.on('SIGTERM', () => { writeSync(${descriptor}, 'stopped'); process.exit(0); });
     setInterval(() => {}, 1_000);
     writeSync(${descriptor}, 'ready ');`,
    );
    const child = spawn(process.execPath, ['tools/setup.mjs', '--run', 'stay.mjs'], {
      cwd: root,
      env: { ...env, SIGMA_EVENTS_FD: String(descriptor) },
      stdio: Array.from({ length: descriptor + 1 }, (_, i) => (i === descriptor ? 'pipe' : 'ignore')),
    });
    const events = child.stdio[descriptor];
    assert.ok(events);
    let heard = '';
    events.on('data', (chunk) => {
      if (heard === '') child.kill('SIGTERM');
      heard += chunk;
    });
    const [code] = await once(child, 'close');
    assert.equal(heard, 'ready stopped');
    assert.equal(code, 0);
  });
}
