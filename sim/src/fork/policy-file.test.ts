import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY, groundOf } from '@sigma/fleet-model';
import { warehouse } from '../../testing/warehouse.ts';
import { checkPolicyFile, PolicyFileError, parsePolicyFile, policyAfter } from './policy-file.ts';

const ground = groundOf(warehouse());
const EFFECT = 'effect: {type: restrict, restriction: {atMost: {speedMps: 0.5}, forbid: []}}';

/** The line that a broken file is refused at. */
function refused(text: string, ...words: readonly RegExp[]): number {
  let line = -1;
  assert.throws(
    () => checkPolicyFile(parsePolicyFile('rules.yaml', text), ground),
    (error) => {
      assert.ok(error instanceof PolicyFileError, String(error));
      for (const word of words) assert.match(error.message, word);
      line = error.line;
      return true;
    },
  );
  return line;
}

test('a rule that does not compile, reads what is not there, or costs too much is refused at its line, with the way out', () => {
  const rule = (when: string): string =>
    `# by hand\n- id: one\n  rate: situation\n  rationale: why\n  ${EFFECT}\n  when: ${when}\n`;
  assert.equal(refused(rule('robot.speed_mps >'), /rules.yaml:6: rule 'one'/, /conditions are CEL, such as/), 6);
  assert.equal(refused(rule('person.distanze_m < 3.0'), /no 'person.distanze_m'; known: person.distance_m/), 6);
  assert.equal(refused(rule('robot.speed_mps'), /gives a double, not true or false/), 6);
  assert.equal(refused(rule('"[1, 2].all(x, x > 0)"'), /loops, maps and messages have no place/), 6);
  const dear = Array.from({ length: 260 }, (_, k) => `robot.battery>${k}.0`).join('||');
  assert.equal(refused(rule(dear), /make two rules of it/), 6);
});

test('a file that is no text is refused in a line that a person can read, and without what a terminal obeys', () => {
  const noise = `*${'\uFFFD'.repeat(400)}`;
  assert.throws(
    () => parsePolicyFile('noise', noise),
    ({ name, message }: Error) => {
      assert.equal(name, 'PolicyFileError');
      assert.match(message, /^noise: Unresolved alias.*; write it without aliases$/);
      assert.ok(message.length < 300, `${message.length} characters`);
      assert.doesNotMatch(message, /[\p{Cc}\uFFFD]/u);
      return true;
    },
  );
});

test('a fault in a condition of many lines is told by the line of the file that it stands in', () => {
  const text = `id: one\nrate: situation\nrationale: why\n${EFFECT}\nwhen: |\n  robot.speed_mps > 1.0 &&\n  zone.wrok\n`;
  assert.equal(refused(text, /no 'zone.wrok'/), 7);
});

test('what is no policy at all says what one is', () => {
  refused('just words', /there is no rule in it/);
  refused('{"rules": [{"id": "a", "when": "true"', /write YAML or JSON/);
  refused('id: one\nwhen: "true"\nrate: situation\n', /'rationale' is missing/);
  refused(`id: one\nwhen: "true"\nrate: situation\nrationale: x\neffect: slowly\n`, /'effect' is/);
  refused(`id: one\nwhen: "true"\nrate: sometimes\nrationale: x\n${EFFECT}\n`, /neither 'reflex' nor 'situation'/);
});

test('rules are added to the recorded policy or replace those of their id, and a whole policy takes its place', () => {
  const added = parsePolicyFile('a.yaml', `id: work_zone\nrate: situation\nwhen: zone.work\nrationale: x\n${EFFECT}\n`);
  const after = policyAfter(DEFAULT_POLICY, added);
  assert.equal(after.rules.length, DEFAULT_POLICY.rules.length);
  assert.equal(after.rules.find(({ id }) => id === 'work_zone')?.rationale, 'x');
  assert.equal(added.lines['work_zone'], 3);
  const without = policyAfter(DEFAULT_POLICY, parsePolicyFile('b.json', '{"without": ["lost_way"]}'));
  assert.deepEqual(
    without.rules.map(({ id }) => id),
    DEFAULT_POLICY.rules.map(({ id }) => id).filter((id) => id !== 'lost_way'),
  );
  assert.throws(
    () => policyAfter(DEFAULT_POLICY, parsePolicyFile('b.json', '{"without": ["lost"]}')),
    /no rule 'lost' to leave out/,
  );
  const whole = parsePolicyFile('c.json', JSON.stringify({ ...DEFAULT_POLICY, version: 'mine' }));
  assert.deepEqual(policyAfter({ version: 'x', rules: [] }, whole), { ...DEFAULT_POLICY, version: 'mine' });
});
