import { hash } from 'node:crypto';
import { after, before } from 'node:test';
import { blockStoreContract } from '../../testing/block-store-contract.ts';
import { versionedStoreContract } from '../../testing/versioned-store-contract.ts';
import { openPostgres, type PostgresRecordings, type PostgresStore } from './postgres-store.ts';
import { startTestServer, type TestServer } from './testing/server.ts';

const sha256 = (bytes: Uint8Array) => new Uint8Array(hash('sha256', bytes, 'buffer'));
let server: TestServer;
const opened: PostgresRecordings[] = [];
before(async () => {
  server = await startTestServer();
});
after(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await server.stop();
});

/** Every exam gets tenant acme in tables that are empty. */
async function fresh(): Promise<() => Promise<PostgresStore>> {
  await server.asOwner('TRUNCATE recorder.tenants, recorder.chains, recorder.blocks, recorder.snapshots');
  return async () => {
    const recordings = await openPostgres(server.url);
    opened.push(recordings);
    return recordings.recording('acme');
  };
}

blockStoreContract({
  name: 'postgresql',
  sha256,
  open: async () => {
    const open = await fresh();
    return { store: await open(), reopen: open };
  },
});

versionedStoreContract({
  name: 'postgresql',
  sha256,
  open: async () => {
    const open = await fresh();
    return { store: await open(), other: await open() };
  },
});
