export {
  type AppendBench,
  type AppendRates,
  benchAppend,
  benchOneEvent,
  benchSeal,
  benchVerify,
  type VerifyRates,
} from './bench.ts';
export { blockStoreContract, type StoreExam } from './block-store-contract.ts';
export { testChain, testOpening } from './chains.ts';
export { MemoryStore } from './memory-store.ts';
