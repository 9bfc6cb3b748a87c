import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeState } from '@sigma/kernel';
import fc from 'fast-check';
import { anyDecision } from '../testing/decisions.ts';
import { decisionBody } from './decision-body.ts';

const told = (body: () => string): string => {
  try {
    return body();
  } catch (error) {
    return (error as Error).name;
  }
};

test('[R160] the body of a decision is the state of it, byte for byte, whatever stands in it', () => {
  fc.assert(
    fc.property(anyDecision, (decision) => {
      assert.equal(
        told(() => decisionBody(decision)),
        told(() => encodeState(decision)),
      );
    }),
    { seed: 20260322, numRuns: 1_000 },
  );
});
