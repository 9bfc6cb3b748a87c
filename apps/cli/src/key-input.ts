import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type NoteKey, parseNoteKey, type SigningKey } from '@sigma/recorder';
import { ed25519Key } from '@sigma/recorder/keys';
import { sha256 } from '@sigma/recorder/sqlite';
import { CommandError, EXIT } from './outcome.ts';

const SEED_BYTES = 32;

/** The key in a file, or a new one in it that only this user may read. @throws CommandError */
export function signingKeyFrom(path: string): SigningKey {
  try {
    if (!existsSync(path)) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, randomBytes(SEED_BYTES), { mode: 0o600, flag: 'wx' });
    }
    return ed25519Key(new Uint8Array(readFileSync(path)));
  } catch (error) {
    throw new CommandError(EXIT.machine, `${path}: ${(error as Error).message}`, 'Name another file with --key');
  }
}

/**
 * Keys that somebody trusts: each text is a key itself, as `sigma export` and `sigma prove` print it, or a file with
 * one on each line.
 *
 * @throws CommandError that names the text or the line
 */
export function trustedKeys(texts: readonly string[]): readonly NoteKey[] {
  return texts.flatMap((text) => {
    if (!existsSync(text)) return [keyOf(text, `'${text}' is no key, and no such file exists`)];
    const bytes = readBytes(text, '--key');
    if (bytes.length === SEED_BYTES) {
      const what = `${text} is the secret that signs, and not the key that it is checked with`;
      throw new CommandError(EXIT.usage, what, 'Give the key that `sigma export` or `sigma prove` printed');
    }
    const lines = new TextDecoder().decode(bytes).split('\n');
    return lines.flatMap((line, n) => {
      const key = line.trim();
      return key === '' || key.startsWith('#') ? [] : [keyOf(key, `${text}, line ${n + 1} is no key`)];
    });
  });
}

function keyOf(text: string, what: string): NoteKey {
  try {
    return parseNoteKey(text, sha256);
  } catch (error) {
    const wayOut = '`sigma export` and `sigma prove` print keys; give one in quotes, or a file with one on each line';
    throw new CommandError(EXIT.usage, `${what} (${(error as Error).message})`, wayOut);
  }
}

/** @throws CommandError that names the file and the option it came with */
export function readText(path: string, option: string): string {
  return new TextDecoder().decode(readBytes(path, option));
}

/** @throws CommandError that names the file and the option it came with */
export function readBytes(path: string, option: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new CommandError(EXIT.machine, `${path}: ${(error as Error).message}`, `Check the file given with ${option}`);
  }
}
