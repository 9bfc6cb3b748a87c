import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeState, encodeState } from '@sigma/kernel';
import { reportAt } from '../../testing/reports.ts';
import { deriveSite, parseMovingAiMap } from '../site/index.ts';
import type { SupervisorInput } from './port.ts';
import { fleetSupervisor } from './supervise.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard'));

const reportOf = (agentId: string, cell: number) => reportAt(site, agentId, cell);
const patrol = (id: string): SupervisorInput => ({
  type: 'mission',
  mission: {
    id,
    name: id,
    goal: { kind: 'patrol', points: [{ xM: 5.5, yM: 3.5 }], rounds: 9, agentId: null },
    priority: 1,
    createdBy: 'ann',
  },
});

test('[L3] a supervisor that is taken apart, kept as text and joined again goes on as if nothing had been', () => {
  const supervisor = fleetSupervisor(site);
  const reports = new Map(['r1', 'r2'].map((id, i) => [id, reportOf(id, 3 + 20 * i)]));
  const first = supervisor.supervise(supervisor.initial(), [...reports.values(), patrol('m1'), patrol('m2')], 100_000);
  const { state } = supervisor.supervise(first.state, [{ type: 'tick' }], 200_000);
  assert.equal(Object.values(state.agents).filter(({ errand }) => errand !== null).length, 2, 'both are at work');
  const texts = [...supervisor.split(state)].map(([key, part]) => [key, encodeState(part)] as const);
  const joined = supervisor.join(new Map(texts.map(([key, text]) => [key, decodeState(text)])), reports);
  const next = [patrol('m3'), { type: 'tick' } as const];
  const on = supervisor.supervise(state, next, 300_000);
  const again = supervisor.supervise(joined, next, 300_000);
  assert.equal(encodeState(again.outputs), encodeState(on.outputs));
  assert.equal(encodeState(again.state), encodeState(on.state));
});

test('what stays as it was is the same part, a robot nobody reports on is left out, and a missing part is named', () => {
  const supervisor = fleetSupervisor(site);
  const inputs = [reportOf('r1', 3), patrol('m1')];
  const { state } = supervisor.supervise(supervisor.initial(), inputs, 100_000);
  const later = supervisor.supervise(state, [reportOf('r1', 4)], 200_000).state;
  const parts = supervisor.split(state);
  const after = supervisor.split(later);
  for (const key of ['stops r1', 'mission m1']) assert.equal(after.get(key), parts.get(key), key);
  assert.deepEqual(supervisor.join(parts, new Map()).agents, {});
  const torn = new Map([...parts].filter(([key]) => key !== 'mission m1'));
  assert.throws(() => supervisor.join(torn, new Map()), /the part 'mission m1' is missing/);
});
