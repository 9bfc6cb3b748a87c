export { benchAppend } from './bench.ts';
export { blockStoreContract, type StoreExam } from './block-store-contract.ts';
export { MemoryStore } from './memory-store.ts';
