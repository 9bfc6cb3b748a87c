import type { ChannelSchema, Field, TelemetryFrame } from '@sigma/proto';
import { fieldWords, reading } from '../../words/quantities.ts';

export interface SensorLine {
  readonly key: string;
  readonly name: string;
  readonly reading: string;
  readonly band: string;
  readonly standing: 'inside' | 'above' | 'below' | 'no band' | 'no reading';
}

/** A channel with more fields than this is a picture (a scan), not a list of readings. */
const FIELDS_AT_MOST = 40;

/**
 * One line a field of the newest frame of each channel; fields outside their band come first, then those with a band.
 * A frame whose channel has no schema, or another number of fields, is left out: unnamed numbers mislead.
 */
export function sensorLines(frames: readonly TelemetryFrame[], schemas: readonly ChannelSchema[]): SensorLine[] {
  const newest = new Map<string, TelemetryFrame>();
  for (const frame of frames) {
    const known = newest.get(frame.channel);
    if (known === undefined || known.sequence < frame.sequence) newest.set(frame.channel, frame);
  }
  const lines: SensorLine[] = [];
  for (const { channel, fields } of schemas) {
    const frame = newest.get(channel);
    if (frame === undefined || fields.length > FIELDS_AT_MOST || fields.length !== frame.values.length) continue;
    fields.forEach((field, k) => {
      lines.push(lineOf(channel, field, frame.values[k] as number));
    });
  }
  return lines.sort((a, b) => RANK[a.standing] - RANK[b.standing]);
}

const RANK: Readonly<Record<SensorLine['standing'], number>> = {
  above: 0,
  below: 0,
  'no reading': 1,
  inside: 2,
  'no band': 3,
};

function lineOf(channel: string, field: Field, value: number): SensorLine {
  const { low, high } = field;
  const standing = Number.isNaN(value)
    ? 'no reading'
    : high !== undefined && value > high
      ? 'above'
      : low !== undefined && value < low
        ? 'below'
        : low === undefined && high === undefined
          ? 'no band'
          : 'inside';
  return {
    key: `${channel}.${field.name}`,
    name: fieldWords(field.name),
    reading: reading(value, field.unit),
    band: bandWords(field),
    standing,
  };
}

function bandWords({ low, high, unit }: Field): string {
  if (low !== undefined && high !== undefined) return `${reading(low, unit)} to ${reading(high, unit)}`;
  if (high !== undefined) return `at most ${reading(high, unit)}`;
  return low === undefined ? '' : `at least ${reading(low, unit)}`;
}
