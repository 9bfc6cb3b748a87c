import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { ed25519Key, ed25519Verify } from '../../keys/ed25519.ts';
import { hexOfBytes, type Sha256 } from '../event.ts';
import { base64Of, bytesOfBase64 } from './base64.ts';
import {
  chainOfOrigin,
  cosign,
  logKey,
  openCheckpoint,
  originOf,
  parseCheckpoint,
  signCheckpoint,
} from './checkpoint.ts';
import {
  checkSignatures,
  formatNoteKey,
  formatSignature,
  NoteError,
  type NoteKey,
  parseNote,
  parseNoteKey,
  signText,
} from './note.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const chain = { tenant: 'acme', source: 'r17', epoch: 0 };
const key = ed25519Key(new Uint8Array(32).fill(1));
const hubKey = ed25519Key(new Uint8Array(32).fill(2));
const head = { size: 12, root: new Uint8Array(32).fill(9) };
const trust = (...keys: readonly NoteKey[]) => ({ keys, ed25519: ed25519Verify, sha256 });
const log = logKey(chain, key.publicKey);
const hub: NoteKey = { name: 'sigma/acme/hub', role: 'witness', publicKey: hubKey.publicKey };

test('[R94] the Ed25519 vectors of RFC 8032: key and signature follow from the seed', () => {
  const seed = Uint8Array.from(Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex'));
  const second = ed25519Key(seed);
  assert.equal(hexOfBytes(second.publicKey), '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  const signature = second.sign(Uint8Array.of(0x72));
  assert.equal(
    hexOfBytes(signature),
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );
  assert.equal(ed25519Verify(second.publicKey, Uint8Array.of(0x72), signature), true);
  assert.equal(ed25519Verify(second.publicKey, Uint8Array.of(0x73), signature), false);
  assert.equal(ed25519Verify(new Uint8Array(3), Uint8Array.of(0x72), signature), false);
  assert.throws(() => ed25519Key(new Uint8Array(31)), RangeError);
});

test('[R94] a note signed by the reference implementation of signed notes is accepted', () => {
  const neumann = parseNoteKey('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW', sha256);
  const text =
    'If you think cryptography is the answer to your problem,\n' + "then you don't know what your problem is.\n";
  const line =
    '\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
  const note = parseNote(`${text}\n${line}`);
  assert.deepEqual(
    checkSignatures(note, [neumann], ed25519Verify, sha256).map((signer) => signer.key.name),
    ['PeterNeumann'],
  );
  assert.equal(formatNoteKey(neumann, sha256), 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
  assert.throws(
    () => checkSignatures({ ...note, text: text.replace('answer', 'question') }, [neumann], ed25519Verify, sha256),
    /signature of PeterNeumann is false/,
  );
});

test('[R93] the example of the checkpoint specification is read as it says, and its key ids are told apart', () => {
  const example =
    'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' +
    '\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n' +
    '\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n';
  const { origin, size, text } = parseCheckpoint(example);
  assert.deepEqual([origin, size], ['example.com/behind-the-sofa', 20852163]);
  assert.equal(text.split('\n').length, 4);
  assert.deepEqual(
    parseNote(example).signatures.map(({ keyId, signature }) => [hexOfBytes(keyId), signature.length]),
    [
      ['033de0ae', 64],
      ['8d66cf3f', 72],
    ],
  );
  assert.equal(chainOfOrigin(origin), null);
  assert.throws(() => openCheckpoint(example, trust(log, hub)), /no known key signed/);
});

test('[R93] [R94] a head signed by its writer is believed under its key, the same every time, and under no other', () => {
  const note = signCheckpoint(chain, head, key, sha256);
  assert.equal(note, signCheckpoint(chain, head, ed25519Key(new Uint8Array(32).fill(1)), sha256));
  assert.match(note, /^sigma\/acme\/r17\/0\n12\nCQkJ.*=\n\n\u2014 sigma\/acme\/r17\/0 \S+\n$/);
  const opened = openCheckpoint(note, trust(log));
  assert.deepEqual([opened.size, opened.root, opened.signers.length], [12, head.root, 1]);
  assert.throws(() => openCheckpoint(note, trust()), /no known key/);
  assert.throws(() => openCheckpoint(note, trust({ ...log, publicKey: hubKey.publicKey })), /no known key/);
  assert.throws(() => openCheckpoint(note, trust({ ...log, role: 'witness' })), /no known key/);
  assert.throws(() => openCheckpoint(note.replace('\n12\n', '\n13\n'), trust(log)), /signature of .* is false/);
  const stranger = formatSignature(signText(opened.text, 'somebody', hubKey, sha256));
  assert.equal(openCheckpoint(note + stranger, trust(log)).signers.length, 1, 'unknown signatures are passed over');
});

test('[R95] a cosignature bears its time, and one that is false spoils the note', () => {
  const note = signCheckpoint(chain, head, key, sha256);
  const line = cosign(parseCheckpoint(note), 1_679_315_147, hub.name, hubKey, sha256);
  const { signers } = openCheckpoint(note + line, trust(log, hub));
  assert.deepEqual(
    signers.map(({ key: by, timeS }) => [by.role, timeS]),
    [
      ['log', null],
      ['witness', 1_679_315_147],
    ],
  );
  assert.equal(openCheckpoint(note + line, trust(hub)).signers.length, 1);
  const later = bytesOfBase64(line.trimEnd().split(' ')[2] as string) as Uint8Array;
  later[11] = (later[11] as number) ^ 1;
  assert.throws(() => openCheckpoint(`${note}\u2014 ${hub.name} ${base64Of(later)}\n`, trust(log, hub)), /is false/);
  assert.throws(() => cosign(parseCheckpoint(note), 0.5, hub.name, hubKey, sha256), NoteError);
});

test('[R93] names with slashes, spaces, plus signs and newlines make origins that are told apart', () => {
  const odd = { tenant: 'a/b', source: 'caf\u00e9 +1\n', epoch: 3 };
  assert.equal(originOf(odd), 'sigma/a%2Fb/caf%C3%A9%20%2B1%0A/3');
  assert.notEqual(
    originOf({ tenant: 'a', source: 'b/c', epoch: 0 }),
    originOf({ tenant: 'a/b', source: 'c', epoch: 0 }),
  );
  assert.deepEqual(openCheckpoint(signCheckpoint(odd, head, key, sha256), trust(logKey(odd, key.publicKey))).size, 12);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.nat(), (source, epoch) => {
      const back = chainOfOrigin(originOf({ tenant: 't', source, epoch }));
      assert.deepEqual(back, { tenant: 't', source, epoch });
    }),
    { seed: 93, numRuns: 200 },
  );
  for (const text of ['sigma/a/b', 'sigma/a/b/01', 'sigma/%61/b/0', 'sigma/%/b/0', 'x/a/b/0']) {
    assert.equal(chainOfOrigin(text), null, text);
  }
});

test('[R94] what is no note is refused with the reason', () => {
  const note = signCheckpoint(chain, head, key, sha256);
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /no blank line/],
    [note.replace('\n\n', '\n'), /no blank line/],
    [note.replace('12', '012'), /'012' is no tree size/],
    [note.replace('12', '-1'), /is no tree size/],
    [note.replace('12', '99999999999999999'), /is no tree size/],
    [note.replace('CQkJ', 'CQ'), /root is not 32 bytes/],
    [note.replace('\u2014 ', '- '), /signature line is malformed/],
    [note.replace('acme', 'ac\u0007me'), /control characters/],
    [note + '\u2014 a AAAAAAA=\n'.repeat(65), /more than 64 signatures/],
    ['x'.repeat(70_000), /longer than/],
  ];
  for (const [text, what] of cases) assert.throws(() => openCheckpoint(text, trust(log)), what);
  const good = formatNoteKey(log, sha256);
  assert.deepEqual(parseNoteKey(good, sha256), log);
  assert.throws(() => parseNoteKey(good.replace(/\+[0-9a-f]{8}\+/, '+00000000+'), sha256), /does not have the id/);
  assert.throws(() => parseNoteKey('r17+00000000+AAAA', sha256), /a key is written/);
});

test('[R94] base64 is read in its one standard form only', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      assert.equal(base64Of(bytes), Buffer.from(bytes).toString('base64'));
      assert.deepEqual(bytesOfBase64(base64Of(bytes)), bytes);
    }),
    { seed: 64, numRuns: 200 },
  );
  for (const text of ['A', 'AA', 'AA=', 'AB==', 'A===', '====', 'A-==', 'AA==AAAA', 'AA\n=']) {
    assert.equal(bytesOfBase64(text), null, text);
  }
});
