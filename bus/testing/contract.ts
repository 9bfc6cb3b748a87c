import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bus, BusMessage, LossReport } from '../src/index.ts';

/** One bus on trial, with a clock that the suite moves and a way to let every delivery happen. */
export interface BusUnderTest {
  readonly bus: Bus;
  readonly advance: (us: number) => void;
  /** Resolves when nothing is left to deliver. */
  readonly settle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (message: { readonly data: Uint8Array }): string => new TextDecoder().decode(message.data);

/** The exam every bus adapter takes: `busContract('memory', () => open())`. */
export function busContract(name: string, open: () => Promise<BusUnderTest>): void {
  const story = (title: string, tell: (under: BusUnderTest) => Promise<void>): void => {
    test(`${name} bus: ${title}`, async () => {
      const under = await open();
      try {
        await tell(under);
      } finally {
        await under.close();
      }
    });
  };

  story('a subscriber hears its subjects in order, and nothing else', async ({ bus, settle }) => {
    const heard: string[] = [];
    bus.subscribe('t.acme.telemetry.>', (message) => void heard.push(`${message.subject} ${text(message)}`), {
      name: 'all',
    });
    bus.subscribe('t.acme.*.r1', (message) => void heard.push(`star ${text(message)}`), { name: 'star' });
    await bus.publish('t.acme.telemetry.r1', bytes('1'), 'telemetry');
    await bus.publish('t.acme.telemetry.r1.scan', bytes('2'), 'telemetry');
    await bus.publish('t.acme.telemetry', bytes('3'), 'telemetry');
    await settle();
    assert.deepEqual([...heard].sort(), ['star 1', 't.acme.telemetry.r1 1', 't.acme.telemetry.r1.scan 2']);
  });

  story('[L7] a pattern cannot reach across tenants', async ({ bus, settle }) => {
    const heard: string[] = [];
    bus.subscribe('t.acme.>', (message) => void heard.push(message.subject), { name: 'acme' });
    await bus.publish('t.other.orders.r1', bytes('x'), 'command');
    await settle();
    assert.deepEqual(heard, []);
    assert.throws(() => bus.subscribe('t.*.orders', () => {}, { name: 'spy' }), /tenant must be named/);
    assert.throws(() => bus.subscribe('t.>', () => {}, { name: 'spy' }), /no subject/);
  });

  story('a group shares its messages, each goes to one member', async ({ bus, settle }) => {
    const heard = { one: 0, two: 0, alone: 0 };
    bus.subscribe('t.acme.work', () => void heard.one++, { name: 'one', group: 'workers' });
    bus.subscribe('t.acme.work', () => void heard.two++, { name: 'two', group: 'workers' });
    bus.subscribe('t.acme.work', () => void heard.alone++, { name: 'alone' });
    for (let k = 0; k < 10; k++) await bus.publish('t.acme.work', bytes(`${k}`), 'command');
    await settle();
    assert.equal(heard.one + heard.two, 10);
    assert.ok(heard.one > 0 && heard.two > 0);
    assert.equal(heard.alone, 10);
  });

  story(
    '[L8] full: telemetry sheds its oldest, each one counted and reported; safety is never shed and goes first',
    async ({ bus, settle }) => {
      const gate = Promise.withResolvers<void>();
      const heard: string[] = [];
      const reports: LossReport[] = [];
      bus.subscribe('t.acme.bus.loss', (message) => void reports.push(JSON.parse(text(message))), { name: 'reports' });
      const slow = async (message: BusMessage): Promise<void> => {
        heard.push(text(message));
        await gate.promise;
      };
      bus.subscribe('t.acme.in', slow, { name: 'slow', capacity: 4 });
      await bus.publish('t.acme.in', bytes('first'), 'telemetry');
      await settle();
      for (let k = 0; k < 10; k++) await bus.publish('t.acme.in', bytes(`t${k}`), 'telemetry');
      for (let k = 0; k < 10; k++) await bus.publish('t.acme.in', bytes(`stop${k}`), 'safety');
      gate.resolve();
      await settle();
      const stops = Array.from({ length: 10 }, (_, k) => `stop${k}`);
      assert.deepEqual(heard, ['first', ...stops, 't6', 't7', 't8', 't9']);
      assert.equal(bus.losses.get('slow')?.shed, 6);
      const told = reports.filter((report) => report.kind === 'shed' && report.subscription === 'slow');
      assert.equal(
        told.reduce((sum, report) => sum + report.count, 0),
        6,
      );
    },
  );

  story('a command is not shed: its publisher waits for room', async ({ bus, settle }) => {
    const gate = Promise.withResolvers<void>();
    const heard: string[] = [];
    bus.subscribe(
      't.acme.in',
      async (message) => {
        await gate.promise;
        heard.push(text(message));
      },
      { name: 'slow', capacity: 2 },
    );
    await bus.publish('t.acme.in', bytes('0'), 'command');
    await settle();
    let taken = 0;
    const sent = [1, 2, 3, 4].map((k) => bus.publish('t.acme.in', bytes(`${k}`), 'command').then(() => void taken++));
    await settle();
    assert.equal(taken, 2);
    gate.resolve();
    await settle();
    await Promise.all(sent);
    assert.deepEqual(heard, ['0', '1', '2', '3', '4']);
    assert.equal(bus.losses.get('slow')?.shed ?? 0, 0);
  });

  story(
    'a handler that throws gets a command again, and one that never succeeds is reported',
    async ({ bus, settle }) => {
      const attempts: number[] = [];
      const reports: LossReport[] = [];
      bus.subscribe('t.acme.bus.loss', (message) => void reports.push(JSON.parse(text(message))), { name: 'reports' });
      bus.subscribe(
        't.acme.flaky',
        (message) => {
          attempts.push(message.attempt);
          if (message.attempt < 2) throw new Error('not yet');
        },
        { name: 'flaky' },
      );
      bus.subscribe(
        't.acme.broken',
        async () => {
          throw new Error('never');
        },
        { name: 'broken' },
      );
      await bus.publish('t.acme.flaky', bytes('x'), 'command');
      await bus.publish('t.acme.broken', bytes('x'), 'command');
      await settle();
      assert.deepEqual(attempts, [1, 2]);
      assert.equal(bus.losses.get('broken')?.failed, 1);
      assert.deepEqual(reports, [
        { subscription: 'broken', kind: 'failed', subject: 't.acme.broken', count: 1, error: 'never' },
      ]);
    },
  );

  story('after unsubscribe nothing comes, after close nothing goes', async ({ bus, settle }) => {
    let heard = 0;
    const subscription = bus.subscribe('t.acme.x', () => void heard++, { name: 'x' });
    subscription.unsubscribe();
    await bus.publish('t.acme.x', bytes('x'), 'command');
    await settle();
    assert.equal(heard, 0);
    await bus.close();
    await assert.rejects(bus.publish('t.acme.x', bytes('x'), 'safety'), /bus is closed/);
  });

  story('two writers race for a key and one of them wins', async ({ bus, settle }) => {
    const keys = bus.keys('acme-missions');
    const seen: string[] = [];
    const end = keys.watch(
      'm',
      (key, entry) => void seen.push(`${key}=${entry === null ? 'gone' : text({ data: entry.value })}`),
    );
    const first = await keys.compareAndSet('m1', 0, bytes('a'));
    assert.ok(first !== null && first > 0);
    assert.equal(await keys.compareAndSet('m1', 0, bytes('b')), null);
    const second = await keys.compareAndSet('m1', first, bytes('c'));
    assert.ok(second !== null && second > first);
    assert.ok((await keys.put('other', bytes('z'))) > second);
    assert.equal(text({ data: (await keys.get('m1'))?.value as Uint8Array }), 'c');
    assert.deepEqual(await keys.list('m'), ['m1']);
    assert.equal(await keys.delete('m1', first), false);
    assert.equal(await keys.delete('m1', second), true);
    assert.equal(await keys.get('m1'), null);
    await settle();
    end();
    assert.deepEqual(seen, ['m1=a', 'm1=c', 'm1=gone']);
  });

  story(
    '[L10] a lease has one holder, ends by itself, and every new holder has a greater token',
    async ({ bus, advance }) => {
      const mine = await bus.leases.acquire('leader', 'hub-a', 1_000_000);
      assert.ok(mine.taken);
      const theirs = await bus.leases.acquire('leader', 'hub-b', 1_000_000);
      assert.equal(theirs.taken, false);
      assert.equal(theirs.lease.holder, 'hub-a');
      advance(999_999);
      const renewed = await bus.leases.acquire('leader', 'hub-a', 1_000_000);
      assert.ok(renewed.taken && renewed.lease.token === mine.lease.token);
      advance(1_000_000);
      assert.equal(await bus.leases.holder('leader'), null);
      const taken = await bus.leases.acquire('leader', 'hub-b', 1_000_000);
      assert.ok(taken.taken && taken.lease.token > mine.lease.token);
      assert.equal(await bus.leases.release('leader', mine.lease.token), false);
      assert.equal(await bus.leases.release('leader', taken.lease.token), true);
    },
  );
}
