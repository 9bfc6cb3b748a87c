import type { SiteView } from '../../live/site-view.ts';
import { type AgentState, agentState, byId, LEVEL_ORDER } from '../../words/agent-state.ts';
import { percent } from '../../words/quantities.ts';

/** A robot of both moments that is not what it was. */
interface Change {
  readonly id: string;
  readonly was: AgentState;
  readonly is: AgentState;
  /** "77 % → 62 %"; one figure when it is the same. */
  readonly battery: string;
  /** Between the two places, as the crow flies; NaN where one is not known. */
  readonly movedM: number;
}

interface Changes {
  /** Robots in another state, the gravest first. */
  readonly changed: readonly Change[];
  /** Robots in the state they were in. */
  readonly same: number;
  /** Names of robots of one moment only. */
  readonly onlyThen: readonly string[];
  readonly onlyNow: readonly string[];
}

/** What differs between a moment and the present, robot by robot. The age in "no contact 12 s" is no difference. */
export function thenAndNow(then: SiteView, now: SiteView): Changes {
  const changed: Change[] = [];
  const onlyThen: string[] = [];
  let same = 0;
  for (const { id } of then.agents()) {
    if (now.agent(id) === undefined) {
      onlyThen.push(id);
      continue;
    }
    const [before, after] = [stateOf(then, id), stateOf(now, id)];
    if (withoutAge(before.word) === withoutAge(after.word)) same++;
    else
      changed.push({
        id,
        was: before,
        is: after,
        battery: batteryWords(then, now, id),
        movedM: moved(then, now, id),
      });
  }
  const onlyNow = [...now.agents()].map(({ id }) => id).filter((id) => then.agent(id) === undefined);
  return { changed: changed.sort(gravest), same, onlyThen, onlyNow };
}

const stateOf = (site: SiteView, id: string): AgentState =>
  agentState(site.agent(id)?.status, site.newest.ageMs[site.row(id)] ?? Number.POSITIVE_INFINITY);

const withoutAge = (word: string): string => word.replace(/ \d.*$/, '');

function batteryWords(then: SiteView, now: SiteView, id: string): string {
  const [before, after] = [then, now].map((site) => percent(site.newest.battery[site.row(id)] ?? Number.NaN));
  return before === after ? `${after}` : `${before} → ${after}`;
}

function moved(then: SiteView, now: SiteView, id: string): number {
  const [a, b] = [then.row(id), now.row(id)];
  const dx = (now.newest.xM[b] ?? Number.NaN) - (then.newest.xM[a] ?? Number.NaN);
  const dy = (now.newest.yM[b] ?? Number.NaN) - (then.newest.yM[a] ?? Number.NaN);
  return Math.hypot(dx, dy);
}

const gravity = ({ was, is }: Change): number => Math.min(LEVEL_ORDER[was.level], LEVEL_ORDER[is.level]);
const gravest = (a: Change, b: Change): number => gravity(a) - gravity(b) || byId(a.id, b.id);
