import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FleetService, RecordService } from '@sigma/proto';
import { type BlockBatch, sentFrame, shownFrame } from '@sigma/recorder';
import { FakeEdge } from '../testing/fake-edge.ts';
import { handsOf, signIn, until } from '../testing/hub-people.ts';
import { layDatabase } from '../testing/laid-database.ts';
import { RAISED, RobotLife, VIOLATION } from '../testing/robot-life.ts';

const S = 1_000_000;
const NOW = { us: 0, count: 0 };
const PROGRAM = fileURLToPath(new URL('../testing/hub-process.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'sigma-homecoming-'));
let running: ChildProcess | null = null;
let password = '';

after(async () => {
  if (running !== null) await end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function start() {
  const child = spawn(process.execPath, ['--no-warnings', PROGRAM, await layDatabase(directory)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const place = JSON.parse(line.toString('utf8')) as { url: string; joinToken: string; password: string | null };
  password = place.password ?? password;
  const hands = handsOf(place.url, await signIn(place.url, 'operator@sigma.local', password));
  const kinds = ['violation', 'failsafe', 'stop'];
  const marks = async () => {
    const { marks: found } = await hands(RecordService).listMarks({ agentId: 'r1', oldestFirst: true, kinds });
    return found.map(({ timeUs, kind, text, decisionEpoch, decisionSequence }) =>
      [(Number(timeUs) - BEGAN_US) / S, kind, text, `${decisionEpoch}.${decisionSequence}`].join(' '),
    );
  };
  const decisions = async () => {
    const { decisions: found } = await hands(FleetService).listDecisions({ agentId: 'r1' });
    return found.map(({ decision }) => `${decision?.context?.epoch}.${decision?.sequence}`).reverse();
  };
  return { ...place, marks, decisions };
}

async function end(signal: NodeJS.Signals): Promise<void> {
  const child = running as ChildProcess;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** An edge in the fifth life of its robot, with what the fourth recorded in its hands. */
async function link({ url, joinToken }: { readonly url: string; readonly joinToken: string }, life: RobotLife) {
  const edge = new FakeEdge({ url, joinToken, agentIds: ['r1'], epoch: 4, epochTimeUs: BEGAN_US + 100 * S });
  await edge.linked();
  const sequence = life.blocks.reduce((sum, { count }) => sum + count, 0);
  const { hash } = life.batch();
  const value = shownFrame([{ source: 'r1', epoch: 3, sequence, hash, acknowledged: 0 }], NOW);
  edge.send({ case: 'chainsShown', value });
  await edge.syncedUpTo(1);
  const sends = async (batch: BlockBatch): Promise<string> => {
    const before = edge.synced.length;
    edge.send({ case: 'blocksSent', value: sentFrame(batch) });
    await edge.syncedUpTo(before + 1);
    const answer = edge.synced[before];
    return answer?.case === 'blocksAnswered' ? answer.value.refusal : 'no answer';
  };
  return { edge, sends };
}

const BEGAN_US = (Date.now() - 3_600_000) * 1000;

test('[R192] [L3] an edge restarted out of reach brings home what its earlier life recorded: each once, at its time, with its decision, also when the hub is killed between storing and reading', async () => {
  const life = new RobotLife('r1', 3, { beganUs: BEGAN_US });
  life.lives({ atUs: 1 * S, signals: [{ name: 'violation', body: VIOLATION }], decision: 1 });
  life.lives({ atUs: 2 * S, signals: [{ name: 'failsafe', body: RAISED }], decision: 2 });
  life.lives({ atUs: 3 * S, stop: 'emergency', decision: 3 });
  const before = await start();
  const first = await link(before, life);
  assert.equal(await first.sends(life.batch(0, 2)), '');
  await until(before.marks, (found) => found.length === 1);
  assert.equal(await first.sends(life.batch(2)), '', 'stored, and not read yet');
  await end('SIGKILL');
  await first.edge.ended;
  const hub = await start();
  const whole = [
    '1 violation drive: xM was to be 2 and is 1.5 3.1',
    '2 failsafe protective_stop: too near 3.2',
    '3 stop emergency stop 3.3',
  ];
  await until(hub.marks, (found) => found.length >= 3);
  assert.deepEqual(await hub.marks(), whole);
  // The same once more, and the new life beside it.
  const again = await link(hub, life);
  await until(hub.decisions, (found) => found.length >= 3);
  assert.deepEqual(await hub.decisions(), ['3.1', '3.2', '3.3']);
  assert.equal(await again.sends(life.batch()), '');
  const signal = { name: 'violation', bodyJson: JSON.stringify(VIOLATION) };
  again.edge.send({ case: 'event', value: { agentId: 'r1', atUs: 0n, signal } });
  await until(hub.marks, (found) => found.length >= 4);
  assert.deepEqual(await hub.marks(), [...whole, '100 violation drive: xM was to be 2 and is 1.5 0.0']);
  assert.deepEqual(await hub.decisions(), ['3.1', '3.2', '3.3']);
  await again.edge.cut();
  await end('SIGTERM');
});
