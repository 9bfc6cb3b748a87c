/** Personal payloads: sealed for one person, and erased with the person's secret. */
export { type Erasure, PeopleFile, peoplePath } from './people-file.ts';
export { recordErasures } from './record-erasures.ts';
export { CannotOpenError, decodeSealed, openSealed, type Person, SEALED_TYPE, sealEvent } from './sealed-payload.ts';
