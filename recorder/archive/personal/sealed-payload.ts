import {
  type EventDraft,
  MalformedBytesError,
  type RecordedEvent,
  sameBytes,
  WireReader,
  WireWriter,
} from '../../src/index.ts';

/** Type of an event whose payload is encrypted for one person (R172). */
export const SEALED_TYPE = 'sigma.sealed.v1';

/** One person as the recording knows them: 16 random bytes that say nothing, and the secret that opens what is sealed. */
export interface Person {
  readonly subject: Uint8Array;
  /** 32 random bytes; never recorded. */
  readonly secret: Uint8Array;
}

/** What stands in a sealed event for everyone to see. */
export interface SealedPayload {
  /** Type of the payload inside. */
  readonly type: string;
  readonly subject: Uint8Array;
  readonly iv: Uint8Array;
  /** SHA-256 over the salt and the payload. */
  readonly commitment: Uint8Array;
  readonly sealed: Uint8Array;
}

/** The payload cannot be opened: it was altered, or the secret is another person's. */
export class CannotOpenError extends Error {
  constructor(what: string) {
    super(`This payload cannot be opened: ${what}`);
    this.name = 'CannotOpenError';
  }
}

const SUBJECT_BYTES = 16;
const SECRET_BYTES = 32;
const IV_BYTES = 12;
const HASH_BYTES = 32;
const { subtle } = globalThis.crypto;
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);
const text = (words: string): Uint8Array<ArrayBuffer> => own(new TextEncoder().encode(words));

/**
 * Encrypts the payload of an event for one person. Type, time and subject of the event stay; whoever writes it sees to
 * it that they name nobody. Nothing that re-execution needs may be sealed (R175).
 *
 * @param iv 12 bytes by chance, never the same twice for one person
 */
export async function sealEvent(draft: EventDraft, person: Person, iv: Uint8Array): Promise<EventDraft> {
  assertLength(person.subject, SUBJECT_BYTES, 'subject');
  assertLength(iv, IV_BYTES, 'iv');
  const { key, salt } = await derived(person.secret, iv);
  const commitment = await committed(salt, draft.data);
  const known = { type: draft.type, subject: person.subject, commitment };
  const algorithm = { name: 'AES-GCM', iv: own(iv), additionalData: openPart(known) };
  const sealed = new Uint8Array(await subtle.encrypt(algorithm, key, own(draft.data)));
  return { ...draft, type: SEALED_TYPE, data: encoded({ ...known, iv, sealed }) };
}

/** @throws MalformedBytesError */
export function decodeSealed(data: Uint8Array): SealedPayload {
  const reader = new WireReader(data);
  let type = '';
  const parts: Uint8Array[] = [];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) type = reader.string();
    else if (tag === 0x12 || tag === 0x1a || tag === 0x22 || tag === 0x2a) parts[(tag >> 3) - 2] = reader.bytes();
    else reader.skip(tag);
  }
  const [subject, iv, commitment, sealed] = parts;
  if (
    type === '' ||
    subject?.length !== SUBJECT_BYTES ||
    iv?.length !== IV_BYTES ||
    commitment?.length !== HASH_BYTES
  ) {
    throw new MalformedBytesError('no sealed payload');
  }
  return { type, subject, iv, commitment, sealed: sealed ?? new Uint8Array() };
}

/**
 * The event as it was before it was sealed.
 *
 * @throws CannotOpenError when the secret is another person's, or the payload is not as it was sealed
 * @throws MalformedBytesError
 */
export async function openSealed(event: RecordedEvent, secret: Uint8Array): Promise<RecordedEvent> {
  const payload = decodeSealed(event.data);
  const { key, salt } = await derived(secret, payload.iv);
  const algorithm = { name: 'AES-GCM', iv: own(payload.iv), additionalData: openPart(payload) };
  let data: Uint8Array;
  try {
    data = new Uint8Array(await subtle.decrypt(algorithm, key, own(payload.sealed)));
  } catch {
    throw new CannotOpenError('it was altered, or the secret is not the one it was sealed with');
  }
  // AES-GCM alone lets one who knows two secrets make a text that opens under both; the commitment does not.
  if (!sameBytes(await committed(salt, data), payload.commitment)) throw new CannotOpenError('its commitment differs');
  return { ...event, type: payload.type, data };
}

/** HKDF-SHA-256 of the secret: one key for the person, a salt for each event. */
async function derived(secret: Uint8Array, iv: Uint8Array): Promise<{ key: CryptoKey; salt: Uint8Array }> {
  assertLength(secret, SECRET_BYTES, 'secret');
  const root = await subtle.importKey('raw', own(secret), 'HKDF', false, ['deriveKey', 'deriveBits']);
  const hkdf = (salt: Uint8Array, info: string) => ({
    name: 'HKDF',
    hash: 'SHA-256',
    salt: own(salt),
    info: text(info),
  });
  const aes = { name: 'AES-GCM', length: 256 };
  const key = await subtle.deriveKey(hkdf(new Uint8Array(), 'sigma seal key'), root, aes, false, [
    'encrypt',
    'decrypt',
  ]);
  return { key, salt: new Uint8Array(await subtle.deriveBits(hkdf(iv, 'sigma seal salt'), root, 256)) };
}

async function committed(salt: Uint8Array, payload: Uint8Array): Promise<Uint8Array> {
  const all = new Uint8Array(salt.length + payload.length);
  all.set(salt);
  all.set(payload, salt.length);
  return new Uint8Array(await subtle.digest('SHA-256', all));
}

/** What is bound to the sealed text without being secret. */
function openPart({ type, subject, commitment }: Pick<SealedPayload, 'type' | 'subject' | 'commitment'>) {
  const wire = new WireWriter();
  wire.string(1, type);
  wire.bytes(2, subject);
  wire.bytes(4, commitment);
  return wire.take();
}

function encoded({ type, subject, iv, commitment, sealed }: SealedPayload): Uint8Array {
  const wire = new WireWriter();
  wire.string(1, type);
  wire.bytes(2, subject);
  wire.bytes(3, iv);
  wire.bytes(4, commitment);
  wire.bytes(5, sealed);
  return wire.take();
}

function assertLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new RangeError(`a ${what} has ${length} bytes, not ${bytes.length}`);
}
