import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { Ed25519Verify, SigningKey } from '@sigma/recorder';

/** A key of the fake hub's own, new for each run. */
export function freshKey(): SigningKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return {
    publicKey: new Uint8Array(Buffer.from(x, 'base64url')),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}

export const isSigned: Ed25519Verify = (publicKey, message, signature) => {
  const x = Buffer.from(publicKey).toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return verify(null, message, key, signature);
};
