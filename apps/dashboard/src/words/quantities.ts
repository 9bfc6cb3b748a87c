/** Numbers as people read them: with their unit, without false digits. */

/** SI units by the ending of a parameter's name, longest ending first. */
const UNITS: readonly (readonly [ending: string, unit: string, factor: number])[] = [
  ['Radps2', 'rad/s²', 1],
  ['Radps', 'rad/s', 1],
  ['Mps2', 'm/s²', 1],
  ['Mps', 'm/s', 1],
  ['Rad', 'rad', 1],
  ['Us', 's', 1e-6],
  ['Ms', 's', 1e-3],
  ['Kg', 'kg', 1],
  ['Wh', 'Wh', 1],
  ['M', 'm', 1],
];

/** `speedMps`, 0.6 → "speed 0.6 m/s". A name without a known ending keeps its words and has no unit. */
export function namedNumber(name: string, value: number): string {
  const { name: said, text } = quantityOf(name, value);
  return `${said} ${text}`;
}

/** Name and value apart: `speedMps`, 0.6 → "speed" and "0.6 m/s". */
export function quantityOf(name: string, value: number): { readonly name: string; readonly text: string } {
  for (const [ending, unit, factor] of UNITS) {
    if (name.endsWith(ending) && name.length > ending.length) {
      return { name: words(name.slice(0, -ending.length)), text: `${number(value * factor)} ${unit}` };
    }
  }
  return { name: words(name), text: number(value) };
}

/** Names of signals and conditions that by themselves would not say what happened. */
const SAID: Readonly<Record<string, string>> = {
  bumper: 'bumper contact',
  bumped: 'bumper touched something',
  frames_late: 'no frames from the body',
  command_held: 'command held back by the recorder',
  body_time_lost: 'clock of the body stood still',
  positionSigma: 'position uncertainty',
};

/** `motorTempLeft` → "motor temp left", `human_proximity` → "human proximity", `bumped` → "bumper touched something". */
export function words(name: string): string {
  if (Object.hasOwn(SAID, name)) return SAID[name] as string;
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[_-]+/g, ' ')
    .toLowerCase()
    .trim();
}

/** An account without the role in front of it: "operator:ada@example.org" → "ada@example.org". */
export const personWords = (account: string): string => account.replace(/^[a-z]+:/, '');

/** "Left motor at 96 °C" → "left motor at 96 °C", to go on with in a sentence; "SOS sent" stays as it is. */
export const midSentence = (text: string): string => text.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase());

/** What a witness calls a contradiction; the sentence after it says the same in words. */
const REFUSAL_KIND = / \((?:rollback|fork|inconsistent)\)(?=:)/g;
/** A field on its own: not a piece of a key, of a path or of an address, which people copy as they stand. */
const FIELD = /(?<![\w+/=@-])[a-z]+(?:[A-Z][a-z0-9]*)+(?![\w+/=@-])/g;

/** "motorLeftC is 111.6 degC" → "motor left is 111.6 °C": fields as words without their unit, units as people write them. */
export const plainWords = (text: string): string =>
  text
    .replace(REFUSAL_KIND, '')
    .replace(/\bedge (?=edge-)/g, '')
    .replace(/\bdegC\b/g, '°C')
    .replace(FIELD, fieldWords);

/** `motorLeftC` → "motor left": the unit stands beside the value. */
export const fieldWords = (name: string): string =>
  words(name.replace(/(?<=[a-z0-9])(?:Radps2?|Mps2?|Rad|Nm|C|A|V|M|S)$/, ''));

/** What a field whose name ends in a bare unit measures; said where the rest of the name alone would not tell. */
const MEASURED: Readonly<Record<string, string>> = { V: 'voltage', A: 'current', C: 'temperature' };

/** A field's name for a list of many: `batteryV` and `batteryA` are no longer both "battery". */
export function sensorWords(name: string): string {
  const said = fieldWords(name);
  const measured = MEASURED[name.at(-1) ?? ''];
  return said.includes(' ') || measured === undefined || said === words(name) ? said : `${said} ${measured}`;
}

/** Three figures at most after the leading one, no trailing zeros; what is no number says so. */
export function number(value: number): string {
  if (Number.isNaN(value)) return 'no reading';
  if (!Number.isFinite(value)) return value > 0 ? 'unbounded' : 'unbounded below';
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  const text = value.toFixed(digits);
  return minus(text.includes('.') ? text.replace(/\.?0+$/, '').replace(/^-0$/, '0') : text);
}

/** The sign as it is printed: as wide as a figure, so that columns stand. */
const minus = (text: string): string => text.replace(/^-/, '−');

const UNIT_WORDS: Readonly<Record<string, string>> = {
  degC: '°C',
  fraction: '',
  '1': '',
  '-': '',
  'm/s2': 'm/s²',
  'rad/s2': 'rad/s²',
  'N m': 'N·m',
};

/** A sensor's value with its unit; fractions become percents. */
export function reading(value: number, unit: string): string {
  if (Number.isNaN(value)) return 'no reading';
  if (unit === 'fraction') return `${Math.round(value * 100)} %`;
  if (unit === '0/1') return value === 0 ? 'no' : 'yes';
  const shown = UNIT_WORDS[unit] ?? unit;
  return shown === '' ? number(value) : `${number(value)} ${shown}`;
}

/** Places after the point that a sensor of the unit is worth; a column of readings keeps its points under each other. */
const PLACES: Readonly<Record<string, number>> = {
  degC: 1,
  V: 1,
  A: 1,
  m: 2,
  rad: 2,
  'm/s': 2,
  'rad/s': 2,
  'N m': 2,
};

/** A reading as it goes on changing: always as many places as its unit is worth. */
export function liveReading(value: number, unit: string): string {
  const places = PLACES[unit];
  if (places === undefined || !Number.isFinite(value)) return reading(value, unit);
  return `${minus(value.toFixed(places).replace(/^-(0(?:\.0+)?)$/, '$1'))} ${UNIT_WORDS[unit] ?? unit}`;
}

/** "0 °C to 80 °C", "at most 75 °C", "at least 20 %"; empty without a bound. */
export function bandWords(low: number | undefined, high: number | undefined, unit: string): string {
  if (low !== undefined && high !== undefined) {
    return low === high ? reading(low, unit) : `${reading(low, unit)} to ${reading(high, unit)}`;
  }
  if (high !== undefined) return `at most ${reading(high, unit)}`;
  return low === undefined ? '' : `at least ${reading(low, unit)}`;
}

/** The same for a column: "0 – 80 °C", "≤ 75 °C", "≥ 20 %". */
export function bandShort(low: number | undefined, high: number | undefined, unit: string): string {
  if (low !== undefined && high !== undefined && low !== high) {
    const from = unit === 'fraction' ? String(Math.round(low * 100)) : number(low);
    return `${from} – ${reading(high, unit)}`;
  }
  if (low !== undefined && high !== undefined) return reading(low, unit);
  if (high !== undefined) return `≤ ${reading(high, unit)}`;
  return low === undefined ? '' : `≥ ${reading(low, unit)}`;
}

/** A number without unit between 0 and 1 is a share, whatever its channel calls it: a share is read in percents. */
export const unitOf = (unit: string, high: number | null | undefined): string =>
  (unit === '1' || unit === '') && high === 1 ? 'fraction' : unit;

export function percent(share: number): string {
  return Number.isNaN(share) ? '–' : `${Math.round(share * 100)} %`;
}

/** A span of milliseconds: "0.4 s", "12 s", "3 min", "2 h 5 min". */
export function span(ms: number): string {
  if (!Number.isFinite(ms)) return 'never';
  if (ms < 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Wall time in UTC to the second, from microseconds since 1970; "–" before there is any. */
export function utcTime(timeUs: bigint): string {
  return timeUs <= 0n ? '–' : new Date(Number(timeUs / 1000n)).toISOString().slice(11, 19);
}

/** Wall time in the viewer's zone, or in `timeZone` when one is given. */
export function localTime(timeUs: bigint, timeZone?: string): string {
  if (timeUs <= 0n) return '–';
  const zone = timeZone === undefined ? {} : { timeZone };
  return new Date(Number(timeUs / 1000n)).toLocaleTimeString('en-GB', { hour12: false, ...zone });
}

/** Day in the viewer's zone: "21 Nov". */
export function localDay(timeUs: bigint): string {
  if (timeUs <= 0n) return '–';
  return new Date(Number(timeUs / 1000n)).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
}

/** Wall time in the viewer's zone to the tenth of a second: for lines that follow one another closely. */
export function localTimeFine(timeUs: bigint): string {
  if (timeUs <= 0n) return '–';
  return `${localTime(timeUs)}.${Number((timeUs / 100_000n) % 10n)}`;
}

/** An agent's own time since its epoch began: "12:04.250". */
export function agentTime(atUs: bigint): string {
  const ms = Number(atUs / 1000n);
  const minutes = Math.floor(ms / 60_000);
  const seconds = (ms % 60_000) / 1_000;
  return `${minutes}:${seconds.toFixed(3).padStart(6, '0')}`;
}

/** From five figures on, thousands stand apart: "32,000". */
const grouped = (count: number): string => (Math.abs(count) < 10_000 ? String(count) : count.toLocaleString('en'));

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(count)} ${count === 1 ? one : many}`;
