import { localTime } from '../../words/quantities.ts';

/** A stretch of time, microseconds since 1970. */
export interface Stretch {
  readonly fromUs: number;
  readonly toUs: number;
}

const SECOND_US = 1_000_000;
const LEAST_US = 20_000;
const MOST_US = 3_660 * 86_400 * SECOND_US;

const length = ({ fromUs, toUs }: Stretch): number => toUs - fromUs;

/** All of a stretch, with a little room at either side. */
export function around({ fromUs, toUs }: Stretch): Stretch {
  const room = Math.max(SECOND_US / 2, (toUs - fromUs) * 0.04);
  return { fromUs: Math.max(0, fromUs - room), toUs: toUs + room };
}

/** Larger by a factor, or smaller by one under 1, about a moment that stays where it is. */
export function zoomed(stretch: Stretch, atUs: number, factor: number): Stretch {
  const wanted = Math.min(MOST_US, Math.max(LEAST_US, length(stretch) * factor));
  const share = (atUs - stretch.fromUs) / length(stretch);
  const fromUs = Math.max(0, atUs - wanted * share);
  return { fromUs, toUs: fromUs + wanted };
}

export function moved(stretch: Stretch, byUs: number): Stretch {
  const fromUs = Math.max(0, stretch.fromUs + byUs);
  return { fromUs, toUs: fromUs + length(stretch) };
}

export const overlap = (a: Stretch, b: Stretch): boolean => a.fromUs <= b.toUs && b.fromUs <= a.toUs;

/** Pixels from the left of a bar so wide. */
export const xOf = (stretch: Stretch, atUs: number, widthPx: number): number =>
  ((atUs - stretch.fromUs) / length(stretch)) * widthPx;

const STEPS_S = [
  0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400, 604_800, 2_592_000,
];
const DAY_S = 86_400;

/** Moments with round times, not nearer to each other than that; at most as many as fit. */
export function ticks(
  stretch: Stretch,
  widthPx: number,
  apartPx = 92,
): readonly { readonly atUs: number; readonly label: string }[] {
  const wantedS = (length(stretch) / SECOND_US / Math.max(1, widthPx)) * apartPx;
  const stepS = STEPS_S.find((step) => step >= wantedS) ?? (STEPS_S.at(-1) as number) * Math.ceil(wantedS / 2_592_000);
  const stepUs = stepS * SECOND_US;
  const found: { atUs: number; label: string }[] = [];
  for (let at = Math.ceil(stretch.fromUs / stepUs) * stepUs; at <= stretch.toUs; at += stepUs)
    found.push({ atUs: at, label: labelOf(at, stepS) });
  return found;
}

function labelOf(atUs: number, stepS: number): string {
  if (stepS >= DAY_S) return new Date(atUs / 1000).toLocaleDateString('en-CA');
  const places = stepS >= 1 ? 0 : stepS >= 0.1 ? 1 : stepS >= 0.01 ? 2 : 3;
  return fineTime(atUs, places);
}

/** Wall time in the viewer's zone with so many places behind the second. */
export function fineTime(atUs: number, places = 3): string {
  const whole = localTime(BigInt(Math.floor(atUs)));
  if (places === 0 || atUs <= 0) return whole;
  const part = Math.floor(((atUs % SECOND_US) / SECOND_US) * 10 ** places);
  return `${whole}.${String(part).padStart(places, '0')}`;
}

/** The day as well, where it is not said beside it. */
export const dayAndTime = (atUs: number): string =>
  `${new Date(atUs / 1000).toLocaleDateString('en-CA')} ${fineTime(atUs, 1)}`;

/** By how much the times of an import are shifted: "3.2 s later", "as they stand in the file". */
export function shiftWords(offsetUs: number): string {
  if (Math.abs(offsetUs) < 500) return 'as they stand in the file';
  return `${lasting(Math.abs(offsetUs))} ${offsetUs > 0 ? 'later' : 'earlier'} than in the file`;
}

/** "27 d 3 h 4 min 5.2 s". */
export function lasting(us: number): string {
  let seconds = Math.round(us / 1000) / 1000;
  const parts: string[] = [];
  for (const [unit, size] of [
    ['d', DAY_S],
    ['h', 3_600],
    ['min', 60],
  ] as const) {
    const whole = Math.floor(seconds / size);
    if (whole > 0) parts.push(`${whole} ${unit}`);
    seconds -= whole * size;
  }
  const rest = Number(seconds.toFixed(3));
  if (rest > 0 || parts.length === 0) parts.push(`${rest} s`);
  return parts.join(' ');
}

const MOST_SHIFT_US = 100 * 366 * DAY_S * SECOND_US;

/** "3.2", "-0:05", "+26:00:00.5", a minus as it is printed: microseconds. Null for what is no time. */
export function parseShift(text: string): number | null {
  const found = /^([+\-−]?)(?:(\d+):)?(?:(\d+):)?(\d+(?:\.\d+)?)$/.exec(text.trim().replace(',', '.'));
  if (found === null) return null;
  const [, sign, first, second, seconds] = found;
  const [hours, minutes] = second === undefined ? [0, Number(first ?? 0)] : [Number(first), Number(second)];
  const us = Math.round(((hours * 60 + minutes) * 60 + Number(seconds)) * SECOND_US);
  if (us > MOST_SHIFT_US) return null;
  return sign === '' || sign === '+' ? us : us === 0 ? 0 : -us;
}

/** As `parseShift` reads it. */
export const shiftText = (offsetUs: number): string => {
  const seconds = Number((offsetUs / SECOND_US).toFixed(3));
  return seconds > 0 ? `+${seconds}` : `${seconds}`.replace('-', '−');
};
