import type { ChannelSchema, TelemetryFrame } from '@sigma/proto';
import { isList } from '../../live/state-channel.ts';

/** Why a frame was turned away. Each is counted, with the first example. */
export type Refusal =
  | 'unknown_agent'
  | 'unknown_channel'
  | 'wrong_length'
  | 'not_a_number'
  | 'out_of_range'
  | 'future'
  | 'out_of_order'
  | 'duplicate'
  | 'old_epoch'
  | 'foreign_source';

export type Verdict =
  | { readonly admitted: true /** Fields without reading (NaN). */; readonly missing: number }
  | { readonly admitted: false; readonly reason: Refusal; readonly detail: string };

/** Clocks of edges may run ahead by so much. */
const FUTURE_TOLERANCE_US = 5_000_000;
const MAX_TIME_US = 253_402_300_800_000_000;

/** What a reading of each unit can physically be, inclusive. A unit that is not here only has to be finite. */
const PHYSICAL: Readonly<Record<string, readonly [low: number, high: number]>> = {
  degC: [-273.15, 3000],
  '°C': [-273.15, 3000],
  K: [0, 4000],
  V: [-100_000, 100_000],
  A: [-100_000, 100_000],
  W: [-1e9, 1e9],
  rad: [-1e6, 1e6],
  'rad/s': [-1e5, 1e5],
  m: [-1e7, 1e7],
  'm/s': [-1000, 1000],
  'm/s2': [-1e5, 1e5],
  'N m': [-1e6, 1e6],
  Pa: [0, 1e10],
  '1': [-1e12, 1e12],
  fraction: [-0.001, 1.001],
};

/** How far one channel of one agent has come. */
interface Progress {
  epoch: number;
  sequence: bigint;
  timeUs: bigint;
}

/** The door of ingest: admits a frame or says why not. Remembers only how far each channel has come. */
export class Gate {
  readonly #channels = new Map<string, ReadonlyMap<string, ChannelSchema>>();
  readonly #progress = new Map<string, Map<string, Progress>>();

  /** The agent may send these channels from now on. */
  know(agentId: string, schemas: Iterable<ChannelSchema>): void {
    this.#channels.set(agentId, new Map([...schemas].map((schema) => [schema.channel, schema])));
  }

  knows(agentId: string): boolean {
    return this.#channels.has(agentId);
  }

  channels(agentId: string): Iterable<ChannelSchema> {
    return this.#channels.get(agentId)?.values() ?? [];
  }

  /** Checks a frame against the schema and what came before it; an admitted one moves the channel on. */
  admit(frame: TelemetryFrame, nowUs: number): Verdict {
    const channels = this.#channels.get(frame.agentId);
    if (channels === undefined)
      return refuse('unknown_agent', `no agent '${frame.agentId.slice(0, 64)}' is known here`);
    const schema = channels.get(frame.channel);
    if (schema === undefined) {
      return refuse('unknown_channel', `'${frame.agentId}' has no channel '${frame.channel.slice(0, 64)}'`);
    }
    const fits = isList(schema)
      ? frame.values.length % schema.fields.length === 0
      : frame.values.length === schema.fields.length;
    if (!fits) {
      const lengths = `${frame.values.length} values for ${schema.fields.length} fields`;
      return refuse('wrong_length', `${nameOf(frame)}: ${lengths}`);
    }
    const time = this.#checkTime(frame, nowUs);
    if (time !== null) return time;
    const values = checkValues(frame, schema);
    if (values.admitted) this.#move(frame);
    return values;
  }

  #checkTime(frame: TelemetryFrame, nowUs: number): Verdict | null {
    const timeUs = Number(frame.timeUs);
    if (timeUs > nowUs + FUTURE_TOLERANCE_US || timeUs > MAX_TIME_US) {
      const ahead = ((timeUs - nowUs) / 1e6).toFixed(1);
      return refuse('future', `${nameOf(frame)}: ${ahead} s ahead of the hub; check the sender's clock`);
    }
    const last = this.#progress.get(frame.agentId)?.get(frame.channel);
    if (last === undefined || frame.epoch > last.epoch) return null;
    if (frame.epoch < last.epoch)
      return refuse('old_epoch', `${nameOf(frame)}: epoch ${frame.epoch} ended, ${last.epoch} runs`);
    if (frame.sequence === last.sequence) return refuse('duplicate', `${nameOf(frame)} came before`);
    if (frame.sequence < last.sequence) return refuse('out_of_order', `${nameOf(frame)} after ${last.sequence}`);
    if (frame.timeUs < last.timeUs)
      return refuse('out_of_order', `${nameOf(frame)}: its time lies before that of ${last.sequence}`);
    return null;
  }

  #move(frame: TelemetryFrame): void {
    let channels = this.#progress.get(frame.agentId);
    if (channels === undefined) {
      channels = new Map();
      this.#progress.set(frame.agentId, channels);
    }
    const progress = channels.get(frame.channel);
    if (progress === undefined) {
      channels.set(frame.channel, { epoch: frame.epoch, sequence: frame.sequence, timeUs: frame.timeUs });
      return;
    }
    progress.epoch = frame.epoch;
    progress.sequence = frame.sequence;
    progress.timeUs = frame.timeUs;
  }
}

const refuse = (reason: Refusal, detail: string): Verdict => ({ admitted: false, reason, detail });

/** What a refusal calls a frame. */
const nameOf = (frame: TelemetryFrame): string => `${frame.agentId}/${frame.channel} sequence ${frame.sequence}`;

const NONE_MISSING: Verdict = { admitted: true, missing: 0 };

const FINITE = [-Number.MAX_VALUE, Number.MAX_VALUE] as const;
const rangeOf = (unit: string): readonly [number, number] =>
  Object.hasOwn(PHYSICAL, unit) ? (PHYSICAL[unit] as readonly [number, number]) : FINITE;

/** Lowest and highest reading of each field, one after the other. */
const bounds = new WeakMap<ChannelSchema, Float64Array>();

function boundsOf(schema: ChannelSchema): Float64Array {
  const known = bounds.get(schema);
  if (known !== undefined) return known;
  const ranges = schema.fields.flatMap(({ unit }) => rangeOf(unit));
  const found = Float64Array.from(ranges);
  bounds.set(schema, found);
  return found;
}

function checkValues(frame: TelemetryFrame, schema: ChannelSchema): Verdict {
  const range = boundsOf(schema);
  const { values } = frame;
  let missing = 0;
  for (let k = 0, at = 0; k < values.length; k++, at += 2) {
    if (at === range.length) at = 0;
    const value = values[k] as number;
    if (value >= (range[at] as number) && value <= (range[at + 1] as number)) continue;
    if (Number.isNaN(value)) missing++;
    else return blame(frame, value, schema.fields[at / 2] as ChannelSchema['fields'][number]);
  }
  return missing === 0 ? NONE_MISSING : { admitted: true, missing };
}

function blame(frame: TelemetryFrame, value: number, { name, unit }: ChannelSchema['fields'][number]): Verdict {
  if (!Number.isFinite(value)) return refuse('not_a_number', `${nameOf(frame)}: ${name} is ${value}`);
  const [low, high] = rangeOf(unit);
  return refuse('out_of_range', `${nameOf(frame)}: ${name} is ${value} ${unit}, beyond ${low} to ${high}`);
}
