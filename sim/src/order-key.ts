import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** The key with which a simulated hub signs its orders, derived from the seed: Ed25519 signatures are deterministic. */
export interface OrderKey {
  readonly sign: (order: Uint8Array) => Uint8Array;
  readonly verify: (order: Uint8Array, signature: Uint8Array) => boolean;
}

/** DER of a PKCS #8 private key up to the 32 bytes of an Ed25519 seed (RFC 8410, section 7). */
const PKCS8_PREFIX = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

export function orderKey(seed: number): OrderKey {
  const secret = createHash('sha256').update(`sigma simulated hub ${seed}`).digest();
  const key = Buffer.concat([PKCS8_PREFIX, secret]);
  const privateKey: KeyObject = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  return {
    sign: (order) => sign(null, order, privateKey),
    verify: (order, signature) => verify(null, order, publicKey, signature),
  };
}
