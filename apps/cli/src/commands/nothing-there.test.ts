import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PeopleFile } from '@sigma/recorder/personal';
import { EXIT } from '../outcome.ts';
import { runSigma, startSigma } from '../testing/run-sigma.ts';

const GOLDEN = fileURLToPath(new URL('../../../../sim/golden/', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'sigma-nothing-'));
after(() => rmSync(home, { recursive: true }));
const day = join(home, 'day.sqlite');
const newest = readdirSync(GOLDEN).filter((name) => name.endsWith('.sqlite'));
copyFileSync(join(GOLDEN, newest.at(-1) as string), day);
const rule = join(home, 'slow.yaml');
writeFileSync(
  rule,
  'id: slow\nrate: situation\nwhen: robot.speed_mps > 0.3\nrationale: slowly\neffect: {type: restrict, restriction: {atMost: {speedMps: 0.2}, forbid: []}}\n',
);
const empty = join(home, 'empty');
mkdirSync(empty);
const env = { SIGMA_DATA: join(home, 'data') };
const sigma = (...args: readonly string[]) => runSigma(args, env);

/** Runs as a user who owns nothing here when the tests run as root, whom no permission stops. */
async function asNobody<T>(run: () => Promise<T>): Promise<T> {
  chmodSync(home, 0o755);
  if (process.geteuid?.() !== 0) return run();
  process.seteuid?.(65_534);
  return run().finally(() => process.seteuid?.(0));
}

test('a path that cannot be looked at is named with the way out, and is no defect', async () => {
  // As of a folder without rights, which whoever runs tests as root would enter: no folder can be entered so deep.
  const deep = join(home, 'x'.repeat(300), 'day.sqlite');
  for (const words of [
    ['verify', deep],
    ['query', 'SELECT 1', '--over', deep],
    ['archive', '--check', deep],
  ]) {
    const { code, error } = await startSigma(words, env);
    assert.equal(code, EXIT.machine, error);
    assert.match(error, /day\.sqlite may not be looked at \(ENAMETOOLONG\)\n {2}Give this user the right/);
  }
});

describe('that nothing was found is never said where nothing was looked at', () => {
  test('[R116] a rule is not tried on a stretch in which nothing was lived', async () => {
    const beyond = await sigma('whatif', '--rule', rule, '--over', day, '--from', '9000');
    assert.deepEqual([beyond.code, beyond.out], [EXIT.usage, '']);
    assert.match(beyond.error, /day\.sqlite ends at \d+\.\d\d s, before 9000\.00 s\n {2}Give an earlier --from/);
    const turned = await sigma('whatif', '--rule', rule, '--over', day, '--from', '3', '--to', '3');
    assert.deepEqual([turned.code, turned.out], [EXIT.usage, '']);
    assert.match(turned.error, /between --from and --to lies nothing/);
  });

  test('[R180] [R184] an export of a stretch behind the end is refused, and leaves no file', async () => {
    const out = join(home, 'late.mcap');
    const { code, error } = await sigma('export', '--format', 'mcap', '--from', '9000', '--out', out, day);
    assert.deepEqual([code, existsSync(out)], [EXIT.usage, false]);
    assert.match(error, /ends at .* s, before 9000\.00 s/);
  });

  test('[R163] [R170] a place without a manifest is not called sound, and not called thinned', async () => {
    const retention = join(home, 'retention.json');
    writeFileSync(retention, '{"*": {"hotDays": 30, "coldDays": {"stimulus": 1}}}');
    for (const words of [
      ['--check', empty],
      ['--thin', empty, '--retention', retention],
    ]) {
      const { code, out, error } = await sigma('archive', ...words);
      assert.deepEqual([code, out], [EXIT.machine, '']);
      assert.match(error, /empty holds no manifest: nothing is archived there\n {2}Name the place/);
    }
  });

  test('[R167] who asks an empty archive is told that it is empty, and answered all the same', async () => {
    const asked = await startSigma(
      ['query', 'SELECT count(*) AS n FROM events', '--over', empty, '--format', 'csv'],
      env,
    );
    assert.deepEqual([asked.code, asked.out], [EXIT.ok, 'n\n0\n'], asked.error);
    assert.match(asked.error, /nothing is archived in .*empty/);
  });

  test('[R167] [L7] who asks about somebody who is not there is told who is, beside the answer', async () => {
    const ask = (...words: string[]) =>
      startSigma(['query', 'SELECT count(*) AS n FROM events', '--over', day, '--format', 'csv', ...words], env);
    const [absent, tenant, there] = await Promise.all([
      ask('--source', 'r99', '--source', 'r01'),
      ask('--tenant', 'nobody', '--source', 'r01'),
      ask('--source', 'r01'),
    ]);
    assert.deepEqual([absent.code, absent.out], [EXIT.ok, there.out]);
    assert.match(absent.error, /^nothing in it is of source r99; there is .*r01.*\n$/);
    assert.deepEqual(
      [tenant.out, tenant.error],
      ['n\n0\n', 'nothing in it is of tenant nobody\n'],
      'no other is named',
    );
    assert.equal(there.error, '');
  });

  test('[R168] an empty statement and one that would write are refused in words that help', async () => {
    const blank = await startSigma(['query', ' ', '--over', day], env);
    assert.deepEqual([blank.code, /the statement is empty\n {2}Leave it out/.test(blank.error)], [EXIT.usage, true]);
    const writes = await startSigma(['query', `COPY events TO '${join(home, 'x.csv')}'`, '--over', day], env);
    assert.deepEqual([writes.code, existsSync(join(home, 'x.csv'))], [EXIT.usage, false]);
    assert.match(writes.error, /A query reads what --over names and nothing else/);
  });

  test('[R174] where nobody is known the list of people says so', async () => {
    const { code, out } = await sigma('erase', day);
    assert.equal(code, EXIT.ok);
    assert.match(out, /^nobody is known: /);
  });

  test('[R165] [R174] what an erasure or a release cannot write is named with the way out, before anything is changed', async () => {
    const [locked, cold] = [join(home, 'locked'), join(home, 'cold')];
    mkdirSync(locked);
    mkdirSync(cold);
    chmodSync(cold, 0o777);
    const file = join(locked, 'day.sqlite');
    copyFileSync(day, file);
    new PeopleFile(file).person('anna@example.org');
    const erases = ['erase', file, '--person', 'anna@example.org', '--by', 'dpo', '--why', 'request 12'];
    const releases = ['archive', file, '--to', cold, '--release', '--keep-days', '0'];
    const refused = async (named: string, doing = 'An erasure', words = erases): Promise<void> => {
      const { code, error } = await asNobody(() => sigma(...words));
      assert.equal(code, EXIT.machine);
      assert.ok(
        error.includes(`sigma: ${named} cannot be written (EACCES); it is as it was\n  ${doing} writes`),
        error,
      );
    };
    for (const [mode, named] of [
      [0o555, locked],
      [0o777, `${file}.people`],
    ] as const) {
      chmodSync(file, 0o666);
      chmodSync(`${file}.people`, named === locked ? 0o666 : 0o444);
      chmodSync(locked, mode);
      await refused(named);
      if (named === locked) await refused(named, 'Releasing', releases);
    }
    chmodSync(file, 0o444);
    await refused(file);
    assert.deepEqual(readdirSync(locked).sort(), ['day.sqlite', 'day.sqlite.people']);
    assert.equal(new PeopleFile(file).people().length, 1);
    assert.deepEqual(readdirSync(cold), ['solo'], 'what is not released is archived all the same');
  });

  test('[R119] a recording held against itself differs in nothing, up to its end', async () => {
    const { code, out } = await sigma('compare', day, day);
    assert.equal(code, EXIT.ok);
    assert.match(out, /: nothing differs up to [1-9]\d*\.\d\d s\n$/);
  });

  test('[R114] what a fork is refused for says itself what would do, without a pointer to help beside it', async () => {
    const { code, error } = await sigma('fork', day, '--at', '9000', '--out', join(home, 'no.sqlite'));
    assert.equal(code, EXIT.usage);
    assert.match(error, /^sigma: 9000\.00 s lies outside the recording; give a moment after .* s\n$/);
  });
});
