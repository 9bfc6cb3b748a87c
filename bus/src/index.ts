export { MemoryBus, type MemoryBusOptions } from './memory/memory-bus.ts';
export {
  type Bus,
  BusClosedError,
  type BusMessage,
  type Entry,
  type Handler,
  type HeldLease,
  type KeyValue,
  type LeaseOutcome,
  type Leases,
  type Loss,
  type LossReport,
  type ServiceClass,
  type SubscribeOptions,
  type Subscription,
} from './port.ts';
export { InvalidSubjectError, matches, subjectOf, tokenOf } from './subject.ts';
