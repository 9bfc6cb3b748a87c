import type { Json, Order, TerrainModel } from '@sigma/kernel';
import { MalformedBytesError } from '../wire/wire-reader.ts';

/** What is otherwise in a fork. The policy that follows from it for an agent stands in the agent's opening. */
export interface Change {
  /** In a sentence, for people. */
  readonly what: string;
  /** Agents that it names; empty: all. */
  readonly agents: readonly string[];
  /** `closed`: bodies and sensors were computed on. `open`: the agent was given what was recorded. */
  readonly loop: 'closed' | 'open';
  /**
   * What of the policy is otherwise, in the terms of the terrain; null when nothing is. An agent that it did not touch has no
   * opening in the fork, and lives under it all the same.
   */
  readonly policy: Json | null;
  /** Parameters of the model, by name (see `PARAMETERS`). */
  readonly parameters: Readonly<Record<string, number>>;
  /** Failsafe conditions and reflexes that are left out, by id. */
  readonly without: readonly string[];
  /** Orders that the fork gives by itself, at their moments. */
  readonly orders: readonly PlacedOrder[];
}

export interface PlacedOrder {
  readonly agent: string;
  /** Agent time, microseconds. */
  readonly atUs: number;
  readonly order: Order;
}

export const NO_CHANGE: Change = {
  ...{ what: 'nothing', agents: [], loop: 'open', policy: null },
  ...{ parameters: {}, without: [], orders: [] },
};

/** A parameter that no model has, or a value that it cannot take. */
export class BrokenChangeError extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'BrokenChangeError';
  }
}

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly unit: string;
}

const HOUR_US = 3_600_000_000;
const times = { least: 1, most: 1_000_000, unit: 'times, a whole number' };
const microseconds = { least: 0, most: HOUR_US, unit: 'microseconds, a whole number' };

/** Numbers of a model that a fork may set otherwise: how often its layers run, and when a planner counts as lost. */
export const PARAMETERS: Readonly<Record<string, Bounds>> = {
  'rates.situationEvery': times,
  'rates.supervisionEvery': times,
  'chain.primaryTimeoutUs': microseconds,
  'chain.secondaryTimeoutUs': microseconds,
  'chain.recoverUs': microseconds,
  'chain.strikes': times,
  'chain.strikeWindowUs': microseconds,
  'chain.suspendUs': microseconds,
};

/** @throws BrokenChangeError naming the parameter and what would do */
export function checkParameters(parameters: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(parameters)) {
    const bounds = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    if (bounds === undefined) {
      throw new BrokenChangeError(`there is no parameter '${name}'; known: ${Object.keys(PARAMETERS).join(', ')}`);
    }
    const { least, most, unit } = bounds;
    if (!(Number.isInteger(value) && value >= least && value <= most)) {
      throw new BrokenChangeError(`${name}=${value} cannot be: give ${least} to ${most} ${unit}`);
    }
  }
}

/**
 * The model that a fork ran on: its parameters set, what it leaves out left out. Orders are inputs and no business of it.
 *
 * @throws BrokenChangeError
 */
export function changedModel<World>(model: TerrainModel<World>, change: Change): TerrainModel<World> {
  const { parameters, without } = change;
  checkParameters(parameters);
  if (Object.keys(parameters).length === 0 && without.length === 0) return model;
  const group = (prefix: string): Readonly<Record<string, number>> =>
    Object.fromEntries(
      Object.entries(parameters)
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );
  const stays = ({ id }: { readonly id: string }): boolean => !without.includes(id);
  return {
    ...model,
    rates: { ...model.rates, ...group('rates.') },
    chain: { ...model.chain, ...group('chain.') },
    failsafe: { ...model.failsafe, conditions: model.failsafe.conditions.filter(stays) },
    reflexes: model.reflexes.filter(stays),
  };
}

export const changeToJson = (change: Change): Json => ({ ...change }) as unknown as Json;

/** One from before changes said what they change of the policy says null there. @throws MalformedBytesError when it is no change */
export function changeFromJson(json: Json): Change {
  const change = json as unknown as Change;
  const whole =
    typeof change === 'object' &&
    change !== null &&
    typeof change.what === 'string' &&
    (change.loop === 'open' || change.loop === 'closed') &&
    [change.agents, change.without, change.orders].every(Array.isArray) &&
    typeof change.parameters === 'object';
  if (!whole) throw new MalformedBytesError('the lineage of a fork does not say what was changed');
  return { ...change, policy: change.policy ?? null };
}
