import { spawn } from 'node:child_process';
import { draw } from '@sigma/kernel';
import { type Finding, judgeRecovery, promisesIn } from './judge.ts';

/** Acknowledgements after which an appender is killed at the latest. */
const MOST_ACKS = 150;

/**
 * Starts a real writer, kills it (SIGKILL) after a seeded number of acknowledgements and a seeded moment more, opens
 * what it left, and begins again on the same recording.
 *
 * @returns promises and findings of all lives
 */
export async function killLives(
  appender: readonly string[],
  path: string,
  seed: number,
  lives: number,
): Promise<{ readonly acknowledgements: number; readonly findings: readonly Finding[] }> {
  const findings: Finding[] = [];
  const promised = new Map<string, number>();
  let acknowledgements = 0;
  for (let life = 0; life < lives; life++) {
    const acks = 1 + (draw(seed, 1, life, 21, 0) % MOST_ACKS);
    const printed = await killAfter([...appender, path, String(seed + life)], acks);
    acknowledgements += printed.split('\n').length - 1;
    for (const { kind, what } of await judgeRecovery(path, promisesIn(printed, promised), life % 2 === 0)) {
      findings.push({ kind, what: `seed ${seed}, life ${life}, killed after ${acks} acknowledgements: ${what}` });
    }
  }
  return { acknowledgements, findings };
}

function killAfter(args: readonly string[], acks: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    let lines = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString('latin1');
      for (const byte of chunk) if (byte === 10) lines++;
      if (lines >= acks) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(printed);
      else reject(new Error(`the appender ended by itself (code ${code}): ${printed.slice(-300)}`));
    });
  });
}
