// Makes a checkout ready to run, then hands over to the project's own Node.
//
//   node tools/setup.mjs [--generate] [--dashboard] [--run SCRIPT ...ARGUMENTS]
//
// Plain JavaScript without a dependency, because it is what runs on a machine that has only cloned the repository:
// any Node from version 20 on will do. It installs the locked packages when they are missing or differ from
// package-lock.json, generates the proto code when asked, builds the dashboard when asked and its sources changed, and
// then starts SCRIPT under node_modules/.bin/node.
//
// Why not `node tools/setup.mjs && node SCRIPT`? A POSIX shell remembers where it found `node`, so in a fresh clone the
// second `node` would still be the system's, which may be too old to run TypeScript. docs/decisions/0001-toolchain.md.

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const OLDEST_BOOTSTRAP_MAJOR = 20;
const LOCK_WAIT_MS = 15 * 60_000;

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const windows = process.platform === 'win32';

/** A failure whose message already says what to do about it. */
class SetupError extends Error {}

const say = (line) => process.stderr.write(`setup: ${line}\n`);
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** Runs a program to its end with its output shown on stderr, so that stdout stays the script's own. */
function runToEnd(command, args, options) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (result.error) throw new SetupError(`cannot start ${command}: ${result.error.message}`);
  return result.status ?? 1;
}

/** The npm that started us when there is one, else the one on PATH. */
function npm(args) {
  const cli = process.env.npm_execpath;
  const env = { ...process.env, NODE_ENV: 'development' };
  if (cli && /\.c?js$/.test(cli) && existsSync(cli)) {
    const node = process.env.npm_node_execpath;
    const interpreter = node && existsSync(node) && !node.startsWith(modules) ? node : process.execPath;
    return runToEnd(interpreter, [cli, ...args], { env });
  }
  return runToEnd(windows ? 'npm.cmd' : 'npm', args, { env, shell: windows });
}

/**
 * The first package that is installed otherwise than package-lock.json says, or undefined when the tree matches.
 * npm keeps the list of what it installed in node_modules/.package-lock.json; packages for other platforms are absent
 * from it by right, and so is the project itself.
 */
function firstDifference() {
  const installedList = join(modules, '.package-lock.json');
  if (!existsSync(installedList)) return 'node_modules';
  const locked = readJson(join(root, 'package-lock.json')).packages;
  const installed = readJson(installedList).packages;
  for (const [path, wanted] of Object.entries(locked)) {
    if (path === '') continue;
    const found = installed[path];
    if (found === undefined) {
      if (wanted.optional || wanted.devOptional || wanted.peer) continue;
      return path;
    }
    if (found.version !== wanted.version || found.integrity !== wanted.integrity) return path;
  }
  return undefined;
}

/** One setup at a time: two commands started together in a fresh clone must not install over each other. */
function withLock(work) {
  const lock = join(root, '.data', 'setup.lock');
  mkdirSync(dirname(lock), { recursive: true });
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (let told = false; ; sleep(200)) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = readOwner(lock);
    if (owner === undefined || !isAlive(owner)) {
      rmSync(lock, { force: true });
      continue;
    }
    if (!told) say(`waiting for another setup (process ${owner}) to finish`);
    told = true;
    if (Date.now() > deadline)
      throw new SetupError(`process ${owner} has held ${lock} for too long. Stop it and run again.`);
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function readOwner(lock) {
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      const pid = Number.parseInt(readFileSync(lock, 'utf8'), 10);
      if (pid > 0) return pid;
    } catch {
      return undefined;
    }
    sleep(50);
  }
  return undefined;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * Installs the locked packages when they are missing or stale. A stamp of the lock's hash makes the usual case cheap.
 *
 * `npm install --no-save` and then a comparison with the lock, rather than `npm ci`: several tools publish a binary per
 * platform as optional packages, npm leaves those out of the lock that the registry of the moment did not offer, and
 * `npm ci` then refuses the lock on every machine. This way the lock still decides every version, nothing is written to
 * it, and a platform whose binary is missing in the lock finds it in the registry.
 */
function installPackages() {
  const stamp = join(modules, '.sigma-lock');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const fresh = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (fresh()) return;
  withLock(() => {
    if (fresh()) return;
    const difference = firstDifference();
    if (difference !== undefined) {
      say(existsSync(modules) ? `${difference} differs from package-lock.json` : 'fresh checkout');
      say('installing the locked packages (npm install), about a minute with an empty cache');
      const started = Date.now();
      const status = npm([
        'install',
        '--no-save',
        '--include=dev',
        '--include=optional',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
      ]);
      if (status !== 0) {
        throw new SetupError(
          `npm install ended with code ${status}; its own message stands above.\n` +
            '  Network or registry trouble: check `npm ping`, then run the same command again.',
        );
      }
      const left = firstDifference();
      if (left !== undefined) {
        throw new SetupError(
          `after the install ${left} still differs from package-lock.json, so a package.json asks for something else.\n` +
            '  Run `npm install` and commit package-lock.json.',
        );
      }
      say(`packages installed in ${((Date.now() - started) / 1000).toFixed(0)} s`);
    }
    writeFileSync(stamp, wanted);
  });
}

const localNode = () => join(modules, windows ? 'node/bin/node.exe' : '.bin/node');

/** The project's Node, or undefined when it is missing or of another major version. */
function projectNode() {
  const path = localNode();
  if (!existsSync(path)) return undefined;
  if (realpathSync(path) === realpathSync(process.execPath)) return runningMajor() === NODE_MAJOR ? path : undefined;
  const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '';
  return version.startsWith(`v${NODE_MAJOR}.`) ? path : undefined;
}

const runningMajor = () => Number.parseInt(process.versions.node, 10);

/** The npm package `node` fetches its binary in an install script, which npm may have been told not to run. */
function requireProjectNode() {
  const found = projectNode();
  if (found) return found;
  say(`node_modules/.bin/node is not Node ${NODE_MAJOR}; running the install script of the npm package "node"`);
  withLock(() => npm(['rebuild', 'node', '--ignore-scripts=false']));
  const repaired = projectNode();
  if (repaired) return repaired;
  throw new SetupError(
    `node_modules/.bin/node is missing or is not Node ${NODE_MAJOR}.\n` +
      '  Its install script did not run. Allow it (`npm config set ignore-scripts false`), remove node_modules and run again.',
  );
}

/** Folders of results, of packages and of tests: nothing of them ends up in a build. */
const NO_SOURCES = ['node_modules', 'dist', 'test-results', 'e2e'];

/** Every source under a folder, in a fixed order. */
function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !NO_SOURCES.includes(entry.name) && !entry.name.endsWith('.test.ts'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(path) : entry.isFile() ? [path] : [];
    });
}

function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths)
    hash
      .update(`${relative(root, path)}\0`)
      .update(readFileSync(path))
      .update('\0');
  return hash.digest('hex');
}

const withToolsOnPath = () => ({
  ...process.env,
  PATH: [join(modules, '.bin'), process.env.PATH].join(windows ? ';' : ':'),
});

/** What is loaded is stripped of its types and compiled once a machine, also for threads and programs that it starts. */
const withCompiled = () => ({ NODE_COMPILE_CACHE: join(modules, '.cache/compiled'), ...withToolsOnPath() });

/** Runs the command of an installed package under the project's Node. */
function runTool(node, name, args, cwd) {
  return runToEnd(node, [realpathSync(join(modules, '.bin', name)), ...args], { cwd, env: withToolsOnPath() });
}

/** Generated code is committed; this makes it again after a change in proto/sigma. */
function generateProto(node) {
  const folder = join(root, 'proto');
  if (!existsSync(join(folder, 'buf.gen.yaml')))
    throw new SetupError('proto/buf.gen.yaml is missing: nothing to generate from');
  say('generating proto/src/gen (buf generate)');
  if (runTool(node, 'buf', ['generate'], folder) !== 0) {
    throw new SetupError('buf generate failed; it names the .proto file and line above');
  }
}

/** Folders whose files end up in the dashboard: its own and those of the packages it may import. */
const DASHBOARD_SOURCES = ['apps/dashboard', 'proto/src', 'kernel/src', 'swarm/src', 'recorder/src', 'terrains'];

function buildDashboard(node) {
  const folder = join(root, 'apps/dashboard');
  if (!existsSync(join(folder, 'index.html'))) {
    say('apps/dashboard/index.html does not exist: no dashboard to build');
    return;
  }
  const stamp = join(folder, 'dist', '.sigma-sources');
  const sources = DASHBOARD_SOURCES.flatMap((name) => filesUnder(join(root, name)));
  const wanted = hashOf([join(root, 'package-lock.json'), ...sources]);
  const fresh = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (fresh()) return;
  withLock(() => {
    if (fresh()) return;
    say('building the dashboard (vite build)');
    if (runTool(node, 'vite', ['build', '--logLevel', 'warn'], folder) !== 0) {
      throw new SetupError('the dashboard did not build; vite names the file above');
    }
    writeFileSync(stamp, wanted);
  });
}

const handedOver = (descriptor) => {
  try {
    const stat = fstatSync(descriptor);
    return stat.isFile() || stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
};

/**
 * Descriptors from 3 on that carry the event stream: 3 itself, or the one SIGMA_EVENTS_FD names. Unpassed, 3 belongs to
 * Node itself and is not a file, a pipe or a socket.
 */
function eventDescriptors() {
  const named = Number.parseInt(process.env.SIGMA_EVENTS_FD ?? '', 10);
  const wanted = [3, named].filter((descriptor) => descriptor >= 3 && descriptor < 256 && handedOver(descriptor));
  const count = Math.max(2, ...wanted) - 2;
  return Array.from({ length: count }, (_, i) => (wanted.includes(i + 3) ? 'inherit' : 'ignore'));
}

/**
 * Runs SCRIPT under the project's Node as a child that gets our signals and gives us its exit code. Not by
 * process.execve: Node marks every descriptor above 2 to be closed there, and the event stream would be lost.
 */
function handOver(node, script, args) {
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, script), ...args], {
    env: withCompiled(),
    stdio: ['inherit', 'inherit', 'inherit', ...eventDescriptors()],
  });
  // A terminal sends Ctrl-C to the child as well; forwarding it again would count as a second, impatient one.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(new SetupError(`cannot start ${node}: ${error.message}`)));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(error) {
  process.stderr.write(`setup: ${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exit(1);
}

function main(argv) {
  const runAt = argv.indexOf('--run');
  const flags = runAt === -1 ? argv : argv.slice(0, runAt);
  const [script, ...args] = runAt === -1 ? [] : argv.slice(runAt + 1);
  const unknown = flags.find((flag) => flag !== '--generate' && flag !== '--dashboard');
  if (unknown !== undefined) throw new SetupError(`unknown argument ${unknown}; see the head of tools/setup.mjs`);
  if (runningMajor() < OLDEST_BOOTSTRAP_MAJOR) {
    throw new SetupError(
      `this is Node ${process.versions.node}; Node ${OLDEST_BOOTSTRAP_MAJOR} or newer is needed to begin`,
    );
  }
  installPackages();
  const node = requireProjectNode();
  if (flags.includes('--generate')) generateProto(node);
  if (flags.includes('--dashboard')) buildDashboard(node);
  if (script === undefined) return;
  if (!existsSync(join(root, script))) throw new SetupError(`${script} does not exist in this checkout`);
  handOver(node, script, args);
}

try {
  main(process.argv.slice(2));
} catch (error) {
  fail(error);
}
