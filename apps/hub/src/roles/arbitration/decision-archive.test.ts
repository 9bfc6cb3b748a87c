import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { MemoryBus } from '@sigma/bus';
import { type AgentDecision, DecisionMadeSchema } from '@sigma/proto';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { keptSecret, takeDataDir } from '../../store/data-dir.ts';
import { type Database, openDatabase } from '../../store/database.ts';
import { type EmbeddedPostgres, startEmbedded } from '../../store/embedded.ts';
import { about, packed } from '../../subjects.ts';
import { DecisionArchive, postgresDecisions } from './decision-archive.ts';

const directory = mkdtempSync(join(tmpdir(), 'sigma-decisions-'));
let server: EmbeddedPostgres;
let database: Database;

before(async () => {
  takeDataDir(directory)();
  server = await startEmbedded(directory);
  database = await openDatabase(server.url, keptSecret(directory, 'app-role', 24));
});
after(async () => {
  await database.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function archive(tenant: string, kept?: number) {
  const clock = new TurnedClock();
  const bus = new MemoryBus({ nowUs: () => clock.nowUs(), schedule: (run) => clock.soon(run) });
  const losses: number[] = [];
  const store = postgresDecisions(database, tenant);
  const onShed = (count: number): void => void losses.push(count);
  const role = new DecisionArchive({ bus, clock, tenant, store, onShed, ...(kept === undefined ? {} : { kept }) });
  const link = (agentId: string, epoch: number, epochTimeUs: number) =>
    bus.publish(about(tenant, 'link', agentId), packed({ agentId, epoch, epochTimeUs }), 'command');
  const decided = async (agentId: string, epoch: number, sequence: number): Promise<void> => {
    const decision = { sequence: BigInt(sequence), rationale: 'because '.repeat(20), context: { epoch } };
    const made = create(DecisionMadeSchema, { agentId, atUs: BigInt(sequence) * 10n, decision });
    await bus.publish(about(tenant, 'decision', agentId), toBinary(DecisionMadeSchema, made), 'telemetry');
  };
  return { clock, role, link, decided, losses };
}

const places = (found: readonly AgentDecision[]): string[] =>
  found.map(({ decision }) => `${decision?.context?.epoch}.${decision?.sequence}`);

test('pages walk back over everything an agent ever decided, epoch by epoch, each once, however often it came', async () => {
  const { clock, role, link, decided } = await archive('acme');
  for (const epoch of [1, 2]) {
    await link('r1', epoch, 1_000_000 * epoch);
    await clock.settle();
    for (const sequence of [1, 2, 4, 3, 5, 5, 2]) await decided('r1', epoch, sequence);
    await clock.settle();
  }
  await decided('r2', 1, 9);
  await clock.settle();
  const seen: string[] = [];
  let place: { epoch: number | null; sequence: number } | null = null;
  for (;;) {
    const page: readonly AgentDecision[] = await role.page('r1', place, 3);
    seen.push(...places(page));
    const last = page.at(-1)?.decision;
    if (last === undefined) break;
    place = { epoch: last.context?.epoch ?? 0, sequence: Number(last.sequence) };
  }
  assert.deepEqual(seen, ['2.5', '2.4', '2.3', '2.2', '2.1', '1.5', '1.4', '1.3', '1.2', '1.1']);
  assert.deepEqual(places(await role.page('r1', { epoch: null, sequence: 3 }, 2)), ['2.2', '2.1']);
  assert.equal((await role.page('r1', null, 1))[0]?.timeUs, 2_000_050n);
});

test('[L7] another tenant finds nothing, and may have the same names', async () => {
  const { clock, role, decided } = await archive('other');
  assert.deepEqual(await role.page('r1', null, 10), []);
  await decided('r1', 1, 1);
  await clock.settle();
  assert.deepEqual(places(await role.page('r1', null, 10)), ['1.1']);
});

test('only the newest are kept, and a page of a hundred from far back comes in less than 50 ms', async () => {
  const { clock, role, decided, losses } = await archive('many', 2_000);
  for (let sequence = 1; sequence <= 3_000; sequence++) {
    await decided('r1', 1, sequence);
    if (sequence % 1_000 === 0) {
      await clock.settle();
      await role.flush();
    }
  }
  assert.equal((await role.page('r1', { epoch: 1, sequence: 1_001 }, 10)).length, 0);
  assert.equal((await role.page('r1', { epoch: 1, sequence: 1_002 }, 10)).length, 1);
  const times: number[] = [];
  for (let k = 0; k < 9; k++) {
    const startMs = performance.now();
    assert.equal((await role.page('r1', { epoch: 1, sequence: 1_500 + k * 100 }, 100)).length, 100);
    times.push(performance.now() - startMs);
  }
  const median = times.sort((a, b) => a - b)[4] as number;
  assert.ok(median < 50, `${median.toFixed(1)} ms`);
  assert.deepEqual(losses, []);
});
