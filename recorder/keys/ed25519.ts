import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { Ed25519Verify, SigningKey } from '../src/index.ts';

/** What stands before the 32 bytes in PKCS #8 and in SubjectPublicKeyInfo (RFC 8410). */
const PRIVATE_PREFIX = Uint8Array.from(Buffer.from('302e020100300506032b657004220420', 'hex'));
const PUBLIC_PREFIX = Uint8Array.from(Buffer.from('302a300506032b6570032100', 'hex'));

/**
 * An Ed25519 key of node:crypto from its 32-byte seed (RFC 8032, section 5.1.5). The same seed gives the same key and
 * the same signatures, in the simulator as elsewhere.
 *
 * @throws RangeError when the seed is not 32 bytes
 */
export function ed25519Key(seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new RangeError(`An Ed25519 seed has 32 bytes, not ${seed.length}`);
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(PUBLIC_PREFIX.length)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

/** Verification by node:crypto. */
export const ed25519Verify: Ed25519Verify = (publicKey, message, signature) => {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  } catch {
    return false;
  }
};
