import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawnSite, HALL } from '../../testing/stage.ts';
import { fleetConditions } from '../failsafe/conditions.ts';
import { groundOf } from '../ground.ts';
import { FLEET_CAUSES } from './causes.ts';
import { STATE_FIELDS } from './report.ts';

const conditions = fleetConditions(groundOf(drawnSite(HALL))).map(({ id }) => id);
const known = [
  'link:silent',
  ...conditions.map((id) => `failsafe:${id}`),
  ...['band', 'rate', 'frozen', 'cross'].flatMap((kind) => STATE_FIELDS.map(({ name }) => `${kind}:state.${name}`)),
];
/** What the analyzer and the link call things, beside conditions and fields. */
const SPELLING = ['link', 'silent', 'failsafe', 'band', 'rate', 'frozen', 'cross', 'state'];

test('every word of the table of causes is a failsafe condition or a reported field of the fleet', () => {
  const words = new Set([...conditions, ...STATE_FIELDS.map(({ name }) => name), ...SPELLING]);
  for (const { root, children } of FLEET_CAUSES) {
    for (const word of `${root.source} ${children.source}`.match(/[A-Za-z_]+/g) ?? []) {
      assert.ok(words.has(word), `'${word}' is neither`);
    }
  }
});

test('every row of the table explains something that can happen', () => {
  for (const { root, children } of FLEET_CAUSES) {
    assert.ok(
      known.some((cause) => root.test(cause)),
      `nothing is ${root}`,
    );
    assert.ok(
      known.some((cause) => children.test(cause)),
      `nothing is ${children}`,
    );
  }
});
