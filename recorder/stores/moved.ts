import type { ChainHead } from '../src/event.ts';

/** The beginning of a chain that was moved: where it ends, and where it rests. */
export interface Moved extends Omit<ChainHead, 'blocks'> {
  /** Address of the archive. */
  readonly archive: string;
  /** The manifest by which it was moved, and its SHA-256 (hex). */
  readonly manifest: number;
  readonly manifestSha256: string;
}
