import {
  AUTHORITIES,
  type Command,
  type Decision,
  intersect,
  NO_RESTRICTION,
  type Restriction,
  type RestrictionProposal,
} from '@sigma/kernel';
import fc from 'fast-check';

/** Records with the prototype that decoded values have. */
const record = <T>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

const double = fc.oneof(fc.double(), fc.constantFrom(-0, 0, Number.NaN, Number.NEGATIVE_INFINITY, 5e-324));
const count = fc.oneof(fc.nat(), fc.maxSafeNat());
const text = fc.oneof(fc.string(), fc.constantFrom('', 'Straße 東京 🤖', 'x'.repeat(300)));
const name = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('speedMps', '__proto__', '7'));
const textOrNull = fc.option(fc.string({ minLength: 1 }), { nil: null });

const command: fc.Arbitrary<Command> = record({
  action: fc.boolean(),
  name: text,
  params: fc.array(fc.tuple(name, fc.oneof(double, text, fc.boolean())), { maxLength: 4 }).map(Object.fromEntries),
  us: count,
  id: text,
  key: text,
}).map(({ action, name, params, us, id, key }) =>
  action
    ? { kind: 'action', name, params, id, idempotencyKey: key, deadlineUs: us }
    : { kind: 'setpoint', name, params, durationUs: us },
);

const base = {
  source: text,
  authority: fc.constantFrom(...AUTHORITIES),
  severity: double,
  priority: double,
  sequence: count,
  rationale: text,
  confidence: double,
  ruleHash: textOrNull,
};
const commandProposal = record({ ...base, type: fc.constant('command' as const), command });
const restriction: fc.Arbitrary<Restriction> = record({
  atMost: fc.array(fc.tuple(name, double), { maxLength: 3 }).map(Object.fromEntries),
  forbid: fc.array(text, { maxLength: 3 }),
});
const restrictionProposal: fc.Arbitrary<RestrictionProposal> = record({
  ...base,
  type: fc.constant('restriction' as const),
  restriction,
});

/** Decisions with everything that can stand in one. */
export const anyDecision: fc.Arbitrary<Decision> = record({
  sequence: count,
  atUs: count,
  context: record({ epoch: fc.nat(), inputSequence: count, policyHash: text }),
  chosen: fc.option(commandProposal, { nil: null }),
  command,
  rationale: text,
  confidence: double,
  rejected: fc.array(
    record({
      proposal: commandProposal,
      reason: fc.constantFrom('older' as const, 'lower_authority' as const, 'malformed' as const),
      by: text,
    }),
    { maxLength: 3 },
  ),
  restrictions: fc.array(restrictionProposal, { maxLength: 3 }),
  clamped: fc.array(record({ param: text, from: double, to: double }), { maxLength: 2 }),
  forbiddenBy: textOrNull,
  taskId: textOrNull,
  plan: fc.option(record({ revision: count, from: fc.constantFrom('primary' as const, 'secondary' as const) }), {
    nil: null,
  }),
  planBasis: fc.option(record({ epoch: fc.nat(), inputSequence: count }), { nil: null }),
}).map(({ plan, ...decision }) => ({
  ...decision,
  authority: decision.chosen?.authority ?? 'rest',
  restriction: decision.restrictions.reduce((all, { restriction }) => intersect(all, restriction), NO_RESTRICTION),
  planRevision: plan?.revision ?? null,
  planner: plan?.from ?? null,
}));
