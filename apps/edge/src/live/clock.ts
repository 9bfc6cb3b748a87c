/**
 * The one clock of all threads of this process: monotonic, microseconds. `performance.now` begins anew in every
 * worker; this does not.
 */
export const monotonicUs = (): number => Number(process.hrtime.bigint() / 1000n);
