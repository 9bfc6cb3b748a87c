import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busContract } from '../../testing/index.ts';
import { subjectOf, tokenOf } from '../subject.ts';
import { MemoryBus } from './memory-bus.ts';

/** Drains a queue by hand, as the simulator does. */
function drained() {
  const queue: (() => void)[] = [];
  let nowUs = 0;
  const bus = new MemoryBus({ nowUs: () => nowUs, schedule: (run) => void queue.push(run) });
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 5; quiet++) {
      while (queue.length > 0) {
        quiet = 0;
        queue.shift()?.();
      }
      for (let k = 0; k < 10; k++) await Promise.resolve();
    }
  };
  const advance = (us: number): void => {
    nowUs += us;
  };
  return { bus, settle, advance, close: () => bus.close(), queue };
}

busContract('memory', async () => drained());

test('[L12] deliveries run only when the schedule runs them, in the same order every time', async () => {
  const told = async (): Promise<string[]> => {
    const { bus, settle, queue } = drained();
    const heard: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      bus.subscribe(
        't.acme.>',
        (message) => {
          heard.push(`${name} ${message.subject}`);
          if (message.subject.endsWith('ping')) void bus.publish('t.acme.pong', new Uint8Array(), 'command');
        },
        { name },
      );
    }
    void bus.publish('t.acme.ping', new Uint8Array(), 'command');
    assert.deepEqual(heard, []);
    assert.ok(queue.length > 0);
    await settle();
    return heard;
  };
  const first = await told();
  assert.equal(first.length, 12);
  assert.deepEqual(await told(), first);
});

test('an id with dots stays one token', () => {
  const subject = subjectOf('acme.eu', 'telemetry', 'r1.left');
  assert.equal(subject, 't.acme=eu.telemetry.r1=left');
  assert.equal(tokenOf(subject, 1), 'acme.eu');
  assert.equal(tokenOf(subject, 3), 'r1.left');
  assert.equal(tokenOf(subject, 4), undefined);
});
