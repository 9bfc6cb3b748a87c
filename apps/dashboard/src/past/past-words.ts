import type { FilmPiece, PastScan, StretchId } from './film/film-piece.ts';

/** Why a chain cannot be computed again on this page. */
export type ProblemKind = 'newer' | 'older' | 'unknown_site' | 'unreadable';

/** What the page asks of a worker. The newest `show` replaces the one before. */
export type PastAsk =
  /** This worker films the chains whose name falls to `index` of `of`. */
  | { readonly type: 'open'; readonly index: number; readonly of: number }
  /** Read who wrote the chains, before anybody looks back. */
  | { readonly type: 'warm'; readonly timeUs: number }
  /** Film this moment, then what a person is likely to want next. `timeUs`: the hub's time. */
  | {
      readonly type: 'show';
      readonly id: number;
      readonly timeUs: number;
      /** Whose film comes before the others'. */
      readonly first: string | null;
      readonly aheadUs: number;
      readonly behindUs: number;
    }
  | { readonly type: 'scan'; readonly source: string; readonly timeUs: number }
  | { readonly type: 'forget'; readonly stretch: StretchId };

/** What a worker tells the page. */
export type PastNews =
  | { readonly type: 'film'; readonly pieces: readonly FilmPiece[] }
  /** Which agents there were at that moment, and what is on record at all. */
  | {
      readonly type: 'located';
      readonly id: number;
      readonly sources: readonly string[];
      readonly fromUs: number;
      readonly toUs: number;
    }
  | { readonly type: 'progress'; readonly id: number; readonly done: number; readonly of: number }
  /** Everything that is on record of the moment is on film. */
  | { readonly type: 'settled'; readonly id: number; readonly timeUs: number }
  /** Beyond the moment, everything up to here is on film too. */
  | { readonly type: 'filmed'; readonly id: number; readonly untilUs: number }
  | { readonly type: 'problem'; readonly source: string; readonly kind: ProblemKind; readonly words: string }
  | { readonly type: 'scan'; readonly scan: PastScan | null; readonly source: string; readonly timeUs: number }
  | { readonly type: 'failed'; readonly id: number; readonly words: string };
