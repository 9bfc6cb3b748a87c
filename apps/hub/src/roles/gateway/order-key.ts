import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Signs orders (Ed25519, RFC 8032). */
export interface OrderKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}

/** RFC 8410: what stands before the 32 bytes of an Ed25519 public key in DER. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The hub's key, made at the first start and kept where only its owner reads it. */
export function keptOrderKey(directory: string): OrderKey {
  const path = join(directory, 'keys', 'orders.pem');
  mkdirSync(join(directory, 'keys'), { recursive: true, mode: 0o700 });
  if (!existsSync(path)) {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(path, pem, { mode: 0o600, flag: 'wx' });
  }
  return orderKeyOf(createPrivateKey(readFileSync(path)));
}

/** A key from 32 bytes of seed, for a simulation that must repeat. */
export const seededOrderKey = (seed: Uint8Array): OrderKey =>
  orderKeyOf(createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' }));

function orderKeyOf(key: KeyObject): OrderKey {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return { publicKey: spki.subarray(-32), sign: (bytes) => sign(null, bytes, key) };
}

/** Whether the signature over the bytes was made with the key, 32 bytes. */
export function isSignedBy(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
  return verify(null, bytes, key, signature);
}
