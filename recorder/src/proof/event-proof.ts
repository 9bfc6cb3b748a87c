import { scanBlock } from '../block.ts';
import { type ChainHead, type ChainId, chainName, type Sha256 } from '../event.ts';
import { NoSuchEventError } from '../playback.ts';
import type { Recording } from '../store.ts';
import { base64Of, bytesOfBase64 } from './base64.ts';
import {
  openCheckpoint,
  originOf,
  parseCheckpoint,
  type SignedCheckpoint,
  signCheckpoint,
  type Trust,
} from './checkpoint.ts';
import { logOf } from './log-of.ts';
import { HASH_BYTES, leafHash } from './merkle.ts';
import { consistencyProof, inclusionProof, type TreeHead, treeRoot, verifyInclusion } from './merkle-proof.ts';
import { NoteError, type SigningKey } from './note.ts';
import { fillShelf, memoryShelf, shelfStands, type TileShelf, TilesDifferError, tileNodes } from './tiles.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';

/** A chain's tree, read from its tiles. */
export interface ChainTree {
  readonly chain: ChainId;
  /** Events covered. */
  readonly size: number;
  head(size?: number): Promise<TreeHead>;
  /** From the leaf's sibling to the root's child. */
  inclusion(sequence: number, size?: number): Promise<readonly Uint8Array[]>;
  consistency(fromSize: number, toSize?: number): Promise<readonly Uint8Array[]>;
}

/**
 * The tree over one chain, brought up to the chain's end first: the first call reads every block that the shelf does
 * not cover, later ones a handful of tiles.
 *
 * @param shelf keeps the tiles for the next time; without one the tree is built in memory
 * @throws TilesDifferError, NoSuchEventError when the chain is not in the recording, StoreError
 */
export async function openTree(
  recording: Recording,
  chain: ChainId,
  sha256: Sha256,
  shelf: TileShelf = memoryShelf(),
): Promise<ChainTree> {
  const name = chainName(chain);
  const end = (await recording.heads()).find((head) => chainName(head) === name);
  if (end === undefined) throw new NoSuchEventError(chain, 1);
  return treeUpTo(recording, end, sha256, shelf);
}

/**
 * The tree over a chain whose end is known. Tiles of another recording are left as they are: with them `verify` tells
 * where the two part.
 *
 * @throws TilesDifferError, StoreError
 */
export async function treeUpTo(
  recording: Recording,
  { tenant, source, epoch, sequence }: ChainHead,
  sha256: Sha256,
  shelf: TileShelf,
): Promise<ChainTree> {
  const chain = { tenant, source, epoch };
  const standing = await shelfStands(recording, chain, shelf);
  if (standing === 'differs') {
    throw new TilesDifferError(chain, sequence, 'the tiles kept beside it are those of another recording');
  }
  if (standing === 'unmarked') await shelf.clear(chain);
  const size = Math.min(await fillShelf(recording, chain, shelf, sha256, sequence), sequence);
  const nodes = tileNodes(shelf, chain, sha256);
  return {
    chain,
    size,
    head: async (at = size) => ({ size: at, root: await treeRoot(at, nodes, sha256) }),
    inclusion: (sequence, at = size) => inclusionProof(sequence - 1, at, nodes, sha256),
    consistency: (from, to = size) => consistencyProof(from, to, nodes, sha256),
  };
}

/** The head of a chain's tree as it stands, signed. @throws as `openTree` */
export async function signHead(
  recording: Recording,
  chain: ChainId,
  key: SigningKey,
  sha256: Sha256,
  shelf?: TileShelf,
): Promise<string> {
  const tree = await openTree(recording, chain, sha256, shelf);
  return signCheckpoint(await logOf(recording, chain, sha256), await tree.head(), key, sha256);
}

/** What is proved, and to whom: a signed checkpoint that covers the event, or the key to sign one now. */
export type ProofAnchor = { readonly checkpoint: string; readonly trust: Trust } | { readonly key: SigningKey };

/** An event and the proof that it stands in its place (c2sp.org/tlog-proof). */
export interface EventProof {
  /** The envelope as stored: what the leaf hash is taken over. */
  readonly envelope: Uint8Array;
  /** Text of the proof: index, path, checkpoint. */
  readonly proof: string;
}

/**
 * Proves that an event is in its chain. The proof is checked against the signed root before it is given out, so that
 * neither a damaged shelf nor an altered recording can bring forth one that is worthless.
 *
 * @throws NoSuchEventError, NoteError when the checkpoint is not one of this chain that covers the event,
 * TilesDifferError when the recording is not what the checkpoint was signed for
 */
export async function proveEvent(
  recording: Recording,
  chain: ChainId,
  sequence: number,
  anchor: ProofAnchor,
  sha256: Sha256,
  shelf: TileShelf = memoryShelf(),
): Promise<EventProof> {
  const envelope = await envelopeOf(recording, chain, sequence);
  const tree = await openTree(recording, chain, sha256, shelf);
  const log = await logOf(recording, chain, sha256);
  const checkpoint =
    'key' in anchor
      ? parseCheckpoint(signCheckpoint(log, await tree.head(), anchor.key, sha256))
      : openCheckpoint(anchor.checkpoint, anchor.trust);
  if (checkpoint.origin !== originOf(log)) throw new NoteError(`it is a checkpoint of ${checkpoint.origin}`);
  const { size } = checkpoint;
  if (size < sequence || size > tree.size) {
    throw new NoteError(`it covers events up to ${size}: not ${sequence}, or more than the ${tree.size} on record`);
  }
  const path = await tree.inclusion(sequence, size);
  if (!verifyInclusion(leafHash(envelope, sha256), sequence - 1, checkpoint, path, sha256)) {
    throw new TilesDifferError(chain, sequence, 'it is not the event that the signed tree has in this place');
  }
  return { envelope, proof: formatProof({ index: sequence - 1, path, note: checkpoint.note }) };
}

async function envelopeOf(recording: Recording, chain: ChainId, sequence: number): Promise<Uint8Array> {
  for await (const { bytes } of recording.blocks(chain, sequence, sequence)) {
    const { sequences, from, to } = scanBlock(bytes);
    const place = sequences.indexOf(sequence);
    if (place >= 0) return bytes.subarray(from[place], to[place]);
  }
  throw new NoSuchEventError(chain, sequence);
}

/** What a proof that holds says. */
export interface ProvedEvent {
  readonly sequence: number;
  readonly checkpoint: SignedCheckpoint;
}

/**
 * Checks a proof from the outside: nothing is needed but the envelope, the proof and the keys that are trusted.
 *
 * @throws NoteError when the proof is malformed, unsigned or does not hold for this envelope
 */
export function checkProof(envelope: Uint8Array, proof: string, trust: Trust): ProvedEvent {
  const { index, path, note } = parseProof(proof);
  const checkpoint = openCheckpoint(note, trust);
  if (!verifyInclusion(leafHash(envelope, trust.sha256), index, checkpoint, path, trust.sha256)) {
    throw new NoteError(`the event is not number ${index + 1} of ${checkpoint.origin}`);
  }
  return { sequence: index + 1, checkpoint };
}

/** The parts of a tlog-proof, none of them believed. */
export interface ProofParts {
  readonly index: number;
  readonly path: readonly Uint8Array[];
  /** The checkpoint as a signed note. */
  readonly note: string;
}

/** @throws NoteError when the text is no proof */
export function parseProof(proof: string): ProofParts {
  const blank = proof.indexOf('\n\n');
  const lines = proof.slice(0, Math.max(blank, 0)).split('\n');
  const [header, second, third] = lines;
  const extra = second?.startsWith('extra ') === true ? 1 : 0;
  const index = /^index (0|[1-9]\d*)$/.exec((extra === 1 ? third : second) ?? '')?.[1];
  if (header !== HEADER || index === undefined) throw new NoteError(`a proof begins with ${HEADER} and an index`);
  const path = lines.slice(2 + extra).map(bytesOfBase64);
  if (path.some((hash) => hash?.length !== HASH_BYTES)) throw new NoteError('a hash of the path is malformed');
  return { index: Number(index), path: path as Uint8Array[], note: proof.slice(blank + 2) };
}

export const formatProof = ({ index, path, note }: ProofParts): string =>
  [HEADER, `index ${index}`, ...path.map(base64Of), '', note].join('\n');
