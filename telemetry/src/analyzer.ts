import { RollingMedian } from './rolling-median.ts';

/** One row of one channel, as far as the analyzer looks at it. */
export interface Frame {
  readonly agentId: string;
  readonly channel: string;
  /** Microseconds; any clock that goes forward. Frames are admitted in order, so this is checked elsewhere. */
  readonly timeUs: number | bigint;
  /** NaN: no reading. */
  readonly values: readonly number[];
}

export interface FieldSchema {
  readonly name: string;
  readonly unit: string;
  /** Normal band, inclusive. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  /** Greatest plausible change per second. */
  readonly maxRate?: number | undefined;
  /** A healthy sensor never repeats exactly for longer than this. */
  readonly frozenAfterUs?: number | bigint | undefined;
  /** Learn what is usual. Not for what moves freely, such as a position. */
  readonly learn?: boolean | undefined;
}

export interface ChannelFields {
  readonly channel: string;
  readonly fields: readonly FieldSchema[];
}

/** Two fields of one agent that measure the same thing and must agree. */
export interface CrossCheck {
  readonly id: string;
  readonly a: { readonly channel: string; readonly field: string };
  readonly b: { readonly channel: string; readonly field: string };
  /** Greatest difference, inclusive. */
  readonly tolerance: number;
  /** They may differ for so long before it counts. */
  readonly holdUs: number;
  readonly text: string;
  readonly advice: string;
}

export type FindingKind = 'band' | 'rate' | 'frozen' | 'cross';

/** Something that a person or a rule should know. Repeated about once a second for as long as it stands. */
export interface Finding {
  readonly kind: FindingKind;
  readonly agentId: string;
  readonly channel: string;
  readonly field: string;
  /** 1 info, 2 advisory, 3 warning, 4 critical. */
  readonly level: number;
  readonly text: string;
  readonly advice: string;
}

/** Values that the learned band of a field looks back on. */
const WINDOW = 512;
/** A learned band speaks only after it has seen this many values. */
const WARM_UP = 128;
/** Robust z-score (distance from the median in scaled MADs) at which a value is unusual, and at which it is usual again. */
const UNUSUAL = 9;
const USUAL = 4;
/** A learned band needs so many unusual values in a row: one spike is noise. */
const UNUSUAL_RUN = 3;
/** 1 / 0.6745: makes the MAD of a normal distribution its standard deviation. */
const MAD_TO_SIGMA = 1.4826;
/** Beyond the normal band by this share of its width is a matter for now. */
const FAR_OUT = 0.25;
const REPEAT_US = 1_000_000;

interface FieldState {
  /** Null for a field that has no learned band. */
  readonly window: RollingMedian | null;
  last: number;
  lastUs: number;
  changedUs: number;
  unusualRun: number;
  unusual: boolean;
  /** When each kind was last said. */
  readonly saidUs: Record<FindingKind, number>;
}

/** Everything an analyzer remembers of one agent. Owned by it: pass the latest on, keep no other. */
export interface AnalyzerState {
  /** By channel, in the order of its fields. */
  readonly fields: Map<string, (FieldState | undefined)[]>;
  readonly differsSinceUs: Map<string, number>;
}

/** What the analyzer has learned to be usual for a field, both ends inclusive. */
export interface LearnedBand {
  readonly channel: string;
  readonly field: string;
  readonly low: number;
  readonly high: number;
}

export interface Analyzer {
  initial(): AnalyzerState;
  /** Bands beyond which a reading is unusual, of every field that has been seen long enough. */
  bands(state: AnalyzerState): readonly LearnedBand[];
  analyze(state: AnalyzerState, frame: Frame): { readonly state: AnalyzerState; readonly findings: readonly Finding[] };
}

const NOTHING: readonly Finding[] = [];

/**
 * Watches the channels of one agent: normal bands where the schema has them and learned robust bands everywhere, rate
 * of change, frozen sensors, and fields that must agree with each other.
 */
export function createAnalyzer(channels: readonly ChannelFields[], crossChecks: readonly CrossCheck[] = []): Analyzer {
  const schemas = new Map(channels.map((schema) => [schema.channel, schema.fields]));
  const checksOf = new Map<string, CrossCheck[]>();
  for (const check of crossChecks) {
    for (const channel of new Set([check.a.channel, check.b.channel])) {
      checksOf.set(channel, [...(checksOf.get(channel) ?? []), check]);
    }
  }
  return {
    initial: () => ({ fields: new Map(), differsSinceUs: new Map() }),
    bands: (state) =>
      [...state.fields].flatMap(([channel, memories]) =>
        memories.flatMap((memory, i) => {
          const field = schemas.get(channel)?.[i]?.name ?? '';
          const window = memory?.window ?? null;
          if (window === null || window.count < WARM_UP) return [];
          const reach = UNUSUAL * MAD_TO_SIGMA * window.deviation();
          return [{ channel, field, low: window.median() - reach, high: window.median() + reach }];
        }),
      ),
    analyze: (state, frame) => {
      const fields = schemas.get(frame.channel);
      if (fields === undefined) return { state, findings: NOTHING };
      const atUs = Number(frame.timeUs);
      let findings: Finding[] | null = null;
      const say = (finding: Finding, memory: FieldState): void => {
        if (atUs - memory.saidUs[finding.kind] < REPEAT_US) return;
        memory.saidUs[finding.kind] = atUs;
        findings ??= [];
        findings.push(finding);
      };
      let memories = state.fields.get(frame.channel);
      if (memories === undefined) {
        memories = new Array<FieldState | undefined>(fields.length).fill(undefined);
        state.fields.set(frame.channel, memories);
      }
      for (let i = 0; i < fields.length; i++) {
        const value = frame.values[i] ?? Number.NaN;
        if (!Number.isFinite(value)) continue;
        const field = fields[i] as FieldSchema;
        const memory = memories[i] ?? firstSight(field, value, atUs);
        memories[i] = memory;
        lookAt(frame, field, value, atUs, memory, say);
      }
      for (const check of checksOf.get(frame.channel) ?? []) compare(state, schemas, frame, check, atUs, say);
      return { state, findings: findings ?? NOTHING };
    },
  };
}

type Say = (finding: Finding, memory: FieldState) => void;

function firstSight(field: FieldSchema, value: number, atUs: number): FieldState {
  const never = Number.NEGATIVE_INFINITY;
  return {
    window: field.learn === true ? new RollingMedian(WINDOW) : null,
    last: value,
    lastUs: atUs,
    changedUs: atUs,
    unusualRun: 0,
    unusual: false,
    saidUs: { band: never, rate: never, frozen: never, cross: never },
  };
}

function lookAt(frame: Frame, field: FieldSchema, value: number, atUs: number, memory: FieldState, say: Say): void {
  const { low, high, maxRate, frozenAfterUs } = field;
  if ((low !== undefined && value < low) || (high !== undefined && value > high)) {
    const edge = low !== undefined && value < low ? low : (high as number);
    const far = low !== undefined && high !== undefined && Math.abs(value - edge) > FAR_OUT * (high - low);
    const text = `${field.name} is ${shown(field, value)}, ${value < edge ? 'below' : 'above'} ${shown(field, edge)}`;
    say(
      {
        ...about(frame, field),
        kind: 'band',
        level: far ? 4 : 3,
        text,
        advice: 'Look at the trend and take the agent out of work if it goes on',
      },
      memory,
    );
  } else if (memory.window !== null && unusual(memory, memory.window, value)) {
    const usual = `${shown(field, memory.window.median())} ± ${shown(field, memory.window.deviation() * MAD_TO_SIGMA)}`;
    const text = `${field.name} is ${shown(field, value)}; usual is ${usual}`;
    say(
      {
        ...about(frame, field),
        kind: 'band',
        level: 2,
        text,
        advice: 'Nothing is out of its limits; watch whether it goes on',
      },
      memory,
    );
  }
  const seconds = (atUs - memory.lastUs) / 1e6;
  const rate = seconds > 0 ? Math.abs(value - memory.last) / seconds : 0;
  if (maxRate !== undefined && rate > maxRate) {
    const text = `${field.name} went from ${shown(field, memory.last)} to ${shown(field, value)} in ${seconds.toFixed(2)} s, faster than ${shown(field, maxRate)} a second`;
    say({ ...about(frame, field), kind: 'rate', level: 3, text, advice: 'Check the sensor and its wiring' }, memory);
  }
  if (value !== memory.last) memory.changedUs = atUs;
  if (frozenAfterUs !== undefined && Number(frozenAfterUs) > 0 && atUs - memory.changedUs > Number(frozenAfterUs)) {
    const text = `${field.name} has been exactly ${shown(field, value)} for ${((atUs - memory.changedUs) / 1e6).toFixed(1)} s`;
    say(
      {
        ...about(frame, field),
        kind: 'frozen',
        level: 3,
        text,
        advice: 'The sensor may be stuck: restart it or take the agent out of work',
      },
      memory,
    );
  }
  memory.last = value;
  memory.lastUs = atUs;
}

const about = (frame: Frame, field: FieldSchema) => ({
  agentId: frame.agentId,
  channel: frame.channel,
  field: field.name,
});

const shown = (field: FieldSchema, value: number): string =>
  `${Number(value.toPrecision(4))}${field.unit === '' ? '' : ` ${field.unit}`}`;

/** Judges the value against what came before it, then learns it. */
function unusual(memory: FieldState, window: RollingMedian, value: number): boolean {
  if (window.count >= WARM_UP) {
    const median = window.median();
    const sigma = MAD_TO_SIGMA * window.deviation();
    const z = sigma > 0 ? Math.abs(value - median) / sigma : 0;
    memory.unusualRun = z > UNUSUAL ? memory.unusualRun + 1 : 0;
    if (memory.unusualRun >= UNUSUAL_RUN) memory.unusual = true;
    else if (z < USUAL) memory.unusual = false;
  }
  window.add(value);
  return memory.unusual;
}

type Schemas = ReadonlyMap<string, readonly FieldSchema[]>;

function memoryOf(state: AnalyzerState, schemas: Schemas, side: CrossCheck['a']): FieldState | undefined {
  const index = schemas.get(side.channel)?.findIndex(({ name }) => name === side.field) ?? -1;
  return state.fields.get(side.channel)?.[index];
}

function compare(
  state: AnalyzerState,
  schemas: Schemas,
  frame: Frame,
  check: CrossCheck,
  atUs: number,
  say: Say,
): void {
  const a = memoryOf(state, schemas, check.a);
  const b = memoryOf(state, schemas, check.b);
  if (a === undefined || b === undefined) return;
  if (Math.abs(a.last - b.last) <= check.tolerance) {
    state.differsSinceUs.delete(check.id);
    return;
  }
  const since = state.differsSinceUs.get(check.id) ?? atUs;
  state.differsSinceUs.set(check.id, since);
  if (atUs - since < check.holdUs) return;
  const { channel, field } = check.a;
  const text = `${check.text}: ${Number(a.last.toPrecision(4))} against ${Number(b.last.toPrecision(4))}`;
  say({ kind: 'cross', agentId: frame.agentId, channel, field, level: 3, text, advice: check.advice }, a);
}
