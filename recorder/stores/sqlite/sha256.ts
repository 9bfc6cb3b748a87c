import { hash } from 'node:crypto';
import type { Sha256 } from '../../src/event.ts';

const BYTES = 32;

/**
 * Node's SHA-256. The digest leaves OpenSSL as a text of 32 characters, one for each byte, because Node takes three
 * times as long to make a Buffer of it; and it stands in an array of its own, because a pooled one would travel between
 * threads as a whole.
 */
export const sha256: Sha256 = (bytes) => {
  const digest = hash('sha256', bytes, 'binary');
  const own = new Uint8Array(BYTES);
  for (let i = 0; i < BYTES; i++) own[i] = digest.charCodeAt(i);
  return own;
};
