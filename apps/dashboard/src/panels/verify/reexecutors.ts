import type { Reexecutors } from '@sigma/recorder';

/** Terrain models that this browser can run again, by the name in a chain's opening. */
export const reexecutors: Reexecutors = {};
