import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { objectStoreContract } from '../testing/object-store-contract.ts';
import { S3RVER_KEY, startS3Server } from '../testing/s3-server.ts';
import { folderObjects } from './folder.ts';
import { keyPart, ObjectStoreError } from './object-store.ts';
import { parseS3Address, s3Objects } from './s3.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-objects-'));
let server: Awaited<ReturnType<typeof startS3Server>>;
before(async () => {
  server = await startS3Server('sigma');
});
after(async () => {
  await server.stop();
  rmSync(home, { recursive: true });
});

let n = 0;
objectStoreContract('a folder', async () => folderObjects(join(home, `folder-${n++}`)));
objectStoreContract('a server that speaks S3', async () =>
  s3Objects(parseS3Address(`s3://sigma/site-${n++}?endpoint=${server.url}`), S3RVER_KEY),
);

describe('places that fail', () => {
  test('a bucket that is not there, and a key that is not known, are named with the way out', async () => {
    const nowhere = s3Objects(parseS3Address(`s3://nowhere/x?endpoint=${server.url}`), S3RVER_KEY);
    await assert.rejects(nowhere.putNew('a/b', Uint8Array.of(1)), /NoSuchBucket.*Make the bucket/);
    const stranger = s3Objects(parseS3Address(`s3://sigma/x?endpoint=${server.url}`), {
      ...S3RVER_KEY,
      accessKeyId: 'nobody',
    });
    await assert.rejects(stranger.putNew('a/b', Uint8Array.of(1)), (error: Error) => {
      assert.ok(error instanceof ObjectStoreError);
      assert.match(error.message, /InvalidAccessKeyId/);
      assert.doesNotMatch(error.message, /S3RVER/);
      return true;
    });
  });

  test('a server that is not there is named, without the key', async () => {
    const gone = s3Objects(parseS3Address('s3://sigma/x?endpoint=http://127.0.0.1:9'), S3RVER_KEY);
    await assert.rejects(gone.list(''), /cannot be reached/);
  });

  test('addresses that are none are refused', () => {
    for (const address of ['s3://', 'http://x/y', 's3://b/x?endpoint=ftp://h', 's3://k:s@b/x', 'nonsense']) {
      assert.throws(() => parseS3Address(address), RangeError, address);
    }
  });

  test('a place that is a file is named', async () => {
    writeFileSync(join(home, 'file'), 'x');
    await assert.rejects(folderObjects(join(home, 'file')).putNew('a/b', Uint8Array.of(1)), ObjectStoreError);
  });

  test('half-written objects of a killed archiver are no objects', async () => {
    const folder = join(home, 'killed');
    const store = folderObjects(folder);
    await store.putNew('a/b.parquet', Uint8Array.of(1));
    writeFileSync(join(folder, 'a', `c.parquet.${'0'.repeat(12)}.part`), 'half');
    assert.deepEqual(await store.list(''), ['a/b.parquet']);
    assert.deepEqual(readdirSync(join(folder, 'a')).length, 2);
  });

  test('[R161] names that a file system reads otherwise stay names', () => {
    assert.equal(keyPart('..'), '%%2E%2E');
    assert.equal(keyPart(''), '%');
    assert.equal(keyPart('a/b'), 'a%2Fb');
    assert.equal(new Set(['.', '..', '', 'a', '%'].map(keyPart)).size, 5);
  });
});
