import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw } from '@sigma/kernel';
import { createOrOpenDirectory, DirectoryError, openDirectory } from './directory.ts';
import { MemoryCluster } from './testing/memory-cluster.ts';

function seeded(seed: number) {
  let n = 0;
  return (below: number): number => draw(seed, 1, ++n, 1, 0) % below;
}

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

test('[R109] a directory is written as the bindings of FoundationDB write it', async () => {
  const cluster = new MemoryCluster();
  const prefix = await cluster.transact((tn) => createOrOpenDirectory(tn, ['a', 'b'], seeded(1)));
  const written = await cluster.transact((tn) => tn.getRange(bytes('fe'), bytes('ff')));
  const at = new Map(written.map(([key, value]) => [key.toString('hex'), value.toString('hex')]));
  // The root node is 0xfe and the tuple (b'\xfe'); then (b'version'), (0, name), and for each node (b'layer').
  assert.equal(at.get('fe01fe000176657273696f6e00'), '010000000000000000000000');
  const outer = at.get('fe01fe0014026100');
  assert.ok(outer !== undefined && /^15..$/.test(outer), `${outer} is a small number`);
  assert.equal(at.get(`fe01${outer}0014026200`), prefix.toString('hex'));
  assert.equal(at.get(`fe01${outer}00016c6179657200`), '');
  assert.equal(at.get(`fe01${prefix.toString('hex')}00016c6179657200`), '');
  // The allocator's counter of the first window, (b'hca', 0, 0), little-endian.
  assert.equal(at.get('fe01fe0001686361001414'), '0200000000000000');
});

test('[R109] the same path is the same directory; what does not exist is not made by opening', async () => {
  const cluster = new MemoryCluster();
  const chance = seeded(2);
  assert.equal(await cluster.transact((tn) => openDirectory(tn, ['a', 'b'])), null);
  const first = await cluster.transact((tn) => createOrOpenDirectory(tn, ['a', 'b'], chance));
  assert.deepEqual(await cluster.transact((tn) => createOrOpenDirectory(tn, ['a', 'b'], chance)), first);
  assert.deepEqual(await cluster.transact((tn) => openDirectory(tn, ['a', 'b'])), first);
  assert.equal(await cluster.transact((tn) => openDirectory(tn, ['a', 'c'])), null);
  assert.notDeepEqual(await cluster.transact((tn) => openDirectory(tn, ['a'])), first);
});

test('[R109] many writers at once get a prefix each, and none begins with another', async () => {
  const cluster = new MemoryCluster();
  const chance = seeded(3);
  const names = Array.from({ length: 400 }, (_, n) => `r${n % 200}`);
  const prefixes = await Promise.all(
    names.map((name) => cluster.transact((tn) => createOrOpenDirectory(tn, ['sigma', name], chance))),
  );
  const distinct = [...new Set(prefixes.map((prefix) => prefix.toString('hex')))];
  assert.equal(distinct.length, 200);
  for (const a of distinct) for (const b of distinct) assert.ok(a === b || !b.startsWith(a), `${b} lies within ${a}`);
  for (const [i, name] of names.entries()) {
    assert.deepEqual(await cluster.transact((tn) => openDirectory(tn, ['sigma', name])), prefixes[i]);
  }
});

test('[R109] directories of a newer format, and prefixes that others use, are refused', async () => {
  const cluster = new MemoryCluster();
  const first = (): number => 0;
  await cluster.transact(async (tn) => tn.set(bytes('1405'), bytes('00')));
  const taken = cluster.transact((tn) => createOrOpenDirectory(tn, ['a'], first));
  await assert.rejects(taken, (error) => error instanceof DirectoryError && /keys stand already/.test(error.message));
  await cluster.transact(async (tn) => tn.clear(bytes('1405')));
  await cluster.transact(async (tn) => tn.set(bytes('fe011400016c6179657200'), bytes('')));
  const byHand = cluster.transact((tn) => createOrOpenDirectory(tn, ['a'], first));
  await assert.rejects(byHand, (error) => error instanceof DirectoryError && /by hand/.test(error.message));
  await cluster.transact(async (tn) => tn.set(bytes('fe01fe000176657273696f6e00'), bytes('020000000000000000000000')));
  const newer = cluster.transact((tn) => openDirectory(tn, ['a']));
  await assert.rejects(newer, (error) => error instanceof DirectoryError && /format 2\.0\.0/.test(error.message));
});
