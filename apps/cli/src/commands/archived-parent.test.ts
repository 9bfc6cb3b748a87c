import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runSigma } from '../testing/run-sigma.ts';

const RULE = `id: speed_limit
rate: situation
when: robot.speed_mps > 0.6
effect: {type: restrict, restriction: {atMost: {speedMps: 0.1}, forbid: []}}
rationale: a lower limit
`;

describe('a recording whose beginning rests in an archive', () => {
  const home = mkdtempSync(join(tmpdir(), 'sigma-archived-parent-'));
  after(() => rmSync(home, { recursive: true }));
  const [site, archive, rule] = ['site.sqlite', 'archive', 'rule.yaml'].map((name) => join(home, name)) as [
    string,
    string,
    string,
  ];
  const path = (name: string): string => join(home, name);
  const sigma = (...args: readonly string[]) => runSigma(args, { SIGMA_DATA: path('data') });
  const json = async (...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> => {
    const { code, out, error } = await sigma(...args, '--json');
    assert.equal(code, 0, error);
    return JSON.parse(out);
  };
  const forked = async (parent: string, at: string, out: string, ...more: readonly string[]) =>
    (await json('fork', parent, '--at', at, '--for', '3', '--out', out, '--parameter', 'chain.strikes=2', ...more))[
      'head'
    ];
  const flips = async (over: string) => (await json('whatif', '--rule', rule, '--over', over))['flips'];
  let whole: { readonly early: unknown; readonly flips: unknown };

  before(async () => {
    writeFileSync(rule, RULE);
    const size = ['--minutes', '0.4', '--robots', '3', '--people', '6'];
    await json('sim', '--seed', '7', ...size, '--no-verify', '--out', site);
    await forked(site, '14', path('fork.sqlite'));
    await forked(path('fork.sqlite'), '15', path('fork-of-fork.sqlite'));
    whole = { early: await forked(site, '4', path('early.sqlite')), flips: await flips(site) };
    const { released } = await json('archive', site, '--to', archive, '--release', '--keep-days', '1');
    assert.ok((released as readonly unknown[]).length > 3, 'its beginning was moved');
  });

  test('[R110] [R164] a fork of a fork is held against its parents, compared, and forked again', async () => {
    const { code, out, error } = await sigma('verify', path('fork-of-fork.sqlite'));
    assert.equal(code, 0, error);
    assert.equal(out.match(/a fork of \S+: \d+ chains begin where its inputs lead/g)?.length, 2, out);
    assert.equal((await sigma('compare', path('fork.sqlite'), path('fork-of-fork.sqlite'))).code, 0);
    await forked(path('fork-of-fork.sqlite'), '16', path('third.sqlite'));
  });

  test('[R164] what is forked from the part that was moved, and a rule tried over it, come out as from the whole', async () => {
    assert.equal(await forked(site, '4', path('early-again.sqlite')), whole.early);
    assert.ok((whole.flips as readonly unknown[]).length > 0, 'the rule flips something');
    const bare = (found: unknown) => (found as readonly object[]).map((one) => ({ ...one, recording: '' }));
    assert.deepEqual(bare(await flips(site)), bare(whole.flips));
    assert.deepEqual(bare(await flips(archive)), bare(whole.flips));
    assert.equal((await sigma('verify', archive)).code, 0);
  });

  test('[R110] a parent that is nowhere is named with the way out; its archive is taken in its place', async () => {
    renameSync(site, path('elsewhere.sqlite'));
    renameSync(`${site}.archive`, path('elsewhere.sqlite.archive'));
    const gone = await sigma('verify', path('fork-of-fork.sqlite'));
    assert.equal(gone.code, 1);
    assert.match(gone.error, /fork\.sqlite is a fork of .*site\.sqlite: that recording is not there.*--parent/);
    const found = await sigma('verify', '--parent', archive, path('fork-of-fork.sqlite'));
    assert.equal(found.code, 0, found.error);
    const none = await sigma('verify', home);
    assert.equal(none.code, 5);
    assert.match(none.error, /neither a recording nor an archive/);
  });

  test('[R163] an archive that has lost a file is named, and nothing is made from what is left', async () => {
    const objects = join(archive, 'solo/objects/r01/0');
    for (const name of readdirSync(objects)) rmSync(join(objects, name));
    for (const place of [path('elsewhere.sqlite'), archive]) {
      const out = path('never.sqlite');
      const refused = await sigma(
        'fork',
        place,
        '--at',
        '4',
        '--for',
        '3',
        '--parameter',
        'chain.strikes=2',
        '--out',
        out,
      );
      assert.notEqual(refused.code, 0);
      assert.match(refused.error, /r01.*(is missing|archive)/);
      assert.equal(readdirSync(home).includes('never.sqlite'), false);
    }
  });
});
