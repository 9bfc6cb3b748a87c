import { type Agent, createAgent, decodeState, step, type TerrainModel } from '@sigma/kernel';
import type { Opening } from '../payload/opening.ts';
import { changedModel } from './change.ts';
import { isWithin, type LostLife } from './lost-life.ts';
import { type Life, LifeReader } from './timeline.ts';

/** What a terrain can measure of a life. */
export interface Gauges {
  /** The model of an opening without its lineage's change, or why there is none here. */
  readonly modelOf: (opening: Opening) => TerrainModel<never> | string;
  /** By name with its unit: what a wake adds, after which so many seconds had passed since the one before. */
  readonly gauges: Readonly<Record<string, (agent: Agent<never>, spanS: number) => number>>;
}

export interface Measured {
  /** Agent time that the life covers within the span, seconds. */
  readonly timeS: number;
  /** By gauge; null where the life cannot be run again here. */
  readonly measured: Readonly<Record<string, number>> | null;
}

/** A time, `untilUs` exclusive, and the stretches of it that do not count, which may be lost to this life or to another. */
export interface MeasuredSpan {
  readonly fromUs: number;
  readonly untilUs: number;
  readonly without: readonly LostLife[];
}

/**
 * Runs a life again and adds up what its gauges say between two moments. Where events were dropped it goes on behind them.
 *
 * @throws MalformedBytesError, StoreError
 */
export async function measureLife(life: Life, { modelOf, gauges }: Gauges, span: MeasuredSpan): Promise<Measured> {
  const timeS = secondsIn(life, span);
  const models = life.pieces.map(({ opening }) => modelHere(opening, modelOf));
  if (models.some((model) => model === null)) return { timeS, measured: null };
  const names = Object.keys(gauges);
  const sums = names.map(() => 0);
  const { fromUs, untilUs, without } = span;
  let reader: LifeReader | null = await LifeReader.open(life, Math.max(0, fromUs - 1));
  for (; reader !== null && (reader.restored?.atUs ?? 0) < untilUs; reader = await reader.behind()) {
    let agent = beginning(reader, models[0] as TerrainModel<never>);
    for (let readUs = fromUs; readUs < untilUs && !reader.done; ) {
      readUs = Math.min(untilUs, Math.max(readUs, agent.wokeUs) + READ_US);
      await reader.fill(readUs);
      for (let wake = reader.next(readUs); wake !== undefined; wake = reader.next(readUs)) {
        const model = models[life.pieces.findLastIndex((piece) => piece.fromUs <= wake.atUs)] ?? models[0];
        const beforeUs = agent.wokeUs;
        agent = step(model as TerrainModel<never>, agent, wake.inbox, wake.atUs).agent;
        if (wake.atUs < fromUs || isWithin(without, wake.atUs)) continue;
        for (const [k, name] of names.entries()) {
          sums[k] = (sums[k] as number) + (gauges[name]?.(agent, (wake.atUs - beforeUs) / 1e6) ?? 0);
        }
      }
    }
  }
  return { timeS, measured: Object.fromEntries(names.map((name, k) => [name, sums[k] as number])) };
}

/** What of a span a life covers, without what does not count. */
function secondsIn({ pieces, endUs }: Life, { fromUs, untilUs, without }: MeasuredSpan): number {
  const [beginUs, lastUs] = [Math.max(fromUs, pieces[0]?.fromUs ?? 0), Math.min(untilUs - 1, endUs)];
  let countedUs = Math.max(0, lastUs - beginUs);
  let leftUs = beginUs;
  for (const lost of without) {
    const toUs = Math.min(lost.untilUs ?? lastUs, lastUs);
    countedUs -= Math.max(0, toUs - Math.max(lost.fromUs, leftUs));
    leftUs = Math.max(leftUs, toUs);
  }
  return countedUs / 1e6;
}

const READ_US = 5_000_000;

function modelHere(opening: Opening, modelOf: Gauges['modelOf']): TerrainModel<never> | null {
  const model = modelOf(opening);
  if (typeof model === 'string') return null;
  return opening.lineage === undefined ? model : changedModel(model, opening.lineage.change);
}

function beginning({ restored, opening }: LifeReader, model: TerrainModel<never>): Agent<never> {
  if (restored !== null) return decodeState(new TextDecoder().decode(restored.state)) as Agent<never>;
  const { source: id, tenant, role, seed, epoch, flags, config, atUs } = opening;
  return createAgent(model, { id, tenant, role, seed, epoch, flags, config, atUs });
}
