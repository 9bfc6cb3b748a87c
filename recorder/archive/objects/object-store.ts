import { StoreError } from '../../src/store.ts';

/**
 * Where an archive rests: keys and bytes, nothing else. What is put is there whole or not at all, and a `get` after it
 * sees it. Keys are made of the characters `A-Z a-z 0-9 - _ . ! ~ * ' ( ) %` and `/`.
 */
export interface ObjectStore {
  /** For people and marks: an address without secrets. */
  readonly address: string;
  /**
   * @returns `exists` when there is an object with that key already, which is then left as it is
   * @throws StoreError
   */
  putNew(key: string, bytes: Uint8Array): Promise<'written' | 'exists'>;
  /** @returns null when there is none. @throws StoreError */
  get(key: string): Promise<Uint8Array | null>;
  /** Keys that begin so, in order of code units. @throws StoreError */
  list(prefix: string): Promise<readonly string[]>;
  /** Taking away what is not there is no error. @throws StoreError */
  remove(key: string): Promise<void>;
  /** The object as a file of this machine, where it is one. */
  file?(key: string): string;
}

/** The object store cannot be reached, or refuses. */
export class ObjectStoreError extends StoreError {}

/** As in `encodeURIComponent`, but that a name which a file system reads otherwise (`.`, `..`, empty) stays a name. */
export function keyPart(name: string): string {
  const coded = encodeURIComponent(name);
  return /^\.*$/.test(coded) ? `%${coded.replaceAll('.', '%2E')}` : coded;
}

/** @throws RangeError for a key that could lead out of the archive */
export function checkedKey(key: string): string {
  const sound = /^[A-Za-z0-9\-_.!~*'()%]+(\/[A-Za-z0-9\-_.!~*'()%]+)*$/.test(key);
  if (!sound || key.split('/').some((part) => part === '.' || part === '..')) {
    throw new RangeError(`'${key}' is no key of an archive`);
  }
  return key;
}
