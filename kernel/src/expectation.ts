import type { Json } from './json.ts';
import type { PromiseMade } from './stimulus.ts';

/** What the world model predicts that a command will have done by `dueUs`. */
export interface Expectation {
  readonly quantities: readonly ExpectedQuantity[];
  /** Agent time at which the comparison is made. */
  readonly dueUs: number;
}

export interface ExpectedQuantity {
  readonly name: string;
  readonly value: number;
  /** Greatest difference, inclusive, that is still as expected. */
  readonly tolerance: number;
  /** True for what holds all the while, and not only at the end: it can be compared when the command is interrupted. */
  readonly throughout?: true;
}

/** A stored expectation, with the decision it belongs to. */
export interface PendingExpectation extends Expectation {
  readonly decisionSequence: number;
  readonly planner: 'primary' | 'secondary' | null;
  readonly command: string;
  readonly madeUs: number;
}

/** The recorded difference between what was expected and what came. */
export type Violation = PhysicalViolation | SocialViolation;

export interface PhysicalViolation {
  readonly kind: 'physical';
  readonly atUs: number;
  readonly decisionSequence: number;
  readonly command: string;
  readonly quantity: string;
  readonly expected: number;
  readonly observed: number;
  readonly tolerance: number;
  readonly planner: 'primary' | 'secondary' | null;
}

/** A peer broke a promise. */
export interface SocialViolation {
  readonly kind: 'social';
  readonly atUs: number;
  readonly peer: string;
  readonly promiseId: string;
  readonly what: string;
  readonly args: Json;
  readonly dueUs: number;
}

export interface PendingPromise extends PromiseMade {
  readonly peer: string;
  readonly madeUs: number;
}

/**
 * Compares what was predicted with what is.
 *
 * @returns the quantities that differ by more than their tolerance, in the expectation's order. An observation that
 * is missing or NaN differs.
 */
export function differences(
  expectation: Expectation,
  observed: Readonly<Record<string, number>>,
): readonly { readonly quantity: ExpectedQuantity; readonly observed: number }[] {
  const found: { quantity: ExpectedQuantity; observed: number }[] = [];
  for (const quantity of expectation.quantities) {
    const seen = observed[quantity.name] ?? Number.NaN;
    if (!(Math.abs(seen - quantity.value) <= quantity.tolerance)) found.push({ quantity, observed: seen });
  }
  return found;
}

/** A promise is judged once it is due, or before if the world model already knows. */
export type PromiseVerdict = 'kept' | 'broken' | 'pending';
