import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { hexOfBytes, StoreCorruptError } from '../../src/index.ts';
import type { Person } from './sealed-payload.ts';

/** That a person's secret was destroyed; nothing in it tells who they were. */
export interface Erasure {
  /** 32 hex digits. */
  readonly subject: string;
  readonly by: string;
  readonly why: string;
  readonly timeUs: number;
}

interface Kept {
  readonly people: readonly { readonly name: string; readonly subject: string; readonly secret: string }[];
  /** Erasures that are not known to be on record yet. */
  readonly unrecorded: readonly Erasure[];
}

const FORMAT = 'sigma people 1';

export const peoplePath = (recording: string): string => `${recording}.people`;

/**
 * The secrets of the people in a recording, beside it and never in it (R173). One process at a time writes it. It is in
 * no archive and no backup: a copy would outlive the erasure. Keep it on a disk of its own where a lost disk must not
 * close what is sealed.
 */
export class PeopleFile {
  readonly #path: string;

  constructor(recording: string) {
    this.#path = peoplePath(recording);
  }

  /** @returns names as the program knows people by, with the subject that stands for each on record */
  people(): readonly { readonly name: string; readonly subject: string }[] {
    return this.#read().people.map(({ name, subject }) => ({ name, subject }));
  }

  /** The person, made when the name is new. On disk before it is given out: nothing is sealed that cannot be opened. */
  person(name: string): Person {
    const known = this.#read();
    const found = known.people.find((one) => one.name === name);
    if (found !== undefined) return personOf(found);
    const made = { name, subject: randomBytes(16).toString('hex'), secret: randomBytes(32).toString('base64url') };
    this.#write({ ...known, people: [...known.people, made] });
    return personOf(made);
  }

  /** The secret that opens what is sealed for a subject; null when there is none, or none any more. */
  secretOf(subject: Uint8Array): Uint8Array | null {
    const found = this.#read().people.find((one) => one.subject === hexOfBytes(subject));
    return found === undefined ? null : personOf(found).secret;
  }

  /**
   * Destroys a person's secret (R174). On disk when it returns, and to be recorded.
   *
   * @param who name, or subject in hex
   * @returns null when nobody is known by it: they never were, or were erased before
   */
  erase(who: string, { by, why, timeUs }: Omit<Erasure, 'subject'>): Erasure | null {
    const known = this.#read();
    const found = known.people.find(({ name, subject }) => name === who || subject === who);
    if (found === undefined) return null;
    const erasure = { subject: found.subject, by, why, timeUs };
    const people = known.people.filter((one) => one !== found);
    this.#write({ people, unrecorded: [...known.unrecorded, erasure] });
    return erasure;
  }

  unrecorded(): readonly Erasure[] {
    return this.#read().unrecorded;
  }

  recorded(erasures: readonly Erasure[]): void {
    const known = this.#read();
    const done = new Set(erasures.map(({ subject }) => subject));
    this.#write({ ...known, unrecorded: known.unrecorded.filter(({ subject }) => !done.has(subject)) });
  }

  #read(): Kept {
    if (!existsSync(this.#path)) return { people: [], unrecorded: [] };
    try {
      const { format, people, unrecorded } = JSON.parse(readFileSync(this.#path, 'utf8'));
      if (format !== FORMAT) throw new TypeError(`its format is '${format}'`);
      return { people, unrecorded };
    } catch (error) {
      const what = `is no file of people that is known here (${(error as Error).message})`;
      throw new StoreCorruptError(
        this.#path,
        what,
        'Leave it as it is: without it nothing that is sealed can be opened',
      );
    }
  }

  /** A new file takes the old one's place, and what the old one held is written over. */
  #write(kept: Kept): void {
    const scratch = `${this.#path}.part`;
    writeFileSync(scratch, JSON.stringify({ format: FORMAT, ...kept }), { mode: 0o600, flush: true });
    const old = existsSync(this.#path) ? openSync(this.#path, 'r+') : null;
    try {
      renameSync(scratch, this.#path);
      syncFolder(dirname(this.#path));
      if (old === null) return;
      writeSync(old, new Uint8Array(fstatSync(old).size), 0, null, 0);
      fsyncSync(old);
    } finally {
      if (old !== null) closeSync(old);
    }
  }
}

function personOf({ subject, secret }: Kept['people'][number]): Person {
  return {
    subject: new Uint8Array(Buffer.from(subject, 'hex')),
    secret: new Uint8Array(Buffer.from(secret, 'base64url')),
  };
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
