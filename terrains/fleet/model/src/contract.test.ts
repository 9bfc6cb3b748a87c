import type { Command, Stimulus } from '@sigma/kernel';
import { terrainContract } from '@sigma/kernel/testing';
import fc from 'fast-check';
import { DEFAULT_POLICY } from '../policies/default.ts';
import { drawnSite, goTo, HALL } from '../testing/stage.ts';
import { CHANNELS, NO_READING } from './channels.ts';
import { fleetModel } from './fleet-model.ts';
import { siteToJson } from './site/site-record.ts';

const site = drawnSite(HALL, [
  { id: 'a', name: 'a', kind: 'area', cells: [81, 82, 83, 84, 85, 86], speedMps: null },
  { id: 'b', name: 'b', kind: 'slow', cells: [90, 91], speedMps: 0.5 },
]);

const count = fc.oneof(
  fc.integer({ min: -20_000, max: 20_000 }),
  fc.maxSafeInteger().map((n) => n | 0),
  fc.constant(NO_READING),
);
const percept: fc.Arbitrary<Stimulus> = fc
  .constantFrom(...CHANNELS)
  .chain(({ channel, fields }) =>
    fc
      .array(count, { minLength: fields.length, maxLength: fields.length })
      .map((values) => ({ kind: 'percept', channel, values: Int32Array.from(values) })),
  );
const told: fc.Arbitrary<Stimulus> = fc.constantFrom<Stimulus>(
  { kind: 'order', issuer: 'hub', sequence: 1, expiresAtUs: 1e12, order: { type: 'assign', task: goTo(9.5, 4.5) } },
  {
    kind: 'order',
    issuer: 'hub',
    sequence: 2,
    expiresAtUs: 1e12,
    order: { type: 'stop', stop: 'protective', by: 'a' },
  },
  { kind: 'order', issuer: 'hub', sequence: 3, expiresAtUs: 1e12, order: { type: 'stop', stop: 'none', by: 'a' } },
  { kind: 'message', from: 'r2', topic: 'pose', body: [3, 4, 0, 0, 0.3] },
  { kind: 'message', from: 'r2', topic: 'pose', body: 'nonsense' },
  { kind: 'beat', from: 'link' },
  { kind: 'beat', from: 'primary' },
  { kind: 'signal', name: 'recorder_down', value: 1 },
  { kind: 'result', actionId: 'x/load', status: 'done', detail: { item: 'box' } },
);
const number = fc.oneof(
  fc.integer({ min: -30, max: 30 }).map((n) => n / 10),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0),
);
const command: fc.Arbitrary<Command> = fc.oneof(
  fc
    .record({ speedMps: number, turnRadps: number })
    .map((params): Command => ({ kind: 'setpoint', name: 'drive', params, durationUs: 300_000 })),
  fc.constantFrom('load', 'dock', 'fly').map(
    (name): Command => ({
      kind: 'action',
      name,
      params: { place: 'a' },
      id: name,
      idempotencyKey: name,
      deadlineUs: 1,
    }),
  ),
);

terrainContract({
  name: 'fleet',
  model: fleetModel({ site, policy: DEFAULT_POLICY }),
  config: JSON.parse(
    JSON.stringify({
      site: siteToJson(site),
      body: 'carrier',
      name: 'r1',
      start: { xM: 3.5, yM: 4.5, headingRad: 0.4 },
    }),
  ),
  stimulus: fc.oneof(percept, told),
  command,
  restriction: fc.record({
    atMost: fc.dictionary(
      fc.constantFrom('speedMps', 'turnRadps'),
      fc.integer({ min: 0, max: 20 }).map((n) => n / 10),
      { noNullPrototype: true },
    ),
    forbid: fc.subarray(['zone:a', 'zone:b', 'name:drive', 'name:load', 'name:hold', 'name:stop', 'name:cutoff']),
  }),
  paceUs: 10_000,
});
