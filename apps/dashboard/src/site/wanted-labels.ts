import type { PoseColumns } from '../live/poses.ts';
import type { SiteView } from '../live/site-view.ts';
import { span } from '../words/quantities.ts';
import { type BodyTable, LEVELS } from './body-table.ts';
import type { LabelWish } from './labels.ts';

const LABELS_AT_MOST = 300;
/** Beyond so many abnormal robots their words would cover the map; colour, sign and name stay. */
const WORDS_AT_MOST = 6;
const WORDS_FROM_PX_PER_M = 30;
/** In a crowd seen from farther away than this, only what is abnormal or chosen is named. */
const NAMES_FROM_PX_PER_M = 14;
/** By level: calm, info, advisory, warning, critical. */
const PRIORITY = [10, 30, 40, 50, 60] as const;
const [HOVERED, STALE] = [90, 35] as const;
const SELECTED = 100;

export interface WantedLabel extends LabelWish {
  readonly row: number;
}

export interface LabelSource {
  readonly live: SiteView;
  readonly table: BodyTable;
  readonly poses: PoseColumns;
  readonly nowMs: number;
  readonly selected: string | null;
  readonly hovered: string | null;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Writes x, y in pixels and the pixels for a metre there; false when the point is out of sight. */
  readonly project: (xM: number, yM: number, zM: number, out: Float64Array) => boolean;
  readonly widthOf: (text: string) => number;
}

/** Which robots want to be named, with which words: the chosen one, then what is abnormal, then the others. */
export function wantedLabels(source: LabelSource): WantedLabel[] {
  const { live, table, poses, selected, hovered } = source;
  const chosenRow = selected === null ? -1 : live.row(selected);
  const hoveredRow = hovered === null ? -1 : live.row(hovered);
  const out = new Float64Array(3);
  const wishes: WantedLabel[] = [];
  const add = (row: number, priority: number): void => {
    if (!source.project(poses.xM[row] as number, poses.yM[row] as number, 0, out)) return;
    const [xPx, yPx, pxPerM] = out as unknown as [number, number, number];
    if (!(xPx > -30 && yPx > -30 && xPx < source.widthPx + 30 && yPx < source.heightPx + 30)) return;
    if (priority === PRIORITY[0] && table.count > LABELS_AT_MOST && pxPerM < NAMES_FROM_PX_PER_M) return;
    const text = textOf(source, row, row === chosenRow || row === hoveredRow, pxPerM);
    const radius = Math.max(4.5, (table.radiusM[row] as number) * pxPerM);
    const clearancePx = radius + (row === chosenRow ? 9 : 6);
    const id = live.ids[row] as string;
    const short = text === id ? {} : { short: { text: id, widthPx: source.widthOf(id) } };
    wishes.push({
      row,
      text,
      xPx,
      yPx,
      widthPx: source.widthOf(text),
      clearancePx,
      priority,
      insists: priority > STALE,
      ...short,
    });
  };
  if (chosenRow >= 0) add(chosenRow, SELECTED);
  if (hoveredRow >= 0 && hoveredRow !== chosenRow) add(hoveredRow, HOVERED);
  // Of ten thousand stopped robots the gravest are looked at first, and no more than can be placed.
  const abnormal = table.abnormal.length > LABELS_AT_MOST ? gravest(table) : table.abnormal;
  for (const row of abnormal) {
    if (row !== chosenRow && row !== hoveredRow) add(row, priorityOf(table, row));
  }
  const room = LABELS_AT_MOST - wishes.length;
  for (let row = 0, named = 0; row < table.count && named < room * 4; row++) {
    if (row === chosenRow || row === hoveredRow || table.level[row] !== 0 || table.stale[row] === 1) continue;
    const before = wishes.length;
    add(row, PRIORITY[0]);
    named += wishes.length - before;
  }
  return wishes.length <= LABELS_AT_MOST
    ? wishes
    : wishes.sort((a, b) => b.priority - a.priority || a.row - b.row).slice(0, LABELS_AT_MOST);
}

const priorityOf = (table: BodyTable, row: number): number =>
  table.stale[row] === 1 ? Math.max(STALE, PRIORITY[table.level[row] as 0]) : PRIORITY[table.level[row] as 0];

function gravest(table: BodyTable): readonly number[] {
  const found: number[] = [];
  for (let level = LEVELS.length - 1; level >= 0 && found.length < LABELS_AT_MOST * 4; level--) {
    for (const row of table.abnormal) if (table.level[row] === level) found.push(row);
  }
  return found.slice(0, LABELS_AT_MOST * 4);
}

function textOf(source: LabelSource, row: number, chosen: boolean, pxPerM: number): string {
  const { live, table, nowMs } = source;
  const id = live.ids[row] as string;
  const spoken = chosen || table.abnormal.length <= WORDS_AT_MOST || pxPerM > WORDS_FROM_PX_PER_M;
  if (!spoken) return id;
  if (table.stale[row] === 1) return `${id} · ${span(live.ageMs(row, nowMs))}`;
  return table.level[row] === 0 ? id : `${id} · ${table.states[row]?.word ?? ''}`;
}
