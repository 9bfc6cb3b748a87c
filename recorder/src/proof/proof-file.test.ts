import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { ed25519Key, ed25519Verify } from '../../keys/ed25519.ts';
import { note, testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { encodeEnvelope } from '../block.ts';
import type { Sha256 } from '../event.ts';
import { WireWriter } from '../wire/wire-writer.ts';
import { cosign, logKey, originOf, parseCheckpoint, signCheckpoint } from './checkpoint.ts';
import { checkProof, formatProof, proveEvent } from './event-proof.ts';
import { leafHash } from './merkle.ts';
import { inclusionRoot } from './merkle-proof.ts';
import { decodeProofFile, encodeProofFile, ProofFileError } from './proof-file.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const key = ed25519Key(new Uint8Array(32).fill(1));
const hubKey = ed25519Key(new Uint8Array(32).fill(2));
const { opening } = testChain('r17', sha256);
const trust = { keys: [logKey(opening, key.publicKey)], ed25519: ed25519Verify, sha256 };

async function proved(sequence: number) {
  const store = new MemoryStore();
  const { begin, notes } = testChain('r17', sha256);
  await store.append([begin(), notes(40, 30), notes(300)]);
  return proveEvent(store, opening, sequence, { key }, sha256);
}

test('[R135] a proof file gives back envelope and proof as they were, and proves the event to who has the key', async () => {
  for (const sequence of [1, 2, 77, 341]) {
    const proof = await proved(sequence);
    const file = encodeProofFile(proof);
    assert.deepEqual(decodeProofFile(file, sha256), proof);
    const again = decodeProofFile(file, sha256);
    assert.equal(checkProof(again.envelope, again.proof, trust).sequence, sequence);
    assert.ok(file.length < proof.proof.length + proof.envelope.length, 'smaller than the text');
  }
});

test('[R135] cosignatures and extension lines of the checkpoint come along', async () => {
  const { envelope, proof } = await proved(9);
  const checkpoint = parseCheckpoint(proof.slice(proof.indexOf('\n\n') + 2));
  const cosigned = proof + cosign(checkpoint, 1_700_000_000, 'sigma/acme/hub', hubKey, sha256);
  const again = decodeProofFile(encodeProofFile({ envelope, proof: cosigned }), sha256);
  assert.equal(again.proof, cosigned);
  const hub = { name: 'sigma/acme/hub', role: 'witness', publicKey: hubKey.publicKey } as const;
  const { checkpoint: signed } = checkProof(envelope, again.proof, { ...trust, keys: [...trust.keys, hub] });
  assert.deepEqual(
    signed.signers.map(({ key: { role }, timeS }) => [role, timeS]),
    [
      ['log', null],
      ['witness', 1_700_000_000],
    ],
  );
  const extended = proof.replace(checkpoint.text, `${checkpoint.text}more\n`);
  assert.equal(decodeProofFile(encodeProofFile({ envelope, proof: extended }), sha256).proof, extended);
});

test('[R135] among ten million events a proof file takes 1,000 bytes at most beside its event', () => {
  const wire = new WireWriter();
  const size = 10_000_000;
  const chain = { tenant: 'warehouse-rotterdam', source: 'robot-0417', epoch: 12 };
  for (const index of [0, 4_999_999, 8_388_607]) {
    wire.reset();
    encodeEnvelope(wire, index + 1, note(index + 1));
    const envelope = wire.take();
    const path = Array.from({ length: 24 }, (_, n) => sha256(Uint8Array.of(n)));
    const root = inclusionRoot(leafHash(envelope, sha256), index, size, path, sha256);
    assert.ok(root !== null, 'a path of 24 hashes is what such a tree has');
    const checkpoint = signCheckpoint(chain, { size, root }, key, sha256);
    const file = encodeProofFile({ envelope, proof: formatProof({ index, path, note: checkpoint }) });
    assert.ok(file.length - envelope.length <= 1000, `${file.length - envelope.length} bytes`);
    const again = decodeProofFile(file, sha256);
    const keys = [{ name: originOf(chain), role: 'log', publicKey: key.publicKey } as const];
    assert.equal(checkProof(again.envelope, again.proof, { ...trust, keys }).checkpoint.size, size);
  }
});

test('[R135] [L4] an altered bit anywhere in a proof file, and every shortened one, is refused', async () => {
  const file = encodeProofFile(await proved(77));
  const judge = (bytes: Uint8Array): void => {
    const { envelope, proof } = decodeProofFile(bytes, sha256);
    checkProof(envelope, proof, trust);
  };
  judge(file);
  for (let place = 0; place < file.length; place++) {
    const altered = file.with(place, (file[place] as number) ^ (1 << (place % 8)));
    assert.throws(() => judge(altered), /./, `byte ${place}`);
    assert.throws(() => judge(file.subarray(0, place)), /./, `cut at ${place}`);
  }
});

test('[R135] a file that is none, one cut short and one of a newer version each say so', async () => {
  const file = encodeProofFile(await proved(5));
  const says = (bytes: Uint8Array, what: RegExp): void =>
    assert.throws(
      () => decodeProofFile(bytes, sha256),
      (error) => error instanceof ProofFileError && what.test(error.message),
    );
  says(new Uint8Array(), /no proof file/);
  says(new TextEncoder().encode('SQLite format 3'), /no proof file: `sigma prove` writes them/);
  says(file.subarray(0, 60), /damaged or cut short/);
  says(file.with(12, '7'.charCodeAt(0)), /version 7; this program reads version 1/);
});
