import assert from 'node:assert/strict';
import { createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ed25519Key, ed25519Verify } from '../../keys/ed25519.ts';
import {
  checkProof,
  decodeBlock,
  decodeEnvelope,
  hexOfBytes,
  leafHash,
  logKey,
  MalformedBytesError,
  proveEvent,
  type RecordedEvent,
  signalEvent,
  siteHead,
  verify,
} from '../../src/index.ts';
import { openSqliteStore, sha256 } from '../../stores/sqlite/sqlite-store.ts';
import { testChain } from '../../testing/chains.ts';
import { archiveRecording } from '../archive-recording.ts';
import { ColdArchive } from '../cold-archive.ts';
import { MemoryObjects } from '../testing/faulty-store.ts';
import { PeopleFile, peoplePath } from './people-file.ts';
import { recordErasures } from './record-erasures.ts';
import { CannotOpenError, decodeSealed, openSealed, SEALED_TYPE, sealEvent } from './sealed-payload.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-people-'));
after(() => rmSync(home, { recursive: true }));

const anna = { subject: new Uint8Array(16).fill(7), secret: new Uint8Array(32).fill(9) };
const iv = new Uint8Array(12).fill(3);
const draft = signalEvent('people.seen', { name: 'Anna', badge: 4711 }, 1000, 1_700_000_000_001_000);
const asRecorded = (one: Awaited<ReturnType<typeof sealEvent>>): RecordedEvent => ({ ...one, sequence: 2 });
const ORDER = { by: 'dpo', why: 'request 12', timeUs: 1_700_000_001_000_000 };

describe('a payload sealed for one person', () => {
  test('[R172][R173] opens with their secret, and says nothing without it', async () => {
    const sealed = await sealEvent(draft, anna, iv);
    assert.equal(sealed.type, SEALED_TYPE);
    assert.equal(Buffer.from(sealed.data).includes('Anna'), false);
    assert.deepEqual({ ...(await openSealed(asRecorded(sealed), anna.secret)) }, { ...draft, sequence: 2 });
    assert.deepEqual(decodeSealed(sealed.data).subject, anna.subject);
  });

  test('[R172] is what the rule says, as another implementation of the standards reads it', async () => {
    const { data } = await sealEvent(draft, anna, iv);
    const { commitment, sealed } = decodeSealed(data);
    const key = Buffer.from(hkdfSync('sha256', anna.secret, '', 'sigma seal key', 32));
    const salt = Buffer.from(hkdfSync('sha256', anna.secret, iv, 'sigma seal salt', 32));
    const cipher = createDecipheriv('aes-256-gcm', key, iv);
    const type = Buffer.from(draft.type);
    cipher.setAAD(
      Buffer.concat(
        [[0x0a, type.length], type, [0x12, 16], anna.subject, [0x22, 32], commitment].map((part) =>
          Buffer.from(part as Uint8Array),
        ),
      ),
    );
    cipher.setAuthTag(sealed.subarray(-16));
    const payload = Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
    assert.deepEqual(new Uint8Array(payload), new Uint8Array(draft.data));
    assert.deepEqual(
      new Uint8Array(createHash('sha256').update(salt).update(payload).digest()),
      new Uint8Array(commitment),
    );
    assert.equal(
      createHash('sha256').update(data).digest('hex'),
      '04ea5abb16914d71f46d38f5f11186014698ce165b00b67976fc8a629363b895',
    );
  });

  test("[R173] another person's secret does not open it, nor does any altered byte pass", async () => {
    const sealed = await sealEvent(draft, anna, iv);
    await assert.rejects(openSealed(asRecorded(sealed), new Uint8Array(32).fill(8)), CannotOpenError);
    for (let at = 0; at < sealed.data.length; at++) {
      const data = new Uint8Array(sealed.data);
      data[at] = (data[at] as number) ^ 1;
      await assert.rejects(openSealed(asRecorded({ ...sealed, data }), anna.secret), (error) => {
        return error instanceof CannotOpenError || error instanceof MalformedBytesError;
      });
    }
    await assert.rejects(openSealed(asRecorded(sealed), new Uint8Array(31)), RangeError);
    await assert.rejects(sealEvent(draft, anna, new Uint8Array(11)), RangeError);
  });
});

describe('erasing a person', () => {
  test('[R174] leaves every head, proof and checkpoint valid, hot and archived, and the payload closed for good', async () => {
    const path = join(home, 'site.sqlite');
    const people = new PeopleFile(path);
    const store = openSqliteStore(path);
    const chain = testChain('gate', sha256);
    const person = people.person('anna@example.org');
    const sealed = await sealEvent(draft, person, randomBytes(12));
    await store.append([chain.begin(), chain.writer.seal([sealed]), chain.notes(5)]);
    const cold = new MemoryObjects();
    await archiveRecording(store, cold, { sha256 });
    const key = ed25519Key(new Uint8Array(32).fill(1));
    const [head] = await store.heads();
    assert.ok(head !== undefined);
    const before = { head: siteHead([head], sha256), proof: await proveEvent(store, head, 2, { key }, sha256) };

    const erasure = people.erase('anna@example.org', ORDER);
    assert.ok(erasure !== null);
    await recordErasures(store, 'acme', people.unrecorded(), sha256);
    people.recorded([erasure]);

    const [after] = (await store.heads()).filter(({ source }) => source === 'gate');
    assert.equal(siteHead([after as typeof head], sha256), before.head);
    assert.equal((await verify(store, { sha256, reexecutors: {} })).ok, true);
    const trust = { keys: [logKey(head, key.publicKey)], ed25519: ed25519Verify, sha256 };
    assert.equal(checkProof(before.proof.envelope, before.proof.proof, trust).sequence, 2);
    assert.equal(decodeEnvelope(before.proof.envelope).type, SEALED_TYPE);
    assert.deepEqual(await proveEvent(store, head, 2, { key }, sha256), before.proof);
    const archive = await ColdArchive.open(cold, { cacheDir: join(home, 'cache') });
    for await (const block of archive.blocks(head, 2, 2)) {
      const envelope = decodeBlock(block.bytes).events[0] as Uint8Array;
      assert.deepEqual(leafHash(envelope, sha256), leafHash(before.proof.envelope, sha256));
      assert.equal(people.secretOf(decodeSealed(decodeEnvelope(envelope).data).subject), null);
    }
    await archive.close();
    await store.close();
    const kept = readFileSync(peoplePath(path), 'utf8');
    for (const trace of ['anna', Buffer.from(person.secret).toString('base64url'), hexOfBytes(person.subject)]) {
      assert.equal(kept.includes(trace), false, trace);
    }
  });

  test('[R174] cut short at any place is finished by the next try, and recorded once', async () => {
    const path = join(home, 'crash.sqlite');
    const people = new PeopleFile(path);
    const store = openSqliteStore(path);
    const [one, two] = [people.person('one'), people.person('two')];
    people.erase('one', ORDER);
    // Killed before it was recorded: the next process finds it.
    const next = new PeopleFile(path);
    assert.equal(next.secretOf(one.subject), null);
    await recordErasures(store, 'acme', next.unrecorded(), sha256);
    // Killed before that was noted: it is not recorded again.
    await recordErasures(store, 'acme', next.unrecorded(), sha256);
    next.recorded(next.unrecorded());
    assert.equal(next.erase('one', ORDER), null);
    next.erase(hexOfBytes(two.subject), ORDER);
    await recordErasures(store, 'acme', next.unrecorded(), sha256);
    const [head] = await store.heads();
    assert.equal(head?.sequence, 3);
    assert.equal((await verify(store, { sha256, reexecutors: {} })).ok, true);
    await store.close();
  });

  test('[R173] secrets are for their owner only, stay the same, and a broken file is not written over', () => {
    const path = join(home, 'kept.sqlite');
    const people = new PeopleFile(path);
    const person = people.person('anna');
    assert.deepEqual(new PeopleFile(path).person('anna'), person);
    assert.notDeepEqual(people.person('bert').secret, person.secret);
    assert.equal(statSync(peoplePath(path)).mode & 0o777, 0o600);
    writeFileSync(peoplePath(path), '{"format":"other"}');
    assert.throws(() => people.person('carl'), /is no file of people/);
    assert.equal(readFileSync(peoplePath(path), 'utf8'), '{"format":"other"}');
  });
});
