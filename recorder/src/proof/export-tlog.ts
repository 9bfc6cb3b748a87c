import { scanBlock } from '../block.ts';
import { type ChainId, chainName, type Sha256, sameBytes } from '../event.ts';
import type { Recording } from '../store.ts';
import { type LogId, openCheckpoint, originOf, signCheckpoint, type Trust } from './checkpoint.ts';
import { logOf } from './log-of.ts';
import { leafHasher } from './merkle.ts';
import type { TreeHead } from './merkle-proof.ts';
import { NoteError, type SigningKey } from './note.ts';
import { TILE_WIDTH, TilesDifferError, TileWriter, tilePath } from './tiles.ts';

/** Writes one file of a directory; `path` has slashes between its parts. */
export type WriteFile = (path: string, content: Uint8Array) => void | Promise<void>;

/** Who signs the directory's head: a key, now, or a checkpoint that was signed before (and perhaps witnessed). */
export type TlogSignature = { readonly key: SigningKey } | { readonly checkpoint: string; readonly trust: Trust };

export interface TlogExport extends TreeHead {
  readonly origin: string;
  /** What it is the log of, for `logKey`. */
  readonly log: LogId;
  readonly files: number;
  /**
   * Events of more than 65,535 bytes, by sequence. The format's entry bundles have no room for them; a bundle that holds
   * one is written to `entries32/` instead, with lengths of four bytes. The tree covers it all the same.
   */
  readonly wideEvents: readonly number[];
}

const MOST_ENTRY_BYTES = 65_535;

/**
 * Writes a chain as a tiled log (c2sp.org/tlog-tiles): `checkpoint`, `tile/<level>/<index>`, `tile/entries/<index>`.
 * The checkpoint is written last. With a checkpoint that is given, the log ends where that one does.
 *
 * @throws NoteError when the given checkpoint is not one of this chain or reaches beyond it; TilesDifferError when the
 * recording does not have its root, or has a gap; StoreError, MalformedBytesError, and what `writeFile` throws
 */
export async function exportTlog(
  recording: Recording,
  chain: ChainId,
  writeFile: WriteFile,
  sha256: Sha256,
  signature: TlogSignature,
): Promise<TlogExport> {
  const given = 'checkpoint' in signature ? openCheckpoint(signature.checkpoint, signature.trust) : null;
  const log = await logOf(recording, chain, sha256);
  const origin = originOf(log);
  if (given !== null && given.origin !== origin) throw new NoteError(`it is a checkpoint of ${given.origin}`);
  const writer = new TileWriter(sha256);
  const bundles = new Bundles();
  const leafOf = leafHasher(sha256);
  let files = 0;
  const write = async (path: string, content: Uint8Array): Promise<void> => {
    files++;
    await writeFile(path, content);
  };
  const writeTiles = async (): Promise<void> => {
    for (const { level, index, hashes } of writer.full()) await write(tilePath(level, index, TILE_WIDTH), hashes);
  };
  const end = given?.size ?? Number.MAX_SAFE_INTEGER;
  for await (const { bytes } of recording.blocks(chain, 1, end)) {
    const { sequences, from, to } = scanBlock(bytes);
    for (let i = 0; i < sequences.length && writer.tree.size < end; i++) {
      if (sequences[i] !== writer.tree.size + 1) {
        throw new TilesDifferError(chain, sequences[i] as number, `${writer.tree.size + 1} belongs here`);
      }
      writer.push(leafOf(bytes, from[i] as number, to[i] as number));
      bundles.add(bytes.subarray(from[i], to[i]));
      if (bundles.width === TILE_WIDTH) await write(...bundles.take());
    }
    await writeTiles();
  }
  const { size } = writer.tree;
  if (size === 0) throw new NoteError(`${chainName(chain)} has no events to export`);
  if (given !== null && size < given.size) {
    throw new NoteError(`the checkpoint covers ${given.size} events; ${chainName(chain)} has ${size}`);
  }
  const root = writer.tree.root();
  if (given !== null && !sameBytes(root, given.root)) {
    throw new TilesDifferError(chain, size, 'the recording does not have the root that was signed');
  }
  if (bundles.width > 0) await write(...bundles.take());
  for (const { level, index, hashes } of writer.partial()) {
    await write(tilePath(level, index, hashes.length / 32), hashes);
  }
  const note = 'key' in signature ? signCheckpoint(log, { size, root }, signature.key, sha256) : signature.checkpoint;
  await write('checkpoint', new TextEncoder().encode(note));
  return { origin, log, size, root, files, wideEvents: bundles.wide };
}

/** Gathers envelopes into bundles of 256, each behind its length. */
class Bundles {
  readonly wide: number[] = [];
  #entries: Uint8Array[] = [];
  #index = 0;

  get width(): number {
    return this.#entries.length;
  }

  add(envelope: Uint8Array): void {
    this.#entries.push(envelope);
    if (envelope.length > MOST_ENTRY_BYTES) this.wide.push(this.#index * TILE_WIDTH + this.#entries.length);
  }

  /** Path and content of the bundle, and begins the next. */
  take(): [path: string, content: Uint8Array] {
    const entries = this.#entries;
    const wide = entries.some(({ length }) => length > MOST_ENTRY_BYTES);
    const prefix = wide ? 4 : 2;
    const content = new Uint8Array(entries.reduce((sum, { length }) => sum + prefix + length, 0));
    const view = new DataView(content.buffer);
    let at = 0;
    for (const entry of entries) {
      if (wide) view.setUint32(at, entry.length);
      else view.setUint16(at, entry.length);
      content.set(entry, at + prefix);
      at += prefix + entry.length;
    }
    const path = tilePath('entries', this.#index++, entries.length);
    this.#entries = [];
    return [wide ? path.replace('tile/entries/', 'entries32/') : path, content];
  }
}
