import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveSite, parseMovingAiMap } from '../../site/index.ts';
import type { SupervisorInput } from '../port.ts';
import { fleetSupervisor } from '../supervise.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const yard = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard'));

const patrol = (id: string, priority: number): SupervisorInput => ({
  type: 'mission',
  mission: {
    id,
    name: id,
    goal: { kind: 'patrol', points: [{ xM: 9.5, yM: 5.5 }], rounds: 1, agentId: null },
    priority,
    createdBy: 'ann',
  },
});

test('[L8] of fifty missions that wait for a robot a few are auctioned again at once, and every one in its turn', () => {
  const supervisor = fleetSupervisor(yard);
  const missions = Array.from({ length: 50 }, (_, i) => patrol(`m${i}`, i));
  let { state } = supervisor.supervise(supervisor.initial(), missions, 1_000_000);
  /** Runs one call and says which missions it auctioned. */
  const heldAt = (atUs: number): string[] => {
    state = supervisor.supervise(state, [{ type: 'tick' }], atUs).state;
    return Object.entries(state.auctions).flatMap(([id, auction]) => (auction.atUs === atUs ? [id] : []));
  };
  assert.equal(Object.keys(state.auctions).length, 50, 'the first time all of them');
  assert.deepEqual(heldAt(1_900_000), []);
  const turns = Array.from({ length: 13 }, (_, k) => heldAt(2_000_000 + k * 100_000));
  assert.ok(turns.every(({ length }) => length === 4));
  // Ten calls a second take forty: the most urgent are due again by then, and still the others come first.
  assert.equal(new Set(turns.flat()).size, 50);
});
