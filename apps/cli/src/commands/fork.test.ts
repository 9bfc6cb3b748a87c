import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Ended, startSigma } from '../testing/run-sigma.ts';

const GOLDEN = fileURLToPath(new URL('../../../../sim/golden/', import.meta.url));
let folder = '';
let recording = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-fork-cli-'));
  recording = join(folder, 'day.sqlite');
  copyFileSync(
    join(
      GOLDEN,
      readdirSync(GOLDEN)
        .filter((name) => name.endsWith('.sqlite'))
        .at(-1) as string,
    ),
    recording,
  );
});
after(() => rmSync(folder, { recursive: true, force: true }));

const sigma = (...args: readonly string[]) => startSigma(args, { SIGMA_DATA: join(folder, 'data') }, { cwd: folder });

const rule = (when: string): string =>
  `id: slow\nrate: situation\nwhen: ${when}\nrationale: slowly\neffect: {type: restrict, restriction: {atMost: {speedMps: 0.2}, forbid: []}}\n`;

test('a rule is tried on a recording, what it flips is forked, compared and verified, as a person would do it', async () => {
  writeFileSync(join(folder, 'slow.yaml'), rule('robot.speed_mps > 0.3'));
  const tried = await sigma('whatif', '--rule', 'slow.yaml', '--over', 'day.sqlite', '--json', '--threads', '1');
  assert.equal(tried.code, 0, tried.error);
  const { flips } = JSON.parse(tried.out) as { flips: { source: string; event: number; rules: { place: string }[] }[] };
  const [first] = flips;
  assert.ok(first !== undefined, 'nothing flips');
  assert.equal(first.rules[0]?.place, 'slow.yaml:3');
  const at = `${first.source}#${first.event}`;
  const forked = await sigma(
    'fork',
    'day.sqlite',
    '--at',
    at,
    '--policy',
    'slow.yaml',
    '--agents',
    first.source,
    '--for',
    '3',
    '--out',
    'fork.sqlite',
    '--json',
  );
  assert.equal(forked.code, 0, forked.error);
  assert.equal((JSON.parse(forked.out) as { loop: string }).loop, 'closed');
  const verified = await sigma('verify', 'fork.sqlite');
  assert.equal(verified.code, 0, verified.error);
  assert.match(verified.out, /a fork of .*day.sqlite: \d+ chains begin where its inputs lead/);
  const compared = await sigma('compare', 'day.sqlite', 'fork.sqlite', '--json');
  assert.equal(compared.code, 0, compared.error);
  const { sources } = JSON.parse(compared.out) as {
    sources: {
      source: string;
      result: string;
      outcome: { a: { measured: { distanceM: number } }; b: { measured: { distanceM: number } } };
    }[];
  };
  const mine = sources.find(({ source }) => source === first.source);
  assert.equal(mine?.result, 'differs');
  assert.ok((mine?.outcome.b.measured.distanceM ?? 9) < (mine?.outcome.a.measured.distanceM ?? 0), 'it went less far');
});

test('what cannot be tried or forked says so by file, line and way out, and nobody sees a stack', async () => {
  writeFileSync(join(folder, 'broken.yaml'), rule('robot.sped_mps > 0.3'));
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [
      ['whatif', '--rule', 'broken.yaml', '--over', 'day.sqlite'],
      2,
      /broken.yaml:3: rule 'slow'.*no 'robot.sped_mps'; known: robot.name/,
    ],
    [['whatif', '--rule', 'nowhere.yaml', '--over', 'day.sqlite'], 5, /nowhere.yaml cannot be read/],
    [
      ['fork', 'day.sqlite', '--at', '9000', '--out', 'x.sqlite'],
      2,
      /9000.00 s lies outside the recording; give a moment after/,
    ],
    [['fork', 'day.sqlite', '--at', 'r01#999999', '--out', 'x.sqlite'], 2, /r01 has no event 999999/],
    [
      ['fork', 'day.sqlite', '--at', '2', '--alternative', '1', '--out', 'x.sqlite'],
      2,
      /alternatives belong to a decision/,
    ],
    [['fork', 'day.sqlite', '--at', '2'], 2, /a fork needs a file to go to/],
    [['fork', 'nowhere.sqlite', '--at', '2', '--out', 'x.sqlite'], 5, /nowhere.sqlite does not exist/],
    [
      ['fork', 'day.sqlite', '--at', '2', '--for', '1', '--fault', 'motor_overload:r01@3', '--out', 'x.sqlite'],
      2,
      /the fault motor_overload:r01@3 begins when the fork has ended\n {2}Give a longer --for/,
    ],
  ];
  const all = await Promise.all(cases.map(([args]) => sigma(...args)));
  for (const [k, [args, code, says]] of cases.entries()) {
    const ended = all[k] as Ended;
    assert.equal(ended.code, code, `${args.join(' ')}: ${ended.error}`);
    assert.match(ended.error, says);
    assert.doesNotMatch(ended.error, /\n\s+at |defect/);
  }
});

test('[R113] an order of the fork that the robot refuses is told with its reason, and the fork is there', async () => {
  const mission = 'r01={"kind":"dance","args":{}}';
  const words = ['fork', 'day.sqlite', '--at', '4', '--for', '1', '--mission', mission, '--out', 'refused.sqlite'];
  const made = await sigma(...words, '--json');
  assert.equal(made.code, 4, made.error);
  const { refused, head } = JSON.parse(made.out) as { refused: { agent: string; reason: string }[]; head: string };
  assert.deepEqual(
    refused.map(({ agent }) => agent),
    ['r01'],
  );
  assert.match(refused[0]?.reason ?? '', /\(dance\): no such kind of task; a robot knows 'cover'/);
  const verified = await sigma('verify', 'refused.sqlite');
  assert.match(verified.out, new RegExp(`head ${head}\nverify ok`));
});

test('[R112] a fork whose parent is gone is named with the parent, and verifies again when told where it is', async () => {
  const made = await sigma(
    'fork',
    'day.sqlite',
    '--at',
    '4',
    '--parameter',
    'chain.strikes=2',
    '--agents',
    'r01',
    '--for',
    '1',
    '--out',
    'lonely.sqlite',
  );
  assert.equal(made.code, 0, made.error);
  copyFileSync(recording, join(folder, 'aside.db'));
  rmSync(recording);
  const alone = await sigma('verify', 'lonely.sqlite');
  assert.equal(alone.code, 1);
  assert.match(alone.error, /lonely.sqlite is a fork of day.sqlite: that recording is not there/);
  assert.match(alone.error, /--parent names it where it lies now, under the name that it had/);
  const again = join(folder, 'kept');
  mkdirSync(again);
  copyFileSync(join(folder, 'aside.db'), join(again, 'day.sqlite'));
  const told = await sigma('verify', 'lonely.sqlite', '--parent', join(again, 'day.sqlite'));
  assert.equal(told.code, 0, told.error);
  copyFileSync(join(folder, 'aside.db'), recording);
});
