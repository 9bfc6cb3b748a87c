import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ObjectStore } from '../objects/object-store.ts';

/** What every place that an archive can rest in must do. @param open an empty one each time */
export function objectStoreContract(name: string, open: () => Promise<ObjectStore>): void {
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

  describe(`${name} keeps the objects of an archive`, () => {
    test('what was put is given back, and a missing object is none', async () => {
      const store = await open();
      assert.equal(await store.putNew('acme/objects/r%2F1/0/a.parquet', bytes(1, 2, 0, 255)), 'written');
      assert.deepEqual(await store.get('acme/objects/r%2F1/0/a.parquet'), bytes(1, 2, 0, 255));
      assert.equal(await store.get('acme/objects/r%2F1/0/b.parquet'), null);
      assert.equal(await store.get('nobody/here'), null);
    });

    test('[R161] an object is made once and never overwritten', async () => {
      const store = await open();
      await store.putNew('acme/manifests/00000001.json', bytes(1));
      assert.equal(await store.putNew('acme/manifests/00000001.json', bytes(2)), 'exists');
      assert.deepEqual(await store.get('acme/manifests/00000001.json'), bytes(1));
    });

    test('keys are listed by their beginning, in order, odd names included', async () => {
      const store = await open();
      const keys = ['a/m/00000002.json', "a/m/00000010-!~*'().json", 'a/n/%C3%A9%20%26.json', 'b/m/00000001.json'];
      for (const key of [...keys].reverse()) await store.putNew(key, bytes(7));
      assert.deepEqual(await store.list('a/'), keys.slice(0, 3));
      assert.deepEqual(await store.list('a/m/0000001'), [keys[1]]);
      assert.deepEqual(await store.list(''), keys);
      assert.deepEqual(await store.list('c/'), []);
    });

    test('what was taken away is gone, and taking it away again is no error', async () => {
      const store = await open();
      await store.putNew('a/b', bytes(1));
      await store.remove('a/b');
      await store.remove('a/b');
      assert.equal(await store.get('a/b'), null);
    });

    test('a key cannot lead out of the archive', async () => {
      const store = await open();
      for (const key of ['../secret', 'a/../../b', '/etc/passwd', 'a//b', '', 'a/./b', 'a\\b', 'a b']) {
        await assert.rejects(async () => store.get(key), RangeError, key);
        await assert.rejects(async () => store.putNew(key, bytes(1)), RangeError, key);
      }
    });
  });
}
