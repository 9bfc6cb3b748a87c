import type { BlockReader } from '@sigma/hub';
import type { ChainHead, ChainId, Life, StoredBlock, Timeline } from '@sigma/recorder';

/** The pieces of a life after the first are told apart by epochs that no writer has. */
const PIECE_EPOCHS = 1_000_000;

type Piece = Life['pieces'][number];

interface ShownPiece {
  readonly head: ChainHead;
  readonly piece: Piece;
}

/**
 * A fork with what it shares, for whoever reads chains: every piece of a life is a chain of its own, that of a later piece
 * a later epoch, and a shared beginning ends where the fork leaves it.
 */
export function timelineBlocks({ name, lives }: Timeline): BlockReader {
  const shown = lives.flatMap(shownPieces);
  const pieceOf = ({ tenant, source, epoch }: ChainId): ShownPiece | undefined =>
    shown.find(({ head }) => head.tenant === tenant && head.source === source && head.epoch === epoch);
  return {
    path: name,
    heads: async () => shown.map(({ head }) => head),
    async *blocks(chain, fromSequence, toSequence): AsyncIterable<StoredBlock> {
      const found = pieceOf(chain);
      if (found === undefined) return;
      const { piece, head } = found;
      yield* piece.recording.blocks(piece.head, fromSequence, Math.min(toSequence, head.sequence));
    },
    snapshotBefore: async (chain, atUs) => {
      const found = pieceOf(chain);
      if (found === undefined) return null;
      const { piece } = found;
      return piece.recording.snapshotBefore(piece.head, Math.min(atUs, piece.untilUs - 1));
    },
  };
}

function shownPieces({ pieces }: Life): readonly ShownPiece[] {
  return pieces.map((piece, k) => {
    const { head } = piece;
    const next = pieces[k + 1]?.opening.lineage;
    const shared = next === undefined ? {} : { sequence: next.sequence, atUs: Math.min(head.atUs, next.atUs) };
    return { piece, head: { ...head, ...shared, epoch: head.epoch + k * PIECE_EPOCHS } };
  });
}
