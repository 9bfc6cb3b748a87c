import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { archiveObjects } from '@sigma/recorder/archive';
import { S3RVER_KEY, startS3Server } from '@sigma/recorder/archive/testing';
import { runSigma } from '../testing/run-sigma.ts';

const RULE = `id: speed_limit
rate: situation
when: robot.speed_mps > 0.6
effect: {type: restrict, restriction: {atMost: {speedMps: 0.1}, forbid: []}}
rationale: a lower limit
`;

const home = mkdtempSync(join(tmpdir(), 'sigma-archived-parent-'));
const original = join(home, 'original');
const rule = join(home, 'rule.yaml');
let server: Awaited<ReturnType<typeof startS3Server>>;
const KEY = { AWS_ACCESS_KEY_ID: S3RVER_KEY.accessKeyId, AWS_SECRET_ACCESS_KEY: S3RVER_KEY.secretAccessKey };

type Json = Readonly<Record<string, unknown>>;

const sigma = (data: string, ...args: readonly string[]) => runSigma(args, { SIGMA_DATA: join(home, data), ...KEY });

async function json(data: string, ...args: readonly string[]): Promise<Json> {
  const { code, out, error } = await sigma(data, ...args, '--json');
  assert.equal(code, 0, error);
  return JSON.parse(out);
}

const CHANGED = ['--for', '3', '--parameter', 'chain.strikes=2'];

const forked = async (parent: string, at: string, out: string, ...more: readonly string[]) =>
  (await json('data', 'fork', parent, '--at', at, '--out', out, ...CHANGED, ...more))['head'];

const flips = async (over: string) => (await json('data', 'whatif', '--rule', rule, '--over', over))['flips'];

/** What does not say where it was read. */
const bare = (found: unknown) => (found as readonly object[]).map((one) => ({ ...one, recording: '', named: '' }));

async function exported(place: string, format: string): Promise<Buffer> {
  const out = join(home, `out.${format}`);
  await json('data', 'export', '--format', format, '--agents', 'r01', '--force', '--out', out, place);
  return readFileSync(out);
}

const shown = async (place: string) =>
  bare((await json('data', 'record', 'show', place, '--agents', 'r02', '--from', '3', '--to', '5'))['events']);

let whole: Readonly<Record<'early' | 'flips' | 'cloudevents' | 'prov' | 'shown', unknown>>;

before(async () => {
  server = await startS3Server('sigma');
  writeFileSync(rule, RULE);
  const site = join(original, 'site.sqlite');
  const size = ['--minutes', '0.4', '--robots', '3', '--people', '6'];
  await json('data', 'sim', '--seed', '7', ...size, '--no-verify', '--out', site);
  await forked(site, '14', join(original, 'fork.sqlite'));
  await forked(join(original, 'fork.sqlite'), '15', join(original, 'fork-of-fork.sqlite'));
  whole = {
    early: await forked(site, '4', join(original, 'early.sqlite')),
    flips: await flips(site),
    cloudevents: await exported(site, 'cloudevents'),
    prov: await exported(site, 'prov'),
    shown: await shown(site),
  };
  assert.ok((whole.flips as readonly unknown[]).length > 0, 'the rule flips something');
  assert.ok((whole.shown as readonly unknown[]).length > 0, 'there is something to show');
});

after(async () => {
  await server.stop();
  rmSync(home, { recursive: true });
});

const PLACES: Readonly<Record<string, (folder: string) => string>> = {
  'a folder': (folder) => join(folder, 'archive'),
  'a bucket of S3': () => `s3://sigma/site-1?endpoint=${server.url}`,
};

for (const [kind, placeIn] of Object.entries(PLACES)) {
  describe(`a recording whose beginning rests in ${kind}`, () => {
    const folder = join(home, kind.replaceAll(' ', '-'));
    const path = (name: string): string => join(folder, name);
    const site = path('site.sqlite');
    let archive: string;

    before(async () => {
      cpSync(original, folder, { recursive: true });
      archive = placeIn(folder);
      const { released } = await json('data', 'archive', site, '--to', archive, '--release', '--keep-days', '1');
      assert.ok((released as readonly unknown[]).length > 3, 'its beginning was moved');
    });

    test('[R110] [R164] a fork of a fork is held against its parents, compared, and forked again', async () => {
      const { code, out, error } = await sigma('data', 'verify', path('fork-of-fork.sqlite'));
      assert.equal(code, 0, error);
      assert.equal(out.match(/a fork of \S+: \d+ chains begin where its inputs lead/g)?.length, 2, out);
      assert.equal((await sigma('data', 'compare', path('fork.sqlite'), path('fork-of-fork.sqlite'))).code, 0);
      await forked(path('fork-of-fork.sqlite'), '16', path('third.sqlite'));
    });

    test('[R164] what is forked from the part that was moved, and a rule tried over it, come out as from the whole', async () => {
      assert.equal(await forked(site, '4', path('early-again.sqlite')), whole.early);
      assert.deepEqual(bare(await flips(site)), bare(whole.flips));
      assert.deepEqual(bare(await flips(archive)), bare(whole.flips));
      assert.equal((await sigma('data', 'verify', archive)).code, 0);
    });

    test('[R164] what is exported of it, of the archive alone too, and shown, is what the whole gave', async () => {
      for (const place of [site, archive]) {
        assert.deepEqual(await exported(place, 'cloudevents'), whole.cloudevents);
        assert.deepEqual(await exported(place, 'prov'), whole.prov);
        assert.deepEqual(await shown(place), whole.shown);
      }
    });

    test('[R110] what is forked from the archive itself names it as its parent, and is verified and compared', async () => {
      const out = path('of-archive.sqlite');
      await forked(archive, '4', out);
      const held = await sigma('data', 'verify', out);
      assert.equal(held.code, 0, held.error);
      assert.ok(held.out.includes('a fork of'), held.out);
      assert.equal((await sigma('data', 'compare', archive, out)).code, 0);
    });

    test('[R110] a parent that is nowhere is named with the way out; its archive is taken in its place', async () => {
      renameSync(site, path('elsewhere.sqlite'));
      renameSync(`${site}.archive`, path('elsewhere.sqlite.archive'));
      const gone = await sigma('data', 'verify', path('fork-of-fork.sqlite'));
      assert.equal(gone.code, 1);
      assert.match(gone.error, /fork\.sqlite is a fork of .*site\.sqlite: that recording is not there.*--parent/);
      const found = await sigma('data', 'verify', '--parent', archive, path('fork-of-fork.sqlite'));
      assert.equal(found.code, 0, found.error);
      const none = await sigma('data', 'verify', original);
      assert.equal(none.code, 5);
      assert.match(none.error, /neither a recording nor an archive/);
    });

    test('[R163] an archive of which a file was altered, then lost, is named, and nothing is made of what is left', async () => {
      const objects = await archiveObjects(archive, S3RVER_KEY);
      const keys = (await objects.list('solo/objects/r01/0/')).filter((key) => key.endsWith('.blocks.parquet'));
      assert.ok(keys.length > 0);
      const damages: readonly (readonly [RegExp, (key: string) => Promise<unknown>])[] = [
        [/r01.*is altered: it holds events 1 to/, async (key) => altered(objects, key)],
        [/r01.*is missing: it holds events 1 to/, (key) => objects.remove(key)],
      ];
      for (const [words, damage] of damages) {
        for (const key of keys) await damage(key);
        // A machine that has fetched nothing yet: what lies in its cache is known by its hash and would do.
        const fresh = `fresh-${keys.length}`;
        rmSync(join(home, fresh), { recursive: true, force: true });
        for (const place of [path('elsewhere.sqlite'), archive]) {
          const never = path('never.sqlite');
          const refused = await sigma(fresh, 'fork', place, '--at', '4', '--out', never, ...CHANGED);
          assert.equal(refused.code, 5, refused.error);
          assert.match(refused.error, words);
          assert.equal(readdirSync(folder).includes('never.sqlite'), false);
        }
        const tried = await sigma(fresh, 'whatif', '--no-facts', '--rule', rule, '--over', archive);
        assert.equal(tried.code, 5, tried.error);
        assert.match(tried.error, words);
        const told = await sigma(fresh, 'record', 'show', archive, '--agents', 'r01');
        assert.notEqual(told.code, 0);
        assert.match(told.error, words);
      }
    });

    test('[R163] whose key is not at hand, or whose place is none, is told what to do', async () => {
      if (!archive.startsWith('s3://')) return;
      const keyless = await runSigma(['whatif', '--rule', rule, '--over', archive], { SIGMA_DATA: join(home, 'data') });
      assert.equal(keyless.code, 2);
      assert.match(keyless.error, /needs an access key\n.*AWS_ACCESS_KEY_ID/);
      const moved = await runSigma(['compare', path('fork.sqlite'), archive], { SIGMA_DATA: join(home, 'data') });
      assert.match(moved.error, /AWS_ACCESS_KEY_ID|--parent/);
      const empty = await sigma('data', 'compare', `s3://sigma/nothing?endpoint=${server.url}`, archive);
      assert.equal(empty.code, 5);
      assert.match(empty.error, /is a bucket and no archive/);
    });
  });
}

/** Other bytes under the same name, of the same length. */
async function altered(objects: Awaited<ReturnType<typeof archiveObjects>>, key: string): Promise<void> {
  const bytes = Uint8Array.from((await objects.get(key)) as Uint8Array);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  await objects.remove(key);
  await objects.putNew(key, bytes);
}
