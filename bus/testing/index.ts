export { type BusUnderTest, busContract } from './contract.ts';
