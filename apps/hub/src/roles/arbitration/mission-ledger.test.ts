import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryBus } from '@sigma/bus';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { about, packed } from '../../subjects.ts';
import type { MissionView } from '../core/supervisor.ts';
import { MissionLedger, type MissionStore, memoryMissions } from './mission-ledger.ts';

const tenant = 'acme';

/** A ledger over a store whose writes wait until the test lets them go. */
class LedgerStory {
  readonly clock = new TurnedClock();
  readonly bus = new MemoryBus({ nowUs: () => this.clock.nowUs(), schedule: (run) => this.clock.soon(run) });
  /** What each write held: mission and progress. */
  readonly writes: string[][] = [];
  readonly waiting: PromiseWithResolvers<void>[] = [];
  readonly ledger: MissionLedger;

  constructor() {
    const store: MissionStore = {
      ...memoryMissions(),
      update: (entries) => {
        this.writes.push(entries.map(({ view }) => `${view.id} ${view.detail}`));
        const written = Promise.withResolvers<void>();
        this.waiting.push(written);
        return written.promise;
      },
    };
    const record = { append: async () => undefined };
    this.ledger = new MissionLedger({ bus: this.bus, clock: this.clock, tenant, record, store });
  }

  async tell(id: string, detail: string): Promise<void> {
    const goal = { kind: 'dock' as const, agentId: 'r1', dockId: '' };
    const name = `mission ${id}`;
    const view = { id, name, goal, priority: 1, createdBy: 'test', status: 'active', tasks: [], progress: 0, detail };
    await this.bus.publish(about(tenant, 'mission', id), packed(view as unknown as MissionView), 'command');
    await this.clock.settle();
  }

  async written(error?: Error): Promise<void> {
    const { resolve, reject } = this.waiting.shift() as PromiseWithResolvers<void>;
    if (error === undefined) resolve();
    else reject(error);
    await this.clock.settle();
  }
}

test('F4: what many missions change while a write is under way goes into one write, each mission once', async () => {
  const story = new LedgerStory();
  await story.tell('m1', 'a');
  assert.deepEqual(story.writes, [['m1 a']]);
  for (const [id, detail] of [
    ['m2', 'a'],
    ['m1', 'b'],
    ['m3', 'a'],
    ['m1', 'c'],
  ] as const) {
    await story.tell(id, detail);
  }
  assert.equal(story.writes.length, 1, 'one write at a time');
  await story.written();
  assert.deepEqual(story.writes[1], ['m2 a', 'm1 c', 'm3 a']);
  let settled = false;
  const all = story.ledger.settled().then(() => {
    settled = true;
  });
  await story.clock.settle();
  assert.equal(settled, false);
  await story.written();
  await all;
  assert.equal(story.writes.length, 2);
});

test('[L8] what the store refuses is kept and offered again, with what came since', async () => {
  const story = new LedgerStory();
  await story.tell('m1', 'a');
  await story.written(new Error('the database is away'));
  await story.clock.turn(999_999);
  assert.equal(story.writes.length, 1);
  await story.clock.turn(1);
  assert.deepEqual(story.writes[1], ['m1 a']);
  await story.written(new Error('still away'));
  await story.tell('m2', 'a');
  assert.deepEqual(story.writes[2], ['m1 a', 'm2 a'], 'a change is reason enough to try at once');
  await story.written();
  await story.clock.turn(5_000_000);
  assert.equal(story.writes.length, 3, 'and nothing is written twice');
});

test('[L8] a hub that closes tries once more and then lets go', async () => {
  const story = new LedgerStory();
  await story.tell('m1', 'a');
  await story.written(new Error('the database is away'));
  const settled = story.ledger.settled();
  await story.clock.settle();
  assert.equal(story.writes.length, 2);
  await story.written(new Error('and stays away'));
  await settled;
  await story.clock.turn(5_000_000);
  assert.equal(story.writes.length, 2);
});
