import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import {
  ChainWriter,
  cosign,
  formatNoteKey,
  hubWitnessName,
  logKey,
  openingEvent,
  parseCheckpoint,
  signalEvent,
  signHead,
} from '@sigma/recorder';
import { ed25519Key } from '@sigma/recorder/keys';
import { openProofShelf } from '@sigma/recorder/proof-shelf';
import { openSqliteRecording, openSqliteStore, sha256 } from '@sigma/recorder/sqlite';
import { testOpening } from '@sigma/recorder/testing';
import { type Ended, runSigma } from '../testing/run-sigma.ts';

const OPENING = testOpening('r17');

let folder = '';
let recording = '';

const sigma = (...args: readonly string[]) => runSigma(args, { SIGMA_DATA: join(folder, 'data') });

/** An expected failure: the culprit, a way out, no stack. */
function tells({ code, error }: Ended, expected: number, ...words: readonly RegExp[]): void {
  assert.equal(code, expected, error);
  for (const word of words) assert.match(error, word);
  assert.doesNotMatch(error, /\n\s+at |defect/);
}

const note = (n: number) =>
  signalEvent('test.note', { n, text: 'stopped before the door' }, n * 1000, 1_700_000_000_000_000);

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-prove-'));
  recording = join(folder, 'site.sqlite');
  const store = openSqliteStore(recording);
  const chain = new ChainWriter(OPENING, sha256);
  await store.append([chain.seal([openingEvent(OPENING)])]);
  for (let block = 0; block < 30; block++) {
    await store.append([chain.seal(Array.from({ length: 10 }, (_, i) => note(block * 10 + i + 2)))]);
  }
  await store.close();
});
after(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string): string => join(folder, name);

test('[R135] [R101] an event is proved in a small file, which is checked with nothing but the key', async () => {
  const proof = path('stop.proof');
  const made = await sigma('prove', '--event', '77', '--source', 'r17', '-o', proof, '--json', recording);
  assert.equal(made.code, 0, made.error);
  const said = JSON.parse(made.out) as { readonly bytes: number; readonly keys: readonly string[] };
  assert.equal(readFileSync(proof).length, said.bytes);
  assert.ok(said.bytes < 1000, `${said.bytes} bytes`);
  const [key = ''] = said.keys;
  writeFileSync(path('trusted.keys'), `# the robot's\n${key}\n`);
  const checked = await sigma('verify', '--proof', proof, '--key', path('trusted.keys'));
  assert.equal(checked.code, 0, checked.error);
  assert.match(checked.out, /event 77 of acme\/r17 epoch 0\n.*sigma.signal.v1 at 0.077 s.*\n.*stopped before the door/);
  assert.match(checked.out, /tree of 301 events.*\nsigned by sigma\/acme\/r17\/0\nverify ok/);
  const json = JSON.parse((await sigma('verify', '--proof', proof, '--key', key, '--json')).out);
  assert.deepEqual([json.verify, json.sequence, json.tenant, json.tree.size], ['ok', 77, 'acme', 301]);
  assert.match(json.tlogProof, /^c2sp.org\/tlog-proof@v1\nindex 76\n/);
});

test('[R135] [L4] an altered proof, another key, no key and no proof each say what is wrong and what to do', async () => {
  const proof = path('stop.proof');
  const key = path('trusted.keys');
  const bytes = readFileSync(proof);
  const altered = path('altered.proof');
  const spoiled = new Uint8Array(bytes);
  const place = Buffer.from(bytes).indexOf('stopped');
  spoiled[place] = (spoiled[place] ?? 0) ^ 1;
  writeFileSync(altered, spoiled);
  const stranger = formatNoteKey(logKey(OPENING, ed25519Key(new Uint8Array(32).fill(9)).publicKey), sha256);
  const [changed, foreign, keyless, none, both, cut, nothing, badKey, secret] = await Promise.all([
    sigma('verify', '--proof', altered, '--key', key),
    sigma('verify', '--proof', proof, '--key', stranger),
    sigma('verify', '--proof', proof),
    sigma('verify', '--proof', recording, '--key', key),
    sigma('verify', '--proof', proof, '--key', key, recording),
    (() => {
      writeFileSync(path('cut.proof'), bytes.subarray(0, 90));
      return sigma('verify', '--proof', path('cut.proof'), '--key', key);
    })(),
    sigma('verify'),
    sigma('verify', '--proof', proof, '--key', 'nonsense'),
    (() => {
      writeFileSync(path('seed.key'), new Uint8Array(32).fill(7));
      return sigma('verify', '--proof', proof, '--key', path('seed.key'));
    })(),
  ]);
  tells(changed, 1, /altered.proof does not verify: the signature of sigma\/acme\/r17\/0 is false/, /was altered/);
  tells(foreign, 1, /no known key signed/, /Ask its owner for the key/);
  tells(keyless, 2, /proves nothing without a key/, /--key/);
  tells(none, 1, /no proof file/, /sigma prove/);
  tells(both, 2, /Leave the recording and --checkpoint out/);
  tells(cut, 1, /cut.proof: it is damaged or cut short/);
  tells(nothing, 2, /Name a recording/);
  tells(badKey, 2, /'nonsense' is no key/, /sigma export/);
  tells(secret, 2, /seed.key is the secret that signs/, /sigma prove. printed/);
});

test('[R135] a source, an epoch or an event that is not there is named, and what is there', async () => {
  const prove = (...more: readonly string[]) => sigma('prove', '-o', path('none.proof'), ...more, recording);
  const [source, epoch, event] = await Promise.all([
    prove('--event', '1', '--source', 'r99'),
    prove('--event', '1', '--source', 'r17', '--epoch', '4'),
    prove('--event', '999', '--source', 'r17'),
  ]);
  tells(source, 2, /no chain of 'r99'/, /It holds r17 0/);
  tells(epoch, 2, /'r17' epoch 4/);
  tells(event, 2, /no event 999 of r17, epoch 0/, /Its last is 301/);
});

test('[R97] a recording is held against checkpoints kept from before: one that meets them verifies, one cut short or rewritten does not', async () => {
  const out = path('export');
  const exported = await sigma('export', '--out', out, '--source', 'r17', '--json', recording);
  assert.equal(exported.code, 0, exported.error);
  const key = (JSON.parse(exported.out) as { readonly logs: readonly { readonly publicKey: string }[] }).logs[0]
    ?.publicKey;
  const kept = join(out, 'r17', '0', 'checkpoint');
  const met = await sigma('verify', '--checkpoint', kept, '--key', key ?? '', '--json', recording);
  assert.equal(met.code, 0, met.error);
  const [chain] = (JSON.parse(met.out) as { readonly chains: readonly { readonly checkpointsMet: number }[] }).chains;
  assert.equal(chain?.checkpointsMet, 1);
  const under = await sigma(
    ...['prove', '--event', '5', '--source', 'r17', '--checkpoint', kept, '--trust', key ?? ''],
    ...['-o', path('under.proof'), recording],
  );
  assert.equal(under.code, 0, under.error);
  const shorter = path('shorter.sqlite');
  writeFileSync(shorter, readFileSync(recording));
  const db = new DatabaseSync(shorter);
  db.exec('DELETE FROM blocks WHERE first_sequence > 250');
  db.close();
  const alone = await sigma('verify', shorter);
  assert.equal(alone.code, 0, 'whole in itself');
  const [cut, keyless, nonsense] = await Promise.all([
    sigma('verify', '--checkpoint', kept, '--key', key ?? '', shorter),
    sigma('verify', '--checkpoint', kept, shorter),
    sigma('verify', '--checkpoint', shorter, '--key', key ?? '', shorter),
  ]);
  tells(cut, 1, /acme\/r17 epoch 0, events 252 to 301: the chain ends at 251/);
  tells(keyless, 2, /--checkpoint proves nothing without a key/);
  tells(nonsense, 2, /is no checkpoint/, /witness/);
});

test('[R146] a head that a witness cosigned proves events and the recording under the witness\u2019s key alone', async () => {
  const log = ed25519Key(new Uint8Array(32).fill(8));
  const hub = ed25519Key(new Uint8Array(32).fill(9));
  const reader = openSqliteRecording(recording);
  const shelf = openProofShelf(recording);
  const signed = await signHead(reader, OPENING, log, sha256, shelf);
  const name = hubWitnessName('acme');
  const cosigned = signed + cosign(parseCheckpoint(signed), 1_700_000_000, name, hub, sha256);
  await shelf.keep(OPENING, 301, cosigned);
  await shelf.close();
  await reader.close();
  const key = formatNoteKey({ name, role: 'witness', publicKey: hub.publicKey }, sha256);
  const other = formatNoteKey(logKey(OPENING, ed25519Key(new Uint8Array(32).fill(4)).publicKey), sha256);
  writeFileSync(path('cosigned.note'), cosigned);
  const proof = path('cosigned.proof');
  const ask = ['prove', '--event', '77', '--source', 'r17', '--cosigned', '-o', proof];
  const [made, unknown, given, passed] = await Promise.all([
    sigma(...ask, '--trust', key, recording),
    sigma(...ask, '--trust', other, recording),
    sigma('verify', '--json', '--checkpoint', path('cosigned.note'), '--key', key, recording),
    sigma('verify', '--json', '--key', other, recording),
  ]);
  assert.equal(made.code, 0, made.error);
  tells(unknown, 1, /no checkpoint kept beside the recording covers event 77/, /every ten seconds/);
  const met = ({ code, out, error }: Ended): number => {
    assert.equal(code, 0, error);
    return (JSON.parse(out) as { chains: { checkpointsMet: number }[] }).chains[0]?.checkpointsMet ?? -1;
  };
  assert.deepEqual([met(given), met(passed)], [2, 0], 'the one handed in, and the one beside the recording');
  const checked = await sigma('verify', '--proof', proof, '--key', key);
  assert.match(checked.out, /cosigned by sigma\/acme\/witness\/hub, 2023-11-14T22:13:20.000Z\nverify ok/);
});
