import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { OrderSchema, SignedOrderSchema } from '@sigma/proto';
import type { VerifyOrder } from '../src/runtime/ports.ts';

/** A hub's hand: signs orders the way the command gateway does. */
export interface OrderSigner {
  readonly publicKey: KeyObject;
  readonly verify: VerifyOrder;
  readonly sign: (order: MessageInitShape<typeof OrderSchema>) => Uint8Array;
}

export function orderSigner(): OrderSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    publicKey,
    verify: (order, signature) => signature.length === 64 && verify(null, order, publicKey, signature),
    sign: (init) => {
      const order = toBinary(OrderSchema, create(OrderSchema, init));
      const signature = sign(null, order, privateKey);
      return toBinary(SignedOrderSchema, create(SignedOrderSchema, { order, signature }));
    },
  };
}
