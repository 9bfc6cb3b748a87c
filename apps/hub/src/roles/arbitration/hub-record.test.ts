import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSignal, EVENT_TYPE, eventsOf } from '@sigma/recorder';
import { MemoryStore } from '@sigma/recorder/testing';
import { TurnedClock } from '../../../testing/turned-clock.ts';
import { ChainRecord, signal } from './hub-record.ts';

test('[R12] [R15] each start of a hub is an epoch; one of another program says first what changed', async () => {
  const store = new MemoryStore();
  const clock = new TurnedClock();
  for (const software of ['hub 1.0.0', 'hub 1.0.0', 'hub 1.1.0']) {
    const record = await ChainRecord.open(store, clock, 'acme', software);
    await record.append(signal('hub.tried', '', { software }));
  }
  const told = [];
  for (const head of await store.heads()) {
    const signals = [];
    for await (const event of eventsOf(store, head, 1, head.sequence)) {
      if (event.type === EVENT_TYPE.signal) {
        const { name, body } = decodeSignal(event.data);
        signals.push([name, body]);
      } else assert.equal(event.type, EVENT_TYPE.opening);
    }
    told.push(signals);
  }
  assert.deepEqual(told, [
    [['hub.tried', { software: 'hub 1.0.0' }]],
    [['hub.tried', { software: 'hub 1.0.0' }]],
    [
      ['hub.upgraded', { software: { from: 'hub 1.0.0', to: 'hub 1.1.0' } }],
      ['hub.tried', { software: 'hub 1.1.0' }],
    ],
  ]);
});
