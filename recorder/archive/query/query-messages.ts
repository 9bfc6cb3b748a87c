import type { Bounds } from './bounds.ts';

/** What a query may use up at most. */
export interface QueryLimits {
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Rows that are given out; more are cut off, and that is said. */
  readonly rows: number;
}

/** Why a query was not answered. `sql`: it is no query, or one that may not be asked here. */
export type QueryFault = 'sql' | 'time' | 'memory' | 'defect';

/** A reference in what was recorded, and the text that it stands for. */
export type ReferredText = readonly [reference: string, text: string];

export type Cell = string | number | boolean | null | readonly Cell[] | { readonly [name: string]: Cell };

/** To the process that runs the query, in this order. */
export type ToQuery =
  | { readonly type: 'sql'; readonly sql: string; readonly limits: QueryLimits }
  | {
      readonly type: 'files';
      readonly files: readonly string[];
      /** Whether some of them are not the archive's own, and may have other columns. */
      readonly foreign: boolean;
      readonly columns: string;
      readonly where: string;
      /** What references in events stand for; null: nobody said, and there is no column `text`. */
      readonly texts: readonly ReferredText[] | null;
    }
  /** Rows were taken; the next may come. */
  | { readonly type: 'more' };

/** From it, in this order; a fault may come at any time and ends it. */
export type FromQuery =
  | { readonly type: 'bounds'; readonly bounds: Bounds }
  | { readonly type: 'columns'; readonly columns: readonly { readonly name: string; readonly type: string }[] }
  | { readonly type: 'rows'; readonly rows: readonly (readonly Cell[])[] }
  | { readonly type: 'end'; readonly cut: boolean }
  | { readonly type: 'fault'; readonly fault: QueryFault; readonly message: string };
