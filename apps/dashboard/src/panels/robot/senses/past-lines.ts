import { create } from '@bufbuild/protobuf';
import { ChannelSchemaSchema, TelemetryFrameSchema } from '@sigma/proto';
import type { EvidenceReading } from '../../decisions/evidence/evidence-words.ts';
import { type SensorLine, sensorLines } from '../sensor-lines.ts';

/** The channel in which a robot reports its own state: live and past readings bear the same keys. */
const CHANNEL = 'state';

/** Readings of a moment (microseconds since 1970) as the live board shows them, each with its band. */
export function pastLines(readings: readonly EvidenceReading[], sensedUs: number): SensorLine[] {
  const fields = readings.map(({ name, unit, low, high }) => ({
    name,
    unit,
    ...(low === null ? {} : { low }),
    ...(high === null ? {} : { high }),
  }));
  const values = readings.map(({ value }) => value);
  const frame = create(TelemetryFrameSchema, { channel: CHANNEL, values, timeUs: BigInt(Math.round(sensedUs)) });
  return sensorLines([frame], [create(ChannelSchemaSchema, { channel: CHANNEL, fields })]);
}
