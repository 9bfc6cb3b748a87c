/** What others need to examine or measure an edge. */
export { benchReflex, type ReflexBench, type ReflexFigures } from './bench.ts';
export { type DriverExam, driverContract } from './driver-contract.ts';
