import { hash } from 'node:crypto';
import { blockStoreContract } from './block-store-contract.ts';
import { MemoryStore } from './memory-store.ts';

blockStoreContract({
  name: 'memory',
  sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  open: async () => ({ store: new MemoryStore(), reopen: null }),
});
