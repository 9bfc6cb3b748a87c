import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { keptPast, sourceHash } from './kept-past.ts';

let folder = '';
let workspaces = '';

async function write(path: string, text: string): Promise<void> {
  const whole = join(workspaces, path);
  await mkdir(join(whole, '..'), { recursive: true });
  await writeFile(whole, text);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sigma-kept-past-'));
  workspaces = join(folder, 'workspaces');
  await write('@sigma/sim/package.json', '{"dependencies":{"@sigma/kernel":"*","three":"1"}}');
  await write('@sigma/sim/src/run.ts', 'run');
  await write('@sigma/sim/src/run.test.ts', 'try it');
  await write('@sigma/kernel/package.json', '{}');
  await write('@sigma/kernel/src/step.ts', 'step');
  await write('@sigma/apart/package.json', '{}');
});

after(() => rm(folder, { recursive: true }));

test('a past is made once for a state of the tree, and anew when anything that it comes from has changed', async () => {
  const kept = join(folder, 'kept');
  let made = 0;
  const path = () =>
    keptPast('@sigma/sim', 'forty', async (to) => writeFile(to, `past ${++made}`), { folder: kept, workspaces });
  const first = await path();
  assert.equal(await path(), first);
  await write('@sigma/sim/src/run.test.ts', 'try it harder');
  await write('@sigma/apart/package.json', '{"version":"2"}');
  assert.equal(await path(), first, 'a test, and a package that has no part in it');
  await write('@sigma/kernel/src/step.ts', 'another step');
  const second = await path();
  assert.notEqual(second, first);
  assert.equal(await readFile(second, 'utf8'), 'past 2');
  assert.deepEqual(await readdir(kept), [second.split('/').at(-1)], 'what nobody can use any more takes no room');
});

test('a past that was not finished is not taken for one', async () => {
  const kept = join(folder, 'broken');
  const half = async (to: string) => {
    await writeFile(to, 'half');
    throw new Error('the disk is full');
  };
  await assert.rejects(keptPast('@sigma/sim', 'forty', half, { folder: kept, workspaces }), /the disk is full/);
  const whole = await keptPast('@sigma/sim', 'forty', (to) => writeFile(to, 'whole'), { folder: kept, workspaces });
  assert.equal(await readFile(whole, 'utf8'), 'whole');
  const left = (await readdir(folder)).filter((one) => one.startsWith('broken'));
  assert.deepEqual(left, ['broken'], 'nothing lies about that is not finished');
});

test('the name of a file counts as much as what is in it', async () => {
  const before = await sourceHash('@sigma/kernel', workspaces);
  await write('@sigma/kernel/src/leap.ts', '');
  assert.notEqual(await sourceHash('@sigma/kernel', workspaces), before);
});
