import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { driverContract } from '../../../testing/driver-contract.ts';
import { AgentClock } from '../../live/clock.ts';
import { openDriver } from './sim-driver.ts';

const agentId = 'cart-1';
const WORDS: Readonly<Record<string, string>> = { stop: 'rest', brakes: 'mechanical' };

driverContract('simulated bodies', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sigma-driver-'));
  const logPath = join(folder, 'log');
  writeFileSync(logPath, '');
  const clock = new AgentClock();
  const driver = await openDriver({
    settings: {
      module: new URL('../../../testing/cart-bodies.ts', import.meta.url).href,
      bodies: { logPath },
    },
    agents: [{ id: agentId, config: null }],
    clock: clock.memory,
    doorbell: null,
    record: null,
  });
  return {
    driver,
    agentId,
    nowUs: () => clock.nowUs(),
    moves: { kind: 'setpoint', name: 'drive', params: { speedMps: 1 }, durationUs: 300_000 },
    acts: { kind: 'action', name: 'grab', params: {}, id: 'a1', idempotencyKey: 'k1', deadlineUs: 60_000_000 },
    did: () =>
      readFileSync(logPath, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split(' ')[2] ?? '')
        .map((name) => WORDS[name] ?? name),
    end: async () => rmSync(folder, { recursive: true }),
  };
});
