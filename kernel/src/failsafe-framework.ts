import type { KernelEvent, RuledAction } from './agent.ts';
import type { FailsafeAction, FailsafeCatalogue, FailsafeCondition, FailsafeEntry, FailsafeState } from './failsafe.ts';
import type { Situation } from './model.ts';
import type { Proposal } from './proposal.ts';

/** What people did since the last cycle. */
export interface Interventions {
  readonly acknowledgedBy: string | null;
  readonly resetBy: string | null;
  readonly modeChanged: boolean;
  readonly takeoverAsked: boolean;
  readonly leaseHeld: boolean;
  readonly deferForUs: number | null;
}

export interface FailsafeUpdate {
  readonly state: FailsafeState;
  readonly events: readonly KernelEvent[];
  readonly proposals: readonly Proposal[];
  /** Actions that became active now and are to be told to everyone. */
  readonly broadcasts: readonly FailsafeAction<never>[];
}

export const initialFailsafe = (atUs: number): FailsafeState => ({
  entries: [],
  delayLeftUs: {},
  selected: null,
  selectedBy: null,
  takeover: false,
  deferUntilUs: null,
  updatedUs: atUs,
});

export const NO_INTERVENTION: Interventions = {
  acknowledgedBy: null,
  resetBy: null,
  modeChanged: false,
  takeoverAsked: false,
  leaseHeld: false,
  deferForUs: null,
};

const NOTHING: readonly never[] = [];

/** One run of the framework, laid open: what each of the steps below reads and writes. */
interface Run<World> {
  readonly catalogue: FailsafeCatalogue<World>;
  readonly situation: Situation<World>;
  readonly before: FailsafeState;
  readonly people: Interventions;
  readonly events: KernelEvent[];
  readonly raised: FailsafeAction<World>[];
}

export class UnknownFailsafeActionError extends Error {
  readonly action: string;

  constructor(action: string) {
    super(`Failsafe action '${action}' is not in the terrain's catalogue`);
    this.name = 'UnknownFailsafeActionError';
    this.action = action;
  }
}

/** @throws UnknownFailsafeActionError */
export function findAction<World>(catalogue: FailsafeCatalogue<World>, id: string): FailsafeAction<World> {
  for (const action of catalogue.actions) if (action.id === id) return action;
  throw new UnknownFailsafeActionError(id);
}

/** A policy rule that raises a failsafe action stands as a condition of its own while it fires. */
function ruledConditions<World>(ruled: readonly RuledAction[]): readonly FailsafeCondition<World>[] {
  return ruled.map(({ rule, action, rationale }) => ({
    id: `rule:${rule}`,
    action,
    cause: rationale,
    advice: 'See the rule that fired',
    holds: () => true,
    clear: 'when_clears',
    holdDelayUs: 0,
    takeover: 'never',
    deferrable: false,
  }));
}

/**
 * Advances every entry by one cycle and selects the action in force.
 *
 * The most severe action of all entries wins; during a hold delay an entry asks for the catalogue's hold action
 * instead; an action that cannot run degrades to a more severe one; restrictions of all entries hold, selected or not,
 * under takeover and deferral too.
 */
export function updateFailsafe<World>(
  catalogue: FailsafeCatalogue<World>,
  before: FailsafeState,
  situation: Situation<World>,
  ruled: readonly RuledAction[],
  people: Interventions,
): FailsafeUpdate {
  const run: Run<World> = { catalogue, situation, before, people, events: [], raised: [] };
  const entries = nextEntries(run, ruled);
  const idle = entries.length === 0 && before.entries.length === 0;
  if (
    idle &&
    before.deferUntilUs === null &&
    people.deferForUs === null &&
    Object.keys(before.delayLeftUs).length === 0
  ) {
    const state = { ...before, updatedUs: situation.atUs, takeover: false };
    return { state, events: NOTHING, proposals: NOTHING, broadcasts: NOTHING };
  }
  const delayLeftUs = nextDelays(run, entries);
  const deferUntilUs = nextDeferral(run, entries);
  const takeover = nextTakeover(run, entries);
  const deferring = deferUntilUs !== null && situation.atUs < deferUntilUs;
  const deferred = deferring && entries.every((entry) => conditionOf(run, entry)?.deferrable === true);
  const chosen = takeover || deferred ? null : select(run, entries);
  const selected = chosen?.action.id ?? null;
  if (selected !== before.selected) {
    run.events.push({ type: 'failsafe', change: 'selected', entry: chosen?.entry ?? null, selected });
  }
  return {
    state: {
      entries,
      delayLeftUs,
      selected,
      selectedBy: chosen?.entry.condition ?? null,
      takeover,
      deferUntilUs,
      updatedUs: situation.atUs,
    },
    events: run.events,
    proposals: proposals(run, entries, chosen),
    broadcasts: run.raised as unknown as readonly FailsafeAction<never>[],
  };
}

function entryOf(entries: readonly FailsafeEntry[], condition: string): FailsafeEntry | undefined {
  for (const entry of entries) if (entry.condition === condition) return entry;
  return undefined;
}

function conditionOf<World>(run: Run<World>, entry: FailsafeEntry): FailsafeCondition<World> | undefined {
  for (const condition of run.catalogue.conditions) if (condition.id === entry.condition) return condition;
  return undefined;
}

/** Entries after this cycle, in the catalogue's order, rules behind it in order of id. Reuses the array if nothing changed. */
function nextEntries<World>(run: Run<World>, ruled: readonly RuledAction[]): readonly FailsafeEntry[] {
  const { before, catalogue } = run;
  let entries: FailsafeEntry[] | null = null;
  const visit = (condition: FailsafeCondition<World>): void => {
    const old = before.entries.length === 0 ? undefined : entryOf(before.entries, condition.id);
    const holds = condition.holds(run.situation, old?.present === true);
    if (!holds && old === undefined) return;
    const next = nextEntry(run, condition, old, holds);
    if (next === null) return;
    entries ??= [];
    entries.push(next);
  };
  for (const condition of catalogue.conditions) visit(condition);
  if (ruled.length > 0) for (const condition of ruledConditions<World>(ruled)) visit(condition);
  for (const old of before.entries) {
    const stands = entries === null ? undefined : entryOf(entries, old.condition);
    if (stands === undefined) run.events.push({ type: 'failsafe', change: 'cleared', entry: old, selected: null });
  }
  return entries ?? NOTHING;
}

/** The life of one entry: raised, present or gone, acknowledged, cleared (null). */
function nextEntry<World>(
  run: Run<World>,
  condition: FailsafeCondition<World>,
  old: FailsafeEntry | undefined,
  holds: boolean,
): FailsafeEntry | null {
  const { situation, people, before, catalogue } = run;
  if (holds && (old === undefined || !old.present)) {
    const action = findAction(catalogue, condition.action);
    const left = before.delayLeftUs[condition.id] ?? condition.holdDelayUs;
    const holding =
      left > 0 && action.command !== null && action.severity > findAction(catalogue, catalogue.hold).severity;
    const raised: FailsafeEntry = {
      condition: condition.id,
      action: condition.action,
      cause: condition.cause,
      sinceUs: situation.atUs,
      present: true,
      acknowledgedBy: null,
      holding,
    };
    run.events.push({ type: 'failsafe', change: 'raised', entry: raised, selected: null });
    run.raised.push(action);
    return raised;
  }
  if (old === undefined) return null;
  const acknowledgedBy = people.acknowledgedBy ?? old.acknowledgedBy;
  if (acknowledgedBy !== old.acknowledgedBy) {
    run.events.push({ type: 'failsafe', change: 'acknowledged', entry: { ...old, acknowledgedBy }, selected: null });
  }
  const deferring = before.deferUntilUs !== null && situation.atUs < before.deferUntilUs && condition.deferrable;
  if (!holds && (deferring || clears(condition.clear, acknowledgedBy, people))) return null;
  const left = (before.delayLeftUs[condition.id] ?? condition.holdDelayUs) - (situation.atUs - before.updatedUs);
  const holding = old.holding && holds && left > 0;
  if (holds === old.present && acknowledgedBy === old.acknowledgedBy && holding === old.holding) return old;
  return { ...old, present: holds, acknowledgedBy, holding };
}

function clears(
  clear: FailsafeCondition<never>['clear'],
  acknowledgedBy: string | null,
  people: Interventions,
): boolean {
  switch (clear) {
    case 'when_clears':
      return true;
    case 'on_mode_change':
      return people.modeChanged;
    case 'on_acknowledge':
      return acknowledgedBy !== null;
    case 'on_reset':
      return acknowledgedBy !== null && people.resetBy !== null;
    case 'never':
      return false;
  }
}

/**
 * The delay shrinks while it is used and regrows at a quarter of the pace, so that a condition that toggles gets to
 * its action in the end (PX4 `updateStartDelay`).
 */
function nextDelays<World>(run: Run<World>, entries: readonly FailsafeEntry[]): Readonly<Record<string, number>> {
  const elapsedUs = run.situation.atUs - run.before.updatedUs;
  const delays: Record<string, number> = {};
  for (const condition of run.catalogue.conditions) {
    if (condition.holdDelayUs === 0) continue;
    const left = run.before.delayLeftUs[condition.id] ?? condition.holdDelayUs;
    const old = entryOf(run.before.entries, condition.id);
    const entry = entryOf(entries, condition.id);
    const running = old?.holding === true && entry?.present === true;
    const using = entry?.present === true;
    const next = running ? left - elapsedUs : using ? left : left + Math.floor(elapsedUs / 4);
    if (next < condition.holdDelayUs) delays[condition.id] = Math.max(0, next);
  }
  return delays;
}

/** A deferral ends by its time, and none begins while an entry that outlived one still stands. */
function nextDeferral<World>(run: Run<World>, entries: readonly FailsafeEntry[]): number | null {
  const { before, people, situation, catalogue } = run;
  if (before.deferUntilUs !== null) {
    if (situation.atUs < before.deferUntilUs) return before.deferUntilUs;
    return entries.length === 0 ? null : before.deferUntilUs;
  }
  if (people.deferForUs === null) return null;
  return situation.atUs + Math.min(people.deferForUs, catalogue.deferLimitUs);
}

/** Takeover lasts while the lease does, until every entry is gone or a new one that stops the agent appears. */
function nextTakeover<World>(run: Run<World>, entries: readonly FailsafeEntry[]): boolean {
  const { before, people } = run;
  if (!people.leaseHeld || entries.length === 0) return false;
  const stopsNow = run.raised.some((action) => action.command !== null);
  if (stopsNow) return false;
  if (before.takeover) return true;
  if (!people.takeoverAsked) return false;
  return entries.every((entry) => {
    const action = findAction(run.catalogue, entry.action);
    if (action.command === null) return true;
    const rule = conditionOf(run, entry)?.takeover ?? 'never';
    return rule === 'allowed' || (rule === 'after_hold' && !entry.holding);
  });
}

interface Selected<World> {
  readonly action: FailsafeAction<World>;
  readonly entry: FailsafeEntry;
}

function select<World>(run: Run<World>, entries: readonly FailsafeEntry[]): Selected<World> | null {
  let best: Selected<World> | null = null;
  for (const entry of entries) {
    const action = runnable(run, findAction(run.catalogue, entry.holding ? run.catalogue.hold : entry.action));
    if (best === null || action.severity > best.action.severity) best = { action, entry };
  }
  return best;
}

/** The action itself, or the first one down its chain that can run; at its end the mechanical one. */
function runnable<World>(run: Run<World>, action: FailsafeAction<World>): FailsafeAction<World> {
  let present = action;
  while (present.id !== run.catalogue.mechanical && !present.canRun(run.situation)) {
    present = findAction(run.catalogue, present.degradesTo ?? run.catalogue.mechanical);
  }
  return present;
}

function proposals<World>(
  run: Run<World>,
  entries: readonly FailsafeEntry[],
  chosen: Selected<World> | null,
): readonly Proposal[] {
  const out: Proposal[] = [];
  for (const entry of entries) {
    const { restriction, severity } = findAction(run.catalogue, entry.action);
    if (restriction === null) continue;
    out.push({ ...base(entry, severity), type: 'restriction', restriction });
  }
  if (chosen === null) return out;
  const { action, entry } = chosen;
  if (action.id !== entry.action && action.restriction !== null) {
    const source = `failsafe:${entry.condition}:${action.id}`;
    out.push({ ...base(entry, action.severity), source, type: 'restriction', restriction: action.restriction });
  }
  if (action.command !== null) {
    const source = `failsafe:${action.id}`;
    out.push({ ...base(entry, action.severity), source, type: 'command', command: action.command });
  }
  return out;
}

const base = (entry: FailsafeEntry, severity: number) => ({
  source: `failsafe:${entry.condition}`,
  authority: 'safety' as const,
  severity,
  priority: 0,
  sequence: 0,
  rationale: entry.cause,
  confidence: 1,
  ruleHash: null,
});

/** Broken catalogues are found when a terrain is built, not when a motor burns. @returns what is wrong, in sentences */
export function catalogueFaults<World>(catalogue: FailsafeCatalogue<World>): readonly string[] {
  const faults: string[] = [];
  const byId = new Map(catalogue.actions.map((action) => [action.id, action]));
  const severities = new Set(catalogue.actions.map(({ severity }) => severity));
  if (byId.size !== catalogue.actions.length) faults.push('Two failsafe actions have one id');
  if (severities.size !== catalogue.actions.length) faults.push('Two failsafe actions have one severity');
  for (const id of [catalogue.hold, catalogue.mechanical]) if (!byId.has(id)) faults.push(`Action '${id}' is missing`);
  const worst = byId.get(catalogue.mechanical);
  for (const action of catalogue.actions) {
    if (!(action.severity > 0)) faults.push(`Action '${action.id}' has severity ${action.severity}, not above 0`);
    if (worst !== undefined && action.severity > worst.severity) {
      faults.push(`Action '${action.id}' is more severe than the mechanical one`);
    }
    if (action.degradesTo === null) continue;
    const next = byId.get(action.degradesTo);
    if (next === undefined) faults.push(`Action '${action.id}' degrades to '${action.degradesTo}', which is missing`);
    else if (next.severity <= action.severity) faults.push(`Action '${action.id}' degrades to a milder one`);
  }
  for (const condition of catalogue.conditions) {
    if (!byId.has(condition.action))
      faults.push(`Condition '${condition.id}' asks for '${condition.action}', which is missing`);
    if (!(condition.holdDelayUs >= 0)) faults.push(`Condition '${condition.id}' has a negative hold delay`);
  }
  if (new Set(catalogue.conditions.map(({ id }) => id)).size !== catalogue.conditions.length) {
    faults.push('Two failsafe conditions have one id');
  }
  return faults;
}
