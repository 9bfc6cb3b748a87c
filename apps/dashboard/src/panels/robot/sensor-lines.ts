import type { ChannelSchema, Field, LearnedBand, TelemetryFrame } from '@sigma/proto';
import { bandShort, bandWords, fieldWords, liveReading, sensorWords, unitOf } from '../../words/quantities.ts';
import { sensorMeaning } from '../../words/sensor-meaning.ts';

export type SensorGroup = 'battery' | 'temperatures' | 'motors' | 'joints' | 'motion' | 'senses';

export interface SensorLine {
  readonly key: string;
  readonly group: SensorGroup;
  readonly name: string;
  readonly value: number;
  readonly reading: string;
  /** The band of the schema, "0 – 80 °C"; empty without one. */
  readonly band: string;
  readonly low: number | null;
  readonly high: number | null;
  /** What the analyzer has learned to be usual, in words; empty where it has not. */
  readonly usual: string;
  readonly standing: 'inside' | 'above' | 'below' | 'unusual' | 'no band' | 'no reading';
  /** Wall time of the reading, microseconds since 1970. */
  readonly timeUs: bigint;
  /** One sentence that says what the number is. */
  readonly about: string;
}

/** Fields that repeat another one of their channel under a second name, for those who know them by it: told once. */
const SAME_AS: Readonly<Record<string, string>> = { battery: 'charge' };

/** A channel with more fields than this is a picture (a scan), not a list of readings. */
const FIELDS_AT_MOST = 40;

/**
 * One line a field of the newest frame of each channel; fields outside their band come first, then those with a band.
 * A frame whose channel has no schema, or another number of fields, is left out: unnamed numbers mislead.
 */
export function sensorLines(
  frames: readonly TelemetryFrame[],
  schemas: readonly ChannelSchema[],
  learned: readonly LearnedBand[] = [],
): SensorLine[] {
  const newest = new Map<string, TelemetryFrame>();
  for (const frame of frames) {
    const known = newest.get(frame.channel);
    if (known === undefined || known.sequence < frame.sequence) newest.set(frame.channel, frame);
  }
  const usual = new Map(learned.map((band) => [`${band.channel}.${band.field}`, band]));
  const lines: SensorLine[] = [];
  for (const { channel, fields } of schemas) {
    const frame = newest.get(channel);
    if (frame === undefined || fields.length > FIELDS_AT_MOST || fields.length !== frame.values.length) continue;
    const names = new Set(fields.map(({ name }) => name));
    fields.forEach((field, k) => {
      if (names.has(SAME_AS[field.name] ?? '')) return;
      lines.push(
        lineOf(channel, field, frame.values[k] as number, frame.timeUs, usual.get(`${channel}.${field.name}`)),
      );
    });
  }
  return lines.sort((a, b) => RANK[a.standing] - RANK[b.standing]);
}

const RANK: Readonly<Record<SensorLine['standing'], number>> = {
  above: 0,
  below: 0,
  'no reading': 1,
  unusual: 2,
  inside: 3,
  'no band': 4,
};

function lineOf(
  channel: string,
  field: Field,
  value: number,
  timeUs: bigint,
  learned: LearnedBand | undefined,
): SensorLine {
  const { low, high } = field;
  const unit = unitOf(field.unit, high);
  const name = sensorWords(field.name);
  const most = farOff(high, unit);
  // A distance that is not negative is no band to be in.
  const least = unit === 'm' && low === 0 && most === undefined ? undefined : low;
  const band = bandWords(least, most, unit);
  const meaning = sensorMeaning(field.name) || name;
  const usual = learned === undefined ? '' : bandShort(learned.low, learned.high, unit);
  const should = band === '' ? 'It has no band it must be in.' : `It should be ${band}.`;
  return {
    key: `${channel}.${field.name}`,
    group: groupOf(field),
    name,
    value,
    reading: unit === 'm' && value >= FAR_M ? 'nothing near' : liveReading(value, unit),
    band: bandShort(least, most, unit),
    low: low ?? null,
    high: most ?? null,
    usual,
    standing: standingOf(field, value, learned),
    timeUs,
    about: `${meaning}; from channel ${channel}. ${should}${usual === '' ? '' : ` Usual for this robot: ${usual}.`}`,
  };
}

/** Distances are reported as 1000 m where nothing is there: such a bound is none. */
const FAR_M = 1_000;
const farOff = (high: number | undefined, unit: string): number | undefined =>
  unit === 'm' && high === FAR_M ? undefined : high;

function standingOf({ low, high }: Field, value: number, learned: LearnedBand | undefined): SensorLine['standing'] {
  if (Number.isNaN(value)) return 'no reading';
  if (high !== undefined && value > high) return 'above';
  if (low !== undefined && value < low) return 'below';
  if (learned !== undefined && (value < learned.low || value > learned.high)) return 'unusual';
  return low === undefined && high === undefined ? 'no band' : 'inside';
}

/** By what people call the parts of a robot, from the words of the field's name. */
function groupOf({ name, unit }: Field): SensorGroup {
  const words = fieldWords(name);
  if (/\b(waist|shoulder|elbow|lift|hip|knee|wrist|joint)\b/.test(words)) return 'joints';
  if (/\b(battery|charge)\b/.test(words)) return 'battery';
  if (unit === 'degC') return 'temperatures';
  if (/\b(motor|current|torque)\b/.test(words)) return 'motors';
  if (/\b(x|y|heading|speed|turn|pitch|roll|position)\b/.test(words)) return 'motion';
  return 'senses';
}

export const GROUPS: readonly (readonly [group: SensorGroup, title: string])[] = [
  ['battery', 'Battery'],
  ['temperatures', 'Temperatures'],
  ['motors', 'Motors'],
  ['joints', 'Joints'],
  ['motion', 'Pose and motion'],
  ['senses', 'Senses'],
];
