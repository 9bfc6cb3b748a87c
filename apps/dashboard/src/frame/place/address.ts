import type { MissionControl } from '../mission-control.tsx';
import { parseSelection, selectionText } from './selection.ts';

/** What a link carries beside the path: what is selected, the moment, and where the site view looks. */
export interface Address {
  readonly select: string;
  /** `2026-11-21T10:31:05.250Z`, or empty for live. */
  readonly at: string;
  /** What somebody called that moment, or empty. */
  readonly name: string;
  readonly view: string;
}

/** A moment as people and programs read it, to the microsecond; the inverse of `parseMoment`. */
export function momentText(atUs: number): string {
  const whole = Math.floor(atUs / 1_000);
  const rest = Math.round(atUs - whole * 1_000);
  const iso = new Date(whole).toISOString();
  return rest === 0 ? iso : `${iso.slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

/** Microseconds since 1970, or null for what is no moment. */
export function parseMoment(text: string): number | null {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/.exec(text);
  if (found === null) return null;
  const seconds = Date.parse(`${found[1]}Z`);
  return Number.isNaN(seconds) ? null : seconds * 1_000 + Number((found[2] ?? '').padEnd(6, '0'));
}

/** The query of a link to that address; empty when there is nothing to say. */
export function addressQuery(address: Address, before: URLSearchParams): string {
  const query = new URLSearchParams(before);
  for (const part of ['select', 'at', 'name', 'view'] as const) {
    if (address[part] === '') query.delete(part);
    else query.set(part, address[part]);
  }
  const text = query.toString().replaceAll('%3A', ':').replaceAll('%2C', ',');
  return text === '' ? '' : `?${text}`;
}

type Control = Pick<MissionControl, 'selection' | 'time' | 'named' | 'viewpoint' | 'path' | 'clock'>;

/** What the shown moment is called, or empty. */
export function nameOfMoment({ named, time }: Pick<Control, 'named' | 'time'>): string {
  const shown = time.get();
  const moment = named.get();
  return shown.kind === 'past' && moment !== null && moment.atUs === shown.atUs ? moment.name : '';
}

const addressOf = (control: Control): Address => {
  const { selection, time, viewpoint } = control;
  const chosen = selection.get();
  const shown = time.get();
  return {
    select: chosen === null ? '' : selectionText(chosen),
    at: shown.kind === 'past' ? momentText(shown.atUs) : '',
    name: nameOfMoment(control),
    view: viewpoint.get(),
  };
};

/** A link to what the page shows: place, selection, moment. */
export function linkTo(control: Control, location: Location): string {
  return `${location.origin}${control.path.get()}${addressQuery(addressOf(control), new URLSearchParams(location.search))}`;
}

/** As long as a bookmark's name may be. */
const MOST_NAME = 80;

/** While the moment runs, the address is written at most this often: browsers refuse more. */
const WRITE_GAP_MS = 500;

/**
 * Takes selection, moment and viewpoint from the address bar once, and keeps the bar in step from then on. Returns how
 * to end that.
 */
export function keepAddress(control: Control, window: Window): () => void {
  const { selection, time, named, viewpoint, clock } = control;
  const query = new URLSearchParams(window.location.search);
  const chosen = parseSelection(query.get('select') ?? '');
  if (chosen !== null) selection.set(chosen);
  viewpoint.set(query.get('view') ?? '');
  const at = parseMoment(query.get('at') ?? '');
  const name = (query.get('name') ?? '').slice(0, MOST_NAME);
  if (at !== null && name !== '') named.set({ name, atUs: at });
  if (at !== null) clock.seek(at);
  let due: ReturnType<typeof setTimeout> | undefined;
  const write = () => {
    due = undefined;
    const { pathname, search } = window.location;
    const text = addressQuery(addressOf(control), new URLSearchParams(search));
    if (text !== search) window.history.replaceState(window.history.state, '', pathname + text);
  };
  const later = () => {
    due ??= setTimeout(write, WRITE_GAP_MS);
  };
  const ends = [selection, time, named, viewpoint].map((one) => one.subscribe(later));
  return () => {
    clearTimeout(due);
    for (const end of ends) end();
  };
}
