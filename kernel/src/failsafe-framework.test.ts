import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Command } from './command.ts';
import { NO_RESTRICTION } from './command.ts';
import type {
  ClearCondition,
  FailsafeAction,
  FailsafeCatalogue,
  FailsafeCondition,
  FailsafeState,
} from './failsafe.ts';
import {
  catalogueFaults,
  type FailsafeUpdate,
  findAction,
  type Interventions,
  initialFailsafe,
  NO_INTERVENTION,
  UnknownFailsafeActionError,
  updateFailsafe,
} from './failsafe-framework.ts';
import type { Situation } from './model.ts';

const S = 1_000_000;
const MS = 1000;

/** A vehicle reduced to its failures: the set of conditions that hold, and the actions that cannot run. */
interface Vehicle {
  readonly failures: ReadonlySet<string>;
  readonly unable: ReadonlySet<string>;
}

const command = (name: string): Command => ({ kind: 'setpoint', name, params: {}, durationUs: S });

const action = (
  id: string,
  severity: number,
  more: Partial<FailsafeAction<Vehicle>> = {},
): FailsafeAction<Vehicle> => ({
  id,
  severity,
  command: command(id),
  restriction: null,
  stopCategory: null,
  broadcast: false,
  canRun: ({ world }) => !world.unable.has(id),
  degradesTo: null,
  ...more,
});

const condition = (
  id: string,
  asks: string,
  more: Partial<FailsafeCondition<Vehicle>> = {},
): FailsafeCondition<Vehicle> => ({
  id,
  action: asks,
  cause: `${id} failed`,
  advice: '',
  holds: ({ world }) => world.failures.has(id),
  clear: 'when_clears',
  holdDelayUs: 5 * S,
  takeover: 'after_hold',
  deferrable: true,
  ...more,
});

const slow = { atMost: { speedMps: 0.3 }, forbid: [] };

const catalogue: FailsafeCatalogue<Vehicle> = {
  actions: [
    action('warn', 1, { command: null, broadcast: true }),
    action('slow', 2, { command: null, restriction: slow }),
    action('hold', 10),
    action('return', 20, { degradesTo: 'park' }),
    action('park', 30, { degradesTo: 'cutoff', restriction: { atMost: { speedMps: 0.5 }, forbid: ['name:lift'] } }),
    action('cutoff', 90),
    action('brakes', 100),
  ],
  conditions: [
    condition('operator_link', 'return', { clear: 'on_mode_change' }),
    condition('hub_link', 'park'),
    condition('battery', 'return'),
    condition('wind', 'return', { holdDelayUs: 0, takeover: 'never' }),
    condition('planner', 'warn'),
    condition('floor', 'slow'),
    condition('hatch', 'hold', { clear: 'on_acknowledge' }),
    condition('motor', 'cutoff', { clear: 'on_reset', holdDelayUs: 0, takeover: 'never', deferrable: false }),
    condition('fire', 'brakes', { clear: 'never', holdDelayUs: 0, takeover: 'never', deferrable: false }),
  ],
  hold: 'hold',
  mechanical: 'brakes',
  deferLimitUs: 10 * S,
};

/** A story: conditions come and go, people intervene, time passes only where the story says so. */
class Story {
  atUs = 0;
  state: FailsafeState;
  last: FailsafeUpdate | null = null;
  readonly failures = new Set<string>();
  readonly unable = new Set<string>();
  leaseHeld = false;
  readonly #catalogue;

  constructor(use: FailsafeCatalogue<Vehicle> = catalogue) {
    this.#catalogue = use;
    this.state = initialFailsafe(0);
    this.pass(0);
  }

  fails(...ids: string[]): this {
    for (const id of ids) this.failures.add(id);
    return this.pass(10 * MS);
  }

  recovers(...ids: string[]): this {
    for (const id of ids) this.failures.delete(id);
    return this.pass(10 * MS);
  }

  cannot(...ids: string[]): this {
    for (const id of ids) this.unable.add(id);
    return this;
  }

  pass(us: number, people: Partial<Interventions> = {}, ruled: Parameters<typeof updateFailsafe>[3] = []): this {
    this.atUs += us;
    const world = { failures: new Set(this.failures), unable: new Set(this.unable) };
    const situation = { atUs: this.atUs, world } as unknown as Situation<Vehicle>;
    const interventions = { ...NO_INTERVENTION, leaseHeld: this.leaseHeld, ...people };
    this.last = updateFailsafe(this.#catalogue, this.state, situation, ruled, interventions);
    this.state = this.last.state;
    return this;
  }

  get selected(): string | null {
    return this.state.selected;
  }

  get commands(): string[] {
    return (this.last?.proposals ?? []).flatMap((proposal) =>
      proposal.type === 'command' ? [proposal.command.name] : [],
    );
  }

  get restrictions(): string[] {
    return (this.last?.proposals ?? []).flatMap((proposal) =>
      proposal.type === 'restriction' ? [proposal.source] : [],
    );
  }

  changes(): string[] {
    return (this.last?.events ?? []).flatMap((event) =>
      event.type === 'failsafe' ? [`${event.change} ${event.entry?.condition ?? event.selected ?? 'none'}`] : [],
    );
  }
}

test('[K62] operator link lost: hold first, return after the delay; worse comes, worse goes; a mode change ends it', () => {
  const story = new Story();
  assert.equal(story.selected, null);
  story.fails('operator_link');
  assert.equal(story.selected, 'hold');
  assert.deepEqual(story.commands, ['hold']);
  assert.deepEqual(story.changes(), ['raised operator_link', 'selected operator_link']);
  story.pass(4 * S);
  assert.equal(story.selected, 'hold');
  story.pass(1 * S);
  assert.equal(story.selected, 'return');
  story.fails('hub_link').pass(5 * S);
  assert.equal(story.selected, 'park', 'the hub is gone as well');
  story.recovers('hub_link');
  assert.equal(story.selected, 'return');
  story.recovers('operator_link').pass(60 * S);
  assert.equal(story.selected, 'return', 'clears on a mode change only');
  story.pass(10 * MS, { modeChanged: true });
  assert.equal(story.selected, null);
  assert.deepEqual(story.changes(), ['cleared operator_link', 'selected none']);
});

test('[K61] a mode change does not end what is still there', () => {
  const story = new Story().fails('operator_link').pass(6 * S, { modeChanged: true });
  assert.equal(story.selected, 'return');
});

test('[K64] takeover: denied during the hold, granted after it, ended by the lease', () => {
  const story = new Story();
  story.leaseHeld = true;
  story.fails('battery').pass(3 * S, { takeoverAsked: true });
  assert.equal(story.selected, 'hold', 'denied while the delay runs');
  story.pass(3 * S);
  assert.equal(story.selected, 'return');
  story.pass(10 * MS, { takeoverAsked: true });
  assert.equal(story.selected, null);
  assert.equal(story.state.takeover, true);
  story.pass(10 * MS);
  assert.equal(story.state.takeover, true, 'it lasts without being asked again');
  story.leaseHeld = false;
  story.pass(10 * MS);
  assert.equal(story.selected, 'return', 'the lease is gone, the failsafe is back');
});

test('[K64] takeover needs the lease, and is denied where an entry never allows it', () => {
  const story = new Story().fails('battery').pass(6 * S, { takeoverAsked: true });
  assert.equal(story.selected, 'return', 'no lease');
  story.leaseHeld = true;
  story.fails('wind').pass(10 * MS, { takeoverAsked: true });
  assert.equal(story.selected, 'return', 'wind never allows it');
  assert.equal(story.state.takeover, false);
});

test('[K64] a new failure that stops ends a takeover; one that only warns does not', () => {
  const story = new Story();
  story.leaseHeld = true;
  story.fails('battery').pass(6 * S, { takeoverAsked: true });
  assert.equal(story.state.takeover, true);
  story.fails('planner');
  assert.equal(story.state.takeover, true);
  story.fails('hub_link');
  assert.equal(story.state.takeover, false);
  assert.equal(story.selected, 'return', 'battery had its hold; the hub is still in its own');
});

test('[K64] a warning does not restrict takeover, and takeover ends with the last entry', () => {
  const story = new Story();
  story.leaseHeld = true;
  story.fails('planner', 'battery').pass(6 * S, { takeoverAsked: true });
  assert.equal(story.state.takeover, true);
  story.recovers('planner', 'battery');
  assert.equal(story.state.takeover, false);
  story.fails('battery').pass(6 * S);
  assert.equal(story.selected, 'return', 'the next time it must be taken over anew');
});

test('[K64] takeover allowed at once where the entry says so', () => {
  const conditions = catalogue.conditions.map((entry) => ({ ...entry, takeover: 'allowed' as const }));
  const story = new Story({ ...catalogue, conditions });
  story.leaseHeld = true;
  story.fails('battery').pass(1 * S, { takeoverAsked: true });
  assert.equal(story.state.takeover, true);
});

test('[K61] [K64] what never clears is final: no takeover, no acknowledge, no reset, no mode change', () => {
  const story = new Story();
  story.leaseHeld = true;
  story.fails('fire').recovers('fire');
  story.pass(10 * MS, {
    takeoverAsked: true,
    acknowledgedBy: 'ann',
    resetBy: 'ann',
    modeChanged: true,
    deferForUs: 9 * S,
  });
  assert.equal(story.selected, 'brakes');
});

test('[K63] an action that cannot run degrades to a more severe one, at last to the mechanical end', () => {
  const story = new Story().fails('wind');
  assert.equal(story.selected, 'return');
  story.cannot('return').pass(10 * MS);
  assert.equal(story.selected, 'park');
  assert.ok(story.restrictions.includes('failsafe:wind:park'), 'the degraded action brings its own bounds');
  story.cannot('park').pass(10 * MS);
  assert.equal(story.selected, 'cutoff');
  story.cannot('cutoff', 'brakes').pass(10 * MS);
  assert.equal(story.selected, 'brakes', 'the mechanical action is never asked whether it can');
});

test('[K62] [K63] a hold that cannot run degrades too', () => {
  const story = new Story().cannot('hold').fails('battery');
  assert.equal(story.selected, 'brakes');
});

test('[K64] a degraded action can be taken over like the one it stands for', () => {
  const story = new Story();
  story.leaseHeld = true;
  story
    .cannot('return')
    .fails('battery')
    .pass(6 * S);
  assert.equal(story.selected, 'park');
  story.pass(10 * MS, { takeoverAsked: true });
  assert.equal(story.state.takeover, true);
});

test('[K62] no delay for a warning, for a restriction, nor for hold itself', () => {
  const story = new Story().fails('planner');
  assert.equal(story.selected, 'warn');
  assert.deepEqual(story.commands, []);
  story.fails('floor');
  assert.equal(story.selected, 'slow');
  assert.deepEqual(story.restrictions, ['failsafe:floor']);
  story.fails('hatch');
  assert.equal(story.selected, 'hold');
  assert.equal(
    story.state.entries.every(({ holding }) => !holding),
    true,
  );
});

test('[K62] the delay shrinks while used and regrows at a quarter of the pace, so toggling ends in the action', () => {
  const story = new Story().fails('battery').pass(3 * S);
  assert.equal(story.state.delayLeftUs.battery, 2 * S);
  story.recovers('battery').pass(2 * S);
  assert.equal(story.selected, null);
  assert.equal(story.state.delayLeftUs.battery, 2 * S + (2 * S + 10 * MS) / 4);
  story.fails('battery').pass(2.5 * S);
  assert.equal(story.selected, 'hold');
  story.pass(10 * MS);
  assert.equal(story.selected, 'return', 'five seconds in all, though interrupted');
  story.recovers('battery').pass(30 * S);
  assert.deepEqual(story.state.delayLeftUs, {}, 'regrown');
});

test('[K62] a delay that is used up stays used up while the condition stands', () => {
  const story = new Story().fails('battery').pass(60 * S);
  assert.equal(story.selected, 'return');
  assert.equal(story.state.delayLeftUs.battery, 0);
  story.recovers('battery').fails('battery');
  assert.equal(story.state.entries[0]?.holding, true, 'five milliseconds have regrown');
  story.pass(10 * MS);
  assert.equal(story.selected, 'return');
});

test('[K62] a delay does not regrow while its condition stands', () => {
  const story = new Story()
    .fails('battery')
    .pass(60 * S)
    .pass(60 * S);
  assert.equal(story.state.delayLeftUs.battery, 0);
});

test('[K65] the end of a deferral is the first moment at which the action is in force', () => {
  const story = new Story()
    .fails('planner')
    .recovers('planner')
    .pass(10 * MS, { deferForUs: 6 * S });
  const untilUs = story.state.deferUntilUs ?? assert.fail();
  story.fails('wind');
  story.pass(untilUs - story.atUs - 1);
  assert.equal(story.selected, null);
  story.pass(1);
  assert.equal(story.selected, 'return');
  assert.equal(story.state.selectedBy, 'wind');
});

test('[K65] [K61] what outlives its deferral waits for its own clear condition', () => {
  const story = new Story()
    .pass(10 * MS, { deferForUs: 1 * S })
    .fails('operator_link')
    .pass(2 * S)
    .recovers('operator_link');
  assert.equal(story.state.entries[0]?.present, false);
  const undeferrable = new Story()
    .pass(10 * MS, { deferForUs: 9 * S })
    .fails('motor')
    .recovers('motor');
  assert.equal(undeferrable.selected, 'cutoff');
});

test('[K60] what is in force says who asked for it', () => {
  const story = new Story().fails('wind', 'motor');
  assert.equal(story.state.selectedBy, 'motor');
  assert.equal(
    story
      .recovers('motor')
      .pass(10 * MS, { acknowledgedBy: 'ann' })
      .pass(10 * MS, { resetBy: 'ann' }).state.selectedBy,
    'wind',
  );
});

test('[K60] an unknown action is named in words', () => {
  assert.throws(
    () => findAction(catalogue, 'fly'),
    /UnknownFailsafeActionError: Failsafe action 'fly' is not in the terrain's catalogue/,
  );
});

test('[K61] on_acknowledge: the condition must be gone and a person must have seen it, in either order', () => {
  const first = new Story().fails('hatch').recovers('hatch');
  assert.equal(first.selected, 'hold');
  assert.equal(first.state.entries[0]?.present, false);
  first.pass(10 * MS, { acknowledgedBy: 'ann' });
  assert.equal(first.selected, null);
  const second = new Story().fails('hatch').pass(10 * MS, { acknowledgedBy: 'ann' });
  assert.equal(second.selected, 'hold', 'acknowledged is not resolved');
  assert.deepEqual(second.changes(), ['acknowledged hatch']);
  second.recovers('hatch');
  assert.equal(second.selected, null);
});

test('[K61] [K68] on_reset: gone, acknowledged, then reset; nothing less restarts it', () => {
  const story = new Story().fails('motor').recovers('motor');
  story.pass(10 * MS, { resetBy: 'ann' });
  assert.equal(story.selected, 'cutoff', 'reset without acknowledge');
  story.pass(10 * MS, { acknowledgedBy: 'ann' });
  assert.equal(story.selected, 'cutoff', 'acknowledge without reset');
  story.pass(10 * MS, { modeChanged: true });
  assert.equal(story.selected, 'cutoff');
  story.pass(10 * MS, { resetBy: 'bob' });
  assert.equal(story.selected, null);
});

test('[K61] a reset while the condition stands does nothing, then or later', () => {
  const story = new Story()
    .fails('motor')
    .pass(10 * MS, { acknowledgedBy: 'ann' })
    .pass(10 * MS, { resetBy: 'ann' });
  assert.equal(story.selected, 'cutoff');
  story.recovers('motor').pass(10 * S);
  assert.equal(story.selected, 'cutoff');
});

test('[K61] a condition that comes back must be acknowledged anew', () => {
  const story = new Story()
    .fails('motor')
    .pass(10 * MS, { acknowledgedBy: 'ann' })
    .recovers('motor')
    .fails('motor')
    .recovers('motor');
  assert.equal(story.state.entries[0]?.acknowledgedBy, null);
  story.pass(10 * MS, { resetBy: 'ann' });
  assert.equal(story.selected, 'cutoff');
});

test('[K61] the second to acknowledge is recorded too; the same person twice is not news', () => {
  const story = new Story().fails('motor').pass(10 * MS, { acknowledgedBy: 'ann' });
  assert.deepEqual(story.changes(), ['acknowledged motor']);
  story.pass(10 * MS, { acknowledgedBy: 'ann' });
  assert.deepEqual(story.changes(), []);
  story.pass(10 * MS, { acknowledgedBy: 'bob' });
  assert.deepEqual(story.changes(), ['acknowledged motor']);
});

test('[K65] deferral: nothing is done for its time, then the action comes with its hold delay', () => {
  const story = new Story().pass(10 * MS, { deferForUs: 6 * S });
  story.fails('hub_link');
  assert.equal(story.selected, null);
  story.pass(5 * S);
  assert.equal(story.selected, null);
  story.pass(1 * S);
  assert.equal(story.selected, 'park', 'the delay ran while deferred');
  story.pass(10 * MS, { deferForUs: 6 * S });
  assert.equal(story.selected, 'park', 'no second deferral while the entry stands');
  story.recovers('hub_link').pass(10 * MS);
  assert.equal(story.state.deferUntilUs, null);
});

test('[K65] a deferral is capped by the catalogue', () => {
  const story = new Story().pass(10 * MS, { deferForUs: 999 * S }).fails('battery');
  assert.equal(story.state.deferUntilUs, 10 * MS + 10 * S);
  story.pass(10 * S);
  assert.equal(story.selected, 'return');
});

test('[K65] what comes and goes while deferred leaves nothing behind', () => {
  const story = new Story()
    .pass(10 * MS, { deferForUs: 9 * S })
    .fails('operator_link')
    .recovers('operator_link');
  assert.deepEqual(story.state.entries, []);
  story.pass(20 * S);
  assert.equal(story.selected, null);
  assert.equal(story.state.deferUntilUs, null);
});

test('[K65] one entry that cannot be deferred ends the deferral of all', () => {
  const story = new Story().pass(10 * MS, { deferForUs: 9 * S }).fails('wind');
  assert.equal(story.selected, null);
  story.fails('motor');
  assert.equal(story.selected, 'cutoff');
});

test('[K66] restrictions hold during hold, under takeover and deferral, and when another action is selected', () => {
  const story = new Story();
  story.leaseHeld = true;
  story.fails('floor', 'hub_link');
  assert.equal(story.selected, 'hold');
  assert.deepEqual(story.restrictions, ['failsafe:hub_link', 'failsafe:floor']);
  story.pass(6 * S, { takeoverAsked: true });
  assert.equal(story.state.takeover, true);
  assert.deepEqual(story.restrictions, ['failsafe:hub_link', 'failsafe:floor']);
  const deferred = new Story().pass(10 * MS, { deferForUs: 9 * S }).fails('floor');
  assert.deepEqual(deferred.restrictions, ['failsafe:floor']);
  assert.equal(deferred.selected, null);
});

test('[K67] a rule that fires raises its action as an entry of its own, which nobody takes over or defers', () => {
  const ruled = [{ rule: 'aisle-4', hash: 'h', action: 'park', rationale: 'nobody in aisle 4' }];
  const story = new Story();
  story.leaseHeld = true;
  story.pass(10 * MS, { deferForUs: 9 * S, takeoverAsked: true }, ruled);
  assert.equal(story.selected, 'park');
  assert.equal(story.state.entries[0]?.condition, 'rule:aisle-4');
  assert.equal(story.state.entries[0]?.cause, 'nobody in aisle 4');
  story.pass(10 * MS, { takeoverAsked: true }, ruled);
  assert.equal(story.state.takeover, false);
  story.pass(10 * MS);
  assert.equal(story.selected, null);
});

test('[K67] a rule that asks for an action nobody has is a broken assumption, named', () => {
  const ruled = [{ rule: 'x', hash: 'h', action: 'fly', rationale: '' }];
  assert.throws(
    () => new Story().pass(10 * MS, {}, ruled),
    (error) => error instanceof UnknownFailsafeActionError && error.action === 'fly',
  );
});

test('[K60] broadcast actions are announced when they are raised, once', () => {
  const story = new Story().fails('planner');
  assert.deepEqual(
    story.last?.broadcasts.map(({ id }) => id),
    ['warn'],
  );
  story.pass(10 * MS);
  assert.deepEqual(story.last?.broadcasts, []);
});

test('[K60] proposals carry authority, severity and cause', () => {
  const proposals = new Story().fails('motor').last?.proposals ?? [];
  assert.equal(proposals.length, 1);
  const { source, authority, severity, rationale, confidence, priority, sequence, ruleHash } =
    proposals[0] ?? assert.fail();
  assert.deepEqual(
    { source, authority, severity, rationale, confidence, priority, sequence, ruleHash },
    {
      source: 'failsafe:cutoff',
      authority: 'safety',
      severity: 90,
      rationale: 'motor failed',
      confidence: 1,
      priority: 0,
      sequence: 0,
      ruleHash: null,
    },
  );
});

test('[K60] quiet costs nothing: without entries nothing is said and nothing changes but the time', () => {
  const story = new Story().pass(1 * S).pass(1 * S);
  assert.deepEqual(story.state, { ...initialFailsafe(0), updatedUs: 2 * S });
  assert.deepEqual(story.last?.proposals, []);
  assert.deepEqual(story.last?.events, []);
});

test('[K60] hysteresis: a condition is told whether its entry is present', () => {
  const told: boolean[] = [];
  const conditions = [
    condition('battery', 'hold', {
      clear: 'on_acknowledge',
      holds: ({ world }, active) => {
        told.push(active);
        return world.failures.has('battery');
      },
    }),
  ];
  const story = new Story({ ...catalogue, conditions });
  story
    .fails('battery')
    .pass(10 * MS)
    .recovers('battery')
    .pass(10 * MS);
  assert.deepEqual(told, [false, false, true, true, false]);
});

test('[K60] [K16] [L1] every set of failures: the most severe of what is asked is in force, and one failure more never makes it milder', () => {
  const ids = catalogue.conditions.map(({ id }) => id);
  const severity = (id: string | null): number => (id === null ? 0 : findAction(catalogue, id).severity);
  const settled = (failures: readonly string[]): Story => new Story().fails(...failures).pass(20 * S);
  for (let set = 0; set < 1 << ids.length; set++) {
    const failures = ids.filter((_, i) => (set >> i) & 1);
    const story = settled(failures);
    const asked = failures.map((id) => catalogue.conditions.find((entry) => entry.id === id)?.action ?? null);
    assert.equal(severity(story.selected), Math.max(0, ...asked.map(severity)), failures.join());
    const bounds = story.last?.proposals.filter(({ type }) => type === 'restriction').length;
    assert.equal(bounds, asked.filter((id) => id !== null && findAction(catalogue, id).restriction !== null).length);
    for (const more of ids) {
      if (!failures.includes(more))
        assert.ok(severity(settled([...failures, more]).selected) >= severity(story.selected));
    }
  }
});

test('[K60] [K63] property: whatever happens, the action in force can run or is the mechanical one, and restrictions never vanish', () => {
  const ids = catalogue.conditions.map(({ id }) => id);
  const move = fc.record({
    failures: fc.subarray(ids),
    unable: fc.subarray(['return', 'park', 'cutoff', 'hold']),
    us: fc.integer({ min: 1, max: 4 * S }),
    people: fc.record({
      acknowledgedBy: fc.constantFrom(null, 'ann'),
      resetBy: fc.constantFrom(null, 'ann'),
      modeChanged: fc.boolean(),
      takeoverAsked: fc.boolean(),
      leaseHeld: fc.boolean(),
      deferForUs: fc.constantFrom(null, 3 * S),
    }),
  });
  fc.assert(
    fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
      const story = new Story();
      let fire = false;
      for (const { failures, unable, us, people } of moves) {
        story.failures.clear();
        story.unable.clear();
        story.cannot(...unable);
        for (const id of failures) story.failures.add(id);
        fire ||= failures.includes('fire');
        story.pass(us, people);
        const { selected, entries, takeover } = story.state;
        assert.ok(selected === null || selected === 'brakes' || !story.unable.has(selected));
        assert.ok(
          failures.every((id) => entries.some(({ condition: of }) => of === id)),
          'a failure without entry',
        );
        if (fire) assert.equal(selected, 'brakes', 'fire is final');
        if (failures.includes('motor') || failures.includes('wind')) assert.equal(takeover, false);
        if (failures.includes('motor')) assert.ok(['cutoff', 'brakes'].includes(selected ?? ''));
        const bounded = entries.filter(({ action: id }) => findAction(catalogue, id).restriction !== null).length;
        assert.ok(story.restrictions.length >= bounded);
      }
    }),
    { numRuns: 400, seed: 3 },
  );
});

test('[K60] a broken catalogue is described, fault by fault', () => {
  assert.deepEqual(catalogueFaults(catalogue), []);
  const faults = (change: Partial<FailsafeCatalogue<Vehicle>>): string =>
    catalogueFaults({ ...catalogue, ...change }).join('; ');
  const without = catalogue.actions.filter(({ id }) => id !== 'park');
  assert.match(faults({ actions: [...catalogue.actions, action('hold', 11)] }), /Two failsafe actions have one id/);
  assert.match(faults({ actions: [...catalogue.actions, action('dance', 10)] }), /one severity/);
  assert.match(faults({ hold: 'wait' }), /'wait' is missing/);
  assert.match(faults({ mechanical: 'anchor' }), /'anchor' is missing/);
  assert.match(faults({ actions: [...catalogue.actions, action('zero', 0)] }), /severity 0, not above 0/);
  assert.match(faults({ actions: [...catalogue.actions, action('worse', 101)] }), /more severe than the mechanical/);
  assert.match(faults({ actions: without }), /degrades to 'park', which is missing/);
  assert.match(faults({ actions: without }), /Condition 'hub_link' asks for 'park', which is missing/);
  assert.match(faults({ actions: [...without, action('park', 15)] }), /'return' degrades to a milder one/);
  assert.match(faults({ conditions: [condition('x', 'hold', { holdDelayUs: -1 })] }), /negative hold delay/);
  assert.match(faults({ conditions: [condition('x', 'hold'), condition('x', 'hold')] }), /Two failsafe conditions/);
  assert.equal(faults({ conditions: [condition('x', 'hold', { holdDelayUs: 0 })] }), '');
});

test('[K61] clear conditions are exhaustive', () => {
  const all: readonly ClearCondition[] = ['when_clears', 'on_mode_change', 'on_acknowledge', 'on_reset', 'never'];
  const clearing = (clear: ClearCondition, people: Partial<Interventions>): boolean => {
    const story = new Story({ ...catalogue, conditions: [condition('x', 'hold', { clear, holdDelayUs: 0 })] });
    story.fails('x');
    story.failures.clear();
    return story.pass(10 * MS, people).selected === null;
  };
  const table = all.map((clear) => [
    clearing(clear, {}),
    clearing(clear, { modeChanged: true }),
    clearing(clear, { acknowledgedBy: 'ann' }),
    clearing(clear, { acknowledgedBy: 'ann', resetBy: 'ann' }),
  ]);
  assert.deepEqual(table, [
    [true, true, true, true],
    [false, true, false, false],
    [false, false, true, true],
    [false, false, false, true],
    [false, false, false, false],
  ]);
  assert.equal(NO_RESTRICTION.forbid.length, 0);
});
