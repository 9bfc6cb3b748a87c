import { createHmac, randomBytes } from 'node:crypto';
import { decodeSealed, openSealed, PeopleFile, type Person, SEALED_TYPE, sealEvent } from '@sigma/recorder/personal';
import { type HubEvent, type HubRecord, signal } from '../roles/arbitration/hub-record.ts';

/** What stands for a person wherever something is recorded or kept: 32 hex digits by chance. */
const ALIAS = /(operator|person):([0-9a-f]{32})\b/g;
const SEALED_IV_BYTES = 12;

interface Known {
  readonly email: string;
  readonly alias: string;
}

/**
 * The people of a hub and what stands for them on record (R179): inside the hub, in orders and in every recording a
 * person is an alias, and only here it is known whose. What must say more about a person is sealed with their own
 * secret. Erasing somebody (`sigma erase`) takes the alias away from here: what they did stays, proved, and nobody's.
 */
export class People {
  readonly #file: PeopleFile;
  readonly #byEmail = new Map<string, Known>();
  readonly #byAlias = new Map<string, Known>();
  /** By alias, once something of theirs was opened. */
  readonly #secrets = new Map<string, Uint8Array>();
  #record: HubRecord | null = null;

  /** @param recording path of the hub's recording, beside which secrets are kept. @throws StoreCorruptError */
  constructor(recording: string) {
    this.#file = new PeopleFile(recording);
    for (const { name, subject } of this.#file.people()) this.#know({ email: name, alias: subject });
  }

  /** From now on everybody who becomes known is put on record, sealed. */
  introduceTo(record: HubRecord): void {
    this.#record = record;
  }

  /** Name under which the orders of the person with this address are issued and leases held; made when they are new. */
  holderOf(email: string): string {
    return `operator:${this.#known(email).alias}`;
  }

  /** An event that tells about a person, as it is recorded: closed for everyone once that person was erased. */
  async sealed(event: HubEvent, email: string): Promise<HubEvent> {
    const { type, data } = await sealEvent({ ...event, atUs: 0, timeUs: 0 }, this.#person(email), iv());
    return { ...event, type, data };
  }

  /**
   * The payload of what was sealed for a person; null once they were erased.
   *
   * @throws CannotOpenError when it was altered, MalformedBytesError
   */
  async opened(data: Uint8Array): Promise<Uint8Array | null> {
    const secret = this.#secretOf(decodeSealed(data).subject);
    if (secret === null) return null;
    const sealed = { type: SEALED_TYPE, subject: '', traceparent: '', sequence: 0, atUs: 0, timeUs: 0, data };
    return (await openSealed(sealed, secret)).data;
  }

  /**
   * What stands for a key by which a person's program keeps an order from being done twice: the same for the same key of
   * theirs. Without their secret no guess at the key can be tried.
   */
  keyOf(key: string, email: string): string {
    const { secret } = this.#person(email);
    return `key:${createHmac('sha256', secret).update(`idempotency key ${key}`).digest('hex').slice(0, 32)}`;
  }

  #secretOf(subject: Uint8Array): Uint8Array | null {
    const alias = Buffer.from(subject).toString('hex');
    const known = this.#secrets.get(alias);
    if (known !== undefined) return known;
    const secret = this.#file.secretOf(subject);
    if (secret !== null) this.#secrets.set(alias, secret);
    return secret;
  }

  /** A text for people, with the addresses of those who stand in it under an alias. */
  named(text: string): string {
    if (!text.includes('operator:') && !text.includes('person:')) return text;
    return text.replace(ALIAS, (whole, kind: string, alias: string) => {
      const known = this.#byAlias.get(alias);
      if (known === undefined) return whole;
      return kind === 'operator' ? `operator:${known.email}` : known.email;
    });
  }

  /** A text to be recorded or kept, with aliases in the place of the addresses that are known here. */
  unnamed(text: string): string {
    if (!text.includes('@')) return text;
    return text.replace(ADDRESS, (whole, role: string | undefined, email: string) => {
      const known = this.#byEmail.get(email) ?? this.#byEmail.get(email.toLowerCase());
      return known === undefined ? whole : `${role ?? 'person:'}${known.alias}`;
    });
  }

  #known(email: string): Known {
    const known = this.#byEmail.get(email);
    if (known !== undefined) return known;
    this.#file.person(email);
    const alias = this.#file.people().find(({ name }) => name === email)?.subject as string;
    const made = { email, alias };
    this.#know(made);
    void this.#introduce(made);
    return made;
  }

  #person(email: string): Person {
    this.#known(email);
    return this.#file.person(email);
  }

  #know(known: Known): void {
    this.#byEmail.set(known.email, known);
    this.#byAlias.set(known.alias, known);
  }

  /** Whoever has the secret can tell from the recording alone who it was; nobody can without. */
  async #introduce({ email, alias }: Known): Promise<void> {
    const record = this.#record;
    if (record === null) return;
    const event = await this.sealed(signal('hub.person', `person:${alias}`, { email }), email);
    // What cannot be recorded stops the hub elsewhere; the alias is known from the file of people.
    await record.append(event).catch(() => undefined);
  }
}

const iv = (): Uint8Array => new Uint8Array(randomBytes(SEALED_IV_BYTES));

/** An address, with the role in front of it where there is one. */
const ADDRESS = /(operator:)?([^\s@:;,'"<>()[\]{}]{1,64}@[^\s@:;,'"<>()[\]{}]+)/g;
