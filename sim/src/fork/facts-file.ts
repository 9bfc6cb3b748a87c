import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import {
  type ChainHead,
  decodeBlock,
  decodeFacts,
  encodeFacts,
  type GatheredFacts,
  MalformedBytesError,
  type Opening,
  type Recording,
  sameBytes,
} from '@sigma/recorder';

const APPLICATION_ID = 0x53676d46;
const USER_VERSION = 1;
const BUSY_MS = 10_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS facts (
    tenant TEXT NOT NULL, source TEXT NOT NULL, epoch INTEGER NOT NULL,
    model TEXT NOT NULL, names TEXT NOT NULL,
    block_end INTEGER NOT NULL, block_hash BLOB NOT NULL, columns BLOB NOT NULL,
    PRIMARY KEY (tenant, source, epoch)) STRICT`;

/**
 * The facts of a recording, in `<recording>.facts` (SPEC R117). What cannot be read or written there is as good as not
 * there: facts can always be gathered again.
 */
export class FactsFile {
  readonly #path: string;
  readonly #names: string;
  readonly #count: number;

  /** @param names of the facts, in their order */
  constructor(recording: string, names: readonly string[]) {
    this.#path = `${recording}.facts`;
    this.#names = names.join(' ');
    this.#count = names.length;
  }

  /** The facts of a chain, if they were made of this very recording; null otherwise. */
  async load(recording: Recording, head: ChainHead, opening: Opening): Promise<GatheredFacts | null> {
    const row = this.#read(head, opening);
    if (row === null) return null;
    const { block_end: blockEnd, block_hash: blockHash, columns } = row;
    for await (const { bytes, hash } of recording.blocks(head, blockEnd, blockEnd)) {
      const { events, firstSequence } = decodeBlock(bytes);
      if (firstSequence + events.length - 1 !== blockEnd || !sameBytes(hash, blockHash)) return null;
      try {
        return { table: decodeFacts(columns, this.#count), blockEnd, blockHash };
      } catch (error) {
        if (error instanceof MalformedBytesError) return null;
        throw error;
      }
    }
    return null;
  }

  #read({ tenant, source, epoch }: ChainHead, opening: Opening) {
    if (!existsSync(this.#path)) return null;
    try {
      const database = new DatabaseSync(this.#path, { readOnly: true, timeout: BUSY_MS });
      try {
        const row = database
          .prepare(
            'SELECT block_end, block_hash, columns FROM facts WHERE tenant = ? AND source = ? AND epoch = ? AND model = ? AND names = ?',
          )
          .get(tenant, source, epoch, modelOf(opening), this.#names);
        return (row ?? null) as {
          readonly block_end: number;
          readonly block_hash: Uint8Array;
          readonly columns: Uint8Array;
        } | null;
      } finally {
        database.close();
      }
    } catch {
      return null;
    }
  }

  /** @returns false where they could not be kept */
  keep({ tenant, source, epoch }: ChainHead, opening: Opening, { table, blockEnd, blockHash }: GatheredFacts): boolean {
    try {
      const database = new DatabaseSync(this.#path, { timeout: BUSY_MS });
      try {
        database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${USER_VERSION}; ${SCHEMA}`);
        database
          .prepare('INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
          .run(tenant, source, epoch, modelOf(opening), this.#names, blockEnd, blockHash, encodeFacts(table));
        return true;
      } finally {
        database.close();
      }
    } catch {
      return false;
    }
  }
}

/** Facts follow from the model and the policy that were lived under. */
const modelOf = ({ model, modelVersion, policyHash }: Opening): string => `${model} ${modelVersion} ${policyHash}`;
